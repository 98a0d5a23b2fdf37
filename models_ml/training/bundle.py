"""The training of one bundle: batches, losses, steps, and the predictions of each epoch."""

import math
from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from models_ml.classes import CLASSES
from models_ml.config import TrainConfig
from models_ml.errors import InputError
from models_ml.nets.layers import BatchNorm, InputConv
from models_ml.training.augment import Augmentation, resampled
from models_ml.training.chunks import chunk_size
from models_ml.training.determinism import stream
from models_ml.training.folds import FoldSpec, with_validation
from models_ml.training.losses import Loss, class_weights, label_shares
from models_ml.training.members import Average, MemberSeed, Optimizer, Snapshot, build_members, take
from models_ml.training.model import TrainedModel, probabilities
from models_ml.training.tasks import FoldResult, FoldTask, TrainingData


class BundleTraining:
    """A bundle in training. Its members are the networks of the tasks; an ensemble's networks are next to each other.

    ``owners`` holds the task of each member. Call ``epoch`` once per epoch, then ``results``.
    """

    def __init__(
        self, data: TrainingData, plan: Sequence[FoldSpec], tasks: Sequence[FoldTask], device: torch.device
    ) -> None:
        self.config = tasks[0].config
        self.train: TrainConfig = self.config.train
        self.device, self.data = device, data
        self.tasks = [_with_validation(task, data.subjects) for task in tasks]
        self.owners = [t for t, task in enumerate(self.tasks) for _ in range(task.config.ensemble)]
        self.configs = [self.tasks[t].config for t in self.owners]
        folds = [self.tasks[t].fold for t in self.owners]
        self.losses: list[list[float]] = [[] for _ in tasks]
        self.validation_losses: list[list[float]] = [[] for _ in tasks]
        self.best = [0] * len(tasks)
        self.oracle: list[list[NDArray[np.int64]]] = [[] for _ in tasks]
        self.errors: dict[int, InputError] = {}

        self.rows = torch.tensor(sorted({i for fold in plan for i in fold.train}))
        self.trained = _membership(
            [fold.train for fold in folds], len(data.labels)
        )  # (N, members), on the CPU
        self.labels = torch.from_numpy(data.labels).to(device)
        variants = [data.features[None], *([] if data.jittered is None else [data.jittered])]
        self.images = torch.from_numpy(np.concatenate(variants)).to(device)
        self.augmentation = Augmentation(self.images, self.train, self.config.seed)
        self.order = stream(self.config.seed, "order")
        self.draws = [
            np.random.default_rng([config.seed, *fold.name.encode()])
            if config.train.sampling == "balanced"
            else None
            for config, fold in zip(self.configs, folds, strict=True)
        ]
        self._build(folds)

    def _build(self, folds: Sequence[FoldSpec]) -> None:
        seeds = [
            MemberSeed(self.config.seed, (task.fold.name, *([f"network {k}"] if k else [])))
            for task in self.tasks
            for k in range(task.config.ensemble)
        ]
        size = self.config.features.size
        network, self.batch = build_members(self.config.net, size, seeds)
        scales = torch.stack([input_scale(self.data.features[list(fold.train)]) for fold in folds])
        for module in network.modules():
            if isinstance(module, InputConv):
                module.set_scale(scales)
        self.network = network.to(self.device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # missing in the stubs
        weights = [
            class_weights(self.data.labels[list(fold.train)], config.train.class_weights)
            for fold, config in zip(folds, self.configs, strict=True)
        ]
        self.class_weights = torch.stack(weights)  # (members, classes), on the CPU
        self.loss = Loss([config.train for config in self.configs], self.class_weights.to(self.device))
        self.optimizer = Optimizer(self.network, self.configs)
        self.average = Average(self.network, self.train.ema) if self.train.ema else None
        chosen = self.train.epoch_choice == "validation"
        self.snapshot = Snapshot(self.network, len(folds)) if chosen else None
        whole = any(isinstance(module, BatchNorm) for module in self.network.modules())
        self.chunk = self.train.batch_size if whole else chunk_size(self.network, size, self.device)
        self.steps_per_epoch = math.ceil(len(self.rows) / self.train.batch_size)
        self.step = 0

    def epoch(self, number: int) -> None:
        """Train one epoch: one pass over the training samples of all folds."""
        self.network.train()
        total = torch.zeros(len(self.configs), dtype=torch.float64, device=self.device)
        seen = torch.zeros(len(self.configs), dtype=torch.float64)
        order = torch.randperm(len(self.rows), generator=self.order)
        for rows in self.rows[order].split(self.train.batch_size):
            loss, weight = self._step(rows)
            total += loss
            seen += weight
        means = (total.cpu() / seen.clamp(min=1)).tolist()
        self._record(self.losses, means)
        for task, losses in enumerate(self.losses):
            if task not in self.errors and not math.isfinite(losses[-1]):
                self.errors[task] = self._diverged(task, number, losses[-1])
        self._evaluate(number)

    def _step(self, rows: Tensor) -> tuple[Tensor, Tensor]:
        """Train on a batch. Return the sum of losses and the number of samples that count, per member."""
        images, mix = self.augmentation.batch(rows)
        targets = label_shares(self.labels[rows.to(self.device)], mix)
        weights = self.trained[rows]
        if mix is not None:  # a member is trained on a blend only if it may be trained on both parts
            weights = weights * weights[mix.partner]
        weights = self._resampled(rows, weights)
        counts = weights.sum(dim=0)
        self.batch.weights, self.batch.total = weights.to(self.device), len(rows)
        share = self.batch.weights / counts.clamp(min=1).to(self.device)
        self.optimizer.zero()
        total = torch.zeros(len(self.configs), dtype=torch.float64, device=self.device)
        for start in range(0, len(rows), self.chunk):
            part = slice(start, start + self.chunk)
            self.batch.start = start
            loss = (self.loss(self.network(images[part]), targets[part]) * share[part]).sum(dim=0)
            loss.sum().backward()
            total += loss.detach()
        self.optimizer.step(self._factor(), (counts > 0).tolist())
        self.step += 1
        if self.average is not None:
            self.average.update()
        return total * counts.to(self.device), counts.double()

    def _resampled(self, rows: Tensor, weights: Tensor) -> Tensor:
        if not any(self.draws):
            return weights
        labels, masks = self.data.labels[rows.numpy()], weights.numpy() > 0
        columns = [
            weights[:, member]
            if draws is None
            else torch.from_numpy(resampled(labels, masks[:, member], draws))
            for member, draws in enumerate(self.draws)
        ]
        return torch.stack(columns, dim=1)

    def _factor(self) -> float:
        """Return the factor on the learning rate for the next step."""
        warmup, total = self.train.warmup * self.steps_per_epoch, self.train.epochs * self.steps_per_epoch
        if self.step < warmup:
            return (self.step + 1) / warmup
        done = (self.step - warmup) / max(total - warmup, 1)
        if self.train.schedule == "cosine":
            return 0.5 * (1 + math.cos(math.pi * done))
        if self.train.schedule == "step":
            return 1.0 if done < 0.5 else 0.1 if done < 0.75 else 0.01
        return 1.0

    def _evaluate(self, number: int) -> None:
        """After an epoch, predict the validation samples, and the held-out samples if the oracle is requested."""
        if self.snapshot is None and not self.train.oracle:
            return
        if self.average is not None:
            self.average.swap()
        if self.snapshot is not None:
            self._validate(number, self.snapshot)
        if self.train.oracle:
            for history, predicted in zip(self.oracle, self._predicted("test"), strict=True):
                history.append(predicted.argmax(axis=1))
        if self.average is not None:
            self.average.swap()

    def _validate(self, number: int, snapshot: Snapshot) -> None:
        better = []
        for task, predicted in enumerate(self._predicted("validation")):
            labels = self.data.labels[list(self.tasks[task].fold.validation)]
            weights = self.class_weights[self.owners.index(task)].numpy()[labels]
            log_p = np.log(np.maximum(predicted[np.arange(len(labels)), labels], 1e-12))
            loss = float(-(weights * log_p).sum() / max(float(weights.sum()), 1e-12))
            history = self.validation_losses[task]
            if not history or loss < min(history):
                better += [member for member, owner in enumerate(self.owners) if owner == task]
                self.best[task] = number
            history.append(loss)
        snapshot.keep(better)

    def _predicted(self, part: str) -> list[NDArray[np.float64]]:
        """Return each task's probabilities for its own samples of a part of its fold; an ensemble's are averaged."""
        rows = [list(getattr(task.fold, part)) for task in self.tasks]
        union = sorted({i for own in rows for i in own})
        if not union:
            return [np.empty((0, len(CLASSES))) for _ in rows]
        found = probabilities(self.network, self.images[0, union])
        row = {i: r for r, i in enumerate(union)}
        members = [[m for m, owner in enumerate(self.owners) if owner == t] for t in range(len(self.tasks))]
        return [
            found[[row[i] for i in own]][:, own_members].mean(dim=1).numpy()
            for own, own_members in zip(rows, members, strict=True)
        ]

    def results(self) -> list[FoldResult | InputError]:
        """Predict the held-out samples of each task. A task that diverged has an error instead."""
        if self.average is not None:
            self.average.swap()
        if self.snapshot is not None:
            self.snapshot.restore()
        predicted = self._predicted("test")
        return [
            self.errors.get(task) or self._result(task, predicted[task]) for task in range(len(self.tasks))
        ]

    def _result(self, task: int, predicted: NDArray[np.float64]) -> FoldResult:
        config = self.tasks[task].config
        members = [member for member, owner in enumerate(self.owners) if owner == task]
        network = take(self.network, config.net, config.features.size, members, len(self.owners))
        return FoldResult(
            predicted,
            self.losses[task],
            self.validation_losses[task],
            self.best[task] or len(self.losses[task]),
            np.stack(self.oracle[task]) if self.train.oracle else None,
            TrainedModel(config, network),
        )

    def _record(self, losses: list[list[float]], means: Sequence[float]) -> None:
        for task, own in enumerate(losses):
            values = [mean for mean, owner in zip(means, self.owners, strict=True) if owner == task]
            own.append(sum(values) / len(values))

    def _diverged(self, task: int, epoch: int, loss: float) -> InputError:
        return InputError(
            f"Training diverged in fold {self.tasks[task].fold.name}, epoch {epoch}: the loss is {loss}. "
            f"Choose a learning rate below {self.tasks[task].config.train.learning_rate:g}."
        )


def input_scale(features: NDArray[np.float32]) -> Tensor:
    """Return the root mean square of each channel of (N, C, S, S), (C,) float32. A channel of zeros gets 1.

    >>> input_scale(np.array([[[[3.0, -3.0]], [[0.0, 0.0]]]], dtype=np.float32))
    tensor([3., 1.])
    """
    scale = np.sqrt(np.square(features, dtype=np.float64).mean(axis=(0, 2, 3)))
    scale[scale == 0] = 1.0
    return torch.from_numpy(scale.astype(np.float32))


def _membership(parts: Sequence[Sequence[int]], samples: int) -> Tensor:
    """Return a matrix (samples, parts) float32 with a 1 for each sample of a part."""
    member = torch.zeros(samples, len(parts))
    for column, part in enumerate(parts):
        member[list(part), column] = 1
    return member


def _with_validation(task: FoldTask, subjects: Sequence[str]) -> FoldTask:
    train = task.config.train
    if train.epoch_choice == "last":
        return task
    fold = with_validation(task.fold, subjects, train.validation_share, task.config.seed)
    return FoldTask(task.config, fold)
