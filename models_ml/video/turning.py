"""Turn the frames of a clip whose face lies on its side or stands on its head."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial

import numpy as np

from models_ml.errors import InputError
from models_ml.video.clock import Clock
from models_ml.video.frames import Frame, FrameSource, Image, LazyFrame

TURNS = (0, 90, 180, 270)  # degrees clockwise


def turned(image: Image, degrees: int) -> Image:
    """Return an image turned clockwise by 0, 90, 180 or 270 degrees."""
    return np.ascontiguousarray(np.rot90(image, -(degrees // 90)))


class TurnedSource(FrameSource):
    """Another source whose frames are turned clockwise by 90, 180 or 270 degrees; see ``open_source``."""

    def __init__(self, source: FrameSource, degrees: int) -> None:
        if degrees not in TURNS:
            source.close()
            raise InputError(f"A clip can be turned by 90, 180 or 270 degrees; {degrees} was given.")
        self._source, self._degrees = source, degrees
        self.kind, self.codec, self.is_grey = source.kind, source.codec, source.is_grey
        self.fps, self.time_base, self.count = source.fps, source.time_base, source.count
        is_sideways = degrees in (90, 270)
        self.width = source.height if is_sideways else source.width
        self.height = source.width if is_sideways else source.height

    def __iter__(self) -> Iterator[Frame]:
        for frame in self._source:
            yield replace(frame, image=turned(frame.image, self._degrees), encoded=None)

    def lazy_frames(self) -> Iterator[LazyFrame]:
        for frame in self._source.lazy_frames():
            yield LazyFrame(
                frame.index,
                frame.source_number,
                frame.pts,
                turned(frame.small, self._degrees),
                partial(self._whole, frame),
                reduce=partial(self._reduced, frame),
            )

    def clock(self, stamps: Sequence[int]) -> Clock:
        return self._source.clock(stamps)

    def notes(self) -> list[str]:
        return [*self._source.notes(), f"The clip was turned by {self._degrees}° clockwise."]

    def close(self) -> None:
        self._source.close()

    def _whole(self, frame: LazyFrame) -> Image:
        return turned(frame.image, self._degrees)

    def _reduced(self, frame: LazyFrame, side: int) -> Image:
        return turned(frame.at_least(side), self._degrees)
