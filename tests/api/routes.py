"""Every address of the platform, with the methods that its view offers."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.urls import URLPattern, URLResolver, get_resolver

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")


@dataclass(frozen=True)
class Route:
    name: str
    pattern: str
    methods: tuple[str, ...]

    @property
    def is_api(self) -> bool:
        return self.pattern.startswith("api/")

    @property
    def variables(self) -> list[str]:
        """The names of what the address contains, such as ``slug`` and ``pk``."""
        return re.findall(r"<(?:\w+:)?(\w+)>", self.pattern)


def routes() -> list[Route]:
    """Return the routes of the URL configuration. Addresses with a format suffix (“clips.json”) are left out."""
    found = {}
    for pattern, entry in _walk(get_resolver().url_patterns, ""):
        if "format" in entry.pattern.regex.groupindex:
            continue
        route = Route(entry.name or f"({pattern})", pattern, _methods(entry.callback))
        found[route.name, route.pattern] = route
    return list(found.values())


def _walk(entries: list[Any], prefix: str) -> Iterator[tuple[str, URLPattern]]:
    for entry in entries:
        if isinstance(entry, URLResolver):
            yield from _walk(entry.url_patterns, prefix + str(entry.pattern))
        else:
            yield prefix + str(entry.pattern), entry


def _methods(view: Any) -> tuple[str, ...]:
    """Return the methods that a view offers: an API's actions, a class's handlers, or what its decorators allow."""
    offered = getattr(view, "actions", None)  # of a viewset
    view_class = getattr(view, "cls", None) or getattr(view, "view_class", None)
    if offered:
        allowed = getattr(view_class, "http_method_names", [])
        return tuple(m for m in METHODS if m.lower() in offered and m.lower() in allowed)
    if view_class:
        allowed = view_class.http_method_names
        return tuple(m for m in METHODS if hasattr(view_class, m.lower()) and m.lower() in allowed)
    return tuple(m for m in METHODS if m in _decorated(view))


def _decorated(view: Any) -> tuple[str, ...]:
    """Return the methods that ``require_http_methods`` of a function allows, or all."""
    while view is not None:
        names = view.__code__.co_freevars if hasattr(view, "__code__") else ()
        if "request_method_list" in names:
            return tuple(view.__closure__[names.index("request_method_list")].cell_contents)
        view = getattr(view, "__wrapped__", None)
    return METHODS
