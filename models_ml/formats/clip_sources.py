"""Which clips a zip or a folder contains: each video is one, and so are the frame images of each folder."""

from collections.abc import Iterable
from pathlib import PurePosixPath

from models_ml.video.filetypes import ARCHIVES, IMAGES, VIDEOS, is_litter


def clips_among(paths: Iterable[str]) -> dict[str, list[str]]:
    """Return the files of each clip, by the path of the video or of the folder with its frames ("." for the root).

    Parameters
    ----------
    paths
        POSIX paths of files, relative to the zip or the folder.

    Examples
    --------
    >>> clips_among(["a.mp4", "s1/f2.png", "s1/f1.png", "Thumbs.db", "notes.txt"])
    {'a.mp4': ['a.mp4'], 's1': ['s1/f1.png', 's1/f2.png']}
    """
    found: dict[str, list[str]] = {}
    for path in sorted(paths):
        if is_litter(path):
            continue
        suffix = PurePosixPath(path).suffix.lower()
        if suffix in (*VIDEOS, *ARCHIVES):
            found[path] = [path]
        elif suffix in IMAGES:
            found.setdefault(str(PurePosixPath(path).parent), []).append(path)
    return found


def is_file(source: str) -> bool:
    """Return whether a source is one file (a video, or a zip of frames), not a folder of frames.

    >>> is_file("s1/a.MP4"), is_file("s1/EP01.1")
    (True, False)
    """
    return PurePosixPath(source).suffix.lower() in (*VIDEOS, *ARCHIVES)
