"""Queue ``ingest``, kind ``turn``: ingest a clip again with its frames turned, and compute its features again."""

from mer_platform.annotation.spotting import queue_spotting
from mer_platform.clips.models import Clip
from mer_platform.deletion.models import Removal
from mer_platform.features.services import compute_again
from mer_platform.jobs.models import Claim, JobCancelled
from mer_platform.storage import local_copy
from workers.ingest import clip_fields, decode_clip
from workers.runner import handles


@handles("turn")
def turn_clip(claim: Claim) -> None:
    """Replace the frames of a ready clip; it stays as it is if this fails."""
    clip = Clip.objects.select_related("subject__database").filter(pk=claim.job.payload["clip"]).first()
    if clip is None:
        raise JobCancelled("the clip was deleted")
    before, clip.turn = clip.turn, claim.job.payload["turn"]

    def on_progress(frames: int) -> None:
        claim.check()
        claim.progress(frames, clip.frame_count)

    with local_copy(clip.file) as path:
        result = decode_clip(clip, path, on_progress)
    with claim.commit() as job:
        now = Clip.objects.select_for_update().filter(pk=clip.pk).first()
        if now is None or now.turn != before:
            raise JobCancelled("the clip was deleted or turned in the meantime")
        old = [Removal(name=name) for name in (now.pack_name, now.index_name, now.thumbnail_name)]
        Removal.objects.bulk_create(old, ignore_conflicts=True)  # unless another clip shows them
        fields = clip_fields(result) | {"turn": clip.turn}
        if now.fps_given or now.frame_steps is not None:
            fields["fps"] = now.fps  # also if it was corrected, but could not be measured again
        clip.save_result(**fields)
        clip.suggestions.all().delete()
        if clip.face_frames:
            queue_spotting(clip, again=True)
        compute_again(clip)
        claim.finish(job)
