"""Queue ``features``, kind ``flow-layer``: flow and strain between two frames, for the labeler."""

import json

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage

from mer_platform.clips.layers import JOB_KIND, FlowLayer
from mer_platform.clips.models import Clip
from mer_platform.clips.packindex import read_index
from mer_platform.jobs.models import Claim, JobCancelled
from mer_platform.storage import local_copy
from models_ml.motion.layer import flow_layer
from models_ml.video.framepack import read_pack_frame
from models_ml.video.frames import Image
from workers.runner import handles


@handles(JOB_KIND)
def compute_layer(claim: Claim) -> None:
    """Compute and store a layer, from two frames of the frame pack. Raises InputError if there is no face."""
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
