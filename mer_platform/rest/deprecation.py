"""What will go from the API, declared once per operation: the schema, ``Deprecation``, ``Sunset`` and a link say so.

An operation is declared with the decorator, a renamed parameter in ``renamed`` of its view (see ``filters.py``), and a field
with ``@extend_schema_serializer(deprecate_fields=[…])`` of its serializer. docs/api.md states the policy.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Any

from django.http.response import HttpResponseBase
from django.utils.http import http_date
from rest_framework.request import Request

from mer_platform.rest.conditional import Describable
from mer_platform.rest.schema.described import Described

POLICY = "/api/docs/#deprecation"


@dataclass(frozen=True)
class Deprecation:
    """Since when something is deprecated, when it goes, and what replaces it."""

    since: date
    sunset: date | None = None
    instead: str = ""

    def headers(self) -> dict[str, str]:
        """Return ``Deprecation`` (RFC 9745) and ``Sunset`` (RFC 8594).

        >>> Deprecation(date(2026, 12, 1), date(2027, 6, 1)).headers()
        {'Deprecation': '@1796083200', 'Sunset': 'Tue, 01 Jun 2027 00:00:00 GMT'}
        """
        found = {"Deprecation": f"@{int(_midnight(self.since))}"}
        if self.sunset:
            found["Sunset"] = http_date(_midnight(self.sunset))
        return found


def _midnight(day: date) -> float:
    return datetime.combine(day, time(), UTC).timestamp()


RENAMED = Deprecation(date(2026, 12, 1))  # the parameters that lists of version 0.3 have under other names


def deprecated(
    since: date, sunset: date | None = None, instead: str = ""
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Mark a method of a view: ``@deprecated(date(2026, 12, 1), instead="GET /api/v1/models/")``."""

    def mark(method: Callable[..., Any]) -> Callable[..., Any]:
        method.deprecation = Deprecation(since, sunset, instead)  # type: ignore[attr-defined]
        return method

    return mark


class DeprecationMixin(Describable):
    """Part of ``ApiView``: answers of deprecated operations, and to deprecated parameters, say so."""

    def deprecation_of(self, action: str) -> Deprecation | None:
        """Return what is declared for an action of a viewset, or for a method of another view, in lower case."""
        found: Deprecation | None = getattr(getattr(self, action, None), "deprecation", None)
        return found

    def describe(self, described: Described) -> None:
        super().describe(described)
        if found := self.deprecation_of(described.action):
            described.operation["deprecated"] = True
            if found.instead:
                text = described.operation.get("description", "")
                described.operation["description"] = f"{text}\n\nDeprecated: use `{found.instead}`.".strip()
            described.add_header("Deprecation", "Since when the operation is deprecated (RFC 9745).")
            if found.sunset:
                described.add_header("Sunset", "When the operation will stop working (RFC 8594).")

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        answer: HttpResponseBase = super().finalize_response(request, response, *args, **kwargs)
        action = getattr(self, "action", None) or str(request.method).lower()
        found = self.deprecation_of(action)
        renamed: Mapping[str, str] = getattr(self, "renamed", {})
        if found is None and any(name in renamed for name in getattr(request, "query_params", {})):
            found = RENAMED
        if found is not None:
            for name, value in found.headers().items():
                answer[name] = value
            link = f'<{request.build_absolute_uri(POLICY)}>; rel="deprecation"; type="text/html"'
            answer["Link"] = f"{answer['Link']}, {link}" if answer.has_header("Link") else link
        return answer
