"""What runs predicted of a clip, as a note on the clip's page, for a reader who comes from the gallery."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.db.models import QuerySet
from django.http import QueryDict
from django.urls import reverse

from mer_platform.clips.models import Clip
from mer_platform.composites.blindness import why_scores_hidden
from mer_platform.composites.models import Sample
from mer_platform.experiments.comparison.comparing import MAX_COMPARED, SCORED
from mer_platform.experiments.models import Prediction, Run
from mer_platform.projects.access import row_id
from models_ml.classes import CLASSES

RUNS_IN_NOTE = 3


@dataclass(frozen=True)
class Note:
    """A sample of a clip with the predictions of a few runs; ``more`` other runs were asked for as well."""

    sample: Sample
    predictions: list[Prediction]
    more: int
    address: str

    @staticmethod
    def probability(prediction: Prediction) -> float | None:
        """Return the probability of the predicted class."""
        if not prediction.probabilities:
            return None
        # Not the highest one: other code may predict a class that is not the most probable.
        return prediction.probabilities[CLASSES.index(prediction.predicted)]

    @property
    def stated(self) -> list[tuple[Run, str, float | None]]:
        return [(own.run, own.predicted, self.probability(own)) for own in self.predictions]


def note_on_clip(clip: Clip, asked: QueryDict, user: Any) -> Note | None:
    """Return the note that ``?run=12&sample=3`` asks for; None without one, and for whom scores are hidden.

    For researchers only: the caller checks the role. Someone who still has to code the clip, or another one of the version,
    gets none, because with a prediction the coding would not be blind.
    """
    ids = list(dict.fromkeys(row_id(text) for text in asked.getlist("run")))[:MAX_COMPARED]
    if not ids:
        return None
    found = _runs(clip).in_bulk(ids)
    runs = [found[pk] for pk in ids if pk in found]
    if not runs or why_scores_hidden(user, runs[0].version_id):
        return None
    version = runs[0].version
    runs = [run for run in runs if run.version_id == version.pk]
    sample = Sample.objects.filter(version=version, clip=clip, index=row_id(asked.get("sample"))).first()
    if sample is None:
        return None
    sample.version = version
    known = {own.run_id: own for own in Prediction.objects.filter(run__in=runs, sample=sample)}
    predictions = [known[run.pk] for run in runs if run.pk in known]
    for own in predictions:
        own.run = found[own.run_id]
    query = urlencode([*(("run", run.pk) for run in runs), ("kind", "all")])
    address = f"{reverse('gallery-sample', args=[clip.project.slug, sample.index])}?{query}"
    return Note(sample, predictions[:RUNS_IN_NOTE], len(predictions[RUNS_IN_NOTE:]), address)


def _runs(clip: Clip) -> QuerySet[Run]:
    return Run.objects.filter(project=clip.project_id, state__in=SCORED).select_related("version__composite")
