"""Queue ``features``, kind ``spot``: find expressions in a clip, as suggestions for its coders."""

from mer_platform.annotation.models import Suggestion
from mer_platform.annotation.spotting import Interval, intervals_without_apex
from mer_platform.clips.models import Clip
from mer_platform.clips.packindex import clock_of
from mer_platform.jobs.models import Claim, JobCancelled
from mer_platform.registry.models import SpottedMovements
from mer_platform.storage import local_copy
from models_ml.motion.fitting import Spot, find_apex, find_expressions
from models_ml.motion.regions import FaceMotion
from models_ml.motion.spotting import SPOTTER_VERSION, THRESHOLD, track_face
from models_ml.video.clock import Clock
from workers.runner import handles

PROGRESS_FRAMES = 50
MOVEMENTS_KEPT = 20  # the clearest of a clip


@handles("spot")
def spot_clip(claim: Claim) -> None:
    """Replace a clip's suggestions. It keeps none if nothing stands out."""
    clip = Clip.objects.filter(pk=claim.job.payload["clip"]).first()
    if clip is None or clip.state != Clip.State.READY:
        raise JobCancelled("the clip was deleted, or has no frames")

    def on_progress(frames: int) -> None:
        claim.check()
        if frames % PROGRESS_FRAMES == 0:
            claim.progress(frames, clip.frame_count)

    found: list[Spot] = []
    seen: list[Spot] = []
    if clip.face_frames:
        with local_copy(clip.file) as path:
            motion, _ = track_face(path, fps=clip.rate, turn=clip.turn, on_progress=on_progress)
        clip.refresh_from_db(
            fields=["fps", "frame_steps"]
        )  # the recording rate may have been corrected since then
        seen = find_expressions(motion, clock_of(clip), confidence=0)
        found = answer(motion, clock_of(clip), intervals_without_apex(clip), seen)
    with claim.commit() as job:
        if not Clip.objects.select_for_update().filter(pk=clip.pk).exists():
            raise JobCancelled("the clip was deleted")
        save(clip, found)
        save_movements(clip, seen)
        claim.finish(job)


def answer(motion: FaceMotion, clock: Clock, known: list[Interval], seen: list[Spot]) -> list[Spot]:
    """Return the apex of each expression whose onset and offset are known; without any, all seen that stands out."""
    last = len(motion.displacements) - 1
    apexes = [find_apex(motion, clock, onset, offset) for onset, offset in known if offset <= last]
    return apexes or [spot for spot in seen if spot.confidence >= THRESHOLD]


def save(clip: Clip, found: list[Spot]) -> None:
    """Store a clip's suggestions; call this inside a claim's commit."""
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


def save_movements(clip: Clip, seen: list[Spot]) -> None:
    """Store the clearest movements of a clip, however unsure; call this inside a claim's commit."""
    clearest = sorted(seen, key=lambda spot: -spot.confidence)[:MOVEMENTS_KEPT]
    movements = [[spot.onset, spot.apex, spot.offset, round(spot.confidence, 4)] for spot in clearest]
    fields = {"spotter": SPOTTER_VERSION, "movements": movements}
    SpottedMovements.objects.update_or_create(clip=clip, defaults=fields)
