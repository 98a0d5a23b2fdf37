"""What a model's card states of its training data, and the temperature of its probabilities: computed when it is made.

Queue ``features``, kind ``model-facts``, computes them for models that an earlier release trained.
"""

from collections.abc import Iterable
from math import sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mer_platform.annotation.models import Annotation, Assignment
from mer_platform.clips.models import Clip
from mer_platform.composites.models import Sample
from mer_platform.experiments.models import Run
from mer_platform.jobs.models import Claim, JobCancelled
from mer_platform.projects.models import Project
from mer_platform.registry.models import ModelVersion, SpottedMovements
from models_ml.classes import CLASSES
from models_ml.errors import InputError
from models_ml.motion.spotting import SPOTTER_VERSION
from models_ml.registry.limits import LIMITS_VERSION, limits_of, motion_scale
from models_ml.registry.temperature import fit_temperature
from workers.runner import handles
from workers.training_data import run_features

REST_SECONDS = 1.0  # of a training clip outside its expressions; cropped clips show too little rest to count


def facts_of(run: Run, features: NDArray[np.float32]) -> dict[str, Any]:
    """Return the temperature and the limits of a run's model, as fields of ``ModelVersion``.

    ``features`` are those of the version's samples, in their order.
    """
    samples = list(run.version.samples.select_related("clip").order_by("index"))
    return {"temperature": temperature_of(run), "limits": limits_of_samples(samples, features)}


def ensure_facts(model: ModelVersion) -> ModelVersion:
    """Compute the facts of a model that an earlier version made, if they are missing. Return the model with them."""
    if model.run is None or model.limits.get("version") == LIMITS_VERSION:
        return model
    facts = facts_of(model.run, run_features(model.run))
    ModelVersion.objects.filter(pk=model.pk).update(**facts)
    for name, value in facts.items():
        setattr(model, name, value)
    return model


@handles("model-facts")
def complete_model(claim: Claim) -> None:
    """Compute the limits and the temperature of a model of an earlier release. Its weights stay as they are."""
    model = ModelVersion.objects.select_related("run__version").filter(pk=claim.job.payload["model"]).first()
    if model is None:
        raise JobCancelled("the model was deleted")
    try:
        ensure_facts(model)
    except FileNotFoundError as error:
        raise InputError(
            f"The {model} stays without limits: features of its training samples are missing. Compute the motion features "
            f"of {model.version} again, and score a clip with the model."
        ) from error
    with claim.commit() as job:
        claim.finish(job)


def temperature_of(run: Run) -> float | None:
    """Return the temperature that suits the run's held-out predictions; None if there are too few to fit it."""
    rows = run.predictions.order_by("sample__index").values_list("sample__label", "probabilities")
    known = [(CLASSES.index(label), probabilities) for label, probabilities in rows if probabilities]
    try:
        return fit_temperature([label for label, _ in known], [row for _, row in known])
    except InputError:  # without predictions
        return None


def face_size(clip: Clip) -> float | None:
    """Return the side of the face's box in a clip, the median over the frames searched, in pixels; None without a face."""
    boxes = [row[1:] for row in clip.faces.get("boxes", []) if len(row) == 5]
    sides = [sqrt(max(0, right - left) * max(0, low - top)) for left, top, right, low in boxes]
    return float(np.median(sides)) if sides else None


def limits_of_samples(samples: list[Sample], features: NDArray[np.float32]) -> dict[str, Any]:
    """Return the limits of a model that was trained on these samples and their features."""
    clips = [sample.clip for sample in samples if sample.clip is not None]
    sizes = [size for clip in clips if (size := face_size(clip)) is not None]
    moved = motion_scale(features)
    of_clips = [number for number, sample in enumerate(samples) if sample.clip is not None]
    seen, free = spotter_confidences(samples)
    return limits_of([clip.rate for clip in clips], sizes, moved[of_clips], seen, free)


def spotter_confidences(samples: list[Sample]) -> tuple[list[float], list[float]]:
    """Return the spotter's confidence for coded expressions, and the highest one outside of them and in clips without any.

    Clips that the spotter has not seen since it keeps unsure movements are left out.
    """
    coded: dict[int, list[tuple[int, int]]] = {}
    clips: dict[int, Clip] = {}
    for sample in samples:
        if sample.clip is not None and sample.onset is not None and sample.offset is not None:
            coded.setdefault(sample.clip.pk, []).append((sample.onset, sample.offset))
            clips[sample.clip.pk] = sample.clip
    seen: list[float] = []
    free: list[float] = []
    for clip_id, movements in _movements(coded):
        intervals = coded[clip_id]
        for onset, offset in intervals:
            over = [m[3] for m in movements if m[0] <= offset and onset <= m[2]]
            seen.append(max(over, default=0.0))
        if _rests(clips[clip_id], intervals):
            apart = [m[3] for m in movements if all(m[0] > last or first > m[2] for first, last in intervals)]
            free.append(max(apart, default=0.0))
    projects = {clip.project_id for clip in clips.values()}
    for project in Project.objects.filter(pk__in=projects):
        for _, movements in _movements(clips_without_expression(project)):
            free.append(max((m[3] for m in movements), default=0.0))
    return seen, free


def _rests(clip: Clip, coded: list[tuple[int, int]]) -> bool:
    """Return whether enough of the clip lies outside its coded expressions to say what the spotter sees at rest."""
    frames = clip.frame_count - sum(offset - onset + 1 for onset, offset in coded)
    return clip.rate > 0 and frames / clip.rate >= REST_SECONDS


def clips_without_expression(project: Project) -> set[int]:
    """Return the ids of clips of which all coders, or a judge, said that they show no expression."""
    clips = Clip.objects.filter(project=project, consensus__isnull=True)
    judged = clips.filter(judgement__isnull=False)
    waiting = Assignment.objects.filter(clip__project=project, done_at__isnull=True).values("clip")
    coded = clips.filter(assignments__done_at__isnull=False).exclude(pk__in=waiting)
    coded = coded.exclude(pk__in=Annotation.objects.filter(clip__project=project).values("clip"))
    return {*judged.values_list("pk", flat=True), *coded.values_list("pk", flat=True)}


def _movements(clips: Iterable[int]) -> list[tuple[int, list[list[float]]]]:
    rows = SpottedMovements.objects.filter(clip__in=list(clips), spotter=SPOTTER_VERSION)
    return list(rows.order_by("clip").values_list("clip", "movements"))
