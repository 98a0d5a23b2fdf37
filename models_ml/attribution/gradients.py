"""Integrated gradients (Sundararajan, Taly & Yan, "Axiomatic Attribution for Deep Networks", ICML 2017).

Captum has them too. It does not fit here: it holds NumPy below 2, and does not know networks of several members side by
side, whose mean probability is what the platform reports.
"""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from models_ml.attribution.config import CHANNELS
from models_ml.training.determinism import reproducible

TOLERANCE = 0.01  # of the sum, in units of probability
MOST_STEPS = 1024
POINTS = 64  # of a path that pass through the network at once; bounds the memory


def class_probabilities(network: nn.Module, images: Tensor) -> Tensor:
    """Return what a network predicts: (N, 3, S, S) → (N, classes), the mean of its members. Gradients flow through it."""
    logits: Tensor = network(images.contiguous(memory_format=torch.channels_last))
    return logits.double().softmax(dim=2).mean(dim=1)


def integrated_gradients(
    network: nn.Module, image: NDArray[np.float32], classes: list[int], steps: int
) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
    """Attribute the probabilities of some classes to the pixels of one sample, compared with a face without motion.

    ``F`` is the probability of a class. The attribution of a pixel is ``x · ∫ ∂F(αx)/∂x dα`` for α from 0 to 1, by
    Gauss–Legendre quadrature. Its sum is ``F(x) − F(0)`` (completeness). The number of steps is doubled until the sum of
    each class is right within ``TOLERANCE``, at most to ``MOST_STEPS``.

    Parameters
    ----------
    network
        On the CPU, trained by gradient.
    image
        (3, S, S) float32, the features of a sample.
    classes
        Positions of the classes.
    steps
        Points on the path at first.

    Returns
    -------
    tuple[NDArray[np.float32], NDArray[np.float64]]
        (classes, 3, S, S) in units of probability, and how far each sum is off, (classes,).
    """
    x = torch.from_numpy(image)
    with reproducible(torch.device("cpu")):
        network.eval()
        with torch.no_grad():
            ends = class_probabilities(network, torch.stack([torch.zeros_like(x), x]))
        wanted = (ends[1] - ends[0])[classes]
        while True:
            found = _path_integral(network, x, classes, steps)
            gap = (found.sum(dim=(1, 2, 3)) - wanted).abs()
            if gap.max() <= TOLERANCE or steps >= MOST_STEPS:
                return found.float().numpy(), gap.numpy()
            steps = min(2 * steps, MOST_STEPS)


def _path_integral(network: nn.Module, x: Tensor, classes: list[int], steps: int) -> Tensor:
    """Return ``x · ∫ ∂F(αx)/∂x dα`` of each class, (classes, 3, S, S) float64."""
    nodes, weights = np.polynomial.legendre.leggauss(steps)
    total = torch.zeros(len(classes), len(CHANNELS), *x.shape[1:], dtype=torch.float64)
    for start in range(0, steps, POINTS):
        share = torch.from_numpy((nodes[start : start + POINTS] + 1) / 2).float()[:, None, None, None]
        weight = torch.from_numpy(weights[start : start + POINTS] / 2)[:, None, None, None]
        points = (share * x).requires_grad_()
        with torch.enable_grad():
            predicted = class_probabilities(network, points)
            for k, number in enumerate(classes):
                more = k + 1 < len(classes)
                [gradient] = torch.autograd.grad(predicted[:, number].sum(), points, retain_graph=more)
                total[k] += (gradient.double() * weight).sum(dim=0)
    return total * x


def freeze(network: nn.Module) -> nn.Module:
    """Return the network, which from now on computes gradients of images only, not of its weights."""
    return network.eval().requires_grad_(False)
