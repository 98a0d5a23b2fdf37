"""What the gallery shows of a sample: its images, its true class and what the runs predicted."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.urls import reverse

from mer_platform.composites.models import Sample
from mer_platform.experiments.gallery.asking import Answer
from mer_platform.experiments.gallery.images import Image, Images, samples_shown
from mer_platform.experiments.gallery.outcomes import NO_PREDICTION, probabilities_of
from mer_platform.experiments.models import Run
from mer_platform.projects.models import Project
from models_ml.classes import CLASSES

RUNS_ON_CARD = 3  # more are counted by class; the large view shows them all


@dataclass(frozen=True)
class Line:
    """What one run predicted of a sample. Without a prediction, ``predicted`` is empty."""

    run: Run
    predicted: str
    correct: bool
    probabilities: list[tuple[str, float]]  # by class; empty if the run has none

    @property
    def probability(self) -> float | None:
        return dict(self.probabilities).get(self.predicted)

    def as_json(self) -> dict[str, Any]:
        return {
            "run": self.run.pk,
            "predicted": self.predicted or None,
            "correct": self.correct if self.predicted else None,
            "probabilities": dict(self.probabilities) or None,
        }


@dataclass(frozen=True)
class Card:
    """A sample with its images and predictions.

    lines : of the runs that are shown one by one
    votes : number of runs by predicted class, the most frequent first; empty if all runs are shown
    """

    sample: Sample
    images: list[Image]
    lines: list[Line]
    votes: list[tuple[str, int]]
    address: str
    clip_address: str


def cards_of(answer: Answer, indices: Sequence[int], images: Images, project: Project) -> list[Card]:
    """Return the cards of a few samples, in two queries."""
    runs = _shown_runs(answer)
    return _cards(answer, runs, indices, images, project)


def full_cards(answer: Answer, indices: Sequence[int], images: Images, project: Project) -> list[Card]:
    """Return the cards of a few samples with the predictions of all runs."""
    return _cards(answer, list(answer.outcomes.runs), indices, images, project)


def _shown_runs(answer: Answer) -> list[Run]:
    """Return the runs of a card's lines: all, or the first few with the chosen one in front."""
    runs = list(answer.outcomes.runs)
    if len(runs) <= RUNS_ON_CARD:
        return runs
    return [answer.reference, *(run for run in runs if run != answer.reference)][:RUNS_ON_CARD]


def _cards(
    answer: Answer, runs: list[Run], indices: Sequence[int], images: Images, project: Project
) -> list[Card]:
    outcomes = answer.outcomes
    rows = {run.pk: row for row, run in enumerate(outcomes.runs)}
    known = probabilities_of(runs, indices)
    cards = []
    for sample in samples_shown(outcomes.version, indices):
        lines = []
        for run in runs:
            position = int(outcomes.predicted[rows[run.pk], sample.index])
            predicted = CLASSES[position] if position != NO_PREDICTION else ""
            values = known.get((run.pk, sample.index), [])
            by_class = list(zip(CLASSES, values, strict=True)) if values else []
            lines.append(Line(run, predicted, predicted == sample.label, by_class))
        votes = [] if len(runs) == len(outcomes.runs) else _votes(answer, sample.index)
        cards.append(
            Card(
                sample=sample,
                images=images.of(sample, project),
                lines=lines,
                votes=votes,
                address=sample_address(answer, sample.index, project),
                clip_address=clip_address(answer, sample, project),
            )
        )
    return cards


def _votes(answer: Answer, index: int) -> list[tuple[str, int]]:
    counts = zip(CLASSES, (int(count) for count in answer.outcomes.votes[:, index]), strict=True)
    return sorted(((label, count) for label, count in counts if count), key=lambda vote: -vote[1])


def sample_address(answer: Answer, index: int, project: Project) -> str:
    """Return the address of a sample's large view, which keeps the question."""
    query = answer.question.query(answer.outcomes.runs)
    return f"{reverse('gallery-sample', args=[project.slug, index])}?{query}"


def clip_address(answer: Answer, sample: Sample, project: Project) -> str:
    """Return the address of the clip at the apex with the predictions shown; empty for a flow picture."""
    if sample.clip_id is None:
        return ""
    runs = [answer.reference, *(run for run in answer.outcomes.runs if run != answer.reference)]
    query = urlencode([("frame", sample.apex), ("sample", sample.index), *(("run", run.pk) for run in runs)])
    return f"{reverse('clip', args=[project.slug, sample.clip_id])}?{query}"
