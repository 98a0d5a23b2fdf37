"""The bases of the API's views."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, ClassVar

from rest_framework import viewsets
from rest_framework.parsers import BaseParser
from rest_framework.request import Request

from mer_platform.rest.idempotency import IdempotentPosts
from mer_platform.rest.schema.described import Described


class ApiView(IdempotentPosts):
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

    def _called(self) -> str:
        if self.request is None:  # the description of the API is made of views that are not called
            return ""
        method = (self.request.method or "").lower()
        actions: dict[str, str] = getattr(self, "action_map", None) or {}
        return actions.get(method, method)


class ApiViewSet(ApiView, viewsets.GenericViewSet):
    """Base of a view of a kind of rows."""


class FileView(ApiView):
    """Base of a view that answers with a file, of the ``kind`` that the address states: ``as_view(kind="csv")``."""

    file_actions = ("get",)
    kind = ""
    content_types: ClassVar[Mapping[str, str]] = {}

    def describe(self, described: Described) -> None:
        super().describe(described)
        described.answer_with_file(self.content_types[self.kind])
