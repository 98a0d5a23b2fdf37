"""How far every coder of a project is."""

from dataclasses import dataclass
from datetime import datetime

from django.contrib.auth.models import User
from django.db.models import Count, Max, Q

from mer_platform.annotation.assignments.planning import coders_of, not_begun
from mer_platform.annotation.models import Annotation, Assignment
from mer_platform.projects.models import Project


@dataclass(frozen=True)
class Progress:
    """How far one coder is."""

    coder: User
    assigned: int
    done: int
    not_begun: int
    last_activity: datetime | None
    may_code: bool

    @property
    def open(self) -> int:
        return self.assigned - self.done


def progress(project: Project) -> list[Progress]:
    """Every coder who has assignments, and every member who could have some, by name."""
    rows = Assignment.objects.filter(clip__project=project)
    counts: dict[int, tuple[int, int, datetime | None]] = {
        coder: (assigned, done, at)
        for coder, assigned, done, at in rows.order_by()
        .values_list("coder")
        .annotate(Count("pk"), done=Count("pk", filter=Q(done_at__isnull=False)), at=Max("done_at"))
    }
    untouched = dict(not_begun(rows).order_by().values_list("coder").annotate(n=Count("pk")))
    marked = dict(
        Annotation.everything.filter(clip__project=project)
        .order_by()
        .values_list("coder")
        .annotate(at=Max("updated_at"))
    )
    members = set(coders_of(project).values_list("pk", flat=True))
    found = []
    for coder in User.objects.filter(pk__in=members | set(counts)).order_by("username"):
        assigned, done, at = counts.get(coder.pk, (0, 0, None))
        times = [time for time in (at, marked.get(coder.pk)) if time]
        waiting = untouched.get(coder.pk, 0)
        latest = max(times, default=None)
        found.append(Progress(coder, assigned, done, waiting, latest, coder.pk in members))
    return found
