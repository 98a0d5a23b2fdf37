"""Restoring a backup into an empty place, and comparing a backup or an installation with its hashes."""

import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from django.conf import settings
from django.core.files.storage import default_storage
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from mer_platform.jobs.models import Worker
from mer_platform.jobs.schema import unknown_migrations
from mer_platform.operation.backup import databases
from mer_platform.operation.backup.making import Snapshot, stored_files
from mer_platform.operation.backup.vault import BackupError, Vault
from mer_platform.storage import NewFile, new_path, sha256_of
from mer_platform.withdrawals import ledger
from mer_platform.withdrawals.models import Withdrawal
from mer_platform.withdrawals.upkeep import catch_up


def restore(
    vault: Vault, snapshot: Snapshot, force: bool = False, progress: Callable[[int], None] = lambda _: None
) -> None:
    """Restore files, signing key and database. The database comes last: an interrupted restore can be started again.

    Parameters
    ----------
    force
        Replace the database that is there, and leave stored files that the backup does not contain.

    Raises
    ------
    BackupError
        The place is in use, the backup is damaged, or made by another engine or a newer version.
    """
    _check_version(snapshot)
    _check_place(snapshot, force)
    with tempfile.TemporaryDirectory(dir=settings.DATA_DIR, prefix=".restore-") as folder:
        # Read in full before anything is replaced.
        database = Path(folder) / "database"
        with database.open("xb") as file:
            vault.get(snapshot.database, file, "the database")
        for number, name in enumerate(snapshot.files, start=1):
            _restore_file(vault, snapshot, name)
            progress(number)
        _restore_key(snapshot.secret_key)
        keep_withdrawals(vault)  # before people come back
        databases.load(database)


def keep_withdrawals(vault: Vault) -> None:
    """Add the withdrawals that the newest backup of the vault knows to the list in the storage."""
    for name in vault.snapshots()[-1:]:
        ledger.add(Snapshot.read(vault, name).withdrawals)


def add_withdrawals(folder: Path) -> int:
    """Add the withdrawals of a copy of the list to the one in the storage. Return their number. Raises BackupError."""
    files = sorted(folder.glob("*.json"))
    found = [ledger.read(file.read_bytes()) for file in files]
    if damaged := [file for file, entry in zip(files, found, strict=True) if entry is None]:
        raise BackupError(
            f"{damaged[0]} is damaged, or not of a list of withdrawals. Take it from another copy."
        )
    if not found:
        raise BackupError(
            f"No withdrawals found in {folder}. Name a copy of the folder “withdrawals” of the storage."
        )
    ledger.add(entry for entry in found if entry is not None)
    return len(found)


def withdraw_again() -> list[Withdrawal] | None:
    """Withdraw the people whom a backup has brought back. Return None if the database must be migrated first."""
    if is_migration_due():
        return None
    return catch_up()


def is_migration_due() -> bool:
    """Return whether the database is older than this version of the platform."""
    executor = MigrationExecutor(connection)
    return bool(executor.migration_plan(executor.loader.graph.leaf_nodes()))


def _restore_file(vault: Vault, snapshot: Snapshot, name: str) -> None:
    content = snapshot.files[name]
    if default_storage.exists(name):
        with default_storage.open(name) as there:
            if sha256_of(there) == content.sha256:
                return
    path = new_path()
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with path.open("x+b") as file:
            vault.get(content, file, name)
            file.seek(0)
            default_storage.save(name, NewFile(file, path))
    finally:
        path.unlink(missing_ok=True)


def _restore_key(key: str) -> None:
    path = settings.DATA_DIR / "secret_key"
    part = path.with_name(".secret_key.part")
    part.unlink(missing_ok=True)
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(key)
    part.replace(path)


def _check_version(snapshot: Snapshot) -> None:
    if snapshot.engine != connection.vendor:
        names = {"sqlite": "SQLite", "postgresql": "PostgreSQL"}
        was, now = (names.get(engine, engine) for engine in (snapshot.engine, connection.vendor))
        raise BackupError(
            f"The backup contains a {was} database, and this installation uses {now}. Set DATABASE_URL for {was}."
        )
    applied = [(app, name) for app, _, name in (text.partition(".") for text in snapshot.migrations)]
    if newer := unknown_migrations(applied):
        raise BackupError(
            f"The backup was made by a newer version of the platform ({snapshot.version}): this version does not know the "
            f"migration {newer[-1]}. Install version {snapshot.version}, then restore."
        )


def _check_place(snapshot: Snapshot, force: bool) -> None:
    if not databases.is_empty():
        if not force:
            raise BackupError(
                "Cannot restore over a database that has tables. Name an empty place (MER_DATA_DIR, DATABASE_URL), or "
                "replace the database with --force."
            )
        if databases.has_table(Worker._meta.db_table) and Worker.alive().exists():
            raise BackupError(
                "The platform is running: workers reported within the last minute. Stop it first."
            )
    elif not force:
        other = next((name for name in stored_files() if name not in snapshot.files), None)
        if other is not None:
            raise BackupError(
                f"Cannot restore over other stored files, such as {other}. Name an empty storage (MER_DATA_DIR, "
                "MER_STORAGE_URL), or keep them with --force."
            )


def damaged_contents(vault: Vault, snapshot: Snapshot) -> Iterator[str]:
    """Read all contents of a backup, and yield a sentence for each that is missing or damaged."""
    with Path(os.devnull).open("wb") as nowhere:
        for name, content in {"the database": snapshot.database, **snapshot.files}.items():
            try:
                vault.get(content, nowhere, name)
            except BackupError as error:
                yield str(error)


def differing_files(snapshot: Snapshot) -> Iterator[str]:
    """Compare the installation's files with a backup, and yield a sentence for each that is missing or differs."""
    for name, content in snapshot.files.items():
        try:
            with default_storage.open(name) as file:
                same = sha256_of(file) == content.sha256
        except FileNotFoundError:
            yield f"{name} is missing in the storage. It may have been deleted since the backup."
            continue
        if not same:
            yield f"{name} has other bytes than in the backup."
