"""Queue ``scoring``, kind ``score``: apply a model to clips, and record the frames that it used."""

import logging
from functools import lru_cache

from django.core.files.storage import default_storage
from django.db import DatabaseError, InterfaceError

from mer_platform.annotation.models import Annotation, Consensus, Marking
from mer_platform.clips.models import Clip
from mer_platform.jobs.models import Claim, Job, JobCancelled, LeaseLost
from mer_platform.scoring.models import ScoringItem
from mer_platform.storage import local_copy
from models_ml.errors import InputError
from models_ml.motion.spotting import SPOTTER_VERSION, spot
from models_ml.training.model import TrainedModel
from workers.feature_cache import load_or_compute
from workers.runner import handles

log = logging.getLogger(__name__)
FramesFrom = ScoringItem.FramesFrom


def items_failed(job: Job, reason: str) -> None:
    waiting = ScoringItem.objects.filter(pk__in=job.payload["items"], state=ScoringItem.State.WAITING)
    waiting.update(state=ScoringItem.State.FAILED, error=reason)


@handles("score", failed=items_failed)
def score(claim: Claim) -> None:
    """Score and commit each clip by itself; a clip that cannot be scored records why, and does not stop the others."""
    items = ScoringItem.objects.filter(pk__in=claim.job.payload["items"], state=ScoringItem.State.WAITING)
    for item in items.select_related("clip__subject__database", "batch__model"):
        claim.check()
        try:
            _score_one(item)
        except InputError as error:
            item.state, item.error = ScoringItem.State.FAILED, str(error)
        except (DatabaseError, InterfaceError, LeaseLost, JobCancelled):
            raise
        except Exception as error:
            log.exception("clip %s could not be scored", item.clip_id)
            item.state, item.error = (
                ScoringItem.State.FAILED,
                f"Internal error ({type(error).__name__}: {error}).",
            )
        with claim.commit():
            _save(item)
    with claim.commit() as job:
        claim.finish(job)


def _save(item: ScoringItem) -> None:
    """Save the result; nothing if the clip was deleted since then, and its scores with it."""
    names = ("state", "error", "onset", "apex", "frames_from", "probabilities", "predicted")
    ScoringItem.objects.filter(pk=item.pk).update(**{name: getattr(item, name) for name in names})


def _score_one(item: ScoringItem) -> None:
    clip = item.clip
    if clip.state != Clip.State.READY:
        raise InputError(f"The clip is {clip.state}: {clip.problem or 'its frames are not available yet'}")
    if not clip.face_frames:
        raise InputError("No face was found in the clip.")
    model = load_model(item.batch.model.file)
    onset, apex, source = frames_for(item)
    features = load_or_compute(clip, onset, apex, model.config.features)
    probabilities = model.predict(features[None])[0]
    item.onset, item.apex, item.frames_from = onset, apex, source
    by_class = {name: float(p) for name, p in zip(model.classes, probabilities, strict=True)}
    item.probabilities, item.predicted = by_class, max(by_class, key=lambda name: by_class[name])
    item.state = ScoringItem.State.DONE


def frames_for(item: ScoringItem) -> tuple[int, int, str]:
    """Return onset, apex and their origin: given in the request, otherwise annotated, otherwise spotted."""
    clip = item.clip
    if item.frames_from == FramesFrom.GIVEN and item.onset is not None and item.apex is not None:
        return item.onset, item.apex, FramesFrom.GIVEN
    with_frames = {"clip": clip, "onset__isnull": False, "apex__isnull": False}
    markings: list[Marking] = list(Consensus.objects.filter(**with_frames)[:2])
    markings = markings or list(Annotation.objects.filter(**with_frames)[:2])
    # With several expressions, or several codings of one expression, it is not clear which one to score.
    if len(markings) == 1 and markings[0].onset is not None and markings[0].apex is not None:
        return markings[0].onset, markings[0].apex, FramesFrom.ANNOTATED
    return (*_spotted(clip), FramesFrom.SPOTTED)


def _spotted(clip: Clip) -> tuple[int, int]:
    """Return onset and apex of the clearest expression: from the stored suggestions, or spotted now."""
    known = clip.suggestions.filter(spotter=SPOTTER_VERSION).order_by("-confidence", "onset").first()
    if known is not None:
        return known.onset, known.apex
    with local_copy(clip.file) as path:
        found = spot(path, fps=clip.rate, turn=clip.turn)
    return found.onset, found.apex


@lru_cache(maxsize=4)
def load_model(name: str) -> TrainedModel:
    """Load a model; names are content hashes, so a cached model is never out of date."""
    with default_storage.open(name) as file:
        return TrainedModel.load_bytes(file.read())
