"""The clock of a clip: its recording rate and when each frame was recorded. All times of frames are computed here.

A steady clip has one rate: frame *i* was recorded after *i* / rate seconds. In other clips the steps between frames differ:
the frame rate varies, or source frames are missing. Needs neither OpenCV nor NumPy, so that web processes can use it.
"""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property
from itertools import accumulate, groupby, pairwise
from math import floor, isfinite, log10
from typing import NamedTuple, Self

from models_ml.errors import InputError

_FINER = 1000  # parts of a tick, between which frames with equal stamps are spread
_VARIES = 0.1  # part of the shortest step by which steps differ where the rate is called variable
_RESCALED = 0.01  # difference of two rates, as a part of one, from which a note says so
_DIGITS = 6  # of a rate that is guessed from rounded stamps


@dataclass(frozen=True)
class Clock:
    """When each frame of a clip was recorded.

    Attributes
    ----------
    rate
        Recording rate, in frames per second. Where the steps between frames differ, it belongs to the usual step.
    count
        Number of frames.
    steps
        Ticks from each frame to the next; empty if each frame follows the one before it after 1 / rate seconds.
    usual
        Ticks in 1 / rate seconds. One tick is ``tick`` seconds.
    file_rate
        Frames per second at which a video file plays; None for frame images, which state none.
    is_repaired
        Whether the time stamps of the file repeat or go back, so that the times are not the file's own.

    Raises
    ------
    InputError
        If there is no frame, the rate is not positive, or the times do not rise from frame to frame.
    """

    rate: Fraction
    count: int
    steps: tuple[int, ...] = ()
    usual: int = 1
    file_rate: Fraction | None = None
    is_repaired: bool = False

    def __post_init__(self) -> None:
        if self.count < 1 or self.rate <= 0 or self.usual < 1:
            raise InputError("The frame times are damaged: frames, frame rate and ticks must be positive.")
        if self.steps and len(self.steps) != self.count - 1:
            raise InputError(
                f"The frame times are damaged: {len(self.steps)} steps do not fit {self.count} frames."
            )
        if any(step < 1 for step in self.steps):
            raise InputError("The frame times are damaged: they do not rise.")

    @classmethod
    def of_stamps(cls, stamps: Sequence[int], tick: Fraction, file_rate: Fraction) -> Self:
        """Return the clock of a video file from the stamps of its frames, in ticks, and the rate that the file states.

        Stamps that are only rounded to ticks (0, 33, 67 ms at 30 fps) are those of a steady clip.

        Examples
        --------
        >>> Clock.of_stamps([0, 33, 67], Fraction(1, 1000), Fraction(30)).ms(2)
        66.66666666666667
        >>> Clock.of_stamps([0, 40, 120], Fraction(1, 1000), Fraction(25)).ms(2)
        120.0
        """
        count, is_repaired = len(stamps), not rises(stamps)
        if rate := _steady_rate(stamps, tick, file_rate):
            return cls(rate, count, file_rate=rate, is_repaired=is_repaired)
        times = rising_times(stamps, tick, file_rate)
        steps = tuple(b - a for a, b in pairwise(times.pts))
        usual = sorted(steps)[(len(steps) - 1) // 2]
        rate = 1 / (usual * times.time_base)
        if set(steps) == {usual}:
            return cls(rate, count, file_rate=rate, is_repaired=is_repaired)
        return cls(rate, count, steps, usual, rate, is_repaired)

    @classmethod
    def of_numbers(cls, numbers: Sequence[int], rate: Fraction) -> Self:
        """Return the clock of frame images by their source frames, which rise; time runs on over missing ones.

        >>> Clock.of_numbers([46, 47, 60], Fraction(200)).ms(2)
        70.0
        """
        steps = tuple(b - a for a, b in pairwise(numbers))
        return cls(rate, len(numbers), () if set(steps) <= {1} else steps)

    @classmethod
    def of_ticks(cls, pts: Sequence[int], tick: Fraction, rate: Fraction) -> Self:
        """Return the clock with these rising ``ticks``.

        They are taken as stamps of a video file if 1 / rate seconds are not a whole number of ticks.
        """
        usual = 1 / (rate * tick)
        if usual.denominator != 1:
            return cls.of_stamps(pts, tick, rate)
        steps = tuple(b - a for a, b in pairwise(pts))
        if set(steps) <= {int(usual)}:
            return cls(rate, len(pts))
        return cls(rate, len(pts), steps, int(usual))

    @property
    def is_steady(self) -> bool:
        """Whether all steps between frames are equal."""
        return not self.steps

    @property
    def tick(self) -> Fraction:
        """Seconds in one tick."""
        return 1 / (self.rate * self.usual)

    @cached_property
    def ticks(self) -> Sequence[int]:
        """When each frame was recorded, in ticks from the first frame."""
        return tuple(accumulate(self.steps, initial=0)) if self.steps else range(self.count)

    @property
    def seconds(self) -> float:
        """From the first frame to the end of the last one, which lasts 1 / rate."""
        return float((self.ticks[-1] + self.usual) * self.tick)

    @property
    def mean_rate(self) -> Fraction:
        """Frames per second on average."""
        return (self.count - 1) / (self.ticks[-1] * self.tick) if self.count > 1 else self.rate

    def ms(self, index: int) -> float:
        """Return when a frame was recorded, in milliseconds from the first frame."""
        return self._ms(self.ticks[index])

    def duration_ms(self, onset: int, offset: int) -> float:
        """Return the milliseconds from a frame to a later one: the duration of an expression from onset to offset."""
        return self._ms(self.ticks[offset] - self.ticks[onset])

    def at_ms(self, ms: float) -> int | None:
        """Return the index of the frame recorded nearest to a time; None if that is more than one frame outside the clip."""
        if not isfinite(ms):
            return None
        time = Fraction(ms) / (1000 * self.tick)
        step = self.ticks[1] if self.count > 1 else self.usual
        if not -step <= time <= self.ticks[-1] + step:
            return None
        after = min(bisect_left(self.ticks, time), self.count - 1)
        if after and time - self.ticks[after - 1] < self.ticks[after] - time:
            return after - 1
        return after

    def rerated(self, rate: Fraction) -> Self:
        """Return the clock of the same frames recorded at another rate: all times are scaled."""
        return replace(self, rate=rate)

    def notes(self) -> list[str]:
        """Return sentences about a scaled or variable rate."""
        notes = []
        if self.file_rate and abs(self.rate / self.file_rate - 1) > _RESCALED:
            notes.append(
                f"The file plays at {float(self.file_rate):.5g} fps. Its times are scaled to the recording rate of "
                f"{float(self.rate):.5g} fps."
            )
        steps = set(self.steps)
        if self.file_rate and steps and max(steps) - min(steps) > max(2, _VARIES * min(steps)):
            shortest, longest = (self._ms(step) for step in (min(steps), max(steps)))
            notes.append(
                f"The frame rate varies: frames are shown for {shortest:.4g} to {longest:.4g} ms, on average "
                f"{float(self.mean_rate):.4g} fps."
            )
        return notes

    def steps_text(self) -> str:
        """Return the steps in short, which ``from_text`` reads; empty for a steady clip.

        >>> Clock(Fraction(25), 5, (40, 40, 80, 40), usual=40).steps_text()
        '40: 40x2 80 40'
        """
        if not self.steps:
            return ""
        runs = ((step, len(list(same))) for step, same in groupby(self.steps))
        return f"{self.usual}: " + " ".join(f"{step}x{n}" if n > 1 else str(step) for step, n in runs)

    @classmethod
    def from_text(cls, text: str, rate: Fraction, count: int, file_rate: Fraction | None = None) -> Self:
        """Return the clock whose steps ``steps_text`` wrote. Raises InputError if they are damaged."""
        if not text:
            return cls(rate, count, file_rate=file_rate)
        try:
            usual, _, runs = text.partition(": ")
            return cls(rate, count, tuple(_steps(runs)), int(usual), file_rate)
        except ValueError as error:
            if isinstance(error, InputError):
                raise
            raise InputError(f"The frame times are damaged: {error}.") from error

    def _ms(self, ticks: int) -> float:
        # Whole numbers are divided once, so that each process rounds in the same way.
        return 1000 * ticks * self.rate.denominator / (self.rate.numerator * self.usual)


class RisingTimes(NamedTuple):
    """Times of all frames, in units of ``time_base`` seconds; ``is_repaired`` if they are not the file's own."""

    pts: tuple[int, ...]
    time_base: Fraction
    is_repaired: bool


def rising_times(pts: Sequence[int], time_base: Fraction, fps: Fraction) -> RisingTimes:
    """Return times that rise from frame to frame: the given ones if they do.

    Frames with equal stamps, as in a file with fewer ticks than frames, are spread evenly up to the next stamp. If a
    stamp is lower than the one before it, the stamps are not a clock: the frames then follow each other at ``fps``.

    Examples
    --------
    >>> rising_times([0, 1, 1, 2], Fraction(1, 1000), Fraction(1000)).pts
    (0, 1000, 1500, 2000)
    >>> rising_times([0, 40, 10], Fraction(1, 1000), Fraction(25)).pts
    (0, 1, 2)
    """
    if rises(pts):
        return RisingTimes(tuple(pts), time_base, False)
    steady = RisingTimes(tuple(range(len(pts))), 1 / fps, True)
    if any(a > b for a, b in pairwise(pts)) or pts[0] == pts[-1]:
        return steady
    stamps, sizes = zip(*((stamp, len(list(same))) for stamp, same in groupby(pts)), strict=True)
    steps = sorted(b - a for a, b in pairwise(stamps))
    ends = (*stamps[1:], stamps[-1] + steps[len(steps) // 2])
    spread = tuple(
        _FINER * start + _FINER * (end - start) * i // size
        for start, end, size in zip(stamps, ends, sizes, strict=True)
        for i in range(size)
    )
    return RisingTimes(spread, time_base / _FINER, True) if rises(spread) else steady


def rises(numbers: Sequence[int]) -> bool:
    """Return whether each number is above the one before it."""
    return all(a < b for a, b in pairwise(numbers))


def _steady_rate(stamps: Sequence[int], tick: Fraction, file_rate: Fraction) -> Fraction | None:
    """Return the one rate that explains all stamps, as they are or rounded to ticks; None if there is none."""
    span = stamps[-1] - stamps[0]
    if any(a > b for a, b in pairwise(stamps)) or not span:
        return file_rate  # the stamps cannot be times
    if _explains(file_rate, stamps, tick):
        return file_rate
    mean = Fraction(len(stamps) - 1) / (span * tick)
    if len({b - a for a, b in pairwise(stamps)}) == 1:
        return mean
    # Stamps of a rate that needs no rounding are true: 0, 1, 2, 4 ticks of 1/25 s at 25 fps show a missing frame.
    if (1 / (file_rate * tick)).denominator == 1 and mean * tick <= 1:
        return None
    guesses = (_rounded(mean, digits) for digits in range(1, _DIGITS + 1))
    return next((rate for rate in guesses if _explains(rate, stamps, tick)), None)


def _explains(rate: Fraction, stamps: Sequence[int], tick: Fraction) -> bool:
    """Return whether frames at this rate have these stamps when their times are rounded to ticks."""
    step = 1 / (rate * tick)
    # In units of 1 / denominator ticks, so that nothing but whole numbers is added.
    offsets = [stamp * step.denominator - i * step.numerator for i, stamp in enumerate(stamps)]
    return max(offsets) - min(offsets) < step.denominator or max(offsets) == min(offsets)


def _rounded(value: Fraction, digits: int) -> Fraction:
    unit = Fraction(10) ** (floor(log10(value)) + 1 - digits)
    return max(round(value / unit), 1) * unit


def _steps(runs: str) -> Iterator[int]:
    for run in runs.split():
        step, _, times = run.partition("x")
        yield from (int(step) for _ in range(int(times or 1)))
