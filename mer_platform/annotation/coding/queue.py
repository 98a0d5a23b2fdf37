"""A coder's queue: the assigned clips in order or, without assignments, all clips without the coder's annotations."""

from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest
from django.urls import reverse

from mer_platform.annotation.models import Annotation, Assignment
from mer_platform.clips.models import Clip
from mer_platform.projects.models import Project


@dataclass(frozen=True)
class CodingQueue:
    """Ids of ready clips in the coder's order, and which of them are not done."""

    order: list[int]
    open: frozenset[int]
    assigned: bool  # whether the coder has assignments

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
        """Return the next open clip after this one, continuing at the start; None if there is no other."""
        here = self.order.index(after) if after in self.order else -1
        following = self.order[here + 1 :] + self.order[: max(here, 0)]
        return next((clip for clip in following if clip in self.open), None)


def coding_queue(project: Project, user: Any) -> CodingQueue:
    own = list(
        Assignment.objects.filter(
            clip__project=project, coder_id=user.pk, clip__state=Clip.State.READY
        ).values_list("clip", "done_at")
    )
    if own or Assignment.objects.filter(clip__project=project, coder_id=user.pk).exists():
        return CodingQueue(
            [clip for clip, _ in own], frozenset(c for c, at in own if at is None), assigned=True
        )
    ready = list(Clip.objects.filter(project=project, state=Clip.State.READY).values_list("pk", flat=True))
    annotated = Annotation.objects.filter(clip__project=project, coder_id=user.pk)
    remaining = frozenset(ready) - frozenset(annotated.values_list("clip", flat=True))
    return CodingQueue(ready, remaining, assigned=False)


def why_empty(queue: CodingQueue, after: int | None) -> str:
    """Return why there is no next clip, as a sentence."""
    if queue.open == {after}:
        return "This is the last clip in your queue, and it is not done yet."
    if not queue.total:
        return "There are no clips to code yet."
    if queue.total == 1:
        return "Your queue is empty: its only clip is done."
    return f"Your queue is empty: all {queue.total} clips are done."


def next_clip_url(project_id: int, clip_id: int) -> str:
    """Return the address where the labeler asks for the clip after this one."""
    return f"{reverse('project-queue', args=[project_id])}?after={clip_id}"


def queue_count(request: HttpRequest) -> dict[str, Any]:
    """Provide ``queue_left`` to all pages of a project: how many assigned clips this coder has not done."""
    project, user = getattr(request, "project", None), getattr(request, "user", None)
    if project is None or user is None:
        return {}
    own = Assignment.objects.filter(clip__project=project, coder_id=user.pk, done_at__isnull=True)
    return {"queue_left": own.filter(clip__state=Clip.State.READY).count()}
