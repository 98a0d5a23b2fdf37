"""How far the coders of a project are."""

from dataclasses import dataclass
from datetime import datetime

from django.contrib.auth.models import User
from django.db.models import Count, Max, Q

from mer_platform.annotation.assignments.planning import coders_of, not_started
from mer_platform.annotation.models import Annotation, Assignment
from mer_platform.projects.models import Project


@dataclass(frozen=True)
class CoderProgress:
    """The assignments of one coder, counted."""

    coder: User
    assigned: int
    done: int
    not_started: int
    last_activity: datetime | None
    may_code: bool

    @property
    def open(self) -> int:
        return self.assigned - self.done


def coder_progress(project: Project) -> list[CoderProgress]:
    """Return the progress of each member who may annotate, and of each user with assignments, by name."""
    rows = Assignment.objects.filter(clip__project=project)
    counts: dict[int, tuple[int, int, datetime | None]] = {
        coder: (assigned, done, at)
        for coder, assigned, done, at in rows.order_by()
        .values_list("coder")
        .annotate(Count("pk"), done=Count("pk", filter=Q(done_at__isnull=False)), at=Max("done_at"))
    }
    untouched = dict(not_started(rows).order_by().values_list("coder").annotate(n=Count("pk")))
    annotated = dict(
        Annotation.everything.filter(clip__project=project)
        .order_by()
        .values_list("coder")
        .annotate(at=Max("updated_at"))
    )
    members = set(coders_of(project).values_list("pk", flat=True))
    found = []
    for coder in User.objects.filter(pk__in=members | set(counts)).order_by("username"):
        assigned, done, at = counts.get(coder.pk, (0, 0, None))
        times = [time for time in (at, annotated.get(coder.pk)) if time]
        found.append(
            CoderProgress(
                coder=coder,
                assigned=assigned,
                done=done,
                not_started=untouched.get(coder.pk, 0),
                last_activity=max(times, default=None),
                may_code=coder.pk in members,
            )
        )
    return found
