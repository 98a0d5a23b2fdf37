"""The floor of free disk space: what would use the disk up is refused before databases and logs cannot be written."""

import errno
import os
import tempfile
from pathlib import Path

from django.conf import settings

_SHARE = 50  # of a small disk, one part in so many stays free
_DEFAULT = 1024**3


class NoSpace(OSError):
    """A file was refused because too little of a disk would stay free. ``strerror`` is a sentence; sizes are in bytes."""

    def __init__(self, needed: int, free: int, floor: int) -> None:
        wants = f" This needs {in_words(needed)}." if needed else ""
        super().__init__(
            errno.ENOSPC,
            f"The server’s disk is nearly full: {in_words(free)} are free, and {in_words(floor)} must stay free.{wants} "
            "Nothing was stored. Ask the administrator to free space, and try again.",
        )
        self.needed, self.free, self.floor = needed, free, floor


def disk_space() -> tuple[int, int]:
    """Return the free bytes of the fullest disk that files are written to, and how many must stay free there.

    The disks are those of the data folder, of the stored files and of temporary files.
    """
    found = []
    for folder in (settings.DATA_DIR, settings.MEDIA_ROOT, tempfile.gettempdir()):
        if Path(folder).is_dir():
            disk = os.statvfs(folder)
            total = disk.f_frsize * disk.f_blocks
            floor = settings.MIN_FREE_BYTES
            if floor is None:
                floor = min(_DEFAULT, total // _SHARE)
            found.append((disk.f_frsize * disk.f_bavail, floor))
    return min(found, key=lambda pair: pair[0] - pair[1])


def require_space(needed: int = 0) -> None:
    """Raise NoSpace if the disk would have less than its floor free after ``needed`` more bytes."""
    free, floor = disk_space()
    if free - needed < floor:
        raise NoSpace(needed, free, floor)


def in_words(size: int) -> str:
    """Return a number of bytes with a unit.

    >>> in_words(1_500_000_000), in_words(20_000)
    ('1.5 GB', '0.0 MB')
    """
    return f"{size / 1e9:,.1f} GB" if size >= 1e8 else f"{size / 1e6:,.1f} MB"
