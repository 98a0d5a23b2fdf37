"""Spatial pyramid pooling (SPP): the same map at several scales at once."""

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from models_ml.nets.layers import Conv, join_channels

Pooling = Literal["average", "max"]


class SpatialPyramid(nn.Module):
    """The SPP module of Sian et al. (IJACSA 12(12), 2021): pooled branches, fused by concatenation.

    For each kernel k: pool k×k with stride k → 1×1 convolution, ReLU → upsample to the map's size. Then all branches and the
    map itself are concatenated. Where k does not divide the side, the last window of a row is smaller, so that each position
    of the map is in one window.

    Parameters
    ----------
    members
        Networks side by side.
    channels
        Channels of each member's incoming map.
    kernels
        Window sides, none larger than the map.
    pooling
        "average" or "max".
    branch_channels
        Channels of each branch after its 1×1 convolution.

    Examples
    --------
    >>> pyramid = SpatialPyramid(1, channels=64, kernels=[2, 3, 4, 5, 6], pooling="average", branch_channels=16)
    >>> pyramid(torch.zeros(1, 64, 6, 6)).shape
    torch.Size([1, 144, 6, 6])
    """

    def __init__(
        self, members: int, channels: int, kernels: Sequence[int], pooling: Pooling, branch_channels: int
    ) -> None:
        super().__init__()
        self.members, self.kernels = members, tuple(kernels)
        self.pool = functional.avg_pool2d if pooling == "average" else functional.max_pool2d
        self.reduce = nn.ModuleList(Conv(members, channels, branch_channels, 1) for _ in self.kernels)
        self.out_channels = channels + branch_channels * len(self.kernels)

    def forward(self, x: Tensor) -> Tensor:
        """(N, members × channels, S, S) → (N, members × out_channels, S, S)."""
        branches = [x]
        for kernel, reduce in zip(self.kernels, self.reduce, strict=True):
            pooled = self.pool(x, kernel, stride=kernel, ceil_mode=True)
            branch = functional.relu(reduce(pooled), inplace=True)
            branches.append(functional.interpolate(branch, size=x.shape[-2:], mode="bilinear"))
        return join_channels(branches, self.members)


class SpatialGrids(nn.Module):
    """The classical SPP layer of He et al. (ECCV 2014): fixed grids of bins, flattened to one vector.

    Parameters
    ----------
    members
        Networks side by side.
    channels
        Channels of each member's incoming map.
    grids
        Bins per side of each grid, none larger than the map's side.
    pooling
        "average" or "max"; the paper uses "max".

    Examples
    --------
    >>> grids = SpatialGrids(2, channels=64, grids=[1, 2, 3], pooling="max")
    >>> grids(torch.zeros(1, 128, 6, 6)).shape
    torch.Size([1, 1792, 1, 1])
    """

    def __init__(self, members: int, channels: int, grids: Sequence[int], pooling: Pooling) -> None:
        super().__init__()
        self.members, self.grids = members, tuple(grids)
        self.pool = functional.adaptive_avg_pool2d if pooling == "average" else functional.adaptive_max_pool2d
        self.out_channels = channels * sum(grid**2 for grid in self.grids)

    def forward(self, x: Tensor) -> Tensor:
        """(N, members × channels, S, S) → (N, members × out_channels, 1, 1)."""
        pooled = [self.pool(x, grid).unflatten(1, (self.members, -1)).flatten(2) for grid in self.grids]
        return torch.cat(pooled, dim=2).flatten(1)[:, :, None, None]
