"""How long a sweep will take, before it is launched."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from django.db.models import Count, Sum

from mer_platform.composites.models import CompositeVersion
from mer_platform.experiments.models import Fold
from mer_platform.experiments.planned_runs import CPU_QUEUE, PlannedRun, keeps_weights, plan_sweep, queue_for
from mer_platform.features.missing import missing_features
from mer_platform.features.services import QUEUE as FEATURES_QUEUE
from mer_platform.features.services import sample_ranges
from mer_platform.jobs.broker import GPU_QUEUE
from mer_platform.jobs.models import Worker
from models_ml.config import SweepConfig
from models_ml.config.bundles import bundle_key, bundle_sizes, max_members

# Seconds per multiply-add where nothing was measured yet. Eight networks side by side on one core of a server took 0.5e-10
# (VGG-M with SPP at width 1/8) to 2.7e-10 (STSTNet); a GPU's is a guess.
DEFAULT_PACE = {CPU_QUEUE: 1e-10, GPU_QUEUE: 3e-12}
MEASURED_FOLDS = 500  # the latest ones determine the pace
ENOUGH_FOLDS = 4


@dataclass(frozen=True)
class Estimate:
    """The work of a sweep and how long it takes.

    jobs : jobs of features and of bundles of folds; networks : networks trained for the folds
    seconds : until the last fold is done, with the present workers
    features_seconds : the part of these that computes missing features: ``features_pictures`` flow images of
        ``features_samples`` samples
    weights_bytes : about what the networks of the folds take in the storage if they are kept
    keeps_weights : whether they are
    basis, features_basis : where the paces come from, as sentences; the second is empty if no features are missing
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
    weights_bytes: int
    keeps_weights: bool

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def estimate(
    version: CompositeVersion, sweep: SweepConfig, device: str = "auto", keep_weights: str = "auto"
) -> Estimate:
    """Estimate the work of a sweep on a version. Raises ValidationError as ``launch_experiment`` does."""
    runs = plan_sweep(version, sweep)
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
        features_pictures=missing.images,
        features_seconds=features_seconds,
        features_basis=missing.basis,
        weights_bytes=sum(run.weights_bytes() for run in runs),
        keeps_weights=keeps_weights(keep_weights, runs),
    )


def _workers(queue: str) -> int:
    """Return how many workers take jobs of the queue: at least one, which may not be running yet."""
    return max(1, len(Worker.serving(queue)))


def _seconds(runs: Sequence[PlannedRun], queue: str) -> tuple[float, str]:
    """Return one worker's seconds for all folds, and where the pace comes from."""
    work: dict[str, int] = {}
    for run in runs:
        work[run.config.net.name] = work.get(run.config.net.name, 0) + sum(run.work())
    measured = {name: _measured(queue, name) for name in work}
    seconds = sum(amount * (measured[name] or (DEFAULT_PACE[queue], 0))[0] for name, amount in work.items())
    folds = sum(found[1] for found in measured.values() if found)
    unknown = sorted(name for name, found in measured.items() if found is None)
    if not folds:
        return (
            seconds,
            "These networks have not been trained here yet, so the training time is a rough guess.",
        )
    basis = f"Training time is based on the last {folds} folds of these networks here"
    return seconds, f"{basis}; for {', '.join(unknown)} it is a rough guess." if unknown else f"{basis}."


def _measured(queue: str, net: str) -> tuple[float, int] | None:
    """Return the seconds per multiply-add of a network's latest folds, and their number."""
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
