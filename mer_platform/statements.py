"""Limits on the time of statements, so that one of them cannot hold a thread of the web server for ever."""

from typing import Any

from django.db.backends.signals import connection_created

_UID = "limit-statements"


def limit_statements(seconds: float) -> None:
    """Let PostgreSQL cancel this process's statements after so many seconds; 0: never. SQLite has no such limit."""

    def limit(connection: Any, **_: Any) -> None:
        if connection.vendor == "postgresql" and seconds:
            with connection.cursor() as cursor:
                cursor.execute(f"SET statement_timeout = {int(seconds * 1000)}")

    connection_created.connect(limit, weak=False, dispatch_uid=_UID)
