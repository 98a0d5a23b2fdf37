"""Trains one fold of a run, or a model on all samples.

What a fold's network becomes depends on the configuration, on the training samples and on the fold's name,
and on nothing else: not on the held-out samples, on the order of the folds, on the process or on its threads.
Knows nothing of files, jobs or databases.
"""

import math
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from models_ml.config import RunConfig, TrainConfig
from models_ml.errors import InputError
from models_ml.evaluation.metrics import CLASSES
from models_ml.nets.dropout import Dropout
from models_ml.nets.registry import build
from models_ml.training.determinism import reproducible, stream
from models_ml.training.folds import FoldSpec
from models_ml.training.model import CHANNELS, Normalisation, TrainedModel, check_features

OnEpoch = Callable[[int, float], None]
ShouldStop = Callable[[], bool]


class Cancelled(Exception):
    """Training was stopped by ``should_stop``."""


@dataclass(frozen=True)
class FoldResult:
    """What a fold leaves behind.

    probabilities : (test samples, classes) float64, in the order of ``fold.test``
    losses : mean training loss of each epoch
    model : the trained network
    """

    probabilities: NDArray[np.float64]
    losses: list[float]
    model: TrainedModel


def train_fold(
    features: NDArray[np.float32],
    labels: NDArray[np.int64],
    fold: FoldSpec,
    config: RunConfig,
    *,
    on_epoch: OnEpoch | None = None,
    should_stop: ShouldStop | None = None,
    device: str = "auto",
) -> FoldResult:
    """Train on ``fold.train`` for the configured epochs, then predict ``fold.test`` with the last weights.

    Parameters
    ----------
    features : (N, 3, size, size) float32, flow u, v (pixels) and optical strain
    labels : (N,) int64, positions in ``CLASSES``; those of ``fold.test`` are not looked at
    on_epoch : called with (epoch, mean loss) after each, epochs counted from 1
    should_stop : asked before each epoch
    device : "cpu", "cuda", "cuda:1", …, or "auto" for a GPU where there is one

    Raises
    ------
    InputError : features or labels do not fit the configuration, the fold has no training samples or shares
        some with its test part, or the loss is no longer finite
    Cancelled : ``should_stop`` said so
    """
    if not fold.train:
        raise InputError(f"fold {fold.name} has no training samples")
    shared = set(fold.train) & set(fold.test)
    if shared:
        raise InputError(f"sample {min(shared)} is both trained on and tested in fold {fold.name}")
    check_features(features, config.features.size)
    train = list(fold.train)
    losses, model = _train(features[train], labels[train], fold.name, config, on_epoch, should_stop, device)
    return FoldResult(model.predict(features[list(fold.test)]), losses, model)


def fit_all(
    features: NDArray[np.float32],
    labels: NDArray[np.int64],
    config: RunConfig,
    *,
    on_epoch: OnEpoch | None = None,
    should_stop: ShouldStop | None = None,
    device: str = "auto",
) -> TrainedModel:
    """Train on every sample: the model that scores new clips. Parameters and errors as for ``train_fold``."""
    if not len(features):
        raise InputError("there are no samples to train on")
    check_features(features, config.features.size)
    return _train(features, labels, "all samples", config, on_epoch, should_stop, device)[1]


def _train(
    features: NDArray[np.float32],
    labels: NDArray[np.int64],
    name: str,
    config: RunConfig,
    on_epoch: OnEpoch | None,
    should_stop: ShouldStop | None,
    device: str,
) -> tuple[list[float], TrainedModel]:
    _check_labels(labels, len(features), name)
    place = _device(device)
    with reproducible(place):
        normalisation = Normalisation.of(features)
        plain = normalisation.apply(features).to(place)
        mirrored = normalisation.apply(mirror(features)).to(place) if config.train.flip else plain
        targets = torch.from_numpy(labels).to(place)
        weights = class_weights(labels, config.train.class_weights).to(place)
        network = initial_network(config, name).to(place).train()
        training = _epochs(network, plain, mirrored, targets, weights, config, name)
        losses: list[float] = []
        for epoch in range(1, config.train.epochs + 1):
            if should_stop is not None and should_stop():
                raise Cancelled(f"fold {name} was cancelled before epoch {epoch}")
            losses.append(next(training))
            if not math.isfinite(losses[-1]):
                raise InputError(
                    f"training diverged in fold {name}, epoch {epoch}: the loss is {losses[-1]}. "
                    f"Choose a learning rate below {config.train.learning_rate:g}"
                )
            if on_epoch is not None:
                on_epoch(epoch, losses[-1])
    return losses, TrainedModel(config, normalisation, network.cpu().eval())


def _epochs(
    network: nn.Module,
    plain: Tensor,
    mirrored: Tensor,
    targets: Tensor,
    weights: Tensor,
    config: RunConfig,
    name: str,
) -> Iterator[float]:
    """Train ``network`` an epoch at each step, and yield its mean loss."""
    samples, size = len(targets), config.train.batch_size
    optimizer, schedule = _optimizer(network, config.train, config.train.epochs * math.ceil(samples / size))
    order, flips = stream(config.seed, name, "order"), stream(config.seed, name, "flip")
    while True:
        flipped = torch.rand(samples, generator=flips) < 0.5
        inputs = torch.where(flipped[:, None, None, None].to(plain.device), mirrored, plain)
        total = torch.zeros((), device=plain.device)
        for batch in torch.randperm(samples, generator=order).to(plain.device).split(size):
            loss = functional.cross_entropy(network(inputs[batch]), targets[batch], reduction="none")
            loss = (loss * weights[targets[batch]]).mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            total += loss.detach() * len(batch)
        yield total.item() / samples


def mirror(features: NDArray[np.float32]) -> NDArray[np.float32]:
    """The same motion seen in a mirror: left and right change places, and so does the sign of u (channel 0).

    >>> mirror(np.array([[[[1, 2]], [[3, 4]], [[5, 6]]]], dtype=np.float32)).tolist()
    [[[[-2.0, -1.0]], [[4.0, 3.0]], [[6.0, 5.0]]]]
    """
    mirrored = features[..., ::-1].copy()
    mirrored[:, 0] *= -1
    return mirrored


def class_weights(labels: NDArray[np.int64], kind: str) -> Tensor:
    """Weight of each class in the loss, (classes,) float32; their mean over ``labels`` is 1.

    "balanced" gives each class that occurs the same total; a class that does not occur weighs nothing.

    >>> class_weights(np.array([0, 0, 0, 2]), "balanced")
    tensor([0.6667, 0.0000, 2.0000])
    """
    if kind == "none":
        return torch.ones(len(CLASSES))
    counts = np.bincount(labels, minlength=len(CLASSES))
    present = counts > 0
    weights = np.where(present, len(labels) / (present.sum() * np.maximum(counts, 1)), 0.0)
    return torch.from_numpy(weights.astype(np.float32))


def initial_network(config: RunConfig, name: str) -> nn.Module:
    """The untrained network of fold ``name``, its dropout drawing from the fold's stream."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(stream(config.seed, name, "weights").initial_seed())
        network = build(config.net, CHANNELS, config.features.size, len(CLASSES))
    masks = stream(config.seed, name, "dropout")
    for module in network.modules():
        if isinstance(module, Dropout):
            module.generator = masks
    return network


def _optimizer(
    network: nn.Module, train: TrainConfig, steps: int
) -> tuple[torch.optim.Optimizer, torch.optim.lr_scheduler.LRScheduler]:
    optimizer: torch.optim.Optimizer
    if train.optimizer == "adam":
        optimizer = torch.optim.AdamW(
            network.parameters(), train.learning_rate, weight_decay=train.weight_decay, fused=True
        )
    else:
        optimizer = torch.optim.SGD(
            network.parameters(), train.learning_rate, momentum=0.9, weight_decay=train.weight_decay
        )
    return optimizer, torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=steps)


def _device(name: str) -> torch.device:
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    if name.startswith("cuda"):
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # else cuBLAS is not deterministic
    return torch.device(name)


def _check_labels(labels: NDArray[np.int64], samples: int, name: str) -> None:
    if labels.shape != (samples,) or labels.dtype != np.int64:
        raise InputError(
            f"fold {name} needs one int64 label a sample, that is {samples}; "
            f"it has {labels.dtype} of shape {labels.shape}"
        )
    if labels.min() < 0 or labels.max() >= len(CLASSES):
        odd = int(np.flatnonzero((labels < 0) | (labels >= len(CLASSES)))[0])
        raise InputError(
            f"label {int(labels[odd])} is not one of 0 to {len(CLASSES) - 1} ({', '.join(CLASSES)})"
        )
