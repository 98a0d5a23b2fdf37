"""Which runs of a project a leaderboard lists."""

from collections.abc import Iterable, Sequence
from datetime import date, datetime, time

from django.db.models import QuerySet
from django.utils import timezone

from mer_platform.experiments.leaderboard.conditions import by_key
from mer_platform.experiments.leaderboard.query import ACTIVE, BoardQuery
from mer_platform.experiments.leaderboard.rows import Row
from mer_platform.experiments.managing.filters import in_archive
from mer_platform.experiments.models import Run
from mer_platform.experiments.search import search_runs


def in_scope(runs: QuerySet[Run], query: BoardQuery) -> QuerySet[Run]:
    """Return the runs that the database can choose: by experiment, version, archive and search."""
    if query.experiment:
        runs = runs.filter(experiment__in=query.experiment)
    return search_runs(in_archive(runs, query.archived), query.q)


def chosen(rows: Iterable[Row], query: BoardQuery) -> list[Row]:
    """Return the rows that meet the other filters of the query."""
    states = {*query.state, *(Run.ACTIVE if ACTIVE in query.state else ())}
    since, until = _start(query.since), _end(query.until)
    sets: Sequence[tuple[set, str]] = [
        (set(values), name)
        for values, name in (
            (states, "state"),
            (query.version, "version_id"),
            (query.protocol, "protocol"),
            (query.network, "network"),
            (query.author, "author"),
        )
        if values
    ]
    tags = {tag.lower() for tag in query.tag}
    conditions = by_key(query.where)
    return [
        row
        for row in rows
        if all(getattr(row, name) in allowed for allowed, name in sets)
        and tags <= {tag.lower() for tag in row.tags}
        and (not query.starred or row.starred)
        and (since is None or row.created_at >= since)
        and (until is None or row.created_at <= until)
        and all(any(one.holds(row.value(one.key)) for one in alternatives) for alternatives in conditions)
    ]


def _start(day: date | None) -> datetime | None:
    return timezone.make_aware(datetime.combine(day, time.min)) if day else None


def _end(day: date | None) -> datetime | None:
    return timezone.make_aware(datetime.combine(day, time.max)) if day else None
