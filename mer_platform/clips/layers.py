"""Optical flow between two frames of a clip, for the labeler. A worker computes a layer when it is first requested."""

from dataclasses import dataclass
from typing import Any

from django.core.files.storage import default_storage

from mer_platform.clips.models import Clip
from mer_platform.jobs.models import Job
from models_ml.config import FEATURE_CODE_VERSION

JOB_KIND = "flow-layer"
MOST_OPEN = 200  # layers of a project that wait at the same time
BUSY_SECONDS = 5  # after which a client may ask again if as many wait
LAYER_VERSION = 1  # increase it when the content of a stored layer changes


@dataclass(frozen=True)
class FlowLayer:
    """The flow layer from one frame to another, identified by the clip's bytes and the two frames."""

    clip: Clip
    start: int
    end: int

    @property
    def name(self) -> str:
        """Where the layer is stored. A name never refers to another layer."""
        version = f"{FEATURE_CODE_VERSION}.{LAYER_VERSION}"
        return f"layers/{self.clip.sha256[:2]}/{self.clip.content_key}-{self.start}-{self.end}-{version}.json"

    @property
    def key(self) -> str:
        turn = f":{self.clip.turn}" if self.clip.turn else ""
        version = f"{FEATURE_CODE_VERSION}.{LAYER_VERSION}"
        return f"{JOB_KIND}:{self.clip.pk}:{self.start}:{self.end}:{version}{turn}"

    @property
    def exists(self) -> bool:
        return default_storage.exists(self.name)

    def request(self, user: Any) -> Job:
        """Return the job that computes the layer: an open or failed job if there is one, otherwise a new job.

        A user looks at one pair of frames at a time, so earlier requests of this user for this clip are cancelled.
        """
        known = Job.objects.filter(key=self.key).first()
        if known is not None and known.state in (*Job.OPEN, Job.State.FAILED):
            return known
        if known is not None:  # cancelled, or its result is missing from the storage
            known.delete()
        group = f"{JOB_KIND}:{self.clip.pk}:{user.pk}"
        Job.cancel_group(group)
        Job.objects.filter(group=group, state__in=(Job.State.DONE, Job.State.CANCELLED)).delete()
        payload = {"clip": self.clip.pk, "from": self.start, "to": self.end}
        return Job.enqueue(
            JOB_KIND, "features", self.clip.project_id, self.key, group, payload, priority=Job.INTERACTIVE
        )


def open_layers(project_id: int) -> int:
    """Return how many flow layers of a project are still to be computed."""
    return Job.objects.filter(kind=JOB_KIND, project=project_id, state__in=Job.OPEN).count()
