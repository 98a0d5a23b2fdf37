"""Small clips made for the tests: every frame carries its number in its pixels."""

import zipfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from models_ml.errors import InputError
from models_ml.synthetic.barcode import burn_number
from models_ml.video.decode import Frame, Limits, open_source

Image = NDArray[np.uint8]

LIBRARY_OPTIONS = {
    "libx264": {"x264-params": "keyint=12:bframes=3:b-adapt=0", "crf": "16"},
    "libx265": {"x265-params": "keyint=12:bframes=3:log-level=none", "crf": "16"},
    "mjpeg": {"qmin": "2", "qmax": "2"},
    "ffv1": {"level": "3", "slicecrc": "1"},
}


def numbered_frames(count: int, width: int = 160, height: int = 96, grey: bool = False) -> Iterator[Image]:
    """Yield smooth texture that drifts to the right by three pixels per frame, with the frame's index burned in."""
    noise = np.random.default_rng(7).integers(0, 256, (height, width, 3), dtype=np.uint8)
    texture = cv2.GaussianBlur(noise, (0, 0), 3)
    texture = cv2.normalize(texture, None, 40, 220, cv2.NORM_MINMAX)
    for index in range(count):
        image = np.roll(texture, 3 * index, axis=1)
        yield burn_number(image[:, :, 0].copy() if grey else image, index)


def write_video(
    path: Path,
    images: Iterable[Image],
    *,
    codec: str = "libx264",
    pixels: str = "yuv420p",
    rate: int = 30,
    stamps: Sequence[int] | None = None,
    container: dict[str, str] | None = None,
    prepare: Callable[[av.VideoStream], None] | None = None,
) -> Path:
    """Encode ``images``; ``stamps`` are pts in milliseconds for a variable frame rate."""
    with av.open(str(path), "w", options=container or {}) as output:
        stream = output.add_stream(codec, rate=rate, options=LIBRARY_OPTIONS.get(codec, {}))
        stream.pix_fmt = pixels
        stream.thread_type = "NONE"
        if stamps is not None:
            stream.codec_context.time_base = Fraction(1, 1000)
        if prepare is not None:
            prepare(stream)
        for index, image in enumerate(images):
            if index == 0:
                stream.height, stream.width = image.shape[:2]
            frame = av.VideoFrame.from_ndarray(image, format="gray" if image.ndim == 2 else "rgb24")
            if stamps is not None:
                frame.pts, frame.time_base = stamps[index], Fraction(1, 1000)
            output.mux(stream.encode(frame))
        output.mux(stream.encode())
    return path


def write_sound(path: Path) -> Path:
    """Write a file with sound and no video."""
    with av.open(str(path), "w") as output:
        stream = output.add_stream("aac", rate=8000, layout="mono")
        silence = av.AudioFrame.from_ndarray(np.zeros((1, 8000), np.float32), format="fltp", layout="mono")
        silence.sample_rate = 8000
        output.mux(stream.encode(silence))
        output.mux(stream.encode())
    return path


def encoded(image: Image, extension: str) -> bytes:
    """Return the bytes of an image file, as OpenCV writes it."""
    pixels = image if image.ndim == 2 else image[:, :, ::-1]
    return cv2.imencode(extension, np.ascontiguousarray(pixels))[1].tobytes()


def write_zip(path: Path, members: dict[str, bytes]) -> Path:
    """Write a zip with these members, in this order."""
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in members.items():
            archive.writestr(zipfile.ZipInfo(name), data)
    return path


def numbered_members(count: int, name: str = "clip/img{}.jpg", first: int = 1) -> dict[str, bytes]:
    """Return frame images for ``write_zip``, numbered from ``first``."""
    return {
        name.format(first + index): encoded(image, Path(name).suffix)
        for index, image in enumerate(numbered_frames(count))
    }


def read(path: Path, limits: Limits | None = None) -> list[Frame]:
    with open_source(path, fps=200, limits=limits or Limits()) as source:
        return list(source)


def error_of(path: Path, limits: Limits | None = None) -> str:
    with pytest.raises(InputError) as caught:
        read(path, limits)
    return str(caught.value)


def one_image(width: int = 96, height: int = 48, extension: str = ".jpg") -> bytes:
    return encoded(np.full((height, width, 3), 90, np.uint8), extension)
