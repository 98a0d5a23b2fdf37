"""Random markings, through each writer and its reader, are the same markings."""

import json
import uuid
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models_ml.formats import EXPORTS, annotations
from models_ml.formats.base import FIELDS, MARKS, RARELY_CODED, Marked, MarkedClip, no_expression
from models_ml.video.clock import Clock
from models_ml.video.timing import Timing

AT = "2026-03-01T10:00:00+00:00"
CODERS = ("anna", "ben@lab.org", "李")
EMOTIONS = ("", "happiness", "others", "恐惧", "joie mêlée", "non-negative")
UNITS = (
    "", "4", "6+12", "L10+R12A", "(R6 or R12)+R15", "ref(7B)+43", "10A/B", "L14B?", "A12", "T24+B24", "0", "M59", "(12)+U14",
)  # fmt: skip
SHEETS = [key for key in EXPORTS if key.startswith(("casme2", "samm"))]
CODED = frozenset(FIELDS) - RARELY_CODED
# What each format has room for. The lossless format holds everything.
HELD = {key: CODED | {"confidence", "note"} if key in SHEETS else CODED for key in EXPORTS} | {
    "json": frozenset(FIELDS)
}
# XML and with it workbooks forbid control characters, and a CSV reader cannot know which line break a cell had.
NOTES = st.text(
    st.characters(
        exclude_categories=("Cs", "Cc"), include_characters="\n\t", exclude_characters="\ufffe\uffff"
    )
)


@st.composite
def timings(draw: st.DrawFn) -> Timing:
    """A clip's frames: at a constant rate, at one with frames left out, or at a variable rate; played as recorded or not."""
    count, first = draw(st.integers(1, 40)), draw(st.integers(0, 6000))
    rate = Fraction(draw(st.sampled_from(["25", "30000/1001", "30", "200"])))
    played = draw(st.none() | st.sampled_from([rate, Fraction(25)]))
    source = [first + index for index in range(count)]
    clock = Clock(rate, count, file_rate=played)
    match draw(st.sampled_from(["constant", "gaps", "variable"])):
        case "gaps":
            steps = draw(st.lists(st.integers(1, 4), min_size=count, max_size=count))
            source = [first + sum(steps[:index]) for index in range(count)]
            clock = Clock.of_numbers(source, rate)
        case "variable":
            ticks = draw(st.lists(st.integers(10, 300), min_size=count - 1, max_size=count - 1))
            clock = Clock(rate, count, tuple(ticks), usual=15, file_rate=played)
    return Timing(tuple(source), clock)


@st.composite
def expressions(draw: st.DrawFn, count: int) -> Marked:
    """An expression in a clip of so many frames, complete or not."""
    frames = sorted(draw(st.lists(st.integers(0, count - 1), min_size=3, max_size=3)))
    marks = {m: f for m, f in zip(MARKS, frames, strict=True) if draw(st.integers(0, 4))}
    suggestion = {"onset": 0, "apex": 1, "offset": 2, "confidence": 0.5}
    return Marked(
        clip="EP 01",
        unit="index",
        emotion=draw(st.sampled_from(EMOTIONS)),
        action_units=draw(st.sampled_from(UNITS)),
        kind=draw(st.sampled_from(["micro", "macro"])),
        confidence=draw(st.none() | st.integers(1, 5)),
        note=draw(NOTES),
        origin=draw(st.sampled_from(["manual", "suggested", "corrected"])),
        suggestion=draw(st.none() | st.just(suggestion)),
        silent=frozenset(),
        **marks,
    )


@st.composite
def clips(draw: st.DrawFn) -> MarkedClip:
    """A clip with the codings of some coders, and a consensus or a judge's decision."""
    timing = draw(timings())
    count = timing.clock.count
    nothing = no_expression(Marked(clip="EP 01", unit="index"))
    marked: list[Marked] = []
    for coder in draw(st.lists(st.sampled_from(CODERS), unique=True)):
        done_at = draw(st.none() | st.just(AT))
        own = draw(st.lists(expressions(count), max_size=4))
        history = {"revision": 1, "created_at": AT, "updated_at": AT, "versions": [], "done_at": done_at}
        marked += [
            replace(e, coder=coder, key=str(uuid.UUID(int=len(marked) + n)), record=history)
            for n, e in enumerate(own)
        ]
        if not own:
            marked.append(replace(nothing, coder=coder, record={"done_at": AT}))
    decision = {"decided_by": "jo", "decided_at": AT}
    if draw(st.booleans()):
        record = {"origin": "adopted", "annotation": None, **decision, "judgement": decision}
        agreed = draw(st.lists(expressions(count), max_size=3))
        blank = {name: getattr(nothing, name) for name in RARELY_CODED}
        marked += [replace(e, **blank, agreed=True, silent=RARELY_CODED, record=record) for e in agreed] or [
            replace(nothing, agreed=True, record=decision)
        ]
    return MarkedClip(
        database="CAS(ME)² lab", subject="sub01", name="EP 01", file="EP 01.mp4", sha256="ab", fps=str(timing.clock.rate),
        frame_count=count, first_source_number=timing.source[0], load_timing=lambda: timing, emotions=EMOTIONS[1:],
        marked=tuple(marked),
    )  # fmt: skip


def placed(found: Marked, timing: Timing) -> Marked:
    """Return what a reader found with its marks as frame indices, as an import places them."""

    def index(value: float) -> int | None:
        if found.unit == "ms":
            return timing.at_ms(value)
        if found.unit == "source":
            return timing.of_source(int(value))
        if found.unit == "frame":
            assert found.rate is not None
            return timing.at_ms(1000 * (value - 1) / found.rate)
        return int(value)

    marks = {m: None if getattr(found, m) is None else index(getattr(found, m)) for m in MARKS}
    return replace(found, unit="index", **marks)


def content(marked: Sequence[Marked], fields: frozenset[str]) -> Counter[Any]:
    """Return what the format has room for. A consensus has no coder, and sheets do not call it one."""
    found: Counter[Any] = Counter()
    for m in marked:
        who = "" if m.agreed else m.coder
        names = fields if who else fields & CODED
        found[(who, m.shown, *((name, str(getattr(m, name))) for name in sorted(names) if m.shown))] += 1
    return found


@pytest.mark.parametrize("key", EXPORTS)
@settings(derandomize=True, deadline=None, max_examples=60)
@given(clip=clips())
def test_markings_come_back_as_they_were(key: str, clip: MarkedClip) -> None:
    if not clip.marked:
        return
    finding = annotations.read(f"lab.{EXPORTS[key].suffix}", EXPORTS[key].write([clip]))
    assert [p for p in finding.problems if p.severity != "info"] == []
    found = [placed(marked, clip.timing) for marked in finding.annotations]
    assert content(found, HELD[key]) == content(clip.marked, HELD[key])
    assert {(m.database, m.clip) for m in found} == {(clip.database, clip.name)}
    assert all(HELD[key] - m.silent == HELD[key] for m in found if m.shown and m.coder)


@settings(derandomize=True, deadline=None, max_examples=60)
@given(clip=clips())
def test_the_lossless_format_keeps_who_is_done_and_who_decided(clip: MarkedClip) -> None:
    finding = annotations.read("lab.json", EXPORTS["json"].write([clip]))
    read, written = (
        Counter(json.dumps(marked.record, sort_keys=True) for marked in some)
        for some in (finding.annotations, clip.marked)
    )
    assert read == written
    assert [m.agreed for m in finding.annotations] == sorted(m.agreed for m in clip.marked)
