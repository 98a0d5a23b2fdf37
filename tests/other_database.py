"""Another database in place of the tests' own."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

from django.conf import settings
from django.db import connection, connections


@contextmanager
def default_database(file: Path) -> Iterator[None]:
    """Make every thread use another SQLite database."""
    own = connections.settings["default"]
    sqlite = {"ENGINE": "django.db.backends.sqlite3", "NAME": str(file), "OPTIONS": settings.SQLITE_OPTIONS}
    with _used({**own, **sqlite}):
        yield


@contextmanager
def empty_database(folder: Path) -> Iterator[None]:
    """Make every thread use a new, empty database of the same kind."""
    if connection.vendor == "sqlite":
        with default_database(folder / f"{uuid4().hex}.sqlite3"):
            yield
        return
    name = f"empty_{uuid4().hex}"
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE DATABASE {name}")
    try:
        with _used({**connections.settings["default"], "NAME": name}):
            yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute(f"DROP DATABASE {name}")


@contextmanager
def _used(other: dict[str, object]) -> Iterator[None]:
    own, tests_own = connections.settings["default"], connections["default"]
    connections.settings["default"] = other
    del connections["default"]
    try:
        yield
    finally:
        connections["default"].close()
        connections.settings["default"] = own
        connections["default"] = tests_own
