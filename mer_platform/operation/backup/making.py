"""Making a backup: first the database as of one moment, then the files, which never change."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from django.conf import settings
from django.core.files.storage import default_storage
from django.db import connection
from pydantic import BaseModel, ValidationError

from mer_platform import __version__
from mer_platform.deletion.kinds import KINDS
from mer_platform.operation.backup import databases
from mer_platform.operation.backup.vault import BackupError, Content, Vault
from mer_platform.storage import stored_names
from mer_platform.withdrawals import ledger
from mer_platform.withdrawals.ledger import Entry

FORMAT = 1


class _Format(BaseModel):
    format: int
    version: str


class Snapshot(BaseModel):
    """What one backup contains. ``files``: the contents of each stored file, by its name in the storage.

    ``withdrawals``: all people who were withdrawn so far, so that the restore of an earlier backup can withdraw them again.
    """

    format: int = FORMAT
    version: str
    created_at: datetime
    engine: str
    migrations: list[str]
    secret_key: str
    database: Content
    files: dict[str, Content]
    withdrawals: list[Entry] = []

    @property
    def size(self) -> int:
        return self.database.size + sum(content.size for content in self.files.values())

    @classmethod
    def read(cls, vault: Vault, name: str) -> "Snapshot":
        """Return the list of one backup. Raises BackupError, also for one that a newer version has written."""
        text = vault.read_snapshot(name)
        stated = _Format.model_validate_json(text)
        if stated.format > FORMAT:
            raise BackupError(
                f"The backup “{name}” was made by version {stated.version} of the platform, in a format that this version "
                f"({__version__}) does not know. Install version {stated.version} or newer to read it."
            )
        try:
            return cls.model_validate_json(text)
        except ValidationError as error:
            raise BackupError(f"The list of the backup “{name}” cannot be read: {error}") from error


@dataclass
class Made:
    """A complete backup. ``gone``: files that were deleted while it was made, and are not part of it."""

    name: str
    snapshot: Snapshot
    new_files: int
    new_bytes: int
    gone: list[str]


def make_backup(vault: Vault, progress: Callable[[int], None] = lambda _: None) -> Made:
    """Add a backup to a vault. What an earlier one contains is not copied again. Raises BackupError."""
    with vault.lock():
        known = _known_files(vault)
        if databases.is_empty():
            raise BackupError("There is nothing to back up: the database has no tables.")
        moment = datetime.now(UTC)
        with databases.dump() as file:
            database, _ = vault.put(file)
        made = Made(
            moment.strftime("%Y-%m-%dT%H-%M-%S-%f"),
            Snapshot(
                version=__version__,
                created_at=moment,
                engine=connection.vendor,
                migrations=databases.applied_migrations(),
                secret_key=settings.SECRET_KEY,
                database=database,
                files={},
                withdrawals=list(ledger.entries()),
            ),
            1,
            database.size,
            [],
        )
        for number, name in enumerate(stored_files(), start=1):
            _add(vault, made, name, known.get(name))
            progress(number)
        vault.write_snapshot(made.name, made.snapshot.model_dump_json())
    return made


def _add(vault: Vault, made: Made, name: str, known: Content | None) -> None:
    try:
        # A stored file never changes, so its name and size are enough.
        if known is not None and known.size == default_storage.size(name) and vault.has(known):
            made.snapshot.files[name] = known
            return
        with default_storage.open(name) as file:
            content, new = vault.put(file)
    except FileNotFoundError:
        made.gone.append(name)
        return
    made.snapshot.files[name] = content
    made.new_files += new
    made.new_bytes += content.size if new else 0


def stored_files() -> Iterator[str]:
    """Yield the names of all stored files of the platform's kinds."""
    for folder in KINDS:
        yield from stored_names(folder)


def remove_old(vault: Vault, keep: int) -> tuple[int, int]:
    """Remove all backups except the newest ``keep``. Return how many backups and contents were removed.

    Raises BackupError if the list of a backup that stays cannot be read: its contents would be taken for superfluous.
    """
    with vault.lock():
        names = vault.snapshots()
        needed: set[str] = set()
        for name in names[-keep:]:
            snapshot = Snapshot.read(vault, name)
            needed |= {snapshot.database.sha256, *(content.sha256 for content in snapshot.files.values())}
        for name in names[:-keep]:
            vault.remove_snapshot(name)
        return len(names[:-keep]), vault.remove_objects_except(needed)


def open_vault(folder: Path, passphrase: str, create: bool = False) -> Vault:
    """Open a backup folder, or with ``create`` start one in an empty or missing folder. Raises BackupError."""
    if not passphrase:
        raise BackupError(
            "No passphrase: set the environment variable MER_BACKUP_PASSPHRASE. Keep it in a second place, too."
        )
    if not create or (folder / "identity.age").exists():
        return Vault.open(folder, passphrase)
    leftovers = {
        "objects",
        "snapshots",
        "unfinished",
        "lock",
    }  # of a first backup that was killed at its start
    if folder.exists() and {path.name for path in folder.iterdir()} - leftovers:
        raise BackupError(f"{folder} contains other files. Name an empty or a new folder for the backup.")
    return Vault.create(folder, passphrase)


def _known_files(vault: Vault) -> dict[str, Content]:
    names = vault.snapshots()
    return Snapshot.read(vault, names[-1]).files if names else {}
