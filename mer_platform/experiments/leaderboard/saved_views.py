"""Views of the leaderboard that are saved under a name, for all members of a project."""

from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import QueryDict

from mer_platform.experiments.leaderboard.query import read_query
from mer_platform.experiments.models import SavedView
from mer_platform.projects.models import AuditEvent, Project
from mer_platform.web import actor

MOST = 200  # views of a project
_LONGEST_QUERY = 10_000


def save_view(project: Project, name: str, query: str, user: Any) -> SavedView:
    """Save a query under a new name.

    Raises ValidationError by field: the name is empty, too long or taken, the query cannot be read, or there are too many.
    """
    with transaction.atomic():
        Project.objects.select_for_update().get(pk=project.pk)  # so that two cannot take the last place
        if SavedView.objects.filter(project=project).count() >= MOST:
            raise ValidationError(
                {"name": f"This project has {MOST} saved views, the most allowed. Delete one first."}
            )
        view = SavedView(
            project=project, name=_name(project, name), query=checked_query(query), created_by=actor(user)
        )
        view.save()
    AuditEvent.record(project, user, f"saved the view “{view}”")
    return view


def change_view(
    view: SavedView,
    user: Any,
    *,
    name: str | None = None,
    query: str | None = None,
    is_default: bool | None = None,
) -> SavedView:
    """Rename a view, replace its query, or make it the default of the project. What is None stays.

    Raises ValidationError as ``save_view``.
    """
    if query is not None:
        view.query = checked_query(query)
    with transaction.atomic():
        Project.objects.select_for_update().get(pk=view.project_id)  # so that two cannot take one name
        if name is not None:
            view.name = _name(view.project, name, view)
        if is_default is not None:
            SavedView.objects.filter(project=view.project_id, is_default=True).update(is_default=False)
            view.is_default = is_default
        view.save()
    AuditEvent.record(view.project, user, f"changed the view “{view}”")
    return view


def delete_view(view: SavedView, user: Any) -> None:
    """Delete a view. The runs stay."""
    AuditEvent.record(view.project, user, f"deleted the view “{view}”")
    view.delete()


def checked_query(text: str) -> str:
    """Return a query as views keep it.

    Raises ValidationError with what cannot be read.
    """
    if len(text) > _LONGEST_QUERY:
        raise ValidationError({"query": f"The address of a view has at most {_LONGEST_QUERY:,} characters."})
    query = read_query(QueryDict(text.removeprefix("?")))
    if query.problems:
        raise ValidationError({"query": list(query.problems)})
    return query.as_view()


def _name(project: Project, text: str, own: SavedView | None = None) -> str:
    name = " ".join(text.replace("\0", " ").split())
    if not name:
        raise ValidationError({"name": "A view needs a name."})
    if len(name) > SavedView.LONGEST:
        raise ValidationError(
            {"name": f"The name has {len(name)} characters; at most {SavedView.LONGEST} are allowed."}
        )
    taken = SavedView.objects.filter(project=project, name__iexact=name)
    if (taken.exclude(pk=own.pk) if own else taken).exists():
        raise ValidationError(
            {"name": f"There is already a view “{name}”. Choose another name, or overwrite it."}
        )
    return name
