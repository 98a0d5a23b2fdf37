"""The frames of a clip as files refer to them: by source frame or by time."""

from bisect import bisect_left
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property

from mer_platform.clips.models import Clip
from mer_platform.clips.packindex import read_index

_CACHED_CLIPS = 64
_DEFAULT_STEP_MS = Fraction(40)  # of a clip with a single frame


@dataclass(frozen=True)
class Timing:
    """Source frame and time of each frame of a clip; ``times`` are in milliseconds from the first frame.

    Both come from the pack index and are never computed from the frame rate: recordings have gaps, and the rate of a video
    can vary.
    """

    source: tuple[int, ...]
    times: tuple[Fraction, ...]

    @classmethod
    def of(cls, clip: Clip) -> "Timing":
        """Read the timing of a clip. Raises InputError if its frame pack is missing or damaged."""
        index = read_index(clip)
        return cls(index.source, tuple(1000 * seconds for seconds in index.times))

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


class TimingCache:
    """The timings of clips, read on demand. It keeps the last few, since rows of one clip follow each other."""

    def __init__(self) -> None:
        self._cached: dict[int, Timing] = {}

    def of(self, clip: Clip) -> Timing:
        """Raises InputError as ``Timing.of``."""
        if clip.pk not in self._cached:
            if len(self._cached) >= _CACHED_CLIPS:
                self._cached.clear()
            self._cached[clip.pk] = Timing.of(clip)
        return self._cached[clip.pk]
