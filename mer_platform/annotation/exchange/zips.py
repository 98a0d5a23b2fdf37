"""A file given for import, as a tree: a zip of files, or a file alone."""

import io
import re
import zipfile
from typing import BinaryIO

from models_ml.errors import InputError

_MOST_FILES = 20_000
_UNPACKED = 64 << 20  # bytes
_PACKED = b"PK\x03\x04"


class Archive:
    """The files in an upload that end as asked for; satisfies ``models_ml.formats.base.Tree``.

    Raises InputError for a zip that is damaged, protected, or unpacks to more than any annotations would.
    """

    quick = True

    def __init__(self, name: str, content: bytes, suffixes: tuple[str, ...]) -> None:
        self.name = name
        self._content = content
        self._zip: zipfile.ZipFile | None = None
        if not content.startswith(_PACKED):
            self._files = [name]
            return
        try:
            self._zip = zipfile.ZipFile(io.BytesIO(content))
        except (zipfile.BadZipFile, ValueError, OSError) as error:
            raise self._damaged() from error
        inside = [i for i in self._zip.infolist() if i.filename.lower().endswith(suffixes)]
        if len(inside) > _MOST_FILES or sum(info.file_size for info in inside) > _UNPACKED:
            raise InputError(
                f"“{name}” holds more than {_MOST_FILES:,} files, or unpacks to more than {_UNPACKED >> 20} MB: it was not "
                "read. Import it in parts."
            )
        self._files = sorted(info.filename for info in inside)

    def files(self) -> list[str]:
        """Paths as the zip has them, sorted; or the one file's name."""
        return list(self._files)

    def open(self, path: str) -> BinaryIO:
        if self._zip is None:
            return io.BytesIO(self._content)
        try:
            return io.BytesIO(self._zip.read(path))
        except (
            zipfile.BadZipFile,
            RuntimeError,
            NotImplementedError,
            ValueError,
            OSError,
            EOFError,
        ) as error:
            raise self._damaged() from error

    def _damaged(self) -> InputError:
        return InputError(
            f"“{self.name}” cannot be unpacked: it is damaged, or protected by a password. Zip the files again."
        )


def safe_name(used: set[str], *parts: str, suffix: str) -> str:
    """A path for a zip that every system can unpack, unlike those in ``used``, to which it is added.

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
