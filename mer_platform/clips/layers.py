"""Optical flow between two frames of a clip, for the labeler: a worker computes it when it is first asked for."""

from dataclasses import dataclass
from typing import Any

from django.core.files.storage import default_storage

from mer_platform.clips.models import Clip
from mer_platform.jobs.models import Job
from models_ml.config import FEATURE_CODE_VERSION

KIND = "flow-layer"
LAYER_VERSION = 1  # raised by whoever changes what a stored layer says


@dataclass(frozen=True)
class FlowLayer:
    """The layer of one pair of frames. The bytes of the clip and the frames are its identity, as of features."""

    clip: Clip
    start: int
    end: int

    @property
    def name(self) -> str:
        """Where it is stored; the same name never holds another layer."""
        version = f"{FEATURE_CODE_VERSION}.{LAYER_VERSION}"
        return f"layers/{self.clip.sha256[:2]}/{self.clip.sha256}-{self.start}-{self.end}-{version}.json"

    @property
    def key(self) -> str:
        return f"{KIND}:{self.clip.pk}:{self.start}:{self.end}:{FEATURE_CODE_VERSION}.{LAYER_VERSION}"

    @property
    def exists(self) -> bool:
        return default_storage.exists(self.name)

    def ask(self, user: Any) -> Job:
        """The job that computes the layer: the one there is, or a new one.

        A user looks at one pair of frames at a time: what the same user asked of this clip before and nobody has begun
        is not computed any more.
        """
        known = Job.objects.filter(key=self.key).first()
        if known is not None and known.state in (*Job.OPEN, Job.State.FAILED):
            return known
        if known is not None:  # cancelled, or its result is gone from the storage
            known.delete()
        group = f"{KIND}:{self.clip.pk}:{user.pk}"
        Job.cancel_group(group)
        Job.objects.filter(group=group, state__in=(Job.State.DONE, Job.State.CANCELLED)).delete()
        payload = {"clip": self.clip.pk, "from": self.start, "to": self.end}
        return Job.enqueue(KIND, "features", self.clip.project_id, self.key, group, payload)
