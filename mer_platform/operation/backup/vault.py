"""A folder of encrypted files, each stored once under its content. Every file is in the age format.

``identity.age`` holds the key, encrypted with the passphrase; ``objects/`` the contents, and ``snapshots/`` the lists of
what each backup contains. Without the passphrase, names and sizes of contents show nothing but their number and length.
"""

import fcntl
import hashlib
import hmac
import io
import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import pyrage
from pydantic import BaseModel

LEAST_PASSPHRASE = 12  # characters


class BackupError(Exception):
    """A sentence for the operator: what is wrong with a backup, where, and what to do next."""


class Content(BaseModel):
    """The bytes of a file: their SHA-256 in hexadecimal, and their number."""

    sha256: str
    size: int


@dataclass
class Vault:
    """An open backup folder. Files are written to a temporary name and then renamed, so none is ever half."""

    folder: Path
    identity: Any  # pyrage.x25519.Identity

    @classmethod
    def create(cls, folder: Path, passphrase: str) -> "Vault":
        """Start an empty backup folder. Raises BackupError if the passphrase is too short."""
        if len(passphrase) < LEAST_PASSPHRASE:
            raise BackupError(
                f"The passphrase must have at least {LEAST_PASSPHRASE} characters: a short one can be guessed from a stolen "
                "backup. Set a longer MER_BACKUP_PASSPHRASE."
            )
        for inside in ("objects", "snapshots", "unfinished"):
            (folder / inside).mkdir(parents=True, exist_ok=True, mode=0o700)
        identity = pyrage.x25519.Identity.generate()
        vault = cls(folder, identity)
        with vault._unfinished() as file:
            file.write(lock_identity(str(identity), passphrase))
            _finish(file, folder / "identity.age")
        return vault

    @classmethod
    def open(cls, folder: Path, passphrase: str) -> "Vault":
        """Open a backup folder. Raises BackupError if it is not one, or the passphrase is another one."""
        try:
            locked = (folder / "identity.age").read_bytes()
        except (FileNotFoundError, NotADirectoryError) as error:
            raise BackupError(
                f"No backup found in {folder}: the file identity.age is missing. Name the folder that was given to "
                "“manage.py backup”."
            ) from error
        try:
            identity = pyrage.x25519.Identity.from_str(unlock_identity(locked, passphrase))
        except (pyrage.DecryptError, OSError) as error:
            raise BackupError(
                f"The passphrase does not open the backup in {folder}. Set MER_BACKUP_PASSPHRASE to the one with which the "
                "backup was started; if it is the right one, identity.age is damaged: take it from another copy."
            ) from error
        return cls(folder, identity)

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Let one backup at a time write. Raises BackupError."""
        with (self.folder / "lock").open("a") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise BackupError(
                    f"Another backup is being written to {self.folder}. Wait until it has ended."
                ) from error
            for left in (self.folder / "unfinished").glob("*"):  # of a backup that was killed
                left.unlink()
            yield

    def object_path(self, sha256: str) -> Path:
        """Return where contents with this hash are. The name is keyed: it shows no one which known file this is."""
        name = hmac.new(str(self.identity).encode(), bytes.fromhex(sha256), hashlib.sha256).hexdigest()
        return self.folder / "objects" / name[:2] / f"{name}.age"

    def has(self, content: Content) -> bool:
        return self.object_path(content.sha256).exists()

    def put(self, reader: IO[bytes]) -> tuple[Content, bool]:
        """Store all that a reader gives. Return it, and whether it was new."""
        source = _Hashing(reader)
        with self._unfinished() as file:
            self._encrypt(source, file)
            content = Content(sha256=source.digest.hexdigest(), size=source.size)
            new = not self.has(content)
            if new:
                _finish(file, self.object_path(content.sha256))
        return content, new

    def get(self, content: Content, writer: IO[bytes], name: str) -> None:
        """Write contents to a writer. ``name`` is what errors call them. Raises BackupError."""
        path = self.object_path(content.sha256)
        target = _Hashing(writer)
        try:
            with path.open("rb") as file:
                pyrage.decrypt_io(file, target, [self.identity])
        except FileNotFoundError as error:
            raise BackupError(
                f"The backup does not contain {name}: {path} is missing. {ELSEWHERE}"
            ) from error
        except (pyrage.DecryptError, OSError) as error:
            if target.error is not None:  # of the disk that is written to
                raise target.error from error
            raise BackupError(
                f"The backup of {name} is damaged or cut off: {path} cannot be decrypted. {ELSEWHERE}"
            ) from error
        if target.digest.hexdigest() != content.sha256:
            raise BackupError(f"The backup of {name} has other bytes than it should: {path}. {ELSEWHERE}")

    def snapshots(self) -> list[str]:
        """Return the names of the complete backups, the oldest first."""
        return sorted(path.stem for path in (self.folder / "snapshots").glob("*.age"))

    def write_snapshot(self, name: str, text: str) -> None:
        with self._unfinished() as file:
            self._encrypt(io.BytesIO(text.encode()), file)
            _finish(file, self.folder / "snapshots" / f"{name}.age")

    def read_snapshot(self, name: str) -> str:
        """Return the list of one backup. Raises BackupError."""
        path = self.folder / "snapshots" / f"{name}.age"
        written = io.BytesIO()
        try:
            with path.open("rb") as file:
                pyrage.decrypt_io(file, written, [self.identity])
        except FileNotFoundError as error:
            known = ", ".join(self.snapshots()[-5:]) or "none yet"
            raise BackupError(f"No backup “{name}” in {self.folder}. The newest are: {known}.") from error
        except (pyrage.DecryptError, OSError) as error:
            raise BackupError(
                f"The list of the backup “{name}” is damaged or cut off: {path}. {ELSEWHERE}"
            ) from error
        return written.getvalue().decode()

    def remove_snapshot(self, name: str) -> None:
        (self.folder / "snapshots" / f"{name}.age").unlink(missing_ok=True)

    def remove_objects_except(self, needed: set[str]) -> int:
        """Remove the contents whose hash is not among ``needed``. Return their number."""
        kept = {self.object_path(sha256).name for sha256 in needed}
        removed = 0
        for path in (self.folder / "objects").glob("*/*.age"):
            if path.name not in kept:
                path.unlink()
                removed += 1
        return removed

    def _encrypt(self, reader: Any, writer: IO[bytes]) -> None:
        try:
            pyrage.encrypt_io(reader, writer, [self.identity.to_public()])
        except pyrage.EncryptError as error:  # in fact of the reader or the writer: it names their error
            raise OSError(str(error)) from error

    @contextmanager
    def _unfinished(self) -> Iterator[IO[bytes]]:
        path = self.folder / "unfinished" / uuid.uuid4().hex
        try:
            with open(path, "x+b", opener=_private) as file:  # Path.open takes no opener
                yield file
        finally:
            path.unlink(missing_ok=True)


ELSEWHERE = "Use another backup, or another copy of this one."


def lock_identity(identity: str, passphrase: str) -> bytes:
    return pyrage.passphrase.encrypt(identity.encode(), passphrase)


def unlock_identity(locked: bytes, passphrase: str) -> str:
    return pyrage.passphrase.decrypt(locked, passphrase).decode()


class _Hashing:
    """A reader or writer that computes the SHA-256 of what passes, and keeps the error of the file behind it."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.digest = hashlib.sha256()
        self.size = 0
        self.error: OSError | None = None

    def read(self, count: int = -1) -> bytes:
        data = self._file.read(count)
        self._note(data)
        return data

    def write(self, data: bytes) -> int:
        try:
            self._file.write(data)
        except OSError as error:
            self.error = error
            raise
        self._note(data)
        return len(data)

    def flush(self) -> None:
        self._file.flush()

    def _note(self, data: bytes) -> None:
        self.digest.update(data)
        self.size += len(data)


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _finish(file: IO[bytes], target: Path) -> None:
    """Give a complete file its final name, after its bytes are on the disk."""
    file.flush()
    os.fsync(file.fileno())
    target.parent.mkdir(exist_ok=True, mode=0o700)
    Path(file.name).replace(target)
