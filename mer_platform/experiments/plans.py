"""What a sweep means on a version, before anything of it is stored: its runs, their folds, and how long they take."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from django.core.exceptions import ValidationError
from django.db.models import Count, Sum

from mer_platform.composites.models import CompositeVersion
from mer_platform.experiments.models import Experiment, Fold
from mer_platform.features.missing import features_key, missing_features
from mer_platform.features.services import QUEUE as FEATURES_QUEUE
from mer_platform.features.services import sample_ranges
from mer_platform.jobs.broker import GPU_QUEUE
from mer_platform.jobs.models import Worker
from models_ml.config import RunConfig, SweepConfig
from models_ml.config.bundles import bundle_key, bundle_sizes, max_members
from models_ml.errors import InputError
from models_ml.nets.base import multiply_adds
from models_ml.training.folds import FoldSpec, plan

CPU_QUEUE = "training"
BACKWARD = 3  # a forward and a backward pass take three times the multiply-adds of the forward one
# Seconds a multiply-add where nothing was measured yet. Eight networks side by side on one core of a server took 0.5e-10
# (VGG-M with SPP at width 1/8) to 2.7e-10 (STSTNet); a GPU's is a guess.
DEFAULT_PACE = {CPU_QUEUE: 1e-10, GPU_QUEUE: 3e-12}
MEASURED_FOLDS = 500  # the latest ones tell the pace
ENOUGH_FOLDS = 4


@dataclass(frozen=True)
class PlannedRun:
    config: RunConfig
    folds: list[FoldSpec]

    def work(self) -> list[int]:
        """Multiply-adds of each fold's training, all epochs and networks of it."""
        config = self.config
        one = (
            BACKWARD * multiply_adds(config.net, config.features.size) * config.train.epochs * config.ensemble
        )
        return [max(1, one * len(fold.train)) for fold in self.folds]


@dataclass(frozen=True)
class Estimate:
    """What a sweep will take.

    jobs : of features and of bundles of folds; networks : trained for the folds
    seconds : until the last fold is done, on the present workers
    features_seconds : of these, until the features are there that are still to be computed: ``features_pictures``, of
        ``features_samples`` samples
    basis, features_basis : where the paces come from, as sentences; the latter empty where no feature is missing
    """

    runs: int
    folds: int
    networks: int
    jobs: int
    multiply_adds: int
    seconds: float
    workers: int
    queue: str
    basis: str
    features_samples: int
    features_pictures: int
    features_seconds: float
    features_basis: str

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def planned(version: CompositeVersion, configs: Sequence[RunConfig]) -> list[PlannedRun]:
    """Each configuration with its folds on the version.

    Raises ValidationError at ``protocol``, ``train_on`` or ``train.epoch_choice`` where the samples do not allow it.
    """
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


def planned_sweep(version: CompositeVersion, sweep: SweepConfig) -> list[PlannedRun]:
    """The sweep's runs with their folds. Raises ValidationError as ``planned``, placed in the sweep: ``base.protocol``."""
    try:
        return planned(version, sweep.runs())
    except ValidationError as error:
        placed = {
            f"{'grid' if field in sweep.grid else 'base'}.{field}": messages
            for field, messages in error.message_dict.items()
        }
        raise ValidationError(placed) from error


def estimate(version: CompositeVersion, sweep: SweepConfig, device: str = "auto") -> Estimate:
    """What a sweep on a version will take. Raises ValidationError as ``launch_experiment`` does."""
    runs = planned_sweep(version, sweep)
    queue = queue_for(device)
    folds_in_bundle: dict[str, int] = {}
    configs = {bundle_key(run.config): run.config for run in runs}
    for run in runs:
        key = bundle_key(run.config)
        folds_in_bundle[key] = folds_in_bundle.get(key, 0) + len(run.folds)
    gpu = queue == GPU_QUEUE
    bundles = [
        len(bundle_sizes(n, configs[key].ensemble, max_members(configs[key], gpu)))
        for key, n in folds_in_bundle.items()
    ]
    samples = list(version.samples.order_by("index"))
    features = {(run.config.features, run.config.train.apex_jitter) for run in runs}
    features_jobs = len(features) * len(sample_ranges(samples))
    missing = missing_features(version, samples, features)
    features_seconds = missing.seconds / min(_workers(FEATURES_QUEUE), max(1, features_jobs))
    workers = _workers(queue)
    seconds, basis = _seconds(runs, queue)
    return Estimate(
        runs=len(runs),
        folds=sum(folds_in_bundle.values()),
        networks=sum(n * configs[key].ensemble for key, n in folds_in_bundle.items()),
        jobs=sum(bundles) + features_jobs,
        multiply_adds=sum(sum(run.work()) for run in runs),
        seconds=features_seconds + seconds / min(workers, max(1, sum(bundles))),
        workers=workers,
        queue=queue,
        basis=basis,
        features_samples=missing.samples,
        features_pictures=missing.pictures,
        features_seconds=features_seconds,
        features_basis=missing.basis,
    )


def queue_for(device: str) -> str:
    """The queue whose workers train on ``device``; ``auto`` is a GPU if a worker with one was seen in the last minute."""
    if device == Experiment.Device.AUTO:
        return GPU_QUEUE if any(w.device != "cpu" for w in Worker.serving(GPU_QUEUE)) else CPU_QUEUE
    return GPU_QUEUE if device == Experiment.Device.GPU else CPU_QUEUE


def features_key_of(config: RunConfig) -> str:
    """Runs of a version with the same key see the same pictures."""
    return features_key(config.features, config.train.apex_jitter)


def _workers(queue: str) -> int:
    """How many workers take jobs of the queue: at least one, which may still have to be started."""
    return max(1, len(Worker.serving(queue)))


def _protocol(config: RunConfig) -> tuple[Any, ...]:
    """All that the folds depend on."""
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
                    "train.epoch_choice": f"Fold {fold.name} has only one training subject, and choosing the epoch by "
                    "validation needs two: let the last epoch count."
                }
            )


def _seconds(runs: Sequence[PlannedRun], queue: str) -> tuple[float, str]:
    """One worker's seconds for all folds, and what that was told from."""
    work: dict[str, int] = {}
    for run in runs:
        work[run.config.net.name] = work.get(run.config.net.name, 0) + sum(run.work())
    measured = {name: _measured(queue, name) for name in work}
    seconds = sum(amount * (measured[name] or (DEFAULT_PACE[queue], 0))[0] for name, amount in work.items())
    folds = sum(found[1] for found in measured.values() if found)
    unknown = sorted(name for name, found in measured.items() if found is None)
    if not folds:
        return seconds, "No fold of these networks was trained here yet: the time for that is a rough guess."
    basis = f"By the pace of the latest {folds} folds of these networks here"
    return seconds, f"{basis}; a rough guess for {', '.join(unknown)}." if unknown else f"{basis}."


def _measured(queue: str, net: str) -> tuple[float, int] | None:
    """Seconds a multiply-add of a network's latest folds, and how many those were."""
    done = Fold.objects.filter(
        state=Fold.State.DONE, run__experiment__queue=queue, run__config__net__name=net, multiply_adds__gt=0
    )
    latest = done.order_by("-pk").values("pk")[:MEASURED_FOLDS]
    found = Fold.objects.filter(pk__in=list(latest.values_list("pk", flat=True))).aggregate(
        seconds=Sum("seconds"), work=Sum("multiply_adds"), count=Count("pk")
    )
    if found["count"] < ENOUGH_FOLDS or not found["seconds"]:
        return None
    return found["seconds"] / found["work"], found["count"]
