"""The rate at which Label Studio counts a task's frames.

The rate is a setting of the project (24 frames per second unless ``<Video frameRate="…">`` says otherwise), and need not be
the video's own. Frame n of a region is shown at (n − 1) / rate seconds. A region states the rate by the times of its
keyframes, or by the number of frames and the duration of the video; else the task's data can, where a project has
``<Video frameRate="$fps">``.
"""

from collections.abc import Mapping, Sequence
from fractions import Fraction
from math import ceil, isfinite
from typing import Any

from models_ml.video.clock import Clock
from models_ml.video.timing import Timing

_KEYS = ("fps", "frame_rate", "framerate", "frameRate", "rate")
_SAME = 0.02  # two rates this close, as a share, are one
_WHOLE = 1.5  # frames
_ROUNDING = 1e-6  # of the rates that are computed from a file's decimal numbers
_FINEST = 1 << 20  # frames per second


def find_rate(regions: Sequence[Any], data: Mapping[str, Any]) -> tuple[float | None, list[float]]:
    """Return the rate of a task and all rates that its parts state; no rate if those differ, or if there are none.

    >>> find_rate([{"value": {"framesCount": 25, "duration": 1.0}}], {"video": "a.mp4"})
    (25.0, [25.0])
    >>> find_rate([{"value": {"framesCount": 25, "duration": 1.0}}], {"fps": 30})
    (None, [25.0, 30.0])
    """
    values = [r["value"] for r in regions if isinstance(r, Mapping) and isinstance(r.get("value"), Mapping)]
    exact = [rate for value in values if (rate := _of_keyframes(value))]
    exact += [rate for key in _KEYS if (rate := _positive(data.get(key)))]
    lengths = [length for value in values if (length := _length(value))]
    # The number of frames is a whole number in some versions, so it differs by up to one.
    apart = [
        count / seconds
        for count, seconds in lengths
        if not any(abs(count - seconds * rate) <= max(_WHOLE, _SAME * count) for rate in exact)
    ]
    stated = [_tidy(rate) for rate in (*exact, *apart) if isfinite(rate)]  # one can be 1e308 / 1e-308
    rates = sorted(set(stated))
    if not rates or rates[-1] > rates[0] * (1 + _SAME):
        return None, rates
    return stated[0], rates


def find_seconds(regions: Sequence[Any]) -> float | None:
    """Return how long the video of a task plays, by its regions; None if they do not state it."""
    values = [r["value"] for r in regions if isinstance(r, Mapping) and isinstance(r.get("value"), Mapping)]
    return max((seconds for value in values if (seconds := _positive(value.get("duration")))), default=None)


def _of_keyframes(value: Mapping[str, Any]) -> float | None:
    """Return the rate by the times of a rectangle's keyframes. They are n / rate, so only their distances count."""
    sequence = value.get("sequence")
    keys = [key for key in sequence if isinstance(key, Mapping)] if isinstance(sequence, list) else []
    points = [(_positive(key.get("frame")), _positive(key.get("time"))) for key in keys]
    known = sorted((frame, time) for frame, time in points if frame and time)
    if not known:
        return None
    (first, start), (last, end) = known[0], known[-1]
    if last > first and end > start:
        return (last - first) / (end - start)
    return first / start if len(known) == 1 else None


def _length(value: Mapping[str, Any]) -> tuple[float, float] | None:
    """Return the number of frames and the duration in seconds, if the region has both."""
    count, seconds = _positive(value.get("framesCount")), _positive(value.get("duration"))
    return (count, seconds) if count and seconds else None


def _positive(value: Any) -> float | None:
    try:
        number = float(value) if isinstance(value, int | float | str) and not isinstance(value, bool) else 0.0
    except (ValueError, OverflowError):
        return None
    return number if number > 0 and isfinite(number) else None


def _tidy(rate: float) -> float:
    whole = round(rate)
    return float(whole) if whole and abs(rate - whole) <= _ROUNDING * whole else rate


def number_frames(timing: Timing) -> tuple[Fraction, list[int]]:
    """Return a rate at which each frame of a clip gets a number of its own in Label Studio, and those numbers.

    The rate is the one at which the file plays where its frames have equal distances or leave whole frames out. At a
    variable rate, it is high enough that the number of a frame, in Label Studio and back, is that frame.
    """
    clock = timing.played
    if clock.is_steady:
        return clock.rate, list(range(1, clock.count + 1))
    shortest = min(clock.steps)
    finest = Fraction(ceil(1 / (shortest * clock.tick)))
    rates = [clock.rate]
    while finest <= _FINEST:
        rates.append(finest)
        finest *= 2
    for rate in rates:
        if numbers := _numbers(clock, rate):
            return rate, numbers
    raise ValueError(f"frames {float(1000 * shortest * clock.tick):g} ms apart cannot be numbered")


def _numbers(clock: Clock, rate: Fraction) -> list[int]:
    """Return the number of each frame at a rate; none if the number of one is nearer to another frame."""
    counted, ticks = (rate * clock.tick).as_integer_ratio()  # numbers in so many ticks
    numbers = []
    for index, tick in enumerate(clock.ticks):
        number = (2 * tick * counted + ticks) // (2 * ticks)
        nearest = min(clock.steps[max(0, index - 1) : index + 1])
        if 2 * abs(number * ticks - tick * counted) >= nearest * counted:
            return []
        numbers.append(number + 1)
    return numbers
