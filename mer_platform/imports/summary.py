"""The report of an import: complete as JSON for scripts and archives, and in numbers for pages."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import Any

from django.db.models import Count

from mer_platform.imports.blindness import hide_coding, visible_problems
from mer_platform.imports.models import Import, ImportItem, ImportProblem, count_states
from models_ml.formats.problem_groups import FIELDS, ProblemGroup, group_problems


def as_json(batch: Import, viewer: Any = None) -> dict[str, Any]:
    """Return everything about an import except the images; for a viewer, without the coding of clips in their queue."""
    problems = batch.problems.all() if viewer is None else visible_problems(viewer, batch)
    items = batch.items.all() if viewer is None else hide_coding(viewer, batch.items.all())
    return {
        "id": batch.pk,
        "layout": batch.layout,
        "source": batch.where,
        "state": batch.state,
        "problem": batch.problem,
        "counts": batch.counts(),
        "databases": by_database(batch),
        "corrections": corrections(batch),
        "problem_groups": [group.to_json() for group in groups_of(problems)],
        "problems": list(problems.values(*FIELDS)),
        "items": [
            {
                "kind": item.kind,
                "database": item.database,
                "subject": item.subject,
                "name": item.name,
                "state": item.state,
                "reason": item.reason,
                "frames": 0 if item.is_video else len(item.files),
                "first_source_number": item.first_number,
                "expressions": item.expressions,
                "emotion": item.emotion,
                "clip": item.clip_id,
                "picture": item.picture_id,
            }
            for item in items
        ],
    }


def groups_of(problems: Any) -> list[ProblemGroup]:
    """Return problems (a queryset) grouped by what they say; each problem of a group has its ``id`` too."""
    return group_problems(problems.order_by("pk").values("id", *FIELDS))


def group_of(problems: Any, key: str) -> ProblemGroup | None:
    """Return the group with this key, or None if the problems (a queryset) have no such group."""
    return next((group for group in groups_of(problems) if group.key == key), None)


def corrections(batch: Import) -> list[dict[str, Any]]:
    """Return the proposed corrections, each with whether it was accepted."""
    return [{**c, "accepted": c["key"] in batch.accepted} for c in batch.corrections]


def by_database(batch: Import) -> list[dict[str, Any]]:
    """Return the number of subjects, and of items in each state, per database."""
    return Counted([batch]).databases(batch)


class Counted:
    """The numbers of several imports, each kind of them in one query when it is first asked for."""

    def __init__(self, batches: Sequence[Import]) -> None:
        self._ids = [batch.pk for batch in batches]

    def states(self, batch: Import) -> dict[str, int]:
        """Return the number of items in each state, and their total."""
        found: Counter[str] = Counter()
        for _, state, _, count in self._items[batch.pk]:
            found[state] += count
        return count_states(found)

    def databases(self, batch: Import) -> list[dict[str, Any]]:
        """Return what ``by_database`` says."""
        rows: dict[str, dict[str, Any]] = {}
        subjects: defaultdict[str, set[str]] = defaultdict(set)
        for name, state, subject, count in self._items[batch.pk]:
            row = rows.setdefault(
                name, {"database": name, **dict.fromkeys(ImportItem.State.values, 0), "total": 0}
            )
            row[state] += count
            row["total"] += count
            subjects[name].add(subject)
        return [{**row, "subjects": len(subjects[name])} for name, row in rows.items()]

    def severities(self, batch: Import) -> dict[str, int]:
        """Return the number of problems of each severity."""
        found = dict(self._problems[batch.pk])
        return {severity: found.get(severity, 0) for severity in ImportProblem.Severity.values}

    @cached_property
    def _items(self) -> dict[int, list[Any]]:
        # One query for all numbers of the items: a check that ends between two would make them disagree.
        rows = self._of(ImportItem).order_by("database").values_list("batch", "database", "state", "subject")
        return _grouped(rows.annotate(Count("pk")))

    @cached_property
    def _problems(self) -> dict[int, list[Any]]:
        return _grouped(
            self._of(ImportProblem).order_by().values_list("batch", "severity").annotate(Count("pk"))
        )

    def _of(self, model: Any) -> Any:
        return model.objects.filter(batch__in=self._ids)


def _grouped(rows: Iterable[Any]) -> dict[int, list[Any]]:
    found = defaultdict(list)
    for batch, *row in rows:
        found[batch].append(tuple(row))
    return found


def by_code(problems: Any) -> list[dict[str, Any]]:
    """Return the number of problems per code, the most severe first."""
    order = list(ImportProblem.Severity.values)
    groups = problems.order_by().values("severity", "code").annotate(count=Count("pk"))
    return sorted(groups, key=lambda g: (order.index(g["severity"]), -g["count"], g["code"]))


def by_severity(batch: Import) -> dict[str, int]:
    """Return the number of problems of each severity."""
    return Counted([batch]).severities(batch)
