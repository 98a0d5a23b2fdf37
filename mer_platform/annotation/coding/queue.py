"""The next clip to code: a coder's own open assignments in order, or, without any, the clips without the coder's label."""

from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest
from django.urls import reverse

from mer_platform.annotation.models import Annotation, Assignment
from mer_platform.clips.models import Clip
from mer_platform.projects.models import Project


@dataclass(frozen=True)
class Queue:
    """Ids of ready clips in the coder's order, and which of them are still to do."""

    order: list[int]
    open: frozenset[int]
    assigned: bool  # whether the clips were given to this coder, or are simply all there are

    @property
    def total(self) -> int:
        return len(self.order)

    @property
    def left(self) -> int:
        return len(self.open)

    @property
    def done(self) -> int:
        return self.total - self.left

    def next(self, after: int | None = None) -> int | None:
        """The next clip to do after this one, from the start again at the end; None if there is no other."""
        here = self.order.index(after) if after in self.order else -1
        round_trip = self.order[here + 1 :] + self.order[: max(here, 0)]
        return next((clip for clip in round_trip if clip in self.open), None)


def queue_of(project: Project, user: Any) -> Queue:
    own = list(
        Assignment.objects.filter(
            clip__project=project, coder_id=user.pk, clip__state=Clip.State.READY
        ).values_list("clip", "done_at")
    )
    if own or Assignment.objects.filter(clip__project=project, coder_id=user.pk).exists():
        return Queue([clip for clip, _ in own], frozenset(c for c, at in own if at is None), assigned=True)
    ready = list(Clip.objects.filter(project=project, state=Clip.State.READY).values_list("pk", flat=True))
    marked = Annotation.objects.filter(clip__project=project, coder_id=user.pk).values_list("clip", flat=True)
    return Queue(ready, frozenset(ready) - frozenset(marked), assigned=False)


def why_empty(queue: Queue, after: int | None) -> str:
    """Why there is no next clip, in a sentence."""
    if queue.open == {after}:
        return "This is the last clip of your queue, and it is not done yet."
    if not queue.total:
        return "There is no clip to code yet."
    return f"Your queue is empty: all {queue.total} clips are done."


def queue_url(project_id: int, clip_id: int) -> str:
    """Where the labeler asks for the clip after this one (its ``next-url``)."""
    return f"{reverse('project-queue', args=[project_id])}?after={clip_id}"


def waiting(request: HttpRequest) -> dict[str, Any]:
    """For every page of a project: how many assigned clips wait for this coder."""
    project, user = getattr(request, "project", None), getattr(request, "user", None)
    if project is None or user is None:
        return {}
    own = Assignment.objects.filter(clip__project=project, coder_id=user.pk, done_at__isnull=True)
    return {"queue_left": own.filter(clip__state=Clip.State.READY).count()}
