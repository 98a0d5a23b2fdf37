"""The frames of a clip as files refer to them: by source frame or by time."""

from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property

from models_ml.video.clock import Clock


@dataclass(frozen=True)
class Timing:
    """Source frame and time of each frame of a clip. Recordings have gaps, so neither is computed from the frame index."""

    source: tuple[int, ...]
    clock: Clock

    @cached_property
    def _index(self) -> dict[int, int]:
        return {number: index for index, number in enumerate(self.source)}

    @cached_property
    def times(self) -> tuple[Fraction, ...]:
        """When each frame was recorded, in exact milliseconds from the first frame."""
        return tuple(1000 * ticks * self.clock.tick for ticks in self.clock.ticks)

    @property
    def last_ms(self) -> int:
        """When the last frame was recorded, rounded to whole milliseconds from the first frame."""
        return self.ms(self.clock.count - 1)

    def of_source(self, number: int) -> int | None:
        """Return the frame index of a source frame; None if the clip does not have it."""
        return self._index.get(number)

    def ms(self, index: int) -> int:
        """Return when a frame was recorded, rounded to whole milliseconds from the first frame."""
        return round(self.clock.ms(index))

    def at_ms(self, ms: float) -> int | None:
        """Return the index of the frame nearest to a time; None if that is more than one frame outside the clip."""
        return self.clock.at_ms(ms)
