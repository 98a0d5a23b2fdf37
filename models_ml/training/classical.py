"""Fit the networks that are not trained by gradient: baselines in closed form or with a solver."""

import numpy as np
import torch
from numpy.typing import NDArray

from models_ml.classes import CLASSES
from models_ml.config import RunConfig
from models_ml.nets.build import build
from models_ml.nets.fitted import FittedNetwork
from models_ml.training.model import TrainedModel


def fit(config: RunConfig, features: NDArray[np.float32], labels: NDArray[np.int64]) -> TrainedModel:
    """Fit a model to all given samples. Nothing is drawn at random, so the networks of an ensemble are the same.

    Parameters
    ----------
    config
        With a network that is not trained by gradient.
    features
        (N, 3, size, size) float32, at least one sample.
    labels
        (N,) int64, positions in ``CLASSES``.
    """
    network = build(config.net, config.ensemble, config.features.size, len(CLASSES))
    if not isinstance(network, FittedNetwork):
        raise TypeError(f"{config.net.name} says trained_by_gradient = False and its Network has no fit")
    balanced = config.train.class_weights == "balanced"
    network.fit(torch.from_numpy(features), torch.from_numpy(labels), balanced)
    return TrainedModel(config, network.eval())
