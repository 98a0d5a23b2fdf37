"""Where bytes are kept: files that appear whole or not at all, under names that say their content."""

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


class ContentStorage(FileSystemStorage):
    """Files written beside their place and renamed into it.

    A worker killed while writing leaves no half file under the final name. Names are derived from content, so
    writing the same name again is writing the same bytes, and the last one wins.
    """

    def get_available_name(self, name: str, max_length: int | None = None) -> str:
        return name

    def _save(self, name: str, content: File) -> str:
        target = Path(self.path(name))
        target.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, NewFile) and content.move_to(target):
            return str(name)
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
    """Hashed names, and the same names inside our ES modules: ``import`` of a changed file is never stale.

    Only in our own: scripts that come with packages may name files that are not there.
    """

    _imports = CompressedManifestStaticFilesStorage._js_module_import_aggregation_patterns[1]
    patterns = (*CompressedManifestStaticFilesStorage.patterns, ("js/*.js", _imports))
    manifest_strict = False
    # A pass for every level of modules importing modules: the name of each hangs on the names of those it imports.
    max_post_process_passes = 20


class NewFile(File):
    """A file that is made to be stored, and not written to after that; see ``new_file``."""

    def __init__(self, file: IO[bytes], path: Path) -> None:
        super().__init__(file, name=path.name)
        self.path = path

    def move_to(self, target: Path) -> bool:
        """Give it its final place; False where that is on another disk. It can still be read."""
        self.flush()
        try:
            self.path.replace(target)
        except OSError:
            return False
        return True


@contextmanager
def new_file(suffix: str = "") -> Iterator[NewFile]:
    """A file to write and then save in the storage; on its own disk where that is local, so that saving copies nothing."""
    try:
        folder = _unfinished()
        folder.mkdir(parents=True, exist_ok=True)
    except NotImplementedError:
        folder = Path(tempfile.gettempdir())
    path = folder / f"{uuid.uuid4().hex}{suffix}"
    try:
        with path.open("x+b") as file:
            yield NewFile(file, path)
    finally:
        path.unlink(missing_ok=True)


def remove_unfinished(older_than: float = 86_400) -> None:
    """Remove what workers that were killed were making so many seconds ago."""
    try:
        left = list(_unfinished().glob("*"))
    except NotImplementedError:
        return
    for path in left:
        with suppress(FileNotFoundError):  # it was stored at this moment
            if time.time() - path.stat().st_mtime > older_than:
                path.unlink()


def _unfinished() -> Path:
    return Path(default_storage.path(".unfinished"))


@contextmanager
def local_copy(name: str) -> Iterator[Path]:
    """A path on this machine's disk for a stored file; a download where the storage is remote."""
    try:
        yield Path(default_storage.path(name))
        return
    except NotImplementedError:
        pass
    with tempfile.NamedTemporaryFile(suffix=Path(name).suffix) as file:
        with default_storage.open(name) as stored:
            shutil.copyfileobj(stored, file)
        file.flush()
        yield Path(file.name)


class StoredFile(NamedTuple):
    name: str
    sha256: str


def store_by_content(folder: str, content: File, suffix: str = "", *, sha256: str = "") -> StoredFile:
    """Store a file under its SHA-256, unless the same bytes are stored already.

    ``suffix`` begins with a dot. ``sha256``: the file's hash, if the caller has computed it (a clip can be large).
    """
    sha256 = sha256 or sha256_of(content)
    name = f"{folder}/{sha256[:2]}/{sha256}{suffix}"
    if not default_storage.exists(name):
        default_storage.save(name, content)
    return StoredFile(name, sha256)


def sha256_of(file: IO[bytes] | File) -> str:
    """Hex SHA-256 of a file from its start; leaves it rewound."""
    file.seek(0)
    digest = hashlib.sha256()
    while chunk := file.read(1 << 20):
        digest.update(chunk)
    file.seek(0, os.SEEK_SET)
    return digest.hexdigest()
