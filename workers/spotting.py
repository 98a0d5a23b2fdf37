"""Queue ``features``, kind ``spot``: where the spotter sees expressions in a clip, as suggestions for its coders."""

from fractions import Fraction

from mer_platform.annotation.models import Suggestion
from mer_platform.annotation.spotting import Interval, without_apex
from mer_platform.clips.models import Clip
from mer_platform.jobs.models import Claim, Job, JobCancelled
from mer_platform.storage import local_copy
from models_ml.motion.expressions import Spot, find_apex, find_expressions
from models_ml.motion.regions import Course
from models_ml.motion.spotting import SPOTTER_VERSION, follow
from workers.runner import handles

PROGRESS_FRAMES = 50


def _nothing(job: Job, reason: str) -> None:
    """The job says why; the clip itself is as good as before, only without suggestions."""


@handles("spot", failed=_nothing)
def spot_clip(claim: Claim) -> None:
    """Replace a clip's suggestions by those of this spotter. None are kept where nothing stands out."""
    clip = Clip.objects.filter(pk=claim.job.payload["clip"]).first()
    if clip is None or clip.state != Clip.State.READY:
        raise JobCancelled("the clip was deleted, or has no frames")

    def on_progress(frames: int) -> None:
        claim.check()
        if frames % PROGRESS_FRAMES == 0:
            claim.progress(frames, clip.frame_count)

    found: list[Spot] = []
    if clip.face_frames:
        with local_copy(clip.file) as path:
            course, rate = follow(path, fps=clip.fps_given, on_progress=on_progress)
        found = answer(course, rate, without_apex(clip))
    with claim.commit() as job:
        if not Clip.objects.select_for_update().filter(pk=clip.pk).exists():
            raise JobCancelled("the clip was deleted")
        save(clip, found)
        claim.finish(job)


def answer(course: Course, rate: Fraction, known: list[Interval]) -> list[Spot]:
    """The apex of every expression whose onset and offset are known; else what stands out."""
    last = len(course.moved) - 1
    apexes = [find_apex(course, rate, onset, offset) for onset, offset in known if offset <= last]
    return apexes or find_expressions(course, rate)


def save(clip: Clip, found: list[Spot]) -> None:
    """Inside a claim's commit."""
    clip.suggestions.all().delete()
    by_onset = {spot.onset: spot for spot in found}
    Suggestion.objects.bulk_create(
        Suggestion(
            clip=clip,
            onset=spot.onset,
            apex=spot.apex,
            offset=spot.offset,
            confidence=spot.confidence,
            spotter=SPOTTER_VERSION,
        )
        for spot in by_onset.values()
    )
