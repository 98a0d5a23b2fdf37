"""The attributions of a run's samples: their file, and what a page shows of them. Imports no torch."""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from models_ml.attribution.config import CHANNELS, Method
from models_ml.attribution.face import shares

MOST_CELLS = 28  # per side of a stored map: the size of the default flow image
KINDS = (*CHANNELS, "all")  # of maps


@dataclass(frozen=True, eq=False)
class Attributions:
    """Maps of what spoke for a class, one row per sample and class.

    Attributes
    ----------
    samples
        (R,) int32, positions in the version.
    targets
        (R,) int8, positions of the classes in ``CLASSES``.
    maps
        (R, 4, cells, cells) float16 for u, v, strain and all, in units of probability: positive where the motion speaks for
        the class. By integrated gradients, the cells of a map add up to the difference that the motion makes. By occlusion,
        a cell is the mean fall over its pixels.
    attribution
        (R, 4, regions) float32, the share of the attribution in each region, by absolute value; NaN where there is none.
    motion
        (R, 4, regions) float32, the same of the motion itself.
    gaps
        (R,) float32, by how much the sum of a map is off; NaN for occlusion.
    cell
        Side of a cell as a share of the image's side.
    """

    samples: NDArray[np.int32]
    targets: NDArray[np.int8]
    maps: NDArray[np.float16]
    attribution: NDArray[np.float32]
    motion: NDArray[np.float32]
    gaps: NDArray[np.float32]
    cell: float

    @classmethod
    def of_sample(
        cls,
        method: Method,
        sample: int,
        classes: Sequence[int],
        values: NDArray[np.float32],
        image: NDArray[np.float32],
        gaps: NDArray[np.floating] | None = None,
    ) -> Self:
        """Return the rows of one sample.

        Parameters
        ----------
        values
            (classes, 3 or 4, S, S), as the methods return them.
        image
            (3, S, S), the features.
        gaps
            (classes,), as ``integrated_gradients`` returns them.
        """
        if method == "gradients":
            values = np.concatenate([values, values.sum(axis=1, keepdims=True)], axis=1)
        motion = np.concatenate([image, np.hypot(image[0], image[1])[None]])
        rows = len(classes)
        return cls(
            np.full(rows, sample, np.int32),
            np.array(classes, np.int8),
            pooled(values, add=method == "gradients").astype(np.float16),
            shares(values).astype(np.float32),
            np.repeat(shares(motion)[None].astype(np.float32), rows, axis=0),
            np.full(rows, np.nan, np.float32) if gaps is None else gaps.astype(np.float32),
            cell_pixels(image.shape[-1]) / image.shape[-1],
        )

    @classmethod
    def joined(cls, parts: Sequence["Attributions"]) -> Self:
        """Return the rows of all parts, in the order of their samples. There is at least one part."""
        names = ("samples", "targets", "maps", "attribution", "motion", "gaps")
        together = {name: np.concatenate([getattr(part, name) for part in parts]) for name in names}
        order = np.argsort(together["samples"], kind="stable")
        return cls(**{name: values[order] for name, values in together.items()}, cell=parts[0].cell)

    def to_bytes(self) -> bytes:
        """Return the content of a file: NumPy's NPZ, compressed."""
        file = io.BytesIO()
        np.savez_compressed(
            file,
            samples=self.samples, targets=self.targets, maps=self.maps, attribution=self.attribution, motion=self.motion,
            gaps=self.gaps, cell=np.float64(self.cell), channels=np.array(KINDS),
        )  # fmt: skip
        return file.getvalue()

    @classmethod
    def from_bytes(cls, content: bytes) -> Self:
        """Read what ``to_bytes`` wrote. Nothing is unpickled."""
        with np.load(io.BytesIO(content), allow_pickle=False) as file:
            return cls(
                file["samples"], file["targets"], file["maps"], file["attribution"], file["motion"], file["gaps"],
                float(file["cell"]),
            )  # fmt: skip

    def rows_of(self, sample: int) -> list[int]:
        """Return the rows of a sample."""
        return [int(row) for row in np.flatnonzero(self.samples == sample)]


def cell_pixels(size: int) -> int:
    """Return the side of a cell in pixels of an image of ``size`` × ``size``.

    >>> cell_pixels(28), cell_pixels(112), cell_pixels(30)
    (1, 4, 2)
    """
    return -(-size // MOST_CELLS)


def pooled(values: NDArray[np.floating], add: bool) -> NDArray[np.floating]:
    """Return maps (…, S, S) as cells: sums of their pixels, or means."""
    side = cell_pixels(values.shape[-1])
    if side == 1:
        return values
    cells = -(-values.shape[-1] // side)
    margin = cells * side - values.shape[-1]
    edges = [(0, 0)] * (values.ndim - 2) + [(0, margin)] * 2
    blocks = np.pad(values, edges).reshape(*values.shape[:-2], cells, side, cells, side)
    total = blocks.sum(axis=(-3, -1))
    if add:
        return np.asarray(total)
    pixels = np.pad(np.ones(values.shape[-2:]), edges[-2:]).reshape(cells, side, cells, side).sum(axis=(1, 3))
    return np.asarray(total / pixels)
