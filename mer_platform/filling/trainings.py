"""Composite versions of the agreed clips, and experiments whose runs have folds, predictions and results."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from django.utils import timezone
from numpy.typing import NDArray

from mer_platform.annotation.models import Consensus
from mer_platform.composites.models import Composite, CompositeVersion, Sample, content_hash
from mer_platform.experiments.curves import curves_of_runs
from mer_platform.experiments.models import (
    Experiment,
    Fold,
    Prediction,
    Run,
    StoredCurves,
    StoredResults,
    Tag,
)
from mer_platform.experiments.results import results_of
from mer_platform.filling.plan import Filling, count_stored, store
from mer_platform.filling.recordings import EMOTIONS
from models_ml.classes import CLASSES
from models_ml.config import RunConfig, SweepConfig

LABELS = dict(zip(EMOTIONS, ("positive", "surprise", *["negative"] * 4), strict=False))
# Different predictions per version, of many and of few runs. Runs share them, so that results are computed a few times only.
PATTERNS, FEW_PATTERNS, FEW_RUNS = 12, 2, 100
LARGE_SHARE = 0.5  # of the agreed clips, in the version that holds most of a lab's clips
LARGE_SWEEP = 0.05  # share of the runs in the largest experiment
PER_EXPERIMENT = 8
SUBJECTS = 30  # folds of a run
FAILED = 0.02
RATES = (1e-4, 3e-4, 1e-3, 3e-3)


@dataclass(frozen=True)
class Pattern:
    """What runs predict: shares (samples, classes), and the rows of results that follow from them."""

    shares: NDArray[np.float64]
    results: StoredResults
    curves: StoredCurves


def fill(into: Filling) -> None:
    """Store two versions for runs, a large one, and the experiments."""
    agreed = Consensus.objects.filter(clip__project=into.project, emotion__in=LABELS).order_by("clip_id")
    found = list(agreed.select_related("clip__subject__database"))
    large = found[: max(2, round(len(found) * LARGE_SHARE))]
    _version(into, "All databases", 1, large)
    versions = [
        _version(into, "For runs", number, _of_few_subjects(found, into.sizes.samples, number))
        for number in (1, 2)
    ]
    tags = store(Tag, (Tag(project=into.project, name=f"idea {n}") for n in range(20)))
    left, sizes = into.sizes.runs, [max(1, round(into.sizes.runs * LARGE_SWEEP))]
    left -= sizes[0]
    sizes += [PER_EXPERIMENT] * (left // PER_EXPERIMENT) + [left % PER_EXPERIMENT] * (
        left % PER_EXPERIMENT > 0
    )
    for place, version in enumerate(versions):
        _experiments(into, version, sizes[place::2], tags, place)


def _of_few_subjects(found: Sequence[Consensus], wanted: int, number: int) -> list[Consensus]:
    """Return consensus on about ``wanted`` clips of ``SUBJECTS`` subjects or more."""
    by_subject: dict[int, list[Consensus]] = {}
    for one in found:
        by_subject.setdefault(one.clip.subject_id, []).append(one)
    each = -(-wanted // SUBJECTS)
    several = [own[:each] for own in list(by_subject.values())[number % 2 :: 2]]
    return [one for own in several for one in own][:wanted]


def _version(into: Filling, name: str, number: int, agreed: Sequence[Consensus]) -> CompositeVersion:
    samples = [
        Sample(
            index=index,
            clip=one.clip,
            name=one.clip.name,
            content_sha256=one.clip.sha256,
            database=one.clip.subject.database.name,
            subject=one.clip.subject.name,
            onset=one.onset,
            apex=one.apex,
            offset=one.offset,
            emotion=one.emotion,
            label=LABELS[one.emotion],
        )
        for index, one in enumerate(agreed)
    ]
    composite, _ = Composite.objects.get_or_create(project=into.project, name=name)
    version = CompositeVersion.objects.create(
        composite=composite,
        number=number,
        label_map={d.name: {e: LABELS.get(e) for e in EMOTIONS} for d in into.project.databases.all()},
        content_hash=content_hash(samples),
        frozen_by=into.owner,
    )
    for sample in samples:
        sample.version = version
    store(Sample, samples)
    return version


def _experiments(
    into: Filling, version: CompositeVersion, sizes: Sequence[int], tags: Sequence[Tag], place: int
) -> None:
    samples = list(version.samples.order_by("index"))
    patterns: list[Pattern] = []
    tagged: list[Any] = []
    wanted = PATTERNS if into.sizes.runs >= FEW_RUNS else FEW_PATTERNS
    for number, size in enumerate(sizes):
        experiment = Experiment.objects.create(
            project=into.project,
            version=version,
            name=f"Experiment {number}: width and rate",
            sweep=SweepConfig().model_dump(mode="json"),
            queue="training",
            starred=number % 20 == 0,
            created_by=into.owner,
        )
        runs = store(Run, _runs(into, experiment, size, 2 * number + place))
        folds = _folds(into, runs, samples)
        done = [run for run in runs if run.state == Run.State.FINISHED]
        while len(patterns) < wanted and done:
            patterns.append(_pattern(into, done.pop(), folds, samples))
        if done:
            chosen = {run.pk: patterns[run.pk % len(patterns)] for run in done}
            count_stored(
                Prediction,
                (p for run in done for p in _predictions(run, chosen[run.pk].shares, folds, samples)),
            )
            count_stored(StoredResults, (_copy(chosen[run.pk].results, run) for run in done))
            count_stored(StoredCurves, (_copy(chosen[run.pk].curves, run) for run in done))
        tagged += [Run.tags.through(run=run, tag=tags[run.pk % len(tags)]) for run in runs[::3]]
    count_stored(Run.tags.through, tagged)


def _runs(into: Filling, experiment: Experiment, size: int, number: int) -> Iterator[Run]:
    for position in range(size):
        config = RunConfig.model_validate(
            {
                "net": {"name": "vgg_m_spp", "width": (0.25, 0.5, 1.0)[position % 3]},
                "train": {"learning_rate": RATES[position % 4], "epochs": 30 + position // 12,
                          "weight_decay": number * 1e-6},
                "seed": position % 5,
            }
        )  # fmt: skip
        has_failed = into.random.random() < FAILED
        yield Run(
            project=into.project,
            version=experiment.version,
            experiment=experiment,
            name=config.net.describe(),
            config=config.model_dump(mode="json"),
            config_hash=config.content_hash(),
            seed=config.seed,
            features_hash=config.features.content_hash(),
            state=Run.State.FAILED if has_failed else Run.State.FINISHED,
            error="A fold diverged." if has_failed else "",
            starred=position % 50 == 0,
            finished_at=timezone.now(),
            created_by=into.owner,
        )


def _folds(into: Filling, runs: Sequence[Run], samples: Sequence[Sample]) -> dict[tuple[int, str], Fold]:
    subjects = sorted({sample.subject_key for sample in samples})
    rows = (
        Fold(
            run=run,
            index=index,
            name=subject,
            state=Fold.State.DONE,
            seconds=1.0,
            epochs_done=3,
            losses=[1.1, 0.9, 0.8],
            multiply_adds=10**9,
        )
        for run in runs
        for index, subject in enumerate(subjects)
    )
    return {(fold.run_id, fold.name): fold for fold in store(Fold, rows)}


def _pattern(
    into: Filling, run: Run, folds: dict[tuple[int, str], Fold], samples: Sequence[Sample]
) -> Pattern:
    """Store the predictions of a run with about 70% accuracy, and let the platform compute its results."""
    true = np.array([CLASSES.index(sample.label) for sample in samples])
    logits = into.random.normal(size=(len(samples), len(CLASSES)))
    logits[np.arange(len(samples)), true] += into.random.normal(1.4, 0.2)
    shares = np.exp(logits)
    shares /= shares.sum(axis=1, keepdims=True)
    count_stored(Prediction, _predictions(run, shares, folds, samples))
    [curves] = curves_of_runs([run])
    return Pattern(shares, results_of(run).stored, StoredCurves.objects.get(run=curves.run))


def _predictions(
    run: Run, shares: NDArray[np.float64], folds: dict[tuple[int, str], Fold], samples: Sequence[Sample]
) -> Iterator[Prediction]:
    for sample, row in zip(samples, shares, strict=True):
        yield Prediction(
            run=run,
            fold=folds[run.pk, sample.subject_key],
            sample=sample,
            probabilities=[round(float(share), 6) for share in row],
            predicted=CLASSES[int(row.argmax())],
        )


def _copy(row: Any, run: Run) -> Any:
    values = {f.name: getattr(row, f.name) for f in row._meta.concrete_fields if not f.primary_key}
    return type(row)(**{**values, "run": run})
