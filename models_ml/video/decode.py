"""Open a clip of any supported type and read its frames exactly.

    with open_source(Path("clip.mp4")) as source:
        for frame in source:
            print(frame.index, frame.pts * source.time_base, frame.image.shape)

Every frame comes from the decoder in presentation order: nothing seeks, and no frame index is computed from a time.
Reading the same clip twice gives the same bits.
"""

from collections.abc import Collection
from pathlib import Path

from models_ml.errors import InputError
from models_ml.video.containers import sniff
from models_ml.video.filetypes import VIDEOS_IN_WORDS
from models_ml.video.frames import Frame, FrameSource, Image, Limits
from models_ml.video.images import ImageSource
from models_ml.video.stream import VideoSource
from models_ml.video.turning import TurnedSource

__all__ = ["Frame", "FrameSource", "Image", "Limits", "VideoSource", "open_source", "read_frames"]

_DEFAULT_LIMITS = Limits()


def open_source(
    path: Path, *, fps: float | None = None, limits: Limits = _DEFAULT_LIMITS, turn: int = 0
) -> FrameSource:
    """Open a video file (mp4, m4v, mov, avi, mkv, webm), a zip of frame images or a folder of them.

    The type is recognised by content; the file's name does not matter.

    Parameters
    ----------
    path
        The file or folder.
    fps
        Frames per second. Required for images; for a video it replaces the container's average rate as ``source.fps``,
        while the frames' pts stay as they are.
    limits
        The most that a clip may hold.
    turn
        Degrees (90, 180 or 270) by which frames are turned clockwise, after the file's own orientation.

    Raises
    ------
    InputError
        If the clip cannot be used. What the headers show is raised here, what only the data show during iteration: a
        video that ends early says how many frames could be read.
    """
    source = _open(path, fps, limits)
    return TurnedSource(source, turn) if turn else source


def _open(path: Path, fps: float | None, limits: Limits) -> FrameSource:
    if path.is_dir():
        return ImageSource(path, fps=fps, limits=limits)
    if path.stat().st_size == 0:
        raise InputError("The file is empty (0 bytes). Upload it again.")
    kind = sniff(path)
    if kind == "image":
        raise InputError("The file is a single image. Put all frames of the clip into one zip file.")
    if kind is None:
        raise InputError(
            f"The content of the file is neither a video ({VIDEOS_IN_WORDS}) nor a zip of frame images. "
            "Export the clip in one of these formats."
        )
    if kind == "zip":
        return ImageSource(path, fps=fps, limits=limits)
    return VideoSource(path, kind, fps=fps, limits=limits)


def read_frames(
    path: Path, indices: Collection[int], *, fps: float | None = None, limits: Limits = _DEFAULT_LIMITS
) -> dict[int, Frame]:
    """Return the frames with these 0-based indices, as ``open_source`` yields them.

    Decoding starts at the first frame and stops after the last one wanted.

    Raises
    ------
    InputError
        If the clip has no such frame, and as ``open_source``.
    """
    wanted = set(indices)
    if wanted and min(wanted) < 0:
        raise InputError(f"Frame {min(wanted)} not found: frame indices start at 0.")
    found: dict[int, Frame] = {}
    if not wanted:
        return found
    last = -1
    if fps is None and _is_images(path):
        fps = 1  # required, but it changes neither pixels nor indices
    with open_source(path, fps=fps, limits=limits) as source:
        for frame in source:
            last = frame.index
            if last in wanted:
                found[last] = frame
            if len(found) == len(wanted):
                return found
    raise InputError(f"Frame {max(wanted)} not found: the clip has {last + 1} frames (0 to {last}).")


def _is_images(path: Path) -> bool:
    return path.is_dir() or sniff(path) == "zip"
