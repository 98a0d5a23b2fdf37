"""The description of the API, made once per process of tests."""

from collections.abc import Iterator
from functools import cache
from typing import Any

from drf_spectacular.generators import SchemaGenerator

METHODS = ("get", "post", "put", "patch", "delete", "head")


@cache
def api_schema() -> dict[str, Any]:
    """Return the OpenAPI document."""
    document: dict[str, Any] = SchemaGenerator().get_schema(request=None, public=True)
    return document


def operations() -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Yield path, method and description of each operation."""
    for path, item in api_schema()["paths"].items():
        for method in METHODS:
            if method in item:
                yield path, method, item[method]
