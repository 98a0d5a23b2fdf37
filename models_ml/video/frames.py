"""What a decoded frame is, how much is accepted, and what every source of frames offers.

Knows nothing of containers, zip files or codecs.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property, partial
from types import TracebackType
from typing import Literal, Self

import numpy as np
from numpy.typing import NDArray

from models_ml.errors import InputError

Image = NDArray[np.uint8]
SMALL = 144  # pixels


@dataclass(frozen=True)
class Limits:
    """The most that one clip may hold; whatever the headers tell is checked before anything is decoded.

    ``max_frames`` is 100 s at 200 fps. ``max_pixels_total`` is about 4,800 frames of 1920×1080, or 20,000 of
    800×600. ``max_image_bytes`` and ``max_zip_bytes`` bound what a zip may unpack to, whatever it declares.
    """

    max_frames: int = 20_000
    max_side: int = 4096
    max_pixels_total: int = 10_000_000_000
    max_image_bytes: int = 64 * 2**20
    max_zip_bytes: int = 8 * 2**30

    def check_size(self, width: int, height: int, what: str) -> None:
        """Raise InputError if ``what`` (the start of a sentence: "The video") is larger than ``max_side``."""
        if width < 1 or height < 1:
            raise InputError(f"{what} has no picture: its size is given as {width}×{height} pixels.")
        if max(width, height) > self.max_side:
            raise InputError(
                f"{what} is {width}×{height} pixels; at most {self.max_side} on a side are accepted. "
                "Crop it to the face or scale it down."
            )

    def check_count(self, frames: int, width: int, height: int) -> None:
        """Raise InputError if ``frames`` frames of this size are more than one clip may hold."""
        if frames > self.max_frames:
            raise InputError(
                f"The clip has more than {self.max_frames:,} frames, the most that is accepted. "
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

    ``index`` is 0-based; ``source_number`` is the number the source itself uses (the last number in an
    image's file name; 1-based in a video). ``pts`` counts in the source's ``time_base``. ``image`` is uint8,
    (H, W) for a grey source and (H, W, 3) RGB otherwise. ``encoded`` is the file's bytes of a JPEG or PNG.
    """

    index: int
    source_number: int
    pts: int
    image: Image
    encoded: bytes | None = None


class LazyFrame:
    """A frame for whoever sees most frames only small: ``image`` is what ``Frame.image`` is, decoded when it is asked for.

    ``small`` is uint8, (H, W) or (H, W, 3) RGB: the frame at a fraction of its size, or itself, but at least
    ``SMALL`` pixels on its longer side unless the frame has less. ``reduce`` gives it with at least so many pixels there,
    where the source can do that for less than decoding the whole.
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
    ) -> None:
        self.index, self.source_number, self.pts, self.encoded = index, source_number, pts, encoded
        self.small, self._decode, self._reduce = small, decode, reduce

    @cached_property
    def image(self) -> Image:
        return self._decode()

    def at_least(self, side: int) -> Image:
        """As ``small``, but with at least ``side`` pixels on the longer side, unless the frame has less."""
        return self._reduce(side) if self._reduce else self.image


class FrameSource(ABC):
    """A clip opened for one pass over its frames; a context manager that is iterated once.

    ``width`` and ``height`` are as displayed (a rotated phone video is upright), in pixels; ``fps`` in frames
    a second; ``time_base`` the seconds of one unit of pts.
    """

    kind: Literal["video", "images"]
    codec: str
    width: int
    height: int
    fps: Fraction
    time_base: Fraction
    is_grey: bool
    count: int | None = None  # of frames, where it is known before they are read

    @abstractmethod
    def __iter__(self) -> Iterator[Frame]:
        """Yield every frame in presentation order; InputError where the source turns out to be bad."""

    def lazy_frames(self) -> Iterator[LazyFrame]:
        """The same frames, whole only on demand where the source can decode them smaller for less. Errors as above."""
        for frame in self:
            whole = partial(getattr, frame, "image")
            yield LazyFrame(frame.index, frame.source_number, frame.pts, frame.image, whole, frame.encoded)

    @abstractmethod
    def close(self) -> None:
        """Let go of the file."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


def exact_fps(fps: float) -> Fraction:
    """A frame rate typed in by a person as a fraction; InputError if it cannot be one.

    >>> exact_fps(200), exact_fps(29.97)
    (Fraction(200, 1), Fraction(2997, 100))
    """
    if not 0 < fps <= 100_000:
        raise InputError(f"A frame rate of {fps:g} frames a second cannot be right. Give a positive number.")
    return Fraction(fps).limit_denominator(10_000)
