"""Consistent copies of the database while the platform runs: SQLite's online backup, PostgreSQL's pg_dump."""

import os
import sqlite3
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import IO

from django.conf import settings
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder

from mer_platform.operation.backup.vault import BackupError

CLIENT = (
    "Install PostgreSQL's client programs, of the server's version or newer (on Debian: postgresql-client)."
)


def applied_migrations() -> list[str]:
    """Return the names of the migrations that the database has, as app.name."""
    return sorted(f"{app}.{name}" for app, name in MigrationRecorder(connection).applied_migrations())


def is_empty() -> bool:
    """Return whether the database has no table."""
    return not connection.introspection.table_names()


def has_table(name: str) -> bool:
    return name in connection.introspection.table_names()


@contextmanager
def dump() -> Iterator[IO[bytes]]:
    """Yield a copy of the database, as of one moment. Raises BackupError, also at the end of the block."""
    if connection.vendor == "postgresql":
        with _pg_dump() as file:
            yield file
        return
    with tempfile.TemporaryDirectory(dir=settings.DATA_DIR, prefix=".backup-") as folder:
        copy = Path(folder) / "mer.sqlite3"
        connection.ensure_connection()
        with closing(sqlite3.connect(copy)) as target:
            # In one step, which reads one state and lets others write (WAL).
            connection.connection.backup(target)
        with copy.open("rb") as file:
            yield file


def load(file: Path) -> None:
    """Replace the database by a dump of the same engine. Moves the file away. Raises BackupError."""
    if connection.vendor == "postgresql":
        _drop_all_tables()
        _run_client(["pg_restore", "--no-owner", "--exit-on-error", "--single-transaction", "--dbname"], file)
        return
    with closing(sqlite3.connect(file)) as restored:
        if (state := restored.execute("PRAGMA integrity_check").fetchone()[0]) != "ok":
            raise BackupError(f"The database in the backup is damaged: {state}. Use another backup.")
    target = Path(connection.settings_dict["NAME"])
    connection.close()
    for left in (f"{target}-wal", f"{target}-shm"):
        Path(left).unlink(missing_ok=True)
    file.chmod(0o600)
    file.replace(target)


@contextmanager
def _pg_dump() -> Iterator[IO[bytes]]:
    command = ["pg_dump", "--format=custom", "--no-owner", "--dbname", _database()]
    with tempfile.TemporaryFile() as errors:
        try:
            process = subprocess.Popen(  # noqa: S603  # a fixed program
                command, stdout=subprocess.PIPE, stderr=errors, env=_environment()
            )
        except FileNotFoundError as error:
            raise BackupError(f"pg_dump not found. {CLIENT}") from error
        try:
            if process.stdout is not None:
                yield process.stdout
                process.stdout.close()
            if process.wait():
                errors.seek(0)
                raise BackupError(_sentence("pg_dump", errors.read()))
        finally:
            process.kill()
            process.wait()


def _run_client(command: list[str], file: Path) -> None:
    try:
        done = subprocess.run(  # noqa: S603  # fixed programs
            [*command, _database(), str(file)], env=_environment(), capture_output=True, check=False
        )
    except FileNotFoundError as error:
        raise BackupError(f"{command[0]} not found. {CLIENT}") from error
    if done.returncode:
        raise BackupError(_sentence(command[0], done.stderr))


def _sentence(program: str, errors: bytes) -> str:
    return f"{program} failed: {errors.decode(errors='replace').strip()[-500:]}"


def _database() -> str:
    return str(connection.settings_dict["NAME"])


def _environment() -> dict[str, str]:
    """Return the environment of PostgreSQL's programs: where the server is, and the password, which no one can list."""
    stated = connection.settings_dict
    named = {"PGHOST": stated["HOST"], "PGPORT": stated["PORT"], "PGUSER": stated["USER"]}
    named["PGPASSWORD"] = stated["PASSWORD"]
    return {**os.environ, **{name: str(value) for name, value in named.items() if value}}


def _drop_all_tables() -> None:
    quote = connection.ops.quote_name
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names():
            cursor.execute(f"DROP TABLE IF EXISTS {quote(table)} CASCADE")
