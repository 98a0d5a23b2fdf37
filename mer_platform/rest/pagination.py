"""The pages of every list: by number, or from a cursor.

Numbered pages count all rows and can be opened in any order. Pages from a cursor continue after the last row that the client
saw: rows that are added or deleted in the meantime shift nothing, and a page far down costs as much as the first.
"""

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode, urlsplit

from django.core.paginator import Page
from django.db.models import QuerySet
from rest_framework.pagination import PageNumberPagination
from rest_framework.request import Request
from rest_framework.response import Response

from mer_platform.rest.cursors import Cursor, cursor_page
from mer_platform.rest.errors import ParametersRefused

CURSOR_HELP = (
    "Pages from a cursor instead of numbered pages: empty for the first page, then as in `next` and `previous`. Rows that "
    "are added in the meantime shift nothing, and any page costs the same. `count` is null."
)


class Pagination(PageNumberPagination):
    """Numbered pages, or with ``cursor`` in the address, pages from a cursor. Both have a ``Link`` header."""

    page_size = 100
    page_size_query_param = "page_size"
    max_page_size = 1000
    cursor_query_param = "cursor"
    request: Request
    page: Page[Any]

    def get_page_size(self, request: Request) -> int:
        """Return the number of rows per page, which is in its range, by the description."""
        return int(request.query_params.get(self.page_size_query_param, self.page_size))

    def paginate_queryset(self, queryset: Any, request: Request, view: Any = None) -> list[Any]:
        """Return the rows of the page. Raises ParametersRefused for a wrong cursor, NotFound for a missing page."""
        self.request = request
        self.by_cursor = self.cursor_query_param in request.query_params
        if not self.by_cursor:
            if isinstance(queryset, QuerySet) and not queryset.ordered:
                queryset = queryset.order_by("pk")
            return list(super().paginate_queryset(queryset, request, view) or [])
        if self.page_query_param in request.query_params:
            raise ParametersRefused({self.page_query_param: ["Give either page or cursor."]})
        text = request.query_params[self.cursor_query_param]
        found = cursor_page(queryset, Cursor.read(text) if text else None, self.get_page_size(request))
        self._after, self._before = found.after, found.before
        return found.rows

    def get_next_link(self) -> str | None:
        if self.by_cursor:
            return self._address(cursor=self._after)
        return super().get_next_link()

    def get_previous_link(self) -> str | None:
        if self.by_cursor:
            return self._address(cursor=self._before)
        return super().get_previous_link()

    def get_paginated_response(self, data: Sequence[Any]) -> Response:
        links = {"next": self.get_next_link(), "prev": self.get_previous_link()}
        if self.by_cursor:
            links["first"] = self._address(cursor="")
        else:
            links["first"] = self._address(page="1")
            links["last"] = self._address(page=str(self.page.paginator.num_pages))
        body = {
            "count": None if self.by_cursor else self.page.paginator.count,
            "next": links["next"],
            "previous": links["prev"],
            "results": data,
        }
        header = ", ".join(f'<{address}>; rel="{name}"' for name, address in links.items() if address)
        return Response(body, headers={"Link": header})

    def _address(self, **parameter: str | None) -> str | None:
        """Return the address of the request with another page."""
        (name, value), *_ = parameter.items()
        if value is None:
            return None
        query = self.request.query_params.copy()
        query[name] = value
        address = urlsplit(self.request.build_absolute_uri())
        return address._replace(query=urlencode(list(query.lists()), doseq=True)).geturl()

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        """Return the parameters for the schema."""
        size = {"type": "integer", "minimum": 1, "maximum": self.max_page_size, "default": self.page_size}
        texts = {
            "page": ({"type": "integer", "minimum": 1}, "Number of the page, from 1; default 1."),
            "page_size": (size, f"Rows per page, 1 to {self.max_page_size}; default {self.page_size}."),
            "cursor": ({"type": "string"}, CURSOR_HELP),
        }
        return [
            {"name": name, "in": "query", "required": False, "description": text, "schema": schema}
            for name, (schema, text) in texts.items()
        ]

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        """Return the schema of a page of rows."""
        address = {"type": "string", "nullable": True, "format": "uri"}
        return {
            "type": "object",
            "required": ["count", "next", "previous", "results"],
            "properties": {
                "count": {
                    "type": "integer",
                    "nullable": True,
                    "description": "All rows of the list; null for pages from a cursor.",
                },
                "next": {**address, "description": "Address of the next page; null on the last."},
                "previous": {**address, "description": "Address of the previous page; null on the first."},
                "results": schema,
            },
        }
