"""One clock for all consumers: times come from the stamps or the numbers of frames, scaled to the recording rate."""

import json
import subprocess
import sys
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from models_ml.errors import InputError
from models_ml.video.clock import Clock

MS = Fraction(1, 1000)
# The tests of the labeler (frame-pack.test.mjs) and of pages, rules and exports (test_clocks.py) read the same cases.
CASES = json.loads((Path(__file__).parents[2] / "clocks.json").read_text())


def clock_of(case: dict[str, Any]) -> Clock:
    if "numbers" in case:
        return Clock.of_numbers(case["numbers"], Fraction(case["recording_rate"]))
    clock = Clock.of_stamps(case["stamps"], Fraction(case["tick"]), Fraction(case["file_rate"]))
    return clock.rerated(Fraction(case["recording_rate"])) if "recording_rate" in case else clock


def times(clock: Clock) -> list[float]:
    return [clock.ms(i) for i in range(clock.count)]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_times_are_those_that_all_consumers_state(case: dict[str, Any]) -> None:
    clock = clock_of(case)
    assert times(clock) == case["ms"]
    assert (clock.rate, clock.tick, list(clock.ticks)) == (
        Fraction(case["index"]["fps"]), Fraction(case["index"]["time_base"]), case["index"]["pts"],
    )  # fmt: skip


@pytest.mark.parametrize(
    ("stamps", "tick", "file_rate", "rate"),
    [
        ([0, 512, 1024, 1536], Fraction(1, 12800), Fraction(25), 25),
        ([7, 47, 87], MS, Fraction(25), 25),  # from any start
        ([0, 33, 67, 100, 133], MS, Fraction(30), 30),  # rounded to milliseconds
        ([0, 33, 66, 100, 133], MS, Fraction(30000, 1001), Fraction(30000, 1001)),
        ([0, 512, 1024, 1536], Fraction(1, 12288), Fraction(150528, 6359), 24),  # the file states 23.67
        ([0, 0, 1, 1, 2, 2], MS, Fraction(1000), 2000),  # more frames than ticks
        ([0, 1, 1, 2, 2, 3], MS, Fraction(1000), 2000),
        ([0, 0, 33, 33, 66, 66], MS, Fraction(30), Fraction(2000, 33)),  # two frames per stamp
        ([0, 33, 66, 99, 132, 0, 33], MS, Fraction(30), 30),  # no clock
        ([4, 4, 4], MS, Fraction(30), 30),
        ([0], MS, Fraction(30), 30),
    ],
)
def test_a_steady_file_has_one_rate(
    stamps: list[int], tick: Fraction, file_rate: Fraction, rate: Fraction
) -> None:
    clock = Clock.of_stamps(stamps, tick, file_rate)
    assert (clock.is_steady, clock.rate, clock.count) == (True, rate, len(stamps))
    assert times(clock) == [float(1000 * i / Fraction(rate)) for i in range(len(stamps))]


@pytest.mark.parametrize(
    ("stamps", "tick", "file_rate", "rate", "expected"),
    [
        ([0, 40, 80, 200, 240], MS, Fraction(25), 25, [0, 40, 80, 200, 240]),
        ([0, 1, 2, 4, 5], Fraction(1, 25), Fraction(25), 25, [0, 40, 80, 160, 200]),  # a frame was dropped
        ([-7, 0, 1, 99], MS, Fraction(30), Fraction(1000, 7), [0, 7, 8, 106]),
    ],
)
def test_an_uneven_file_keeps_its_times(
    stamps: list[int], tick: Fraction, file_rate: Fraction, rate: Fraction, expected: list[float]
) -> None:
    clock = Clock.of_stamps(stamps, tick, file_rate)
    assert (clock.is_steady, clock.rate, clock.file_rate) == (False, rate, rate)
    assert times(clock) == expected


@pytest.mark.parametrize(
    ("stamps", "expected"), [([0, 40, 80], False), ([0, 0, 40], True), ([0, 40, 0], True)]
)
def test_replaced_stamps_are_marked(stamps: list[int], expected: bool) -> None:
    assert Clock.of_stamps(stamps, MS, Fraction(25)).is_repaired is expected


def test_missing_source_frames_take_time() -> None:
    clock = Clock.of_numbers([46, 47, 60], Fraction(200))
    assert (times(clock), clock.rate, clock.duration_ms(1, 2)) == ([0, 5, 70], 200, 65)
    assert Clock.of_numbers([5562, 5563], Fraction(200)).is_steady


def test_another_recording_rate_scales_all_times() -> None:
    played = Clock.of_stamps([0, 40, 80, 200], MS, Fraction(25))
    recorded = played.rerated(Fraction(200))
    assert times(recorded) == [0, 5, 10, 25]
    assert recorded.rerated(Fraction(25)) == played


def test_a_duration_leads_from_onset_to_offset_and_a_clip_to_its_end() -> None:
    clock = Clock.of_stamps([0, 40, 80, 200], MS, Fraction(25))
    assert (clock.duration_ms(0, 3), clock.seconds, float(clock.mean_rate)) == (200, 0.24, 15)


@pytest.mark.parametrize(
    ("ms", "index"),
    [(0, 0), (19, 0), (21, 1), (139, 2), (141, 3), (-40, 0), (-41, None), (240, 3), (241, None)],
)
def test_a_time_finds_the_nearest_frame(ms: float, index: int | None) -> None:
    assert Clock.of_stamps([0, 40, 80, 200], MS, Fraction(25)).at_ms(ms) == index


@pytest.mark.parametrize("seed", range(40))
def test_any_stamps_become_a_clock_that_survives_storage(seed: int) -> None:
    random = np.random.default_rng(seed)
    stamps = random.integers(-50, 50, random.integers(1, 60)).tolist()
    clock = Clock.of_stamps(sorted(stamps) if seed % 2 else stamps, MS, Fraction(200))
    assert clock.count == len(stamps)
    assert all(a < b for a, b in zip(clock.ticks, clock.ticks[1:], strict=False))
    again = Clock.from_text(clock.steps_text(), clock.rate, clock.count)
    assert times(again) == times(clock) == times(Clock.of_ticks(clock.ticks, clock.tick, clock.rate))


@pytest.mark.parametrize("text", ["40: 40 0", "40: 40", "x: 1 2", "40: 40xy 1", "0: 1 1"])
def test_damaged_steps_are_refused(text: str) -> None:
    with pytest.raises(InputError, match="frame times are damaged"):
        Clock.from_text(text, Fraction(25), 3)


def test_the_clock_loads_neither_opencv_nor_numpy() -> None:
    code = (
        "import sys, models_ml.video.clock; print(sorted({'cv2', 'numpy', 'torch', 'av'} & set(sys.modules)))"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
