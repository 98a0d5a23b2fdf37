"""What a decoded frame is, how large a clip may be, and what every source of frames offers.

Independent of containers, zip files and codecs.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property, partial
from types import TracebackType
from typing import Literal, Self

import numpy as np
from numpy.typing import NDArray

from models_ml.errors import InputError
from models_ml.video.clock import Clock

Image = NDArray[np.uint8]
SMALL = 144  # pixels on the longer side: what the motion curve of parts of the face needs


@dataclass(frozen=True)
class Limits:
    """The most that one clip may hold; what the headers show is checked before anything is decoded.

    ``max_frames`` is 100 s at 200 fps. ``max_pixels_total`` is about 4,800 frames of 1920×1080, or 20,000 of
    800×600. ``max_image_bytes`` and ``max_zip_bytes`` limit what a zip unpacks to, regardless of what it declares.
    """

    max_frames: int = 20_000
    max_side: int = 4096
    max_pixels_total: int = 10_000_000_000
    max_image_bytes: int = 64 * 2**20
    max_zip_bytes: int = 8 * 2**30

    def check_size(self, width: int, height: int, what: str) -> None:
        """Raise InputError if ``what`` (the start of a sentence: "The video") is larger than ``max_side``."""
        if width < 1 or height < 1:
            raise InputError(f"{what} is empty: its size is {width}×{height} pixels. Export it again.")
        if max(width, height) > self.max_side:
            raise InputError(
                f"{what} is {width}×{height} pixels; each side must be at most {self.max_side} pixels. "
                "Crop it to the face or scale it down."
            )

    def check_count(self, frames: int, width: int, height: int) -> None:
        """Raise InputError if ``frames`` frames of this size are more than one clip may hold."""
        if frames > self.max_frames:
            raise InputError(
                f"The clip has more than {self.max_frames:,} frames, which is the limit. "
                "Cut it into shorter clips."
            )
        if frames * width * height > self.max_pixels_total:
            raise InputError(
                f"The clip is too large: {frames:,} frames of {width}×{height} pixels. "
                "Cut it into shorter clips or crop it to the face."
            )


@dataclass(frozen=True, eq=False)
class Frame:
    """One frame in presentation order.

    Attributes
    ----------
    index
        0-based frame index.
    source_number
        The number that the recording itself uses: the last number in an image's file name, or 1-based in a video.
    pts
        Presentation time, in units of the source's ``time_base``.
    image
        uint8, (H, W) for a grey source and (H, W, 3) RGB otherwise.
    encoded
        The bytes of the file, for a frame that came as JPEG or PNG.
    """

    index: int
    source_number: int
    pts: int
    image: Image
    encoded: bytes | None = None

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels."""
        return self.image.shape[1], self.image.shape[0]


class LazyFrame:
    """A frame that is decoded at full size only when ``image`` is read, which then equals ``Frame.image``.

    ``small`` is uint8, (H, W) or (H, W, 3) RGB: the frame reduced to at least ``SMALL`` pixels on its longer side, or the
    frame itself. ``reduce`` decodes it with at least the given number of pixels on that side, if the source can do this
    faster than decoding it fully. ``size`` is its width and height, if they are known before that.
    """

    def __init__(
        self,
        index: int,
        source_number: int,
        pts: int,
        small: Image,
        decode: Callable[[], Image],
        encoded: bytes | None = None,
        reduce: Callable[[int], Image] | None = None,
        size: tuple[int, int] | None = None,
    ) -> None:
        self.index, self.source_number, self.pts, self.encoded = index, source_number, pts, encoded
        self.small, self._decode, self._reduce, self._size = small, decode, reduce, size

    @cached_property
    def image(self) -> Image:
        """The frame at full size."""
        return self._decode()

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels."""
        return self._size or (self.image.shape[1], self.image.shape[0])

    def at_least(self, side: int) -> Image:
        """Return the frame with at least ``side`` pixels on the longer side, or at full size if it is smaller."""
        return self._reduce(side) if self._reduce else self.image


class FrameSource(ABC):
    """A clip opened for one pass over its frames; a context manager that is iterated once.

    ``width`` and ``height`` are in pixels, as displayed: a rotated phone video is upright. ``fps`` is the recording rate in
    frames per second, as the caller or the file states it. ``time_base`` is the duration of one unit of pts in seconds, when
    the file is played; ``clock`` turns both into the times at which the frames were recorded.
    """

    kind: Literal["video", "images"]
    codec: str
    width: int
    height: int
    fps: Fraction
    time_base: Fraction
    is_grey: bool
    count: int | None = None  # of frames, if it is known before they are read

    @abstractmethod
    def __iter__(self) -> Iterator[Frame]:
        """Yield every frame in presentation order; raise InputError at damaged data."""

    def lazy_frames(self) -> Iterator[LazyFrame]:
        """Yield the same frames; at full size only on demand, if the source can decode them faster at a smaller size."""
        for frame in self:
            whole = partial(getattr, frame, "image")
            yield LazyFrame(frame.index, frame.source_number, frame.pts, frame.image, whole, frame.encoded)

    @abstractmethod
    def clock(self, stamps: Sequence[int]) -> Clock:
        """Return when the frames with these pts, which are all frames of the source, were recorded."""

    def notes(self) -> list[str]:
        """Return sentences about what is hidden or odd in the file; complete after the last frame was read."""
        return []

    @abstractmethod
    def close(self) -> None:
        """Close the file."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


def check_memory(width: int, height: int) -> None:
    """Raise MemoryError if there is no room for a few frames: decoders report it as damage of the file."""
    np.empty((4, height, width, 4), np.uint8)


def exact_fps(fps: float) -> Fraction:
    """Return a frame rate that a person typed as a fraction; raise InputError if it cannot be a frame rate.

    Examples
    --------
    >>> exact_fps(200), exact_fps(29.97)
    (Fraction(200, 1), Fraction(2997, 100))
    """
    if not 0 < fps <= 100_000:
        raise InputError(
            f"The frame rate must be above 0 and at most 100,000 frames per second; it is {fps:g}."
        )
    return Fraction(fps).limit_denominator(10_000)
