"""A folder on this machine's disk as a ``Tree``. It never leaves its root: symbolic links that lead out of it are not
followed, and ``..`` in a path is refused.
"""

# ruff: noqa: PTH114, PTH118, PTH123 (a Path for each of a database's frames would cost more than opening it)

import os
from functools import cached_property
from pathlib import Path
from typing import BinaryIO

from models_ml.errors import InputError

_MOST = 2_000_000  # files


class FolderTree:
    """A folder of this machine (or a single file of one: an export of annotations).

    Files are listed once. Links to folders are not entered, links to files only where they stay within the folder.
    Raises InputError where ``path`` is not there or may not be read.
    """

    quick = True

    def __init__(self, path: Path | str) -> None:
        given = Path(path)
        try:
            self._root = given.resolve(strict=True)
            self._single = self._root.name if self._root.is_file() else ""
            if self._single:
                self._root = self._root.parent
            elif not os.access(self._root, os.R_OK | os.X_OK):
                raise PermissionError
        except (OSError, RuntimeError) as error:
            what = "may not be read" if isinstance(error, PermissionError) else "is not there"
            raise InputError(
                f"The folder “{given}” {what}. Give a folder that the server itself can read."
            ) from error
        self.name = self._single or self._root.name
        self._inside: dict[str, bool] = {}

    def files(self) -> list[str]:
        """Every file below the folder: POSIX paths relative to it, sorted."""
        return list(self._files)

    @cached_property
    def _files(self) -> list[str]:
        if self._single:
            return [self._single]
        found: list[str] = []
        for folder, _, names in os.walk(self._root, followlinks=False, onerror=_refuse):
            inside = Path(folder).relative_to(self._root).as_posix()
            for name in names:
                path = os.path.join(folder, name)
                if os.path.islink(path) and not self._is_inside(Path(path)):
                    continue
                found.append(name if inside == "." else f"{inside}/{name}")
            check_count(len(found), self.name)
        return sorted(found)

    def open(self, path: str) -> BinaryIO:
        """Open a listed file for reading; InputError for one that is not there or lies outside."""
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
        """As ``_is_inside``, asked once a folder: resolving a path costs more than opening the file."""
        known = self._inside.get(folder)
        if known is None:
            known = self._inside[folder] = self._is_inside(Path(folder))
        return known

    def _is_inside(self, path: Path) -> bool:
        try:
            return path.resolve(strict=True).is_relative_to(self._root)
        except (OSError, RuntimeError):  # a dangling link, or a circle of links
            return False


def checked_path(path: str) -> str:
    """A relative POSIX path as it is; InputError for one that is absolute, empty, or climbs.

    >>> checked_path("HS/s1/micro")
    'HS/s1/micro'
    >>> checked_path("../secrets")
    Traceback (most recent call last):
    models_ml.errors.InputError: “../secrets” is not a path within the folder: no “..”, no leading “/”.
    """
    parts = path.split("/")
    if not path or "\0" in path or "\\" in path or path.startswith("/") or ".." in parts:
        raise InputError(f"“{path}” is not a path within the folder: no “..”, no leading “/”.")
    return "/".join(part for part in parts if part not in ("", ".")) or "."


def _refuse(error: OSError) -> None:
    """A folder that cannot be listed would be clips that are missing without anybody knowing."""
    raise InputError(f"The folder “{error.filename}” cannot be listed: {error.strerror}.") from error


def check_count(count: int, name: str) -> None:
    if count > _MOST:
        raise InputError(
            f"“{name}” holds more than {_MOST:,} files: this is hardly one database. Give its own folder."
        )
