"""The runs of a sweep before they are stored: their folds, their work, and the queue that they train in."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import ValidationError

from mer_platform.composites.models import CompositeVersion
from mer_platform.experiments.models import Experiment
from mer_platform.jobs.broker import GPU_QUEUE
from mer_platform.jobs.models import Worker
from models_ml.config import RunConfig, SweepConfig
from models_ml.errors import InputError
from models_ml.nets.base import multiply_adds, parameter_count
from models_ml.training.folds import FoldSpec, plan

CPU_QUEUE = "training"
# Above this many bytes, the networks of folds are kept only if someone asks for it. A run of the default network on 68 folds
# has 53 MB of them, a sweep of 75 such runs 4 GB. A single run stays below it with every network except Dual-Inception.
MOST_KEPT_BYTES = 1024**3
WEIGHT_BYTES = 4  # float32
FILE_BYTES = 4_000  # header of a file of weights: names of layers, and the configuration
BACKWARD = 3  # a forward and a backward pass take three times the multiply-adds of the forward one


@dataclass(frozen=True)
class PlannedRun:
    """A run before it is stored: its configuration and its folds on a version."""

    config: RunConfig
    folds: list[FoldSpec]

    def work(self) -> list[int]:
        """Return the multiply-adds of training each fold: all its epochs and networks."""
        config = self.config
        one = (
            BACKWARD * multiply_adds(config.net, config.features.size) * config.train.epochs * config.ensemble
        )
        return [max(1, one * len(fold.train)) for fold in self.folds]

    def weights_bytes(self) -> int:
        """Return about how many bytes the networks of its folds take if they are kept."""
        config = self.config
        weights = parameter_count(config.net, config.features.size) * config.ensemble
        return len(self.folds) * (WEIGHT_BYTES * weights + FILE_BYTES)


def plan_runs(version: CompositeVersion, configs: Sequence[RunConfig]) -> list[PlannedRun]:
    """Return each configuration with its folds on the version.

    Raises ValidationError at ``protocol``, ``train_on`` or ``train.epoch_choice`` if the samples do not allow it, and at
    ``protocol`` if a sample was withdrawn.
    """
    if refusal := version.refusal("train or test on this version"):
        raise ValidationError({"protocol": refusal})
    samples = list(version.samples.order_by("index"))
    subjects, databases = [s.subject_key for s in samples], [s.database for s in samples]
    known: dict[Any, list[FoldSpec]] = {}
    for config in configs:
        key = _protocol(config)
        if key not in known:
            try:
                known[key] = plan(config, subjects, databases)
            except InputError as error:
                field = "train_on" if config.protocol == "cross" else "protocol"
                raise ValidationError({field: str(error)}) from error
            _check_validation(config, known[key], subjects)
    return [PlannedRun(config, known[_protocol(config)]) for config in configs]


def plan_sweep(version: CompositeVersion, sweep: SweepConfig) -> list[PlannedRun]:
    """Return a sweep's runs with their folds. Raises ValidationError as ``plan_runs``, but at ``base.protocol``."""
    try:
        return plan_runs(version, sweep.runs())
    except ValidationError as error:
        placed = {
            f"{'grid' if field in sweep.grid else 'base'}.{field}": messages
            for field, messages in error.message_dict.items()
        }
        raise ValidationError(placed) from error


def keeps_weights(choice: str, runs: Iterable[PlannedRun]) -> bool:
    """Return whether the networks of the folds of these runs are kept, given a choice of ``Experiment.KeepWeights``."""
    if choice == Experiment.KeepWeights.AUTO:
        return sum(run.weights_bytes() for run in runs) <= MOST_KEPT_BYTES
    return choice == Experiment.KeepWeights.YES


def queue_for(device: str) -> str:
    """Return the queue of a device. ``auto`` is a GPU if a worker with one was seen in the last minute."""
    if device == Experiment.Device.AUTO:
        return GPU_QUEUE if any(w.device != "cpu" for w in Worker.serving(GPU_QUEUE)) else CPU_QUEUE
    return GPU_QUEUE if device == Experiment.Device.GPU else CPU_QUEUE


def _protocol(config: RunConfig) -> tuple[Any, ...]:
    """Everything that the folds depend on."""
    train = config.train
    return (
        config.protocol,
        (config.folds, config.seed) if config.protocol == "kfold" else None,
        (config.train_on, config.test_on) if config.protocol == "cross" else None,
        train.epoch_choice,
    )


def _check_validation(config: RunConfig, folds: Iterable[FoldSpec], subjects: Sequence[str]) -> None:
    if config.train.epoch_choice != "validation":
        return
    for fold in folds:
        if len({subjects[i] for i in fold.train}) < 2:
            raise ValidationError(
                {
                    "train.epoch_choice": f"Fold {fold.name} has only one training subject, but choosing the epoch by "
                    "validation needs two. Choose the last epoch instead."
                }
            )
