"""Storing files: written atomically, and named by their content."""

import hashlib
import os
import shutil
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, NamedTuple

from django.core.files.base import File
from django.core.files.storage import FileSystemStorage, default_storage
from whitenoise.storage import CompressedManifestStaticFilesStorage

from mer_platform.free_space import require_space
from mer_platform.processes import is_alive, owner_name


class ContentStorage(FileSystemStorage):
    """Files written to a temporary file and then renamed.

    A worker killed while writing leaves no incomplete file under the final name. Names are derived from the content, so
    that overwriting a file writes the same bytes.
    """

    def refresh(self, name: str) -> bool:
        """Make a stored file as young as a new one. Return False if it does not exist."""
        try:
            os.utime(self.path(name))
        except FileNotFoundError:
            return False
        return True

    def get_available_name(self, name: str, max_length: int | None = None) -> str:
        return name

    def _save(self, name: str, content: File) -> str:
        target = Path(self.path(name))
        target.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, NewFile) and content.move_to(target):
            return str(name)
        require_space(content.size)
        part = target.with_name(f".{target.name}.{uuid.uuid4().hex}.part")
        try:
            with part.open("wb") as file:
                for chunk in content.chunks():
                    file.write(chunk)
            part.replace(target)
        finally:
            part.unlink(missing_ok=True)
        return str(name)


class StaticStorage(CompressedManifestStaticFilesStorage):
    """Hashed names, also in the imports of the platform's ES modules, so that no import is ever stale.

    Scripts that come with packages stay as they are: they may name files that do not exist.
    """

    _imports = CompressedManifestStaticFilesStorage._js_module_import_aggregation_patterns[1]
    patterns = (*CompressedManifestStaticFilesStorage.patterns, ("js/*.js", _imports))
    manifest_strict = False
    # One pass for each level of imports: a module's name depends on the names of the modules that it imports.
    max_post_process_passes = 20


class NewFile(File):
    """A new file that will be stored and is complete when it is; see ``new_file``."""

    sha256 = ""  # of its bytes, if the writer has computed it

    def __init__(self, file: IO[bytes], path: Path) -> None:
        super().__init__(file, name=path.name)
        self.path = path

    def move_to(self, target: Path) -> bool:
        """Move the file to its final place. Return False if that is on another disk. The file stays readable."""
        self.flush()
        try:
            self.path.replace(target)
        except OSError:
            return False
        return True


@contextmanager
def new_file(suffix: str = "") -> Iterator[NewFile]:
    """Yield a file to write and then save. It lies on the disk of a local storage, so that saving copies nothing."""
    path = new_path(suffix)
    try:
        with path.open("x+b") as file:
            yield NewFile(file, path)
    finally:
        path.unlink(missing_ok=True)


def new_path(suffix: str = "") -> Path:
    """Return the path of a file to write, on the disk of a local storage. The caller removes it. Raises NoSpace."""
    require_space()
    folder = _unfinished()
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder / f"{owner_name()}~{uuid.uuid4().hex}{suffix}"


def remove_unfinished(older_than: float = 86_400) -> None:
    """Remove the files that dead processes left unfinished, and any older than ``older_than`` seconds."""
    for path in _unfinished().glob("*"):
        owner, mark, _ = path.name.rpartition("~")
        with suppress(FileNotFoundError):  # it has just been stored
            if (mark and not is_alive(owner)) or time.time() - path.stat().st_mtime > older_than:
                path.unlink()


def _unfinished() -> Path:
    try:
        return Path(default_storage.path(".unfinished"))
    except NotImplementedError:
        return Path(tempfile.gettempdir()) / f"mer-unfinished-{os.getuid()}"


@contextmanager
def local_copy(name: str) -> Iterator[Path]:
    """Yield the path of a stored file on this machine's disk: downloaded if the storage is remote."""
    try:
        yield Path(default_storage.path(name))
        return
    except NotImplementedError:
        pass
    with new_file(Path(name).suffix) as file:
        with default_storage.open(name) as stored:
            require_space(stored.size)
            shutil.copyfileobj(stored, file)
        file.flush()
        yield file.path


class StoredFile(NamedTuple):
    name: str
    sha256: str


def store_by_content(folder: str, content: File, suffix: str = "", *, sha256: str = "") -> StoredFile:
    """Store a file under its SHA-256. If the same bytes are stored already, that file becomes as young as a new one.

    The row that refers to the file is saved only later. Until then its age protects it: no young file is removed.
    ``suffix`` begins with a dot. ``sha256``: the file's hash, if the caller has computed it (a clip can be large).
    """
    sha256 = sha256 or sha256_of(content)
    name = f"{folder}/{sha256[:2]}/{sha256}{suffix}"
    # An object store has no such call, and stores the same bytes again.
    refresh = getattr(default_storage, "refresh", None)
    if refresh is None or not refresh(name):
        default_storage.save(name, content)
    return StoredFile(name, sha256)


def stored_names(folder: str) -> Iterator[str]:
    """Yield the name of each stored file in a folder and below it, in any order."""
    pending = [folder]
    while pending:
        inside = pending.pop()
        try:
            folders, files = default_storage.listdir(inside)
        except FileNotFoundError:
            continue
        yield from (f"{inside}/{name}" for name in files if name)
        pending += [f"{inside}/{name}" for name in folders if name and name not in (".", "..")]


def sha256_of(file: IO[bytes] | File) -> str:
    """Return the SHA-256 of a whole file in hexadecimal, and rewind it."""
    file.seek(0)
    digest = hashlib.sha256()
    while chunk := file.read(1 << 20):
        digest.update(chunk)
    file.seek(0, os.SEEK_SET)
    return digest.hexdigest()
