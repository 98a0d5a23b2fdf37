"""The frames of a clip as files refer to them: by source frame, or by the time at which a player shows them."""

from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property

from models_ml.video.clock import Clock


@dataclass(frozen=True)
class Timing:
    """Source frame and time of each frame of a clip. Recordings have gaps, so neither is computed from the frame index.

    All times here are those of the file as it plays: ELAN and Label Studio know no other. A recording of 200 frames per
    second that plays at 25 shows frame 1 after 40 ms, although it was recorded after 5 ms (``clock``).
    """

    source: tuple[int, ...]
    clock: Clock

    @cached_property
    def _index(self) -> dict[int, int]:
        return {number: index for index, number in enumerate(self.source)}

    @cached_property
    def played(self) -> Clock:
        """The clock of the file as it plays; frame images play at their recording rate."""
        return self.clock.rerated(self.clock.file_rate) if self.clock.file_rate else self.clock

    @cached_property
    def times(self) -> tuple[Fraction, ...]:
        """When each frame is shown, in exact milliseconds from the first frame."""
        return tuple(1000 * ticks * self.played.tick for ticks in self.played.ticks)

    @property
    def last_ms(self) -> int:
        """When the last frame is shown, rounded to whole milliseconds from the first frame."""
        return self.ms(self.clock.count - 1)

    def of_source(self, number: int) -> int | None:
        """Return the frame index of a source frame; None if the clip does not have it."""
        return self._index.get(number)

    def ms(self, index: int) -> int:
        """Return when a frame is shown, rounded to whole milliseconds from the first frame."""
        return round(self.played.ms(index))

    def at_ms(self, ms: float) -> int | None:
        """Return the index of the frame shown nearest to a time; None if that is more than one frame outside the clip."""
        return self.played.at_ms(ms)
