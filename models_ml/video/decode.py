"""Open a clip, whatever it is, and read its frames exactly.

    with open_source(Path("clip.mp4")) as source:
        for frame in source:
            print(frame.index, frame.pts * source.time_base, frame.image.shape)

Every frame comes from the decoder in presentation order; nothing seeks, and no frame number is computed from
a time. Reading the same clip twice gives the same bits.
"""

from collections.abc import Collection
from pathlib import Path

from models_ml.errors import InputError
from models_ml.video.containers import sniff
from models_ml.video.frames import Frame, FrameSource, Image, Limits
from models_ml.video.images import ImageSource
from models_ml.video.stream import VideoSource

__all__ = ["Frame", "FrameSource", "Image", "Limits", "VideoSource", "open_source", "read_frames"]

_DEFAULT_LIMITS = Limits()


def open_source(path: Path, *, fps: float | None = None, limits: Limits = _DEFAULT_LIMITS) -> FrameSource:
    """Open a video file (mp4, mov, avi, mkv), a zip of frame images or a folder of them.

    The kind is told by the content; the file's name does not matter. ``fps`` is required for images; for a
    video it replaces the container's average rate as ``source.fps`` (its pts stay as they are).

    Raises InputError for anything that cannot be used: here where the headers tell, while iterating where
    only the data do (a video that ends early says how many frames could be read).
    """
    if path.is_dir():
        return ImageSource(path, fps=fps, limits=limits)
    if path.stat().st_size == 0:
        raise InputError("The file is empty (0 bytes). Upload it again.")
    kind = sniff(path)
    if kind == "image":
        raise InputError("The file is a single image. Put all frames of the clip into one zip file.")
    if kind is None:
        raise InputError(
            "The file is not a video (mp4, mov, avi or mkv) or a zip of frame images, whatever its name says."
        )
    if kind == "zip":
        return ImageSource(path, fps=fps, limits=limits)
    return VideoSource(path, kind, fps=fps, limits=limits)


def read_frames(
    path: Path, indices: Collection[int], *, fps: float | None = None, limits: Limits = _DEFAULT_LIMITS
) -> dict[int, Frame]:
    """The frames with these 0-based indices, exactly those ``open_source`` yields under them.

    Decodes in order from the start and stops after the last one wanted. Raises InputError if the clip has no
    such frame, or as ``open_source`` does.
    """
    wanted = set(indices)
    if wanted and min(wanted) < 0:
        raise InputError(f"There is no frame {min(wanted)}: frames are numbered from 0.")
    found: dict[int, Frame] = {}
    if not wanted:
        return found
    last = -1
    if fps is None and _is_images(path):
        fps = 1  # no frame's pixels or number depend on it
    with open_source(path, fps=fps, limits=limits) as source:
        for frame in source:
            last = frame.index
            if last in wanted:
                found[last] = frame
            if len(found) == len(wanted):
                return found
    raise InputError(f"There is no frame {max(wanted)}: the clip has {last + 1} frames (0 to {last}).")


def _is_images(path: Path) -> bool:
    return path.is_dir() or sniff(path) == "zip"
