"""Queue ``training``, kind ``attribution``: what each fold's network saw in the samples that it was not trained on."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
from django.core.files.base import ContentFile
from django.db import transaction
from numpy.typing import NDArray
from torch import nn

from mer_platform.deletion.services import note_unused, note_used
from mer_platform.experiments.attribution import services
from mer_platform.experiments.attribution.coding import coded_regions
from mer_platform.experiments.models import Attribution, AttributionPiece, Fold, Prediction
from mer_platform.experiments.results import samples_of
from mer_platform.jobs.models import Claim, Job, JobCancelled
from mer_platform.storage import sha256_of, store_by_content
from models_ml.attribution.config import AttributionConfig
from models_ml.attribution.gradients import freeze, integrated_gradients
from models_ml.attribution.occlusion import occlusion
from models_ml.attribution.results import Attributions
from models_ml.attribution.summary import summarise
from models_ml.classes import CLASSES
from workers.fold_weights import COMMIT_SECONDS, network_of
from workers.runner import handles
from workers.training_data import run_features

FOLDER = "attributions"
SAMPLES_PER_PIECE = 16  # a few seconds of work, which a killed worker loses
PROGRESS_INTERVAL_SECONDS = 1.0


@dataclass(frozen=True)
class Piece:
    """Samples of one fold: the predictions that its network made."""

    number: int
    fold: Fold
    predictions: list[Prediction]


def attribution_failed(job: Job, reason: str) -> None:
    services.fail(job.payload["attribution"], reason)


def attribution_subject(job: Job) -> str:
    found = Attribution.objects.select_related("run").filter(pk=job.payload["attribution"]).first()
    return f"The {found}" if found else "An attribution that was deleted"


@handles("attribution", failed=attribution_failed, subject=attribution_subject)
def attribute(claim: Claim) -> None:
    """Attribute each predicted sample with the network that predicted it, piece by piece; then summarise all.

    A fold's network is asked only about the samples that it has predictions of, which are those it was not trained on.
    """
    attribution = _wanted(claim)
    pieces = list(_pieces(attribution))
    done = set(attribution.pieces.values_list("number", flat=True))
    features = run_features(attribution.run)
    progress = _Progress(claim, pieces, done)
    network: tuple[int, nn.Module] | None = None  # of the latest fold
    for piece in pieces:
        if piece.number in done:
            continue
        if network is None or network[0] != piece.fold.pk:
            network = piece.fold.pk, freeze(network_of(piece.fold).network)
        content = _attributed(claim, attribution.settings, piece, network[1], features, progress).to_bytes()
        with _committing(claim, attribution):
            AttributionPiece.objects.update_or_create(
                attribution=attribution, number=piece.number, defaults={"content": content}
            )
    _finish(claim, attribution)


def _wanted(claim: Claim) -> Attribution:
    """Return the attribution that the job computes. Raises JobCancelled if no one waits for this job's result."""
    found = Attribution.objects.filter(
        pk=claim.job.payload["attribution"], state=Attribution.State.WAITING, job=claim.job
    )
    attribution = found.select_related("run__version", "run__experiment").first()
    if attribution is None:
        raise JobCancelled("No one waits for this attribution.")
    return attribution


@contextmanager
def _committing(claim: Claim, attribution: Attribution) -> Iterator[Job]:
    """Commit a result that is still wanted. The attribution's row is locked before the job's, as when someone cancels."""
    with transaction.atomic():
        list(Attribution.objects.select_for_update().filter(pk=attribution.pk).values_list("pk"))
        with claim.commit() as job:
            _wanted(claim)
            yield job


def _pieces(attribution: Attribution) -> Iterator[Piece]:
    """Divide the predictions of the run among pieces, always in the same way."""
    number = 0
    for fold in attribution.run.folds.order_by("index"):
        rows = list(fold.predictions.select_related("sample").order_by("sample__index"))
        for start in range(0, len(rows), SAMPLES_PER_PIECE):
            yield Piece(number, fold, rows[start : start + SAMPLES_PER_PIECE])
            number += 1


def _attributed(
    claim: Claim,
    config: AttributionConfig,
    piece: Piece,
    network: nn.Module,
    features: NDArray[np.float32],
    progress: "_Progress",
) -> Attributions:
    """Return the rows of a piece: for each sample its predicted class, and its true class if that is another one."""
    patch, stride = config.pixels(features.shape[-1])
    parts = []
    for prediction in piece.predictions:
        claim.check()
        index = prediction.sample.index
        classes = sorted({CLASSES.index(prediction.predicted), CLASSES.index(prediction.sample.label)})
        image, gaps = features[index], None
        if config.method == "gradients":
            values, gaps = integrated_gradients(network, image, classes, config.steps)
        else:
            values = occlusion(network, image, classes, patch, stride)
        parts.append(Attributions.of_sample(config.method, index, classes, values, image, gaps))
        progress.add()
    return Attributions.joined(parts)


def _finish(claim: Claim, attribution: Attribution) -> None:
    """Join the pieces to one file, summarise them and save both."""
    contents = attribution.pieces.order_by("number").values_list("content", flat=True)
    found = Attributions.joined([Attributions.from_bytes(bytes(content)) for content in contents])
    samples = samples_of(attribution.run.version)
    predicted = [sample.true for sample in samples]  # where there is no prediction, there is no row either
    for index, label in attribution.run.predictions.values_list("sample__index", "predicted"):
        predicted[index] = CLASSES.index(label)
    summary = summarise(
        found,
        [sample.true for sample in samples],
        predicted,
        [sample.subject for sample in samples],
        [sample.database for sample in samples],
        coded=coded_regions(attribution.run.version),
    )
    content = ContentFile(found.to_bytes())
    sha256 = sha256_of(content)
    file = f"{FOLDER}/{sha256[:2]}/{sha256}.npz"
    note_unused([file], COMMIT_SECONDS)  # first: a killed worker leaves no file that nothing removes
    store_by_content(FOLDER, content, ".npz", sha256=sha256)
    with _committing(claim, attribution) as job:
        services.finish(_wanted(claim), file, content.size, summary)
        note_used([file])
        claim.finish(job)


class _Progress:
    """Stores how many samples are done, at most once per interval."""

    def __init__(self, claim: Claim, pieces: list[Piece], done: set[int]) -> None:
        self._claim = claim
        self._total = sum(len(piece.predictions) for piece in pieces)
        self._done = sum(len(piece.predictions) for piece in pieces if piece.number in done)
        self._last = 0.0
        self._store()

    def add(self) -> None:
        self._done += 1
        if time.monotonic() - self._last >= PROGRESS_INTERVAL_SECONDS or self._done == self._total:
            self._store()

    def _store(self) -> None:
        self._last = time.monotonic()
        self._claim.progress(self._done, self._total)
