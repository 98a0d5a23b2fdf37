"""A coder's queue: the assigned clips in order or, without assignments, all clips without the coder's annotations."""

from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Exists, OuterRef, Q, QuerySet
from django.http import HttpRequest
from django.urls import reverse

from mer_platform.annotation.models import Annotation, Assignment
from mer_platform.clips.models import Clip
from mer_platform.clips.order import clip_after
from mer_platform.projects.models import Project


@dataclass(frozen=True)
class CodingQueue:
    """How many ready clips the queue has, and how many of them are not done. It reads only the clips it is asked for."""

    project: Project
    user: Any
    total: int
    left: int
    assigned: bool  # whether the coder has assignments

    @property
    def done(self) -> int:
        return self.total - self.left

    def next(self, after: int | None = None) -> int | None:
        """Return the next open clip after this one, continuing at the start; None if there is no other."""
        return self._next_assigned(after) if self.assigned else self._next_of_all(after)

    def _next_assigned(self, after: int | None) -> int | None:
        rows = _own_assignments(self.project, self.user).filter(clip__state=Clip.State.READY)
        following = (
            rows.filter(done_at__isnull=True).order_by("position", "pk").values_list("clip", flat=True)
        )
        here = rows.filter(clip=after).values_list("position", "pk").first() if after else None
        if here is None:
            return following.first()
        position, pk = here
        later = following.filter(Q(position__gt=position) | Q(position=position, pk__gt=pk)).first()
        return later if later is not None else following.exclude(pk=pk).first()

    def _next_of_all(self, after: int | None) -> int | None:
        ready = Clip.objects.filter(project=self.project, state=Clip.State.READY)
        own = Annotation.objects.filter(clip=OuterRef("pk"), coder_id=self.user.pk)
        remaining = ready.filter(~Exists(own))
        here = ready.select_related("subject__database").filter(pk=after).first() if after else None
        later = clip_after(remaining, self.project.pk, here)
        if later is None and here is not None:
            later = clip_after(remaining.exclude(pk=here.pk), self.project.pk)
        return later


def coding_queue(project: Project, user: Any) -> CodingQueue:
    ready = Q(clip__state=Clip.State.READY)
    own = _own_assignments(project, user).aggregate(
        all=Count("pk"),
        total=Count("pk", filter=ready),
        left=Count("pk", filter=ready & Q(done_at__isnull=True)),
    )
    if own["all"]:
        return CodingQueue(project, user, own["total"], own["left"], assigned=True)
    total = Clip.objects.filter(project=project, state=Clip.State.READY).count()
    annotated = Annotation.objects.filter(ready, clip__project=project, coder_id=user.pk).order_by()
    coded = annotated.aggregate(clips=Count("clip", distinct=True))["clips"]
    return CodingQueue(project, user, total, total - coded, assigned=False)


def _own_assignments(project: Project, user: Any) -> QuerySet[Assignment]:
    return Assignment.objects.filter(clip__project=project, coder_id=user.pk)


def why_empty(queue: CodingQueue) -> str:
    """Return why there is no next clip after this one, as a sentence."""
    if queue.left:
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
