"""Links in the API: the address of each thing (``url``), and its page in the browser (``page_url``)."""

from functools import lru_cache
from typing import Any

from django.urls import get_script_prefix, reverse
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
        address = address_of(self.route, values) + self.anchor
        request = self.context.get("request")
        if request is None:
            return address
        if (site := getattr(request, "_site_of_links", None)) is None:
            site = request._site_of_links = request.build_absolute_uri("/")[:-1]
        return f"{site}{address}"


def address_of(route: str, arguments: dict[str, Any]) -> str:
    """Return what ``reverse`` does. The addresses of a list differ in ids only, so that one search serves all of them."""
    numbers = {name: value for name, value in arguments.items() if type(value) is int and value >= 0}
    texts = tuple((name, value) for name, value in arguments.items() if name not in numbers)
    try:
        template = _template(route, get_script_prefix(), texts, tuple(numbers))
    except TypeError:  # an argument that cannot be a key
        return reverse(route, kwargs=arguments)
    for place, value in zip(_PLACES, numbers.values(), strict=False):
        template = template.replace(str(place), str(value))
    return template


# Stand for ids in the template of an address. No id is as large.
_PLACES = tuple(range(10**17 + 1, 10**17 + 5))


@lru_cache(maxsize=2048)
def _template(route: str, _prefix: str, texts: tuple[tuple[str, Any], ...], numbers: tuple[str, ...]) -> str:
    return reverse(route, kwargs={**dict(texts), **dict(zip(numbers, _PLACES, strict=False))})


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
