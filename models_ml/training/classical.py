"""Fits what is not trained by gradient: baselines in closed form or by a solver of their own.

What comes out is a network like any other, whose weights were not learnt step by step.
"""

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.svm import LinearSVC

from models_ml.classes import CLASSES
from models_ml.config import RunConfig
from models_ml.config.nets import HoofSvm
from models_ml.nets.hoof_svm import HoofSvmNet, histograms
from models_ml.nets.majority import MajorityNet
from models_ml.nets.registry import build
from models_ml.training.model import AT_ONCE, TrainedModel

ABSENT = -10.0  # decision value of a class that no training sample has, far below any other


def fit(config: RunConfig, features: NDArray[np.float32], labels: NDArray[np.int64]) -> TrainedModel:
    """A model of all given samples; nothing about it is drawn at random, so an ensemble's networks are the same.

    Parameters
    ----------
    config : with a network that is not trained by gradient
    features : (N, 3, size, size) float32, at least one sample
    labels : (N,) positions in ``CLASSES``
    """
    network = build(config.net, config.ensemble, config.features.size, len(CLASSES))
    with torch.no_grad():
        if isinstance(network, MajorityNet):
            network.log_shares.copy_(torch.from_numpy(log_shares(labels)))
        elif isinstance(network, HoofSvmNet) and isinstance(config.net, HoofSvm):
            weight, bias = _machine(config, config.net, features, labels)
            network.classify.weight.copy_(torch.from_numpy(weight))
            network.classify.bias.copy_(torch.from_numpy(bias))
    return TrainedModel(config, network.eval())


def log_shares(labels: NDArray[np.int64]) -> NDArray[np.float64]:
    """Logarithm of each class's share (classes,), as if there were one more sample of each: none is impossible.

    >>> np.exp(log_shares(np.array([0, 0, 2]))).round(3)
    array([0.5  , 0.167, 0.333])
    """
    counts = np.bincount(labels, minlength=len(CLASSES)) + 1
    return np.log(counts / counts.sum())


def _machine(
    config: RunConfig, net: HoofSvm, features: NDArray[np.float32], labels: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Weights (classes, numbers) and biases (classes,) of one machine a class, each against the rest."""
    parts = torch.from_numpy(features).split(AT_ONCE)
    x = torch.cat([histograms(part, net.grid, net.bins) for part in parts]).double().numpy()
    weight, bias = np.zeros((len(CLASSES), x.shape[1])), np.full(len(CLASSES), ABSENT)
    classes = np.unique(labels)
    if len(classes) == 1:
        bias[classes] = 0
        return weight, bias
    mean, spread = x.mean(axis=0), x.std(axis=0)
    spread[spread == 0] = 1
    balance = "balanced" if config.train.class_weights == "balanced" else None
    # Solved in the primal form, where no random stream is needed.
    machine = LinearSVC(C=net.cost, dual=False, class_weight=balance, max_iter=10_000)
    machine.fit((x - mean) / spread, labels)
    two = len(classes) == 2  # then there is one machine only, for the second class
    slopes = np.concatenate([-machine.coef_, machine.coef_]) if two else machine.coef_
    offsets = np.concatenate([-machine.intercept_, machine.intercept_]) if two else machine.intercept_
    weight[classes] = slopes / spread
    bias[classes] = offsets - weight[classes] @ mean
    return weight, bias
