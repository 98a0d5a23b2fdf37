"""Frames of a clip by what files call them: the recording's own numbers, and times."""

from bisect import bisect_left
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property

from mer_platform.clips.models import Clip
from mer_platform.clips.packindex import read_index

_KEPT = 64


@dataclass(frozen=True)
class Timing:
    """Source number and time of every frame, from the index of the frame pack; ``times`` in ms from the first frame.

    Both are read, not computed from a rate: recordings have gaps, and the rate of a video may vary.
    """

    source: tuple[int, ...]
    times: tuple[Fraction, ...]

    @classmethod
    def of(cls, clip: Clip) -> "Timing":
        """Raises InputError where the clip's frame pack is missing or damaged."""
        index = read_index(clip)
        return cls(index.source, tuple(1000 * seconds for seconds in index.times))

    @cached_property
    def _index(self) -> dict[int, int]:
        return {number: index for index, number in enumerate(self.source)}

    def of_source(self, number: int) -> int | None:
        """Index of the frame that the recording gives this number."""
        return self._index.get(number)

    def ms(self, index: int) -> int:
        """When a frame is shown, in whole milliseconds."""
        return round(self.times[index])

    def at_ms(self, ms: float) -> int | None:
        """Index of the frame shown nearest to a time; None where that is more than a frame outside the clip."""
        time = Fraction(ms)
        step = self.times[1] - self.times[0] if len(self.times) > 1 else Fraction(40)
        if not -step <= time <= self.times[-1] + step:
            return None
        place = min(bisect_left(self.times, time), len(self.times) - 1)
        if place and time - self.times[place - 1] < self.times[place] - time:
            return place - 1
        return place


class Timings:
    """Timings of clips, read when they are asked for; those of the last few clips are kept."""

    def __init__(self) -> None:
        self._kept: dict[int, Timing] = {}

    def of(self, clip: Clip) -> Timing:
        """Raises InputError as ``Timing.of``."""
        if clip.pk not in self._kept:
            if len(self._kept) >= _KEPT:
                self._kept.clear()
            self._kept[clip.pk] = Timing.of(clip)
        return self._kept[clip.pk]
