"""Write frames to files of the types that labs upload."""

import zipfile
from collections.abc import Iterable
from fractions import Fraction
from itertools import chain
from pathlib import Path

import av
import cv2
import numpy as np

from models_ml.errors import InputError
from models_ml.video.frames import Image

JPEG_QUALITY = 93
# A constant quantiser: at 200 fps, x264's default (crf) blurs each frame, because it would be shown so briefly.
_H264 = {"qp": "16", "preset": "ultrafast", "bf": "2", "g": "48"}
_EPOCH = (1980, 1, 1, 0, 0, 0)  # a constant time, so that the same clip always has the same bytes


def encode(
    frames: Iterable[Image], path: Path, fps: float, *, image_prefix: str = "", first_number: int = 1
) -> None:
    """Write ``frames`` (uint8, all (H, W, 3) RGB or all (H, W)) to ``path``, in the format of its suffix.

    ``.mp4`` and ``.mov``: H.264 with B-frames, visually lossless; ``.avi``: Motion JPEG; ``.mkv``: FFV1, lossless;
    ``.zip``: JPEG images named ``<image_prefix><number>.jpg`` with five digits, counting from ``first_number``.

    Raises
    ------
    InputError
        For another suffix, or without frames.
    """
    kind = path.suffix.lstrip(".")
    if kind == "zip":
        _write_zip(frames, path, image_prefix, first_number)
    elif kind in ("mp4", "mov", "avi", "mkv"):
        _write_video(frames, path, kind, Fraction(fps).limit_denominator(1001))
    else:
        raise InputError(f"Cannot write {path.name}: the suffix must be .mp4, .mov, .avi, .mkv or .zip.")


def _write_zip(frames: Iterable[Image], path: Path, prefix: str, first_number: int) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        for number, frame in enumerate(frames, first_number):
            image = cv2.cvtColor(frame, cv2.COLOR_RGB2BGR) if frame.ndim == 3 else frame
            _, data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
            archive.writestr(zipfile.ZipInfo(f"{prefix}{number:05d}.jpg", _EPOCH), data.tobytes())


def _write_video(frames: Iterable[Image], path: Path, kind: str, fps: Fraction) -> None:
    queue = iter(frames)
    first = next(queue, None)
    if first is None:
        raise InputError(f"Cannot write {path.name}: there are no frames.")
    grey = first.ndim == 2
    with av.open(path, "w", options={"fflags": "+bitexact"}) as container:
        if kind in ("mp4", "mov"):
            stream = container.add_stream("libx264", fps, options=_H264)
            stream.pix_fmt = "yuv420p"
        elif kind == "avi":
            stream = container.add_stream("mjpeg", fps, options={"qmin": "2", "qmax": "2"})
            stream.pix_fmt = "yuvj420p"
        else:
            stream = container.add_stream("ffv1", fps)
            stream.pix_fmt = "gray" if grey else "bgr0"
        stream.height, stream.width = first.shape[:2]
        stream.codec_context.thread_count = 1
        for index, image in enumerate(chain([first], queue)):
            frame = _video_frame(image, stream.pix_fmt)
            frame.pts, frame.time_base = index, 1 / fps
            container.mux(stream.encode(frame))
        container.mux(stream.encode())


def _video_frame(image: Image, pixel_format: str) -> av.VideoFrame:
    if image.ndim == 2:
        return av.VideoFrame.from_ndarray(image, format="gray")
    if pixel_format == "yuv420p":  # OpenCV converts three times faster than the encoder's own scaler
        planes = np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2YUV_I420), np.uint8)
        return av.VideoFrame.from_ndarray(planes, format="yuv420p")
    return av.VideoFrame.from_ndarray(image, format="rgb24")
