"""An uploaded file as a tree of files: a zip, or a single file."""

import io
import re
import zipfile
import zlib
from collections import Counter
from typing import BinaryIO

from models_ml.errors import InputError

_MAX_FILES = 20_000
_MAX_UNPACKED = 64 << 20  # bytes
_ZIP_MAGIC = b"PK\x03\x04"
_DAMAGE = (
    zipfile.BadZipFile, zlib.error, RuntimeError, NotImplementedError, ValueError, OSError, EOFError,
)  # fmt: skip


class Archive:
    """The files of an upload that have one of ``suffixes``; implements ``models_ml.formats.base.Tree``.

    Raises InputError for a zip that is damaged, password-protected or larger than annotations can be, or that has two files
    of one name.
    """

    quick = True

    def __init__(self, name: str, content: bytes, suffixes: tuple[str, ...]) -> None:
        self.name = name
        self._content = content
        self._zip: zipfile.ZipFile | None = None
        if not content.startswith(_ZIP_MAGIC):
            self._files = [name]
            return
        try:
            self._zip = zipfile.ZipFile(io.BytesIO(content))
        except _DAMAGE as error:
            raise self._damaged() from error
        inside = [i for i in self._zip.infolist() if i.filename.lower().endswith(suffixes)]
        if len(inside) > _MAX_FILES or sum(info.file_size for info in inside) > _MAX_UNPACKED:
            raise InputError(
                f"“{name}” has more than {_MAX_FILES:,} files, or unpacks to more than {_MAX_UNPACKED >> 20} MB. "
                "Import it in parts."
            )
        self._files = sorted(info.filename for info in inside)
        if twice := [path for path, count in Counter(self._files).items() if count > 1]:
            raise InputError(
                f"“{name}” contains several files of the name “{twice[0]}”, so one of them would be lost. Rename them, and "
                "zip them again."
            )

    def files(self) -> list[str]:
        """Return the paths in the zip, sorted, or the name of the single file."""
        return list(self._files)

    def open(self, path: str) -> BinaryIO:
        if self._zip is None:
            return io.BytesIO(self._content)
        try:
            return io.BytesIO(self._zip.read(path))
        except _DAMAGE as error:
            raise self._damaged() from error

    def _damaged(self) -> InputError:
        return InputError(
            f"Cannot unpack “{self.name}”: it is damaged or password-protected. Zip the files again."
        )


def safe_name(used: set[str], *parts: str, suffix: str) -> str:
    """Return a path that all systems can unpack and that is not in ``used``, and add it there.

    >>> safe_name(set(), "CAS(ME)^2", "s/15", "a:b", suffix=".eaf")
    'CAS(ME)^2/s_15/a_b.eaf'
    """
    plain = "/".join(re.sub(r'[<>:"/\\|?*\x00-\x1f]', "_", part).strip(" .") or "_" for part in parts)
    number, path = 1, f"{plain}{suffix}"
    while path.lower() in used:
        number += 1
        path = f"{plain} ({number}){suffix}"
    used.add(path.lower())
    return path
