"""Histograms of oriented optical flow and a linear support vector machine."""

import math

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.svm import LinearSVC
from torch import Tensor
from torch.nn import functional

from models_ml.nets.fitted import FittedNetwork
from models_ml.nets.hoof_svm.config import HoofSvm
from models_ml.nets.layers import Linear

ABSENT = -10.0  # decision value of a class that no training sample has, far below any other
CHUNK = 64  # images per chunk, which bounds the memory


def histograms(images: Tensor, grid: int, bins: int) -> Tensor:
    """Return histograms of oriented optical flow, HOOF (Chaudhry et al., CVPR 2009, section 3), of the cells of a grid.

    Each pixel counts with the magnitude of its motion, divided between the two nearest of ``bins`` directions around the
    circle; the first direction is rightward. All histograms of an image sum to one, so they describe where and in which
    direction something moves, but not how far. The cells replace the regions of MDMO (Liu et al., IEEE TAC 7(4), 2016).

    Parameters
    ----------
    images
        (N, 2 or more channels, S, S), u and v first.
    grid
        Cells per side.
    bins
        Directions per cell.

    Returns
    -------
    Tensor
        (N, bins × grid × grid); zeros where nothing moves.

    Examples
    --------
    >>> rightward = torch.tensor([1.0, 0]).view(1, 2, 1, 1).expand(1, 2, 4, 4)
    >>> histograms(rightward, grid=1, bins=4)
    tensor([[1., 0., 0., 0.]])
    """
    u, v = images[:, 0], images[:, 1]
    magnitude = torch.hypot(u, v)
    position = torch.atan2(v, u) * (bins / (2 * math.pi))
    cells = []
    for number in range(bins):  # one by one: all together need too much memory for large images
        distance = (position - number + bins / 2).remainder(bins) - bins / 2
        share = (1 - distance.abs()).clamp(min=0)
        cells.append(functional.adaptive_avg_pool2d(magnitude * share, grid))
    counts = torch.stack(cells, dim=1).flatten(1)
    return counts / counts.sum(dim=1, keepdim=True).clamp(min=1e-12)


class Network(FittedNetwork):
    """Histograms of oriented optical flow and a linear support vector machine.

    >>> network = Network(HoofSvm(), members=2, size=28, classes=3)
    >>> network(torch.zeros(5, 3, 28, 28)).shape
    torch.Size([5, 2, 3])
    """

    def __init__(self, net: HoofSvm, members: int, size: int, classes: int) -> None:
        super().__init__()
        self.cost = net.cost
        self.members, self.grid, self.bins = members, net.grid, net.bins
        self.classify = Linear(members, net.bins * net.grid**2, classes)

    def forward(self, x: Tensor) -> Tensor:
        """(N, 3, size, size) float32 → (N, members, classes) decision values."""
        counts = histograms(x, self.grid, self.bins)
        return self.classify(counts[:, None].expand(-1, self.members, -1))

    @torch.no_grad()
    def fit(self, images: Tensor, labels: Tensor, balanced: bool) -> None:
        """Fit one machine per class, each against the rest, to standardised histograms."""
        counts = torch.cat([histograms(part, self.grid, self.bins) for part in images.split(CHUNK)])
        weight, bias = self._machines(counts.double().numpy(), labels.numpy(), balanced)
        self.classify.weight.copy_(torch.from_numpy(weight))
        self.classify.bias.copy_(torch.from_numpy(bias))

    def _machines(
        self, counts: NDArray[np.float64], labels: NDArray[np.int64], balanced: bool
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Weights (classes, numbers) and biases (classes,), converted to histograms that are not standardised."""
        number = self.classify.bias.shape[1]
        weight, bias = np.zeros((number, counts.shape[1])), np.full(number, ABSENT)
        present = np.unique(labels)
        if len(present) == 1:
            bias[present] = 0
            return weight, bias
        mean, spread = counts.mean(axis=0), counts.std(axis=0)
        spread[spread == 0] = 1
        # Solved in the primal form, which needs no random stream.
        machine = LinearSVC(
            C=self.cost, dual=False, class_weight="balanced" if balanced else None, max_iter=10_000
        )
        machine.fit((counts - mean) / spread, labels)
        two = len(present) == 2  # then scikit-learn fits one machine only, for the second class
        slopes = np.concatenate([-machine.coef_, machine.coef_]) if two else machine.coef_
        offsets = np.concatenate([-machine.intercept_, machine.intercept_]) if two else machine.intercept_
        weight[present] = slopes / spread
        bias[present] = offsets - weight[present] @ mean
        return weight, bias
