"""Trees in the platform's storage: all files below a prefix, or one uploaded file. See ``models_ml.formats.base.Tree``."""

from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import BinaryIO, cast

from django.core.files.storage import default_storage

from models_ml.errors import InputError
from models_ml.formats.folder_tree import check_count, checked_path

_DEPTH = 24  # levels of folders; only a storage that lists itself has so many


class UploadTree:
    """One uploaded file, as a folder that contains nothing else."""

    quick = True

    def __init__(self, name: str, stored: str) -> None:
        self.name, self._stored = name, stored

    def files(self) -> list[str]:
        return [self.name]

    def open(self, path: str) -> BinaryIO:
        return cast(BinaryIO, default_storage.open(self._stored))


class StorageTree:
    """All files below a prefix of the platform's storage (S3, or the media folder).

    Raises InputError if the prefix is empty, leaves the storage or has no files.
    """

    quick = False  # opening a file is a request

    def __init__(self, prefix: str) -> None:
        self._prefix = checked_path(prefix.strip().strip("/"))
        self.name = PurePosixPath(self._prefix).name
        if not self._files:
            raise InputError(f"The storage has no files below “{prefix}”. Check the prefix.")

    def files(self) -> list[str]:
        """Return the path of each file below the prefix: relative, POSIX, sorted."""
        return list(self._files)

    @cached_property
    def _files(self) -> list[str]:
        found: list[str] = []
        pending = [(self._prefix, 0)]
        while pending:
            folder, depth = pending.pop()
            try:
                folders, names = default_storage.listdir(folder)
            except (FileNotFoundError, NotADirectoryError):
                continue
            inside = PurePosixPath(folder)
            found += [str((inside / n).relative_to(self._prefix)) for n in names if n]
            if depth < _DEPTH:
                pending += [(str(inside / n), depth + 1) for n in folders if n and n not in (".", "..")]
            check_count(len(found), self.name)
        return sorted(path for path in found if self._is_inside(path))

    def open(self, path: str) -> BinaryIO:
        """Open a listed file for reading; raises InputError if it does not exist."""
        if not self._is_inside(checked_path(path)):
            raise InputError(f"“{path}” leads out of the prefix “{self._prefix}”.")
        try:
            return cast(BinaryIO, default_storage.open(f"{self._prefix}/{path}", "rb"))
        except OSError as error:
            raise InputError(f"“{path}” cannot be read from the storage.") from error

    def _is_inside(self, path: str) -> bool:
        """Return whether the path stays inside the prefix, also where the storage is a folder with links."""
        try:
            root = Path(default_storage.path(self._prefix)).resolve()
        except NotImplementedError:  # object storage has no links
            return True
        return (root / path).resolve().is_relative_to(root)
