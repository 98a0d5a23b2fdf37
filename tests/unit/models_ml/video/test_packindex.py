"""The index of a frame pack survives storage, and a damaged one is refused with a sentence."""

import json
import subprocess
import sys
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from models_ml.errors import InputError
from models_ml.video.clock import Clock, rising_times
from models_ml.video.packindex import PackIndex

# The labeler's tests read the same cases (frame-pack.test.mjs).
CASES = json.loads((Path(__file__).parents[2] / "frame_indexes.json").read_text())
INDEX = PackIndex(
    width=160,
    height=96,
    fps=Fraction(30000, 1001),
    time_base=Fraction(1, 15360),
    mime="image/jpeg",
    offsets=(0, 900, 1750, 2600),
    pts=(70, 582, 1094),
    source=(46, 47, 49),
)
WITH_CURVES = replace(INDEX, motion=(0.0, 0.25, 0.5), motion_regions={"brows": (0.0, 0.5, 1.0)})


def test_the_browser_gets_plain_numbers_and_fractions_as_text() -> None:
    assert INDEX.to_json() == {
        "version": 1,
        "width": 160,
        "height": 96,
        "fps": "30000/1001",
        "time_base": "1/15360",
        "mime": "image/jpeg",
        "count": 3,
        "offsets": [0, 900, 1750, 2600],
        "pts": [70, 582, 1094],
        "source": [46, 47, 49],
    }
    curves = {"motion": [0.0, 0.25, 0.5], "motion_regions": {"brows": [0.0, 0.5, 1.0]}}
    assert WITH_CURVES.to_json() == {**INDEX.to_json(), **curves}


@pytest.mark.parametrize("index", [INDEX, WITH_CURVES])
def test_the_index_survives_json(index: PackIndex) -> None:
    assert PackIndex.from_json(json.loads(json.dumps(index.to_json()))) == index


def test_the_clock_counts_from_the_first_frame() -> None:
    assert [INDEX.clock.ms(i) for i in range(3)] == [0, 100 / 3, 200 / 3]


def test_an_index_takes_the_times_of_a_clock() -> None:
    index = replace(INDEX, fps=Fraction(25), time_base=Fraction(1, 1000), pts=(0, 40, 120))
    assert index.at(index.clock.rerated(Fraction(200))).clock.ms(2) == 15
    with pytest.raises(InputError, match="do not fit together"):
        INDEX.at(Clock(Fraction(25), 4))


def test_images_of_an_earlier_version_get_time_over_gaps() -> None:
    index = replace(INDEX, fps=Fraction(200), time_base=Fraction(1, 200), pts=(0, 1, 2), source=(46, 47, 60))
    assert index.clock.ms(2) == 70


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"version": 2}, "has version 2; this program reads 1"),
        ({"pts": [0]}, "4 offsets, 1 time stamps and 3 source numbers do not fit together"),
        ({"pts": [], "source": [], "offsets": [0]}, "do not fit together"),
        ({"offsets": [0, 900, 900, 2600]}, "offsets do not rise"),
        ({"time_base": "1/0"}, "damaged"),
        ({"fps": None}, "damaged"),
        ({"offsets": 3}, "damaged"),
        ({"motion_regions": []}, "damaged"),
    ],
)
def test_a_damaged_index_is_refused(change: dict[str, Any], sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        PackIndex.from_json(INDEX.to_json() | change)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_python_and_the_labeler_accept_the_same_indexes(case: dict[str, Any]) -> None:
    data = case["index"]
    if case["valid"]:
        assert PackIndex.from_json(data).to_json() == data
    elif "repaired" not in case:
        with pytest.raises(InputError):
            PackIndex.from_json(data)
    else:
        repaired = PackIndex.from_json(data)
        assert repaired.to_json() == data | case["repaired"]
        with pytest.raises(InputError, match="time stamps do not rise"):
            replace(repaired, pts=tuple(data["pts"]))


@pytest.mark.parametrize("seed", range(40))
@pytest.mark.parametrize("is_sorted", [True, False])
def test_any_times_become_rising_ones(seed: int, is_sorted: bool) -> None:
    random = np.random.default_rng(seed)
    pts = random.integers(-50, 50, random.integers(1, 60)).tolist()
    clock = rising_times(sorted(pts) if is_sorted else pts, Fraction(1, 1000), Fraction(200))
    assert len(clock.pts) == len(pts)
    assert all(a < b for a, b in pairwise(clock.pts))


def test_an_index_without_a_field_is_refused() -> None:
    data = INDEX.to_json()
    del data["source"]
    with pytest.raises(InputError, match="it has no field 'source'"):
        PackIndex.from_json(data)


def test_json_that_is_no_index_is_refused() -> None:
    with pytest.raises(InputError, match="has version None"):
        PackIndex.from_json([1, 2])


def test_the_index_loads_neither_opencv_nor_numpy() -> None:
    code = "import sys, models_ml.video.packindex; print(sorted({'cv2', 'numpy', 'torch', 'av'} & set(sys.modules)))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
