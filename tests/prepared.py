"""Empty, migrated databases and collected static files, made once in a run of tests and copied for each process.

Migrating takes 17 s of processor time. All processes of a run share a folder, which MER_TEST_PREPARED names.
"""

import atexit
import fcntl
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg

ROOT = Path(__file__).resolve().parent.parent
FOLDER = "MER_TEST_PREPARED"
STATIC = (
    "from django.core.management import call_command\n"
    "from mer_platform.serving.preparation import digest_file, static_digest\n"
    "call_command('collectstatic', interactive=False, verbosity=0)\n"
    "digest_file().write_text(static_digest())\n"
)


def share_prepared() -> None:
    """Name the folder, unless a parent process has. The process that names it removes it, and its databases, at its end."""
    if FOLDER not in os.environ:
        os.environ[FOLDER] = tempfile.mkdtemp(prefix="mer-prepared-")
        atexit.register(_remove, os.getpid())


def is_shared() -> bool:
    """Return whether this process runs tests. Benchmarks start from nothing."""
    return FOLDER in os.environ


def migrated_file() -> Path:
    """Return an SQLite database. Do not open it: copy it."""
    _once("sqlite", lambda: _manage("migrate", "-v0"))
    return _folder() / "mer.sqlite3"


def migrated_database(server: str) -> str:
    """Return the name of a database to copy on this PostgreSQL server. It allows no connections."""
    name = _folder().name.replace("-", "_")

    def make() -> None:
        with psycopg.connect(server, autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{name}"'.encode())
            _manage("migrate", "-v0", DATABASE_URL=urlunsplit(urlsplit(server)._replace(path=f"/{name}")))
            connection.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false'.encode())
        (_folder() / "server").write_text(server)

    _once("postgresql", make)
    return name


def collected_static_files() -> Path:
    """Return the folder of the collected static files."""
    _once("static", lambda: _manage("shell", "-v0", "-c", STATIC))
    return _folder() / "static"


def copy_static_files(data: Path) -> None:
    """Place the collected static files in a data folder, as links to the same files."""
    shutil.copytree(collected_static_files(), data / "static", copy_function=os.link)
    shutil.copy(_folder() / "static.sha256", data)


def fill_the_tests_database() -> None:
    """Let the database that Django makes for this process's tests start as a copy of the migrated one."""
    from django.db import connection
    from django.db.backends.signals import connection_created

    if connection.vendor == "postgresql":
        template = migrated_database(os.environ["DATABASE_URL"])
        connection.settings_dict["TEST"]["TEMPLATE"] = template  # type: ignore[typeddict-unknown-key]
        return

    def fill(connection, **_):
        if connection.is_in_memory_db():
            connection_created.disconnect(fill)
            with closing(sqlite3.connect(migrated_file())) as prepared:
                prepared.backup(connection.connection)

    connection_created.connect(fill, weak=False)


def _folder() -> Path:
    return Path(os.environ[FOLDER])


def _once(name: str, make: Callable[[], None]) -> None:
    """Call ``make`` unless a process of this run has; the others wait until it is done."""
    done = _folder() / f"{name}.done"
    with _locked(name):
        if not done.exists():
            make()
            done.touch()


@contextmanager
def _locked(name: str) -> Iterator[None]:
    with (_folder() / f"{name}.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _manage(*arguments: str, **environment: str) -> None:
    """Run a management command whose data folder is the shared one. Raises CalledProcessError with its output."""
    plain = {k: v for k, v in os.environ.items() if k not in ("DATABASE_URL", "REDIS_URL")}
    plain["MER_DATA_DIR"] = str(_folder())
    subprocess.run(
        [sys.executable, "manage.py", *arguments], cwd=ROOT, env={**plain, **environment}, check=True
    )


def _remove(owner: int) -> None:
    if os.getpid() != owner:  # a child that was forked
        return
    server = _folder() / "server"
    if server.exists():
        with psycopg.connect(server.read_text(), autocommit=True) as connection:
            connection.execute(f'DROP DATABASE IF EXISTS "{migrated_database("")}"'.encode())
    shutil.rmtree(_folder(), ignore_errors=True)
