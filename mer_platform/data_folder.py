"""The data folder holds faces, keys and marks: only the user that runs the platform may open it.

New files get their permissions from the umask. What an earlier version left open is closed when the platform starts.
"""

import os
import stat
from contextlib import suppress
from pathlib import Path

UMASK = 0o077
OTHERS = 0o077  # what group and others may do
# What the platform itself writes into its folder. Other files there, such as databases to import, stay as they are.
OWN = (
    "mer.sqlite3*",
    "secret_key",
    "static.sha256",
    "serve.lock",
    "celerybeat-schedule*",
    "media",
    "static",
    "broker",
    "crashes",
)
_UNFINISHED = ".closing"  # exists until every file inside is closed


class OpenFolder(Exception):
    """The data folder can be opened by others, and this process cannot change that. The text says what to do."""


def close_to_others(folder: Path) -> int:
    """Close the data folder to other users of the computer, and all that the platform has written there.

    Files are searched only if the folder was open, so that a start costs the same with a million of them.

    Parameters
    ----------
    folder
        The data folder, or a folder in it that is a disk of its own.

    Returns
    -------
    int
        How many files and folders were open.

    Raises
    ------
    OpenFolder
        If the folder is open, and belongs to another user or is shared by all.
    """
    unfinished = folder / _UNFINISHED
    mode = stat.S_IMODE(folder.stat().st_mode)
    if not mode & OTHERS and not unfinished.exists():
        return 0
    if mode & stat.S_ISVTX:
        raise OpenFolder(
            f"The data folder {folder} is shared by all users of this computer. Choose a folder of the platform's own: "
            "MER_DATA_DIR=…"
        )
    _close_folder(folder)
    unfinished.touch(mode=0o600)
    closed = int(bool(mode & OTHERS))
    for pattern in OWN:
        for path in folder.glob(pattern):
            closed += _close(path)
            if path.is_dir() and not path.is_symlink():
                closed += _close_below(path)
    unfinished.unlink(missing_ok=True)
    return closed


def keep_private(data: Path, media: Path) -> int:
    """Close the data folder and the folder of stored files, which can be a disk of its own, for this process and all others.

    Return how many files and folders were open. Raises OpenFolder.
    """
    os.umask(UMASK)
    closed = close_to_others(data)
    return closed + close_all(media) if media.exists() else closed


def close_all(folder: Path) -> int:
    """Close a folder, and each file and folder in it; return how many were open. Raises OpenFolder."""
    if not stat.S_IMODE(folder.stat().st_mode) & OTHERS:
        return 0
    _close_folder(folder)
    return 1 + _close_below(folder)


def _close_folder(folder: Path) -> None:
    mode = stat.S_IMODE(folder.stat().st_mode)
    with suppress(OSError):
        folder.chmod(mode & ~OTHERS)
    if stat.S_IMODE(folder.stat().st_mode) & OTHERS:
        raise OpenFolder(
            f"Other users of this computer can open the data folder {folder} ({stat.filemode(stat.S_IFDIR | mode)}), which "
            f"holds faces and keys, and this process cannot change that: the folder belongs to user {folder.stat().st_uid}, "
            f"the process to user {os.geteuid()}. Run “chmod 700 {folder}” as the owner, or make it the platform's own: "
            f"“chown -R {os.geteuid()} {folder}”. On a disk without Unix permissions, mount it for this user only."
        )


def _close_below(folder: Path) -> int:
    closed = 0
    for inside, folders, files in os.walk(folder):
        closed += sum(_close(Path(inside, name)) for name in (*folders, *files))
    return closed


def _close(path: Path) -> int:
    """Return 1 if the file was open and is closed now. A file of another user stays: the folder around it is closed."""
    try:
        found = path.lstat()
        if stat.S_ISLNK(found.st_mode) or not stat.S_IMODE(found.st_mode) & OTHERS:
            return 0
        path.chmod(stat.S_IMODE(found.st_mode) & ~OTHERS)
    except OSError:
        return 0
    return 1
