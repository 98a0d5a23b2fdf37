"""The rows that an action on several runs or experiments is about."""

from collections.abc import Sequence
from typing import Any

from mer_platform.experiments.models import Experiment, Run
from mer_platform.projects.models import Project

SHOWN = 200


class UnknownRows(Exception):
    """Some of the rows do not exist, or are of different projects. The text names all of them."""


def rows_of(
    model: type[Run | Experiment], ids: Sequence[int], user: Any, project: Project | None = None
) -> list[Any]:
    """Return the rows of these ids, in the order of age, each once.

    Raises UnknownRows, with all ids that the user's projects, or ``project``, do not have, or if the rows are of several
    projects.
    """
    wanted = sorted(set(ids))
    projects = Project.objects.of(user) if project is None else Project.objects.filter(pk=project.pk)
    found = model._default_manager.filter(pk__in=wanted, project__in=projects.values("pk"))
    rows = list(found.select_related("project").order_by("pk"))
    known = {row.pk for row in rows}
    meta = model._meta
    if unknown := [number for number in wanted if number not in known]:
        one = len(unknown) == 1
        where = "in your projects" if project is None else f"in “{project}”"
        kind = str(meta.verbose_name if one else meta.verbose_name_plural).capitalize()
        raise UnknownRows(f"{kind} {_listed(unknown)} not found {where}. Nothing was changed.")
    if len({row.project_id for row in rows}) > 1:
        raise UnknownRows(
            f"These {meta.verbose_name_plural} belong to different projects. Choose those of one project."
        )
    return rows


def _listed(numbers: Sequence[int]) -> str:
    shown = [str(number) for number in numbers[:SHOWN]]
    if more := len(numbers) - SHOWN:
        shown = [*shown, f"{more:,} more"] if more > 0 else shown
    return " and ".join([", ".join(shown[:-1]), shown[-1]] if len(shown) > 1 else shown)
