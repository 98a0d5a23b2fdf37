"""Links in the API: the address of each thing (``url``), and its page in the browser (``page_url``)."""

from typing import Any

from django.urls import reverse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers


@extend_schema_field(OpenApiTypes.URI)
class Link(serializers.Field):
    """The absolute address of a route, whose arguments are attributes of the row: ``Link("run-detail", pk="pk")``.

    An attribute may be a path such as ``project.slug``; a list then needs ``select_related``. Without a request, as in a
    command, the address has no host. If an attribute is missing, the link is null. ``alone``: the route has no
    arguments.
    """

    def __init__(
        self, route: str, *, alone: bool = False, anchor: str = "", help_text: str = "", **arguments: str
    ) -> None:
        self.route, self.anchor = route, anchor
        self.arguments = {} if alone else arguments or {"pk": "pk"}
        super().__init__(source="*", read_only=True, help_text=help_text or "The address of this resource.")

    def to_representation(self, row: Any) -> str | None:
        values = {name: _value(row, path) for name, path in self.arguments.items()}
        if None in values.values():
            return None
        address = reverse(self.route, kwargs=values) + self.anchor
        request = self.context.get("request")
        return request.build_absolute_uri(address) if request is not None else address


def page_link(route: str, **arguments: str) -> Link:
    """Return the field with the address of a page in the browser."""
    found: dict[str, Any] = {**arguments} or {"slug": "project.slug", "pk": "pk"}
    return Link(route, help_text="Its page in the browser.", **found)


def creator(source: str = "created_by") -> serializers.CharField:
    """Return the field with the username of who created a row; null if it is not known, or the user was deleted."""
    return serializers.CharField(
        source=f"{source}.username",
        default=None,
        allow_null=True,
        read_only=True,
        help_text="Username of who created it; null if it is not known, or the user was deleted.",
    )


def _value(row: Any, path: str) -> Any:
    for name in path.split("."):
        row = row.get(name) if isinstance(row, dict) else getattr(row, name, None)
    return row
