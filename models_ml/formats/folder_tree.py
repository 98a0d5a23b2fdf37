"""A folder on this machine's disk as a ``Tree``.

It never leaves its root: it does not follow symbolic links that lead out, and it refuses ``..`` in a path.
"""

# ruff: noqa: PTH114, PTH118, PTH123 (a Path object per frame would cost more than opening the frame)

import os
import re
from functools import cached_property
from pathlib import Path
from typing import BinaryIO

from models_ml.errors import InputError

_MOST = 2_000_000  # files
_IS_CLEAN = re.compile(r"[^/\\\0.][^/\\\0]*(/[^/\\\0.][^/\\\0]*)*").fullmatch  # no part starts with a dot


class FolderTree:
    """A folder on this machine, or a single file as a folder that contains nothing else.

    Files are listed once. Links to folders are not followed, links to files only if they stay inside the folder.
    ``shown`` is what errors call it: what a person named, where the whole path is the server's business. Raises InputError
    if ``path`` does not exist or may not be read.
    """

    quick = True

    def __init__(self, path: Path | str, shown: str = "") -> None:
        self._shown = shown or str(path)
        try:
            self._root = Path(path).resolve(strict=True)
            self._single = self._root.name if self._root.is_file() else ""
            if self._single:
                self._root = self._root.parent
            elif not os.access(self._root, os.R_OK | os.X_OK):
                raise PermissionError
        except (OSError, RuntimeError) as error:
            what = "may not be read" if isinstance(error, PermissionError) else "was not found"
            raise InputError(
                f"The folder “{self._shown}” {what}. Choose a folder on the server that the platform can read."
            ) from error
        self.name = self._single or self._root.name
        self._inside: dict[str, bool] = {}

    def files(self) -> list[str]:
        """Return the path of each file below the folder: relative, POSIX, sorted."""
        return list(self._files)

    @cached_property
    def _files(self) -> list[str]:
        if self._single:
            return [self._single]
        found: list[str] = []
        for folder, _, names in os.walk(self._root, followlinks=False, onerror=self._refuse):
            inside = Path(folder).relative_to(self._root).as_posix()
            for name in names:
                path = os.path.join(folder, name)
                if os.path.islink(path) and not self._is_inside(Path(path)):
                    continue
                found.append(name if inside == "." else f"{inside}/{name}")
            check_count(len(found), self.name)
        return sorted(found)

    def open(self, path: str) -> BinaryIO:
        """Open a listed file for reading; raises InputError if it does not exist or is outside the folder."""
        target = f"{self._root}/{checked_path(path)}"
        folder = target.rpartition("/")[0]
        if not self._folder_is_inside(folder) or (
            os.path.islink(target) and not self._is_inside(Path(target))
        ):
            raise InputError(f"“{path}” leads out of the folder “{self.name}”.")
        try:
            return open(target, "rb")
        except OSError as error:
            raise InputError(f"“{path}” cannot be read: {error.strerror}.") from error

    def _folder_is_inside(self, folder: str) -> bool:
        """As ``_is_inside``, asked once per folder: resolving a path costs more than opening the file."""
        known = self._inside.get(folder)
        if known is None:
            known = self._inside[folder] = self._is_inside(Path(folder))
        return known

    def _refuse(self, error: OSError) -> None:
        """Raise InputError, because clips in a folder that cannot be listed would be missing without notice."""
        inside = os.path.relpath(error.filename, self._root)
        place = f"“{inside}” in “{self._shown}”" if inside != "." else f"“{self._shown}”"
        raise InputError(f"The folder {place} cannot be listed: {error.strerror}.") from error

    def _is_inside(self, path: Path) -> bool:
        try:
            return path.resolve(strict=True).is_relative_to(self._root)
        except (OSError, RuntimeError):  # a dangling link, or a circle of links
            return False


def checked_path(path: str) -> str:
    """Return a relative POSIX path without its empty parts; raises InputError if it is absolute, empty, or leads up.

    >>> checked_path("HS/s1/micro")
    'HS/s1/micro'
    >>> checked_path("../secrets")
    Traceback (most recent call last):
    models_ml.errors.InputError: “../secrets” is not a path within the folder: it must not contain “..” or start with “/”.
    """
    if _IS_CLEAN(path):
        return path
    parts = path.split("/")
    if not path or "\0" in path or "\\" in path or path.startswith("/") or ".." in parts:
        raise InputError(
            f"“{path}” is not a path within the folder: it must not contain “..” or start with “/”."
        )
    return "/".join(part for part in parts if part not in ("", ".")) or "."


def check_count(count: int, name: str) -> None:
    if count > _MOST:
        raise InputError(
            f"“{name}” contains more than {_MOST:,} files, too many for one database. Choose the folder of one database."
        )
