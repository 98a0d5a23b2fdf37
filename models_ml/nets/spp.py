"""Spatial pyramid pooling (SPP): the same map seen at several scales at once."""

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

Pooling = Literal["average", "max"]


class SpatialPyramid(nn.Module):
    """The SPP module of Sian et al. (IJACSA 12(12), 2021): pooled branches, fused by concatenation.

    For each kernel k: pool k×k with stride k → 1×1 convolution, ReLU → upsample to the map's size; then all
    branches and the map itself are concatenated. The last window of a row is smaller where k does not divide
    the side, so that every position of the map is in one window.

    Parameters
    ----------
    channels : of the incoming map
    kernels : window sides, none larger than the map
    pooling : "average" or "max"
    branch_channels : of each branch after its 1×1 convolution

    >>> pyramid = SpatialPyramid(channels=64, kernels=[2, 3, 4, 5, 6], pooling="average", branch_channels=16)
    >>> pyramid(torch.zeros(1, 64, 6, 6)).shape
    torch.Size([1, 144, 6, 6])
    """

    def __init__(self, channels: int, kernels: Sequence[int], pooling: Pooling, branch_channels: int) -> None:
        super().__init__()
        self.kernels = tuple(kernels)
        self.pool = functional.avg_pool2d if pooling == "average" else functional.max_pool2d
        self.reduce = nn.ModuleList(nn.Conv2d(channels, branch_channels, 1) for _ in self.kernels)
        self.out_channels = channels + branch_channels * len(self.kernels)

    def forward(self, x: Tensor) -> Tensor:
        """(N, channels, S, S) → (N, out_channels, S, S)."""
        branches = [x]
        for kernel, reduce in zip(self.kernels, self.reduce, strict=True):
            pooled = self.pool(x, kernel, stride=kernel, ceil_mode=True)
            branch = functional.relu(reduce(pooled))
            branches.append(functional.interpolate(branch, size=x.shape[-2:], mode="bilinear"))
        return torch.cat(branches, dim=1)


class SpatialGrids(nn.Module):
    """The classical SPP layer of He et al. (ECCV 2014): fixed grids of bins, flattened to one vector.

    Parameters
    ----------
    channels : of the incoming map
    grids : bins a side of each grid, none more than the map's side
    pooling : "average" or "max" (theirs)

    >>> grids = SpatialGrids(channels=64, grids=[1, 2, 3], pooling="max")
    >>> grids(torch.zeros(1, 64, 6, 6)).shape
    torch.Size([1, 896])
    """

    def __init__(self, channels: int, grids: Sequence[int], pooling: Pooling) -> None:
        super().__init__()
        self.grids = tuple(grids)
        self.pool = functional.adaptive_avg_pool2d if pooling == "average" else functional.adaptive_max_pool2d
        self.out_channels = channels * sum(grid**2 for grid in self.grids)

    def forward(self, x: Tensor) -> Tensor:
        """(N, channels, S, S) → (N, out_channels)."""
        return torch.cat([self.pool(x, grid).flatten(1) for grid in self.grids], dim=1)
