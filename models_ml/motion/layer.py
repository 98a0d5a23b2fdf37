"""Flow and strain of two frames as a layer to be drawn over the picture: on a grid, in the picture's own pixels."""

from typing import Any

import numpy as np

from models_ml.config import FeatureConfig
from models_ml.errors import InputError
from models_ml.face.detect import to_grey
from models_ml.motion.features import (
    LandmarkDetector,
    crop_pair,
    face_alignment,
    features_of_pairs,
    flow_device,
)
from models_ml.video.frames import Image

GRID = 32
_DECIMALS = 4


def flow_layer(
    start: Image,
    end: Image,
    *,
    config: FeatureConfig | None = None,
    name: str = "the first frame",
    detector: LandmarkDetector | None = None,
) -> dict[str, Any]:
    """Motion from one frame to another, computed as a network's features are (``features_of_pairs``).

    Parameters
    ----------
    start, end
        Uint8 (H, W) grey or (H, W, 3) RGB, of one size.
    config
        How; by default as runs do by default, but on a finer grid of 32 × 32 cells.
    name
        Of the first frame, for the error message.
    detector
        For tests; the process's own by default.

    Returns
    -------
    JSON-ready: ``size`` cells along each side; row after row ``u`` (to the right) and ``v`` (down), the mean motion of
    each cell less the head's, in pixels of the frame, turned upright with it; ``strain`` without unit; and
    ``to_frame``, two rows of three: frame (x, y) = to_frame · (column, row, 1), where cells are one wide and the
    frame's corner is (0, 0).

    Raises
    ------
    InputError
        If the frames differ in size, or there is no face in the first one.
    """
    config = config or FeatureConfig(size=GRID)
    first, second = to_grey(start), to_grey(end)
    if first.shape != second.shape:
        sizes = " and ".join(f"{grey.shape[1]}×{grey.shape[0]}" for grey in (first, second))
        raise InputError(f"The frames differ in size: {sizes} pixels.")
    alignment = face_alignment(first, config, name, detector)
    pair = crop_pair(alignment, first, second, config)
    u, v, strain = features_of_pairs([pair], config, flow_device() if config.flow == "tvl1" else "cpu")[0]
    back = np.linalg.inv(np.vstack([alignment.matrix, (0, 0, 1)]))
    across, down = np.tensordot(back[:2, :2], np.stack([u, v]), axes=1)
    cell = config.crop_size / config.size
    to_frame = back[:2] @ np.diag([cell, cell, 1])
    return {
        "size": config.size,
        "u": _numbers(across),
        "v": _numbers(down),
        "strain": _numbers(strain),
        "to_frame": [[round(float(value), 6) for value in row] for row in to_frame],
    }


def _numbers(field: np.ndarray) -> list[float]:
    return [round(float(value), _DECIMALS) for value in field.ravel()]
