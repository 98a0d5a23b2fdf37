"""Queue ``ingest``, kind ``ingest``: decode each frame of an uploaded clip once."""

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage

from mer_platform.annotation.spotting import queue_spotting
from mer_platform.clips.models import Clip
from mer_platform.clips.packindex import clock_fields, write_index
from mer_platform.deletion.services import note_unused
from mer_platform.jobs.models import Claim, Job, JobCancelled
from mer_platform.scoring import services as scoring
from mer_platform.storage import local_copy, new_file
from models_ml.errors import InputError
from models_ml.video.contained import LimitExceeded, LimitName, ProcessLimits, ingest_contained
from models_ml.video.ingest import IngestResult
from workers.runner import handles

LIMITS: dict[LimitName, str] = {
    "memory": "MER_DECODE_MEMORY",
    "seconds": "MER_DECODE_SECONDS",
    "output": "MER_DECODE_OUTPUT",
}


def clip_failed(job: Job, reason: str) -> None:
    """Mark a new clip as failed. One that is measured again at another recording rate keeps its frames."""
    clip = Clip.objects.filter(pk=job.payload["clip"], state=Clip.State.PROCESSING).first()
    if clip is not None:
        clip.mark_failed(reason)
        scoring.clip_failed(clip, reason)


@handles("ingest", failed=clip_failed)
def ingest_clip(claim: Claim) -> None:
    """Ingest an uploaded clip, and queue the search for expressions.

    A clip that is ready already is measured again at its corrected recording rate.
    """
    clip = Clip.objects.select_related("subject__database").filter(pk=claim.job.payload["clip"]).first()
    if clip is None:
        raise JobCancelled("the clip was deleted")
    corrected = clip.fps if clip.state == Clip.State.READY else ""
    if corrected:
        clip.fps_given = float(Fraction(corrected))

    def on_progress(frames: int) -> None:
        claim.check()
        claim.progress(frames, 0)

    with local_copy(clip.file) as path:
        result = decode_clip(clip, path, on_progress)
    with claim.commit() as job:
        save_result(clip, result, corrected)
        if clip.face_frames:  # for suggestions in the labeler
            queue_spotting(clip, again=bool(corrected))
        scoring.clip_ready(clip)
        claim.finish(job)


def decode_clip(clip: Clip, path: Path, on_progress: Callable[[int], None]) -> IngestResult:
    """Decode the clip's file at ``path``; store frame pack, pack index and thumbnail. Raises InputError."""
    limits = ProcessLimits(settings.DECODE_MEMORY, settings.DECODE_SECONDS, settings.DECODE_OUTPUT)
    with new_file() as pack:
        try:
            result = ingest_contained(
                path, pack.path, limits=limits, on_progress=on_progress, fps=clip.fps_given, turn=clip.turn
            )
        except LimitExceeded as error:
            raise InputError(
                f"{error} An administrator can raise the limit with {LIMITS[error.limit]}."
            ) from error
        except InputError:
            check_readable(path)
            raise
        default_storage.save(clip.pack_name, pack)
    write_index(clip, result.index)
    default_storage.save(clip.thumbnail_name, ContentFile(result.thumbnail))
    return result


def check_readable(path: Path) -> None:
    """Raise OSError if the disk does not give the file's bytes: to a decoder, such a file looks damaged."""
    if path.is_file():
        with path.open("rb") as file:
            while file.read(1 << 20):
                pass


def save_result(clip: Clip, result: IngestResult, corrected: str = "") -> None:
    """Save what ingest found, inside a claim's commit; ``corrected``: the recording rate to which the clip was corrected.

    Raises JobCancelled if the clip was deleted or corrected again since then.
    """
    now = Clip.objects.select_for_update().filter(pk=clip.pk).first()
    if now is None:
        raise JobCancelled("the clip was deleted")
    fields = clip_fields(result)
    if corrected:
        if now.fps != corrected:
            raise JobCancelled("the recording rate of the clip was corrected again")
        fields |= {"fps": corrected, "fps_given": clip.fps_given}
        note_unused(set(now.pack_names).difference(clip.pack_names))
    clip.save_result(**fields)


def clip_fields(result: IngestResult) -> dict[str, Any]:
    """Return what ingest found as fields of the clip."""
    return {
        "state": Clip.State.READY,
        "problem": "",
        "codec": result.codec,
        "width": result.index.width,
        "height": result.index.height,
        "frame_count": result.frame_count,
        **clock_fields(result.clock),
        "first_source_number": result.index.source[0],
        "is_grey": result.is_grey,
        "faces": result.faces.to_json(),
        "face_frames": [list(span) for span in result.faces.coverage()],
        "fingerprint": result.fingerprint,
        "notes": list(result.notes),
        "face_turn": result.face_turn,
    }
