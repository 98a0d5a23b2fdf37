"""Augmentation that respects motion: a camera could have recorded each augmented flow image.

All folds of a run see the same augmented images. The random numbers depend only on the run's seed.
"""

import math
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from models_ml.config import TrainConfig
from models_ml.training.determinism import stream


@dataclass(frozen=True)
class Mix:
    """How the samples of a batch are blended.

    Attributes
    ----------
    partner
        (N,) int64, the sample that each is blended with.
    share
        (N,) float32, the share that each keeps.
    """

    partner: Tensor
    share: Tensor


class Augmentation:
    """Changes batches of flow images at random, with its own random streams.

    Parameters
    ----------
    images
        (J, N, 3, S, S) float32, u, v in pixels and strain: J variants with the apex moved, the coded apex first.
    train
        The settings of augmentation.
    seed
        Of the run.
    """

    def __init__(self, images: Tensor, train: TrainConfig, seed: int) -> None:
        self._train = train
        self._stream = stream(seed, "augmentation")
        # NumPy, because torch cannot draw from a Beta distribution with a generator of its own.
        self._shares = np.random.default_rng([seed, 1])
        self._images = images
        self._mirrored = mirror(images) if train.flip else None

    def batch(self, rows: Tensor) -> tuple[Tensor, Mix | None]:
        """Return the augmented images (N, 3, S, S) of the samples ``rows``, and how they were blended."""
        variant = torch.zeros(len(rows), dtype=torch.long)
        if len(self._images) > 1:
            variant = torch.randint(len(self._images), (len(rows),), generator=self._stream)
        x = self._images[variant, rows]
        if self._mirrored is not None:
            flipped = self._uniform(len(rows)) < 0.5
            x = torch.where(flipped[:, None, None, None].to(x.device), self._mirrored[variant, rows], x)
        if self._train.shift or self._train.rotate:
            x = self._moved(x)
        if self._train.amplitude:
            factor = 1 + self._train.amplitude * (2 * self._uniform(len(rows)) - 1)
            x = x * factor[:, None, None, None].to(x.device)
        mix = self._mix(len(rows)) if self._train.mixup else None
        if mix is not None:
            share = mix.share[:, None, None, None].to(x.device)
            x = share * x + (1 - share) * x[mix.partner.to(x.device)]
        return x.contiguous(memory_format=torch.channels_last), mix

    def _uniform(self, count: int) -> Tensor:
        return torch.rand(count, generator=self._stream)

    def _mix(self, count: int) -> Mix:
        alpha = self._train.mixup
        share = self._shares.beta(alpha, alpha, count).astype(np.float32)
        return Mix(
            torch.randperm(count, generator=self._stream), torch.from_numpy(np.maximum(share, 1 - share))
        )

    def _moved(self, x: Tensor) -> Tensor:
        """Shift and rotate images at random. What enters from outside has no motion."""
        count = len(x)
        angle = math.radians(self._train.rotate) * (2 * self._uniform(count) - 1)
        shift = 2 * self._train.shift * (2 * torch.rand(2, count, generator=self._stream) - 1)
        return move(x, angle.to(x.device), shift.to(x.device))


def move(x: Tensor, angle: Tensor, shift: Tensor) -> Tensor:
    """Rotate and shift flow images; the motion vectors turn with the face.

    u points right and v down. Strain does not depend on the axes, so it only moves.

    Parameters
    ----------
    x
        (N, 3, S, S), the images.
    angle
        (N,) in radians; above zero is clockwise on the screen.
    shift
        (2, N), right and down; 2 is the whole width.
    """
    cos, sin = angle.cos(), angle.sin()
    dx, dy = shift
    # The grid holds the source of each pixel of the result: the inverse of the motion.
    inverse = torch.stack(
        [
            torch.stack([cos, sin, -(cos * dx + sin * dy)], dim=1),
            torch.stack([-sin, cos, sin * dx - cos * dy], dim=1),
        ],
        dim=1,
    )
    grid = functional.affine_grid(inverse, list(x.shape), align_corners=False)
    moved = functional.grid_sample(x, grid, mode="bilinear", padding_mode="zeros", align_corners=False)
    u, v, strain = moved.unbind(dim=1)
    cos, sin = cos[:, None, None], sin[:, None, None]
    return torch.stack([cos * u - sin * v, sin * u + cos * v, strain], dim=1)


def mirror(images: Tensor) -> Tensor:
    """Mirror flow images (…, 3, S, S): exchange left and right, and negate u.

    >>> mirror(torch.tensor([[[1.0, 2]], [[3, 4]], [[5, 6]]])).tolist()
    [[[-2.0, -1.0]], [[4.0, 3.0]], [[6.0, 5.0]]]
    """
    mirrored = images.flip(-1)
    mirrored[..., 0, :, :] *= -1
    return mirrored


def resampled(
    labels: NDArray[np.int64], trained: NDArray[np.bool_], draws: np.random.Generator
) -> NDArray[np.float32]:
    """Draw the samples of a batch again, with each class that occurs equally likely.

    As many samples are drawn, with replacement, as are trained on. Labels of held-out samples are not used.

    Parameters
    ----------
    labels
        (N,) labels of the batch.
    trained
        (N,) which samples are trained on.
    draws
        The random numbers.

    Returns
    -------
    NDArray[np.float32]
        (N,) how often each sample is drawn.

    Examples
    --------
    >>> resampled(np.array([0, 0, 0, 1]), np.array([True, True, True, True]), np.random.default_rng(0)).sum()
    np.float32(4.0)
    """
    counts = np.zeros(len(labels), np.float32)
    rows = np.flatnonzero(trained)
    if len(rows):
        _, classes, sizes = np.unique(labels[rows], return_inverse=True, return_counts=True)
        chances = 1 / (len(sizes) * sizes[classes])
        counts[rows] = draws.multinomial(len(rows), chances / chances.sum())
    return counts
