"""Whether the database is newer than this process: then it takes no jobs, because it does not know what the rows mean."""

import time
from collections.abc import Iterable
from functools import cache

from django.db import connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder

CHECK_SECONDS = 30.0
Migration = tuple[str, str]  # app, name
_checked: list[tuple[float, list[str]]] = []  # when, and what was unknown


@cache
def _known() -> tuple[frozenset[str], frozenset[Migration]]:
    """Return the apps of this version that have migrations, and all of these migrations."""
    loader = MigrationLoader(None)
    replaced = {key for migration in loader.disk_migrations.values() for key in migration.replaces}
    return frozenset(loader.migrated_apps), frozenset({*loader.disk_migrations, *replaced})


def unknown_migrations(applied: Iterable[Migration]) -> list[str]:
    """Return which migrations this version does not know, as app.name. Apps that it does not have do not count.

    An earlier version may have had an app that was removed since, whose migrations stay in the database.
    """
    apps, known = _known()
    return sorted(f"{app}.{name}" for app, name in applied if app in apps and (app, name) not in known)


def newer_migrations() -> list[str]:
    """Return the migrations of the database that this version does not know; asked again after ``CHECK_SECONDS``."""
    if not _checked or time.monotonic() - _checked[-1][0] > CHECK_SECONDS:
        found = unknown_migrations(MigrationRecorder(connection).applied_migrations())
        _checked[:] = [(time.monotonic(), found)]
    return _checked[-1][1]
