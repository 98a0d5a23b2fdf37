"""Occlusion (Zeiler & Fergus, ECCV 2014, section 4.2), for any network."""

from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from models_ml.attribution.config import CHANNELS
from models_ml.attribution.gradients import class_probabilities
from models_ml.training.determinism import reproducible

PATCHES = 64  # occluded images that pass through the network at once; bounds the memory


def occlusion(
    network: nn.Module, image: NDArray[np.float32], classes: list[int], patch: int, stride: int
) -> NDArray[np.float32]:
    """Return how much the probabilities of some classes fall when the motion in a patch is removed.

    The patch moves over the image, up to its borders. A pixel's value is the mean over all patches that cover it. Removed
    are u alone, v alone, strain alone, and all three together; the parts of the channels need not add up to the whole.

    Parameters
    ----------
    network
        On the CPU; it needs no gradients.
    image
        (3, S, S) float32, the features of a sample.
    classes
        Positions of the classes.
    patch, stride
        Side of the patch and distance of neighbouring patches, in pixels.

    Returns
    -------
    NDArray[np.float32]
        (classes, 4, S, S) for u, v, strain and all: positive where the motion speaks for the class.
    """
    size = image.shape[1]
    places = [(row, column) for row in starts(size, patch, stride) for column in starts(size, patch, stride)]
    kinds: list[slice] = [slice(k, k + 1) for k in range(len(CHANNELS))] + [slice(None)]
    drops = np.zeros((len(classes), len(kinds), size, size))
    covered = np.zeros((size, size))
    x = torch.from_numpy(image)
    with reproducible(torch.device("cpu")), torch.inference_mode():
        network.eval()
        whole = class_probabilities(network, x[None])[0, classes]
        for some in _batches(places):
            for k, channels in enumerate(kinds):
                occluded = x.repeat(len(some), 1, 1, 1)
                for one, (row, column) in zip(occluded, some, strict=True):
                    one[channels, row : row + patch, column : column + patch] = 0
                fall = (whole - class_probabilities(network, occluded)[:, classes]).numpy()
                for (row, column), values in zip(some, fall, strict=True):
                    drops[:, k, row : row + patch, column : column + patch] += values[:, None, None]
            for row, column in some:
                covered[row : row + patch, column : column + patch] += 1
    return (drops / np.maximum(covered, 1)).astype(np.float32)


def starts(size: int, patch: int, stride: int) -> list[int]:
    """Return where patches start along a side, so that the last one ends at the border.

    A stride above the patch leaves no gap: it counts as the patch.

    >>> starts(28, 6, 4), starts(10, 4, 9)
    ([0, 4, 8, 12, 16, 20, 22], [0, 4, 6])
    """
    last = max(size - patch, 0)
    return sorted({*range(0, last, min(stride, patch)), last})


def _batches(places: list[tuple[int, int]]) -> Iterator[list[tuple[int, int]]]:
    for start in range(0, len(places), PATCHES):
        yield places[start : start + PATCHES]
