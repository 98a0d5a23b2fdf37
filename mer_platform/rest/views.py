"""The bases of the API's views."""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, ClassVar

from rest_framework import viewsets
from rest_framework.parsers import BaseParser
from rest_framework.request import Request
from rest_framework.response import Response

from mer_platform.rest.conditional import ConditionalMixin, ConditionalRows
from mer_platform.rest.deprecation import DeprecationMixin
from mer_platform.rest.idempotency import IdempotentPosts
from mer_platform.rest.pagination import Pagination
from mer_platform.rest.parameters import KnownParameters
from mer_platform.rest.schema.described import Described
from mer_platform.rest.scoped import ScopedView
from mer_platform.rest.sparse import FIELDS_HELP, PARAMETER, SparseMixin, narrowed


class ApiView(DeprecationMixin, IdempotentPosts, ScopedView, ConditionalMixin, KnownParameters):
    """Base of all views of the API. By the settings, they require a signed-in user.

    Actions are named as in viewsets; those of another view are its methods in lower case.

    Attributes
    ----------
    parsers_of
        The parsers of actions whose bodies are not only JSON, for example of those that take files.
    file_actions
        Actions that answer with files: they answer regardless of the header ``Accept``.
    """

    parsers_of: ClassVar[Mapping[str, Sequence[type[BaseParser]]]] = {}
    file_actions: ClassVar[Collection[str]] = ()

    def get_parsers(self) -> list[Any]:
        return [parser() for parser in self.parsers_of.get(self._called(), self.parser_classes)]

    def perform_content_negotiation(self, request: Request, force: bool = False) -> Any:
        return super().perform_content_negotiation(request, force or self._called() in self.file_actions)

    def describe(self, described: Described) -> None:
        """Add to the description of an operation. A mixin that adds parameters or headers declares them here."""
        super().describe(described)
        if described.is_list:
            described.add_parameter(PARAMETER, FIELDS_HELP)

    def paged(
        self, rows: Any, serializer_class: Any, shown: Callable[[list[Any]], Any] = list, **context: Any
    ) -> Response:
        """Answer with a page of rows of any kind, for a list that is not a viewset's own. ``shown`` prepares its rows."""
        pages = Pagination()
        page = shown(pages.paginate_queryset(rows, self.request, self))
        serializer = serializer_class(
            page, many=True, context={"request": self.request, "view": self, **context}
        )
        return pages.get_paginated_response(narrowed(serializer, self.request).data)

    def _called(self) -> str:
        if self.request is None:  # the description of the API is made of views that are not called
            return ""
        method = (self.request.method or "").lower()
        actions: dict[str, str] = getattr(self, "action_map", None) or {}
        return actions.get(method, method)


class ApiViewSet(SparseMixin, ConditionalRows, ApiView, viewsets.GenericViewSet):
    """Base of a view of a kind of rows.

    How a list can be filtered, searched and ordered is declared by ``filters``, ``renamed``, ``created_field``,
    ``search_fields`` and ``ordering_fields``: see ``filters.py``. An action that lists rows of another kind declares its own
    with ``@action(..., **lists(Sample, ...))``.
    """

    lookup_value_regex = "[0-9]+"
    filters: Mapping[str, Any] = {}
    renamed: Mapping[str, str] = {}
    created_field = "created_at"
    search_fields: Sequence[str] = ()
    ordering_fields: Mapping[str, str] | Sequence[str] = ()
    listed_model: Any = None
    filterset_class: Any = None

    def filter_queryset(self, queryset: Any) -> Any:
        """Filter a list. A single row is looked up by its id, regardless of what lists are filtered by."""
        is_single = (self.lookup_url_kwarg or self.lookup_field) in self.kwargs
        if is_single and (self.listed_model is None or queryset.model is not self.listed_model):
            return queryset
        return super().filter_queryset(queryset)


def lists(
    model: Any,
    filters: Mapping[str, Any] | None = None,
    search: Sequence[str] = (),
    ordering: Mapping[str, str] | Sequence[str] = (),
) -> dict[str, Any]:
    """Return what an action declares whose rows are of another kind than those of its viewset."""
    return {
        "listed_model": model,
        "filters": filters or {},
        "renamed": {},
        "filterset_class": None,
        "search_fields": search,
        "ordering_fields": ordering,
    }


class FileView(ApiView):
    """Base of a view that answers with a file, of the ``kind`` that the address states: ``as_view(kind="csv")``."""

    file_actions = ("get",)
    kind = ""
    content_types: ClassVar[Mapping[str, str]] = {}

    def describe(self, described: Described) -> None:
        super().describe(described)
        described.answer_with_file(self.content_types[self.kind])
