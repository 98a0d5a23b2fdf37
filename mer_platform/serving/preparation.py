"""What must be ready before the first process starts: data folder, port, storage, database and static files."""

import fcntl
import hashlib
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.conf import settings
from django.contrib.staticfiles.finders import get_finders
from django.core.files.storage import storages
from django.core.management.base import CommandError
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from mer_platform.serving.processes import HOST


@contextmanager
def only_one_in(folder: Path) -> Iterator[None]:
    """Lock the data folder. The lock ends with this process and its children, however they end. Raises CommandError."""
    with (folder / "serve.lock").open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            lock.seek(0)
            raise CommandError(
                f"The platform is already running on the data folder {folder} (process {lock.read().strip()}). "
                "Stop it first, or choose another folder: MER_DATA_DIR=… make run"
            ) from error
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        yield


def check_free(port: int) -> None:
    """Raise CommandError if this port cannot be used."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except PermissionError as error:
            raise CommandError(
                f"Port {port} needs privileges. Choose a port above 1023: PORT=8001 make run"
            ) from error
        except OSError as error:
            raise CommandError(
                f"Port {port} is in use by another program. Stop that program, or choose another port: PORT=8001 make run"
            ) from error


def check_storage() -> None:
    """Raise CommandError if the object store cannot be used, rather than at the first upload."""
    if not settings.STORAGE_URL:
        return
    from mer_platform.objectstore import ObjectStorage  # its libraries are slow to load, and rarely needed

    store = storages["default"]
    if isinstance(store, ObjectStorage) and (problem := store.problem()):
        raise CommandError(problem)


def pending_migrations() -> bool:
    executor = MigrationExecutor(connection)
    return bool(executor.migration_plan(executor.loader.graph.leaf_nodes()))


def static_digest() -> str:
    """Return a digest of the static files' places, sizes and times: reading them all would take longer."""
    digest = hashlib.sha256()
    for finder in get_finders():
        for name, storage in finder.list([]):
            stat = Path(storage.path(name)).stat()
            digest.update(f"{name} {storage.path(name)} {stat.st_size} {stat.st_mtime_ns}\n".encode())
    return digest.hexdigest()


def digest_file() -> Path:
    return settings.DATA_DIR / "static.sha256"


def collected_digest() -> str:
    """Return the digest of the last collection, or an empty string if its files are gone."""
    manifest = Path(settings.STATIC_ROOT) / "staticfiles.json"
    return digest_file().read_text() if manifest.exists() and digest_file().exists() else ""
