"""What views of every app do with a request, and with what it contains."""

from collections.abc import Sequence
from typing import Any

from django.core.paginator import Page, Paginator
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.http import url_has_allowed_host_and_scheme


def actor(user: Any) -> Any:
    """Return the user to record as the one who acted, or None: a command or a worker acts for no one."""
    return user if user and user.pk else None


def is_partial(request: HttpRequest) -> bool:
    """Return whether htmx asks, which wants a fragment of the page."""
    return bool(getattr(request, "htmx", False))


def page_of(
    request: HttpRequest, rows: "QuerySet[Any] | Sequence[Any]", size: int, parameter: str = "page"
) -> Page[Any]:
    """Return the page of rows that ``?page=`` names: the first for nonsense, the last for a number too high."""
    return _LatePaginator(rows, size).get_page(request.GET.get(parameter))


class _LatePaginator(Paginator):
    """Finds the ids of a page first: what a query adds to each row is computed for the rows of the page only."""

    def page(self, number: int | str) -> Page[Any]:
        """Return a page as Django's paginator does."""
        found = super().page(number)
        rows, all_rows = found.object_list, self.object_list
        if not isinstance(rows, QuerySet) or not isinstance(all_rows, QuerySet) or _gives_values(rows):
            return found
        ids = list(rows.prefetch_related(None).values_list("pk", flat=True))
        place = {pk: index for index, pk in enumerate(ids)}
        chosen = all_rows.order_by().filter(pk__in=ids)
        found.object_list = sorted(chosen, key=lambda row: place[row.pk])
        return found


def _gives_values(rows: "QuerySet[Any]") -> bool:
    """Return whether a query gives dicts or tuples, not objects."""
    return getattr(rows, "_fields", None) is not None


def storable(value: Any) -> Any:
    """Return the value without the characters that PostgreSQL cannot store: NUL and lone surrogates."""
    if isinstance(value, str):
        return value.replace("\0", "").encode("utf-8", "replace").decode()
    if isinstance(value, dict):
        return {storable(key): storable(item) for key, item in value.items()}
    return [storable(item) for item in value] if isinstance(value, list | tuple) else value


def local_path(text: str, otherwise: str) -> str:
    """Return the address that a form gives to lead back to, or another if it is not a path of this server."""
    ours = text.startswith("/") and url_has_allowed_host_and_scheme(text, allowed_hosts=None)
    return text if ours else otherwise
