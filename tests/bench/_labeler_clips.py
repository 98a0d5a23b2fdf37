"""Clips like those of high-speed cameras and phones, 640×480, with the frame number in the pixels."""

import zipfile
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np

from models_ml.synthetic.barcode import burn_number

COUNT, WIDTH, HEIGHT, GOP = 1000, 640, 480, 250
_X264 = {"x264-params": f"keyint={GOP}:min-keyint={GOP}:scenecut=0:bframes=3:b-adapt=0", "crf": "18"}
_X265 = {"x265-params": f"keyint={GOP}:min-keyint={GOP}:scenecut=0:bframes=3:log-level=none", "crf": "20"}


def numbered_frames(count: int = COUNT) -> Iterator[np.ndarray]:
    """Yield smooth shapes with camera noise, which compress to the size of real face images (60 to 110 KB)."""
    rng = np.random.default_rng(7)

    def texture(sigma: float, contrast: float) -> np.ndarray:
        noise = rng.standard_normal((HEIGHT, WIDTH, 3)).astype(np.float32)
        smooth = cv2.GaussianBlur(noise, (0, 0), sigma)
        return smooth * (contrast / smooth.std())

    base = 128 + texture(40, 40) + texture(10, 12) + texture(2.5, 4)
    grain = [rng.standard_normal((HEIGHT, WIDTH, 1)).astype(np.float32) * 0.8 for _ in range(8)]
    images = [np.clip(base + noise, 0, 255).astype(np.uint8) for noise in grain]
    for index in range(count):
        yield burn_number(np.roll(images[index % 8], index, axis=1), index)


def uneven_times(count: int = COUNT) -> list[int]:
    """Return frame times in ms at a variable frame rate, 8 to 42 ms apart."""
    steps = np.random.default_rng(3).integers(8, 43, count - 1)
    return [0, *(int(time) for time in np.cumsum(steps))]


def make_clips(folder: Path, count: int = COUNT, names: list[str] | None = None) -> dict[str, Path]:
    """Write the clips. Each frame is drawn once and added to all of them."""
    rates = {"h264-200": Fraction(200), "h264-29.97": Fraction(30000, 1001), "hevc": Fraction(200)}
    makers = {
        "h264-200": lambda: _Video(folder / "h264-200.mp4", "libx264", _X264, rates["h264-200"]),
        "h264-29.97": lambda: _Video(folder / "h264-29.97.mp4", "libx264", _X264, rates["h264-29.97"]),
        "vfr": lambda: _Video(folder / "vfr.mp4", "libx264", _X264, Fraction(1000), uneven_times(count)),
        "hevc": lambda: _Video(folder / "hevc.mp4", "libx265", _X265, rates["hevc"]),
        "images": lambda: _Images(folder / "images.zip"),
    }
    writers = {name: makers[name]() for name in names or makers}
    for index, image in enumerate(numbered_frames(count)):
        for writer in writers.values():
            writer.add(index, image)
    for writer in writers.values():
        writer.close()
    return {name: writer.path for name, writer in writers.items()}


class _Video:
    def __init__(
        self, path: Path, codec: str, options: dict[str, str], rate: Fraction, times: list[int] | None = None
    ) -> None:
        self.path, self._times = path, times
        self._tick = 1 / rate
        self._file = av.open(str(path), "w")
        self._stream = self._file.add_stream(codec, rate=rate, options={**options, "preset": "ultrafast"})
        self._stream.width, self._stream.height, self._stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        self._stream.codec_context.time_base = self._tick

    def add(self, index: int, image: np.ndarray) -> None:
        planes = np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2YUV_I420), np.uint8)
        frame = av.VideoFrame.from_ndarray(planes, format="yuv420p")
        frame.pts, frame.time_base = (self._times[index] if self._times else index), self._tick
        self._file.mux(self._stream.encode(frame))

    def close(self) -> None:
        self._file.mux(self._stream.encode())
        self._file.close()


class _Images:
    def __init__(self, path: Path) -> None:
        self.path = path
        self._zip = zipfile.ZipFile(path, "w")

    def add(self, index: int, image: np.ndarray) -> None:
        _, data = cv2.imencode(".jpg", cv2.cvtColor(image, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, 95])
        self._zip.writestr(f"reg_img{index + 1}.jpg", data.tobytes())

    def close(self) -> None:
        self._zip.close()
