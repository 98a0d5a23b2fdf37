"""The rows that an action on several runs or experiments is about."""

from collections.abc import Callable, Sequence
from typing import Any

from django.http import QueryDict

from mer_platform.experiments.models import Experiment, Run
from mer_platform.projects.access import row_id
from mer_platform.projects.models import Project

SHOWN = 200
MOST_AT_ONCE = 1000


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


def posted_rows(model: type[Run | Experiment], data: QueryDict, user: Any, project: Project) -> list[Any]:
    """Return the rows that a form chooses: ``ids``, repeated or separated by commas, or all that match its list's filters.

    ``which=matching`` takes the filters from ``matching``, the query of the list's address. Raises UnknownRows.
    """
    meta = model._meta
    if data.get("which") == "matching":
        ids = MATCHING[model](project, user, QueryDict(data.get("matching", "").removeprefix("?")))
    else:
        texts = [text for field in data.getlist("ids") for text in field.split(",") if text.strip()]
        ids = [row_id(text.strip()) for text in texts]
    if not ids:
        raise UnknownRows(f"Choose at least one {meta.verbose_name} first.")
    if len(ids) > MOST_AT_ONCE:
        raise UnknownRows(
            f"These are {len(ids):,} {meta.verbose_name_plural}, but at most {MOST_AT_ONCE:,} can be changed at once. "
            "Filter the list further."
        )
    return rows_of(model, ids, user, project)


Matching = Callable[[Project, Any, QueryDict], list[int]]
MATCHING: dict[type[Run | Experiment], Matching] = {}


def matches(model: type[Run | Experiment]) -> Callable[[Matching], Matching]:
    """Register how the list of a model finds the ids that match the filters in its address."""

    def register(find: Matching) -> Matching:
        MATCHING[model] = find
        return find

    return register


def _listed(numbers: Sequence[int]) -> str:
    shown = [str(number) for number in numbers[:SHOWN]]
    if more := len(numbers) - SHOWN:
        shown = [*shown, f"{more:,} more"] if more > 0 else shown
    return " and ".join([", ".join(shown[:-1]), shown[-1]] if len(shown) > 1 else shown)
