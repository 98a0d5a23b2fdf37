"""The frames of a clip as files refer to them: by source frame or by time."""

from bisect import bisect_left
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property

_DEFAULT_STEP_MS = Fraction(40)  # of a clip with a single frame


@dataclass(frozen=True)
class Timing:
    """Source frame and time of each frame of a clip; ``times`` are in milliseconds from the first frame.

    Both come from the pack index and are never computed from the frame rate: recordings have gaps, and the rate of a video
    can vary.
    """

    source: tuple[int, ...]
    times: tuple[Fraction, ...]

    @cached_property
    def _index(self) -> dict[int, int]:
        return {number: index for index, number in enumerate(self.source)}

    def of_source(self, number: int) -> int | None:
        """Return the frame index of a source frame; None if the clip does not have it."""
        return self._index.get(number)

    def ms(self, index: int) -> int:
        """Return when a frame is shown, rounded to whole milliseconds."""
        return round(self.times[index])

    def at_ms(self, ms: float) -> int | None:
        """Return the index of the frame shown nearest to a time; None if that is more than one frame outside the clip."""
        time = Fraction(ms)
        step = self.times[1] - self.times[0] if len(self.times) > 1 else _DEFAULT_STEP_MS
        if not -step <= time <= self.times[-1] + step:
            return None
        after = min(bisect_left(self.times, time), len(self.times) - 1)
        if after and time - self.times[after - 1] < self.times[after] - time:
            return after - 1
        return after
