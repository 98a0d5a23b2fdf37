"""Augmentation that is true to motion: what is done to a flow picture could have been seen.

All folds of a run see the same augmented pictures; what is drawn depends on the run's seed alone.
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
    """Which sample of the batch each is blended with, and the share it keeps."""

    partner: Tensor  # (N,) int64
    share: Tensor  # (N,) float32


class Augmentation:
    """Changes batches of flow pictures at random, from a stream of its own.

    Parameters
    ----------
    pictures : (J, N, 3, S, S) float32, raw u, v (pixels) and strain; J variants with the apex moved, the given one first
    """

    def __init__(self, pictures: Tensor, train: TrainConfig, seed: int) -> None:
        self._train = train
        self._stream = stream(seed, "augmentation")
        # SFC64 draws Beta numbers, which torch's generators on their own cannot.
        self._shares = np.random.default_rng([seed, 1])
        self._pictures = pictures
        self._mirrored = mirror(pictures) if train.flip else None

    def batch(self, rows: Tensor) -> tuple[Tensor, Mix | None]:
        """The pictures (N, 3, S, S) of the samples ``rows``, changed, and how they were blended."""
        variant = torch.zeros(len(rows), dtype=torch.long)
        if len(self._pictures) > 1:
            variant = torch.randint(len(self._pictures), (len(rows),), generator=self._stream)
        x = self._pictures[variant, rows]
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
        """Shifted and turned at random; what comes in from outside is still."""
        count = len(x)
        angle = math.radians(self._train.rotate) * (2 * self._uniform(count) - 1)
        shift = 2 * self._train.shift * (2 * torch.rand(2, count, generator=self._stream) - 1)
        return move(x, angle.to(x.device), shift.to(x.device))


def move(x: Tensor, angle: Tensor, shift: Tensor) -> Tensor:
    """Turn pictures (N, 3, S, S) by ``angle`` (N,) radians and shift them by ``shift`` (2, N), right and down.

    An angle above zero turns clockwise as seen, u points right and v down; the vectors turn with the face. Strain, which
    does not depend on the axes, only moves. A shift of 2 is the whole width.
    """
    cos, sin = angle.cos(), angle.sin()
    dx, dy = shift
    # The grid says for each place of the result where it was: the inverse of the motion.
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


def mirror(pictures: Tensor) -> Tensor:
    """The same motion seen in a mirror (…, 3, S, S): left and right change places, and so does the sign of u.

    >>> mirror(torch.tensor([[[1.0, 2]], [[3, 4]], [[5, 6]]])).tolist()
    [[[-2.0, -1.0]], [[4.0, 3.0]], [[6.0, 5.0]]]
    """
    mirrored = pictures.flip(-1)
    mirrored[..., 0, :, :] *= -1
    return mirrored


def resampled(
    labels: NDArray[np.int64], trained: NDArray[np.bool_], draws: np.random.Generator
) -> NDArray[np.float32]:
    """How often each sample of a batch (N,) is drawn, where each class that occurs is as likely as the others.

    As many are drawn, with replacement, as there are samples to be trained on; the labels of others are not looked at.

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
