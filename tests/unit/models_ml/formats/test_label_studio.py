"""Label Studio counts frames at a rate of its own: what a file says about it, and how ours are numbered."""

import json
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import pytest

from models_ml.formats import annotations
from models_ml.formats.base import RARELY_CODED, Finding, Marked, MarkedClip, no_expression
from models_ml.formats.label_studio import write
from models_ml.formats.label_studio.frame_rates import find_rate, number_frames
from models_ml.video.clock import Clock
from models_ml.video.timing import Timing

UPLOAD = "/data/upload/1/0a1b2c3d-EP02_01f.mp4"


def timeline(word: str, start: int, end: int, **value: Any) -> dict[str, Any]:
    ranges = {"ranges": [{"start": start, "end": end}], "timelinelabels": [word]}
    return {"id": f"{word}{start}", "type": "timelinelabels", "value": {**ranges, **value}}


def rectangle(word: str, keys: list[tuple[int, float, bool]], **value: Any) -> dict[str, Any]:
    sequence = [{"frame": frame, "time": time, "enabled": enabled} for frame, time, enabled in keys]
    return {"type": "videorectangle", "value": {"labels": [word], "sequence": sequence, **value}}


def read(*results: dict[str, Any], who: Any = 1, **data: Any) -> Finding:
    task = {
        "id": 7,
        "data": {"video": UPLOAD, **data},
        "annotations": [{"completed_by": who, "was_cancelled": False, "result": list(results)}],
    }
    return annotations.read("export.json", json.dumps([task]).encode())


def timing_at(times: Sequence[Fraction]) -> Timing:
    """Return the timing of frames at these milliseconds."""
    clock = Clock.of_stamps([int(30 * time) for time in times], Fraction(1, 30_000), Fraction(30))
    return Timing(tuple(range(len(times))), clock)


def clip_of(times: list[Fraction], fps: str, *marked: Marked) -> MarkedClip:
    timing = timing_at(times)
    return MarkedClip(
        database="CASME II", subject="sub01", name="EP02_01f", file="EP02_01f.mp4", sha256="", fps=fps,
        frame_count=len(times), first_source_number=0, load_timing=lambda: timing, marked=marked,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("finding", "rate"),
    [
        (read(rectangle("fear", [(6, 0.24, True), (16, 0.64, False)])), 25),
        (read(rectangle("fear", [(6, 0.2, True), (16, 0.6, False)])), 25),  # times from the first frame
        (read(rectangle("fear", [(6, 0.2002, True), (16, 0.5338667, False)])), 29.97),
        (read(timeline("fear", 6, 16), fps=25), 25),
        (read(timeline("fear", 6, 16), frame_rate="23.976"), 23.976),
        (read(timeline("fear", 6, 16, framesCount=2183.4, duration=90.975)), 24),
        (read(timeline("fear", 6, 16, framesCount=26, duration=1.003), fps=25), 25),
        (read(timeline("fear", 6, 16)), None),
    ],
)
def test_the_rate_is_what_the_file_says(finding: Finding, rate: float | None) -> None:
    (marked,) = finding.annotations
    assert (marked.unit, marked.onset, marked.offset) == ("frame", 6, 16)
    assert marked.rate == (pytest.approx(rate, rel=1e-3) if rate else None)
    assert finding.problems == []


def test_a_task_that_contradicts_itself_is_refused() -> None:
    finding = read(rectangle("fear", [(6, 0.24, True), (16, 0.64, False)]), fps=200)
    assert finding.annotations == []
    (problem,) = finding.problems
    assert (problem.severity, problem.code, problem.row) == ("error", "rate-contradicts", 7)
    assert "25 and 200 frames per second" in problem.message


@pytest.mark.parametrize("value", [True, 0, -25, "x", None, [25], float("inf")])
def test_a_rate_that_cannot_be_one_is_not_used(value: Any) -> None:
    assert find_rate([], {"fps": value}) == (None, [])


def test_what_no_label_mentions_is_silent() -> None:
    (marked,) = read(timeline("fear", 21, 61), timeline("apex", 31, 31)).annotations
    assert marked.silent == RARELY_CODED | {"kind", "action_units"}


@pytest.mark.parametrize(
    ("who", "coder"),
    [
        (3, "3"),
        ({"id": 3, "email": "anna@lab.org", "first_name": "Anna"}, "anna@lab.org"),
        ({"id": 3, "username": "anna"}, "anna"),
        ({"id": 3, "first_name": "Anna", "last_name": "Berg"}, "Anna Berg"),
        ({"id": 3}, "3"),
    ],
)
def test_a_coder_is_named_by_what_identifies_them_best(who: Any, coder: str) -> None:
    assert read(timeline("fear", 1, 2), who=who).annotations[0].coder == coder


def test_a_number_is_a_coder_whose_address_stands_elsewhere_in_the_file() -> None:
    tasks = [
        {
            "data": {"video": "a.mp4"},
            "annotations": [{"completed_by": who, "result": [timeline("fear", 1, 2)]}],
        }
        for who in ({"id": 3, "email": "anna@lab.org"}, 3)
    ]
    found = annotations.read("export.json", json.dumps(tasks).encode()).annotations
    assert [marked.coder for marked in found] == ["anna@lab.org"] * 2


def test_a_choice_can_state_that_the_clip_shows_no_expression() -> None:
    (marked,) = read({"type": "choices", "value": {"choices": ["No expression"]}}).annotations
    assert marked == no_expression(marked)
    assert (marked.coder, marked.clip) == ("1", "EP02_01f")


def test_choices_about_a_region_are_labels_of_it() -> None:
    regions = [
        {"id": "b", "type": "choices", "value": {"choices": ["fear"]}},
        {**timeline("Expression", 10, 20), "id": "a"},
        {**timeline("Expression", 40, 50), "id": "b"},
        {"id": "a", "type": "choices", "value": {"choices": ["happiness", "macro"]}},
    ]
    finding = read(*regions)
    assert [(m.onset, m.emotion, m.kind, "kind" in m.silent) for m in finding.annotations] == [
        (10, "happiness", "macro", False), (40, "fear", "micro", True),
    ]  # fmt: skip
    assert finding.problems == []


def test_a_choice_about_the_task_names_the_emotion_of_an_expression_without_one() -> None:
    finding = read(
        timeline("Expression", 10, 20), {"id": "c", "type": "choices", "value": {"choices": ["fear"]}}
    )
    assert [(m.onset, m.emotion) for m in finding.annotations] == [(10, "fear")]
    assert finding.problems == []


@pytest.mark.parametrize(
    ("choices", "found", "codes"),
    [(["fear"], [(10, 20, "fear")], []), ([], [], ["region-unlabelled"])],
)
def test_a_region_without_a_label_counts_if_a_choice_names_it(
    choices: list[str], found: list[tuple], codes: list[str]
) -> None:
    region = {"id": "a", "type": "timelinelabels", "value": {"ranges": [{"start": 10, "end": 20}]}}
    about = [{"id": "a", "type": "choices", "value": {"choices": [choice]}} for choice in choices]
    finding = read(region, *about)
    assert [(m.onset, m.offset, m.emotion) for m in finding.annotations] == found
    assert [problem.code for problem in finding.problems] == codes


def test_a_choice_about_a_region_in_seconds_is_a_label_of_it() -> None:
    region = {"id": "a", "type": "labels", "value": {"start": 1, "end": 2, "labels": ["Expression"]}}
    finding = read(region, {"id": "a", "type": "choices", "value": {"choices": ["fear"]}})
    assert [(m.unit, m.onset, m.emotion) for m in finding.annotations] == [("ms", 1000, "fear")]


def test_a_kind_apart_from_the_expressions_is_named() -> None:
    finding = read(timeline("fear", 10, 20), timeline("micro", 50, 60))
    assert (len(finding.annotations), [p.code for p in finding.problems]) == (1, ["kind-alone"])


@pytest.mark.parametrize(
    ("data", "clips"),
    [
        ({"reference": "b.mp4", "video": "a.mp4"}, ["a"]),
        ({"sound": "b.wav", "recording": "a.mp4"}, ["a"]),
        ({"left": "b.mp4", "right": "a.mp4"}, []),
    ],
)
def test_the_clip_of_a_task_with_several_media_is_not_guessed(data: dict[str, str], clips: list[str]) -> None:
    task = {"data": data, "annotations": [{"completed_by": 1, "result": [timeline("fear", 1, 2)]}]}
    finding = annotations.read("export.json", json.dumps([task]).encode())
    assert [(m.clip, m.others) for m in finding.annotations] == [(clip, ()) for clip in clips]
    assert [p.code for p in finding.problems] == ([] if clips else ["clip-unclear"])


def test_several_annotations_by_one_coder_are_said() -> None:
    own = [{"completed_by": 1, "result": [timeline("fear", start, start + 5)]} for start in (1, 20)]
    task = {"data": {"video": UPLOAD, "fps": 25}, "annotations": own}
    finding = annotations.read("export.json", json.dumps([task]).encode())
    assert ([m.onset for m in finding.annotations], [p.code for p in finding.problems]) == (
        [1, 20],
        ["coder-twice"],
    )


def test_frame_0_is_refused_because_frames_count_from_1() -> None:
    finding = read(timeline("fear", 0, 9, duration=2.0), fps=25)
    assert finding.annotations == []
    assert "whose first frame is 1" in finding.problems[0].message


def test_a_file_states_how_long_the_video_plays() -> None:
    assert read(timeline("fear", 1, 9, framesCount=50, duration=2.0)).annotations[0].seconds == 2


def test_choices_that_are_not_read_are_named() -> None:
    finding = read(timeline("fear", 1, 2), {"type": "choices", "value": {"choices": ["macro"]}})
    assert "choice “macro”" in finding.problems[0].message


def test_numbers_are_those_of_the_frames_at_a_constant_rate() -> None:
    rate = Fraction(30000, 1001)
    timing = Timing(tuple(range(50)), Clock(rate, 50))
    assert number_frames(timing) == (rate, list(range(1, 51)))


def test_numbers_are_counted_at_the_rate_at_which_the_file_plays() -> None:
    timing = Timing(tuple(range(50)), Clock(Fraction(200), 50, file_rate=Fraction(25)))
    assert number_frames(timing) == (Fraction(25), list(range(1, 51)))


def test_numbers_keep_the_time_over_frames_that_are_left_out() -> None:
    source = (1, 2, 6, 7)
    timing = Timing(source, Clock.of_numbers(source, Fraction(200)))
    assert number_frames(timing) == (Fraction(200), [1, 2, 6, 7])


def test_at_a_variable_rate_each_frame_has_a_number_of_its_own() -> None:
    timing = timing_at([Fraction(ms) for ms in (0, 33, 41, 46, 79, 81)])
    rate, numbers = number_frames(timing)
    assert [timing.at_ms(1000 * (n - 1) / float(rate)) for n in numbers] == list(range(6))


def test_our_tasks_state_their_rate_and_length() -> None:
    marked = Marked(clip="EP02_01f", coder="anna", unit="index", onset=2, apex=3, offset=4, emotion="fear")
    (task,) = json.loads(write([clip_of([5 * Fraction(n) for n in range(10)], "200", marked)]))
    assert task["data"]["fps"] == 200
    assert {r["value"]["timelinelabels"][0] for r in task["annotations"][0]["result"]} == {
        "fear", "apex", "no action units", "micro",
    }  # fmt: skip
    assert task["annotations"][0]["result"][0]["value"] == {
        "ranges": [{"start": 3, "end": 5}], "timelinelabels": ["fear"], "framesCount": 10, "duration": 0.05,
    }  # fmt: skip


@pytest.mark.parametrize(
    "result",
    [
        timeline("fear", int("9" * 400), 16),
        rectangle("fear", [(1, 0.0, True)], framesCount=1e400),
        {"type": "labels", "value": {"start": "nan", "end": 1, "labels": ["fear"]}},
    ],
)
def test_a_region_at_no_finite_number_is_reported(result: dict[str, Any]) -> None:
    finding = read(result)
    assert [problem.code for problem in finding.problems] == ["region-damaged"]
    assert finding.annotations == []


def test_rates_beyond_any_number_count_as_not_stated() -> None:
    assert find_rate([{"value": {"framesCount": 1e308, "duration": 1e-308}}], {"fps": "1e400"}) == (None, [])


def test_a_broken_address_still_names_the_clip() -> None:
    (marked,) = read(timeline("fear", 6, 16), video="http://[lab/EP02_01f.mp4").annotations
    assert marked.clip == "EP02_01f"
