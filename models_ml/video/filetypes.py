"""Which files hold clips, by their names: uploads, imports and the readers of annotation tools all use these lists.

Needs neither OpenCV nor NumPy.
"""

from collections.abc import Iterable
from functools import lru_cache
from pathlib import PurePosixPath

IMAGES = (".jpg", ".jpeg", ".jpe", ".png", ".bmp", ".tif", ".tiff", ".webp")
VIDEOS = (".mp4", ".m4v", ".mov", ".avi", ".mkv", ".webm")
ARCHIVES = (".zip",)
IMAGES_IN_WORDS = "JPEG, PNG, BMP, TIFF or WebP"
VIDEOS_IN_WORDS = "mp4, m4v, mov, avi, mkv or webm"

# Images that cannot be read: next to frames, they are probably frames too, so they are never left out.
_OTHER_IMAGES = (
    *(
        ".gif",
        ".heic",
        ".heif",
        ".avif",
        ".jp2",
        ".jxl",
        ".pgm",
        ".ppm",
        ".pbm",
        ".pnm",
        ".exr",
        ".hdr",
        ".tga",
    ),
    *(".dng", ".raw", ".cr2", ".cr3", ".nef", ".arw", ".ras", ".sr", ".pcx", ".dcm"),
)
# What operating systems, their file managers and network drives leave behind, with each name that starts with a dot.
_LITTER = {
    *("thumbs.db", "ehthumbs.db", "ehthumbs_vista.db", "desktop.ini", "icon\r", "__macosx", "@eadir"),
    *("$recycle.bin", "system volume information", "lost+found"),
}


def is_litter(path: str) -> bool:
    """Return whether the path is something that programs leave behind: thumbnails, dot files, locks of open documents.

    >>> is_litter("sub01/Thumbs.db"), is_litter("__MACOSX/._img1.jpg"), is_litter("sub01/img1.jpg")
    (True, True, False)
    """
    folder, _, name = path.rpartition("/")
    return _is_litter(name) or (bool(folder) and _is_in_litter(folder))


def _is_litter(part: str) -> bool:
    return part.startswith((".", "~$")) or part.lower() in _LITTER


@lru_cache(maxsize=1024)
def _is_in_litter(folder: str) -> bool:
    """The same for all files of a folder, which come one after another."""
    return any(_is_litter(part) for part in folder.split("/"))


def is_other_image(path: str) -> bool:
    """Return whether the path names an image of a type that cannot be read.

    >>> is_other_image("img1.HEIC"), is_other_image("img1.jpg")
    (True, False)
    """
    return path.lower().endswith(_OTHER_IMAGES)


def file_names(paths: Iterable[str]) -> list[str]:
    """Return the different names of files without their folders, sorted; control characters are shown as a question mark.

    >>> file_names(["a/Thumbs.db", "b/Thumbs.db", "b/Icon\\r"])
    ['Icon?', 'Thumbs.db']
    """
    names = {PurePosixPath(path).name for path in paths}
    return sorted("".join(c if c.isprintable() else "?" for c in name) for name in names)
