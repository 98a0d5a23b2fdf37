"""Compute flow and strain of two frames as a layer over the frame: on a grid, in the frame's own pixels."""

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

GRID = 32  # cells along each side of the crop; a network's features have 28
_DECIMALS = 4


def flow_layer(
    start: Image,
    end: Image,
    *,
    config: FeatureConfig | None = None,
    name: str = "the first frame",
    detector: LandmarkDetector | None = None,
) -> dict[str, Any]:
    """Return the motion from one frame to another, computed as a network's features are (``features_of_pairs``).

    Parameters
    ----------
    start, end
        Frames of the same size, uint8 (H, W) grey or (H, W, 3) RGB.
    config
        How to compute it; by default as runs do by default, but on a finer grid of 32 × 32 cells.
    name
        Name of the first frame in the error message.
    detector
        Finds the face; by default the process's own.

    Returns
    -------
    dict
        Ready for JSON. ``size`` is the number of cells along each side. ``u`` (to the right) and ``v`` (down) are the mean
        motion of each cell without the head's, row by row, in pixels and directions of the frame; ``strain`` has no unit.
        ``to_frame`` has two rows of three numbers: frame (x, y) = to_frame · (column, row, 1), where a cell is one wide and
        the frame's corner is (0, 0).

    Raises
    ------
    InputError
        If the frames differ in size, or the first one shows no face.
    """
    config = config or FeatureConfig(size=GRID)
    first, second = to_grey(start), to_grey(end)
    if first.shape != second.shape:
        sizes = " and ".join(f"{grey.shape[1]}×{grey.shape[0]}" for grey in (first, second))
        raise InputError(f"The two frames must have the same size; they have {sizes} pixels.")
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
