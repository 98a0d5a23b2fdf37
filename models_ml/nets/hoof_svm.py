"""Histograms of oriented optical flow and a linear support vector machine."""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from models_ml.config.nets.hoof_svm import HoofSvm
from models_ml.nets.layers import Linear


def histograms(pictures: Tensor, grid: int, bins: int) -> Tensor:
    """Histograms of oriented optical flow, HOOF (Chaudhry et al., CVPR 2009, section 3), of each cell of a grid.

    A place counts by its motion's magnitude, shared by the two nearest of ``bins`` directions around the circle; the first
    is rightward. All histograms of a picture together sum to one: what counts is where and whither, not how far. The cells
    stand for the regions of MDMO (Liu et al., IEEE TAC 7(4), 2016).

    Parameters
    ----------
    pictures : (N, 2 or more channels, S, S), u and v first

    Returns
    -------
    (N, bins × grid × grid), zeros where nothing moves

    >>> rightward = torch.tensor([1.0, 0]).view(1, 2, 1, 1).expand(1, 2, 4, 4)
    >>> histograms(rightward, grid=1, bins=4)
    tensor([[1., 0., 0., 0.]])
    """
    u, v = pictures[:, 0], pictures[:, 1]
    magnitude = torch.hypot(u, v)
    position = torch.atan2(v, u) * (bins / (2 * math.pi))
    cells = []
    for number in range(bins):  # one after the other: all at once take much memory for large pictures
        distance = (position - number + bins / 2).remainder(bins) - bins / 2
        share = (1 - distance.abs()).clamp(min=0)
        cells.append(functional.adaptive_avg_pool2d(magnitude * share, grid))
    counts = torch.stack(cells, dim=1).flatten(1)
    return counts / counts.sum(dim=1, keepdim=True).clamp(min=1e-12)


class HoofSvmNet(nn.Module):
    """Histograms of oriented optical flow and a linear support vector machine, which ``training.classical`` fits.

    >>> network = HoofSvmNet(HoofSvm(), members=2, size=28, classes=3)
    >>> network(torch.zeros(5, 3, 28, 28)).shape
    torch.Size([5, 2, 3])
    """

    def __init__(self, net: HoofSvm, members: int, size: int, classes: int) -> None:
        super().__init__()
        self.members, self.grid, self.bins = members, net.grid, net.bins
        self.classify = Linear(members, net.bins * net.grid**2, classes)

    def forward(self, x: Tensor) -> Tensor:
        """(N, 3, size, size) float32 → (N, members, classes) decision values."""
        counts = histograms(x, self.grid, self.bins)
        return self.classify(counts[:, None].expand(-1, self.members, -1))
