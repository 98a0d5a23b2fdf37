"""Waiting for jobs through the API."""

from typing import Any

from django.db.models import Count, Max, Q, Sum

from mer_platform.jobs.models import Job
from mer_platform.rest.waiting import WaitingRows


class WaitsForJobs(WaitingRows):
    """A viewset of rows with a state, whose work is the jobs of their group.

    ``open_states`` are those before the end; ``job_kinds`` restricts the jobs that count to these kinds.
    """

    open_states: tuple[str, ...] = ()
    job_kinds: tuple[str, ...] = ()

    def state_of(self, row: Any) -> str | None:
        """Return the current state; None if the row was deleted."""
        found: str | None = type(row)._base_manager.filter(pk=row.pk).values_list("state", flat=True).first()
        return found

    def snapshot(self, row: Any) -> tuple[Any, bool]:
        state = self.state_of(row)
        group = row.group() if callable(row.group) else row.group
        jobs = Job.objects.filter(group=group)
        if self.job_kinds:
            jobs = jobs.filter(kind__in=self.job_kinds)
        counted = jobs.aggregate(
            number=Count("pk"),
            open=Count("pk", filter=Q(state__in=Job.OPEN)),
            running=Count("pk", filter=Q(state=Job.State.RUNNING)),
            done=Sum("progress_done"),
            total=Sum("progress_total"),
            ended=Max("finished_at"),
        )
        over = state not in self.open_states and not counted["open"]
        return (state, *counted.values()), over
