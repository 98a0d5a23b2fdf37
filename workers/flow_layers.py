"""Queue ``features``, for the labeler: flow and strain between two frames that a coder looks at."""

import json

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage

from mer_platform.clips.layers import KIND, FlowLayer
from mer_platform.clips.models import Clip
from mer_platform.clips.packindex import read_index
from mer_platform.jobs.models import Claim, Job, JobCancelled
from mer_platform.storage import local_copy
from models_ml.motion.layer import flow_layer
from models_ml.video.framepack import read_pack_frame
from models_ml.video.frames import Image
from workers.runner import handles


def nothing_else_fails(_job: Job, _reason: str) -> None:
    """The job's own error is what the coder is told."""


@handles(KIND, failed=nothing_else_fails)
def compute_layer(claim: Claim) -> None:
    """From the frame pack: two frames are read, not the whole video decoded. Raises InputError where there is no face."""
    payload = claim.job.payload
    clip = Clip.objects.filter(pk=payload["clip"]).first()
    if clip is None:
        raise JobCancelled("the clip was deleted")
    wanted = FlowLayer(clip, payload["from"], payload["to"])
    if not wanted.exists:
        (start, end), name = _frames(wanted)
        layer = {"from": wanted.start, "to": wanted.end, **flow_layer(start, end, name=name)}
        claim.check()
        content = json.dumps(layer, separators=(",", ":"), allow_nan=False).encode()
        default_storage.save(wanted.name, ContentFile(content))
    with claim.commit() as job:
        claim.finish(job)


def _frames(wanted: FlowLayer) -> tuple[tuple[Image, Image], str]:
    clip = wanted.clip
    index = read_index(clip)
    with local_copy(clip.pack_name) as path, path.open("rb") as pack:
        frames = read_pack_frame(pack, index, wanted.start), read_pack_frame(pack, index, wanted.end)
    return frames, f"frame {wanted.start} (source frame {index.source[wanted.start]})"
