"""ELAN documents as researchers save them: tiers for single units, phases that adjoin, times left out, broken references."""

import pytest

from models_ml.errors import InputError
from models_ml.formats import annotations
from models_ml.formats.base import FIELDS, RARELY_CODED, Finding, no_expression

MEDIA = '<MEDIA_DESCRIPTOR MEDIA_URL="file:///C:/lab/EP01.mp4" MIME_TYPE="video/mp4"/>'


def timed(key: str, start: int | str, end: int | str, text: str) -> str:
    """Return an annotation with time slots: of a time in milliseconds, or by their name."""
    slots = " ".join(
        f'TIME_SLOT_REF{n}="{slot if isinstance(slot, str) else f"ts{slot}"}"'
        for n, slot in enumerate((start, end), 1)
    )
    value = f"<ANNOTATION_VALUE>{text}</ANNOTATION_VALUE>"
    return f'<ANNOTATION><ALIGNABLE_ANNOTATION ANNOTATION_ID="{key}" {slots}>{value}</ALIGNABLE_ANNOTATION></ANNOTATION>'


def child(key: str, parent: str, text: str, previous: str = "") -> str:
    after = f' PREVIOUS_ANNOTATION="{previous}"' if previous else ""
    value = f"<ANNOTATION_VALUE>{text}</ANNOTATION_VALUE>"
    return (
        f'<ANNOTATION><REF_ANNOTATION ANNOTATION_ID="{key}" ANNOTATION_REF="{parent}"{after}>{value}'
        "</REF_ANNOTATION></ANNOTATION>"
    )


def read(
    tiers: dict[str, str],
    slots: str | None = None,
    media: str = MEDIA,
    units: str = "milliseconds",
    times: tuple[int, ...] = tuple(range(0, 1001, 10)),
) -> Finding:
    """Read a document with these annotations on each tier. The slot "ts50" is at 50, unless ``slots`` are given."""
    if slots is None:
        slots = "".join(f'<TIME_SLOT TIME_SLOT_ID="ts{t}" TIME_VALUE="{t}"/>' for t in times)
    body = "".join(
        f'<TIER TIER_ID="{name}" LINGUISTIC_TYPE_REF="lt">{own}</TIER>' for name, own in tiers.items()
    )
    text = (
        f'<ANNOTATION_DOCUMENT AUTHOR="anna" FORMAT="3.0" VERSION="3.0"><HEADER TIME_UNITS="{units}">{media}</HEADER>'
        f"<TIME_ORDER>{slots}</TIME_ORDER>{body}</ANNOTATION_DOCUMENT>"
    )
    return annotations.read("sheet.eaf", text.encode())


def marks(finding: Finding) -> list[tuple]:
    return [(m.onset, m.apex, m.offset, m.emotion, m.action_units) for m in finding.annotations]


def codes(finding: Finding) -> list[tuple[str, str]]:
    return [(p.severity, p.code) for p in finding.problems]


def test_a_tier_for_one_unit_has_intensities_and_times_of_its_own() -> None:
    finding = read(
        {
            "Expr": timed("a1", 100, 400, "disgust") + timed("a2", 600, 900, "anger"),
            "AU4": timed("a3", 100, 400, "B") + timed("a4", 650, 700, "e"),
            "AU 10": timed("a5", 150, 300, ""),
            "AU12_L": timed("a6", 600, 900, "C"),
            "au_r14": timed("a7", 600, 900, ""),
        }
    )
    assert marks(finding) == [
        (100, None, 400, "disgust", "4B+10"),
        (600, None, 900, "anger", "4E+L12C+R14"),
    ]
    assert codes(finding) == [("info", "unit-times")]


def test_a_text_that_is_no_intensity_costs_the_intensity() -> None:
    finding = read({"Emotion": timed("a1", 0, 90, "fear"), "AU4": timed("a2", 0, 90, "3")})
    assert marks(finding) == [(0, None, 90, "fear", "4")]
    warning = next(p for p in finding.problems if p.code == "intensity-unknown")
    assert "“3” (annotation a2 on the tier “AU4”)" in warning.message


def test_units_that_overlap_are_one_expression_if_nothing_else_is_marked() -> None:
    finding = read(
        {"AU4": timed("a1", 100, 200, "B") + timed("a2", 500, 600, ""), "AU7": timed("a3", 150, 260, "")}
    )
    assert marks(finding) == [(100, None, 260, "", "4B+7"), (500, None, 600, "", "4")]
    assert finding.annotations[0].silent == RARELY_CODED | {"apex", "emotion", "kind"}


def test_units_outside_every_expression_are_named() -> None:
    finding = read({"Emotion": timed("a1", 0, 90, "fear"), "AU": timed("a2", 500, 600, "4")})
    assert "left out: 4 at 500" in next(p for p in finding.problems if p.code == "unit-alone").message


def test_the_apex_is_where_the_intervals_of_onset_and_offset_meet() -> None:
    tiers = {
        "Emotion": timed("a1", 100, 400, "fear"),
        "Phases": timed("a2", 110, 250, "onset") + timed("a3", 250, 380, "offset"),
    }
    assert marks(read(tiers)) == [(110, 250, 380, "fear", "")]


def test_phases_that_do_not_meet_have_no_apex() -> None:
    tiers = {
        "Emotion": timed("a1", 100, 400, "fear"),
        "Phase": timed("a2", 110, 200, "onset") + timed("a3", 300, 380, "offset"),
    }
    finding = read(tiers)
    assert marks(finding) == [(110, None, 380, "fear", "")]
    assert "apex" in finding.annotations[0].silent


def test_adjoining_expressions_do_not_share_units_and_phases() -> None:
    tiers = {
        "Emotion": timed("a1", 100, 300, "fear") + timed("a2", 300, 500, "anger"),
        "AU": timed("a3", 100, 300, "1+2") + timed("a4", 300, 500, "4"),
        "Phase": timed("a5", 150, 200, "apex") + timed("a6", 400, 420, "apex"),
    }
    assert marks(read(tiers)) == [(100, 175, 300, "fear", "1+2"), (300, 410, 500, "anger", "4")]


def test_annotations_without_times_divide_the_time_between_their_neighbours() -> None:
    values = (' TIME_VALUE="100"', "", "", ' TIME_VALUE="400"')
    slots = "".join(f'<TIME_SLOT TIME_SLOT_ID="s{n}"{value}/>' for n, value in enumerate(values))
    phases = (
        timed("a2", "s0", "s1", "onset") + timed("a3", "s1", "s2", "apex") + timed("a4", "s2", "s3", "offset")
    )
    finding = read({"Emotion": timed("a1", "s0", "s3", "fear"), "Phase": phases}, slots)
    assert marks(finding) == [(100, 250, 400, "fear", "")]
    assert finding.problems == []


def test_annotations_that_refer_to_a_parent_have_its_time_or_parts_of_it() -> None:
    tiers = {
        "Expression": timed("a1", 100, 400, "micro"),
        "Emotion": child("a2", "a1", "fear"),
        "Phase": child("a4", "a1", "apex", "a3")
        + child("a3", "a1", "onset")
        + child("a5", "a1", "offset", "a4"),
        "AU": child("a6", "a2", "1+2"),
    }
    finding = read(tiers)
    assert marks(finding) == [(100, 250, 400, "fear", "1+2")]
    assert finding.problems == []


@pytest.mark.parametrize(
    ("broken", "why"),
    [
        (
            timed("a9", 500, "ts_lost", "anger"),
            "refers to the time slot ts_lost, which the file does not have",
        ),
        (timed("a9", 500, "", "anger"), "names no time slot"),
        (
            timed("a9", 500, "open", "anger"),
            "has the time slot open, which has no time and none on both sides",
        ),
        (child("a9", "a77", "anger"), "refers to the annotation a77, which the file does not have"),
        (child("a9", "a9", "anger"), "refers to the annotation a9"),
    ],
)
def test_a_broken_annotation_costs_only_itself(broken: str, why: str) -> None:
    slots = "".join(f'<TIME_SLOT TIME_SLOT_ID="ts{t}" TIME_VALUE="{t}"/>' for t in (100, 300, 500))
    slots += '<TIME_SLOT TIME_SLOT_ID="open"/>'
    finding = read(
        {"Emotion": timed("a1", 100, 300, "fear") + broken, "AU": timed("a2", 100, 300, "4")}, slots
    )
    assert marks(finding) == [(100, None, 300, "fear", "4")]
    (problem,) = finding.problems
    assert (problem.severity, problem.code) == ("warning", "annotation-damaged")
    assert f"The annotation a9 on the tier “Emotion” {why}" in problem.message


def test_all_linked_media_can_name_the_clip() -> None:
    media = "".join(
        f'<MEDIA_DESCRIPTOR MEDIA_URL="{url}" MIME_TYPE="{mime}"/>'
        for url, mime in (
            ("file:///lab/sound.wav", "audio/x-wav"),
            ("file:///C:/lab/side%20view.webm", "video/webm"),
            ("EP01.mp4", "video/mp4"),
        )
    )
    (marked,) = read({"Emotion": timed("a1", 0, 90, "fear")}, media=media).annotations
    assert (marked.clip, marked.others) == ("side view", ("EP01", "sound", "sheet"))


def test_a_linked_file_that_starts_at_another_time_is_named() -> None:
    media = MEDIA + '<MEDIA_DESCRIPTOR MEDIA_URL="side.mp4" MIME_TYPE="video/mp4" TIME_ORIGIN="40"/>'
    finding = read({"Emotion": timed("a1", 0, 90, "fear")}, media=media)
    assert (finding.annotations[0].clip, finding.annotations[0].others) == ("EP01", ("sheet",))
    assert codes(finding) == [("info", "medium-left-out")]


@pytest.mark.parametrize(
    ("units", "end"), [("PAL-frames", 400), ("NTSC-frames", 1001 / 3), ("milliseconds", 10)]
)
def test_times_are_in_the_units_of_the_header(units: str, end: float) -> None:
    (marked,) = read({"Emotion": timed("a1", 0, 10, "fear")}, units=units, times=(0, 10)).annotations
    assert marked.offset == pytest.approx(end)


def test_unknown_units_of_time_are_refused() -> None:
    with pytest.raises(InputError, match="TIME_UNITS must be milliseconds"):
        read({"Emotion": timed("a1", 0, 10, "fear")}, units="ticks")


@pytest.mark.parametrize("name", ["Expr", "Expression", "ME", "Micro-expression", "FE", "Facial expression"])
def test_common_names_of_the_tier_of_expressions(name: str) -> None:
    assert marks(read({name: timed("a1", 0, 90, "fear")})) == [(0, None, 90, "fear", "")]


@pytest.mark.parametrize(
    "name", ["L1", "R2", "Emotion intensity", "AU comments", "Target emotion", "Expression rating", "speech"]
)
def test_tiers_about_something_else_are_left_out_and_named(name: str) -> None:
    finding = read({"Emotion": timed("a1", 0, 90, "fear"), name: timed("a2", 0, 90, "3")})
    assert marks(finding) == [(0, None, 90, "fear", "")]
    assert codes(finding) == [("info", "tier-left-out")]


def test_a_tier_of_micro_expressions_states_the_kind_and_a_mark_in_it_no_emotion() -> None:
    (marked,) = read({"Macro-expression": timed("a1", 0, 90, "x")}).annotations
    assert (marked.kind, marked.emotion, marked.silent) == (
        "macro", "", RARELY_CODED | {"apex", "emotion", "action_units"},
    )  # fmt: skip


def test_what_no_tier_mentions_is_silent() -> None:
    (marked,) = read({"Emotion": timed("a1", 0, 90, "fear")}).annotations
    assert set(FIELDS) - marked.silent == {"onset", "offset", "emotion"}


def test_a_tier_of_units_states_that_an_expression_has_none() -> None:
    tiers = {
        "Emotion": timed("a1", 0, 90, "fear") + timed("a2", 200, 300, "anger"),
        "AU": timed("a3", 0, 90, "4"),
    }
    assert ["action_units" in m.silent for m in read(tiers).annotations] == [False, False]


def test_a_coder_can_state_that_the_clip_shows_no_expression() -> None:
    (marked,) = read({"Expression@ben": timed("a1", 0, 1000, "No expression")}).annotations
    assert (marked.coder, marked.shown, marked.marks()) == ("ben", False, {})
    assert marked == no_expression(marked)


@pytest.mark.parametrize("value", ["9" * 4000, "9" * 5000, "1_0", "１０"])
def test_a_time_that_is_no_plain_number_counts_as_missing(value: str) -> None:
    slots = f'<TIME_SLOT TIME_SLOT_ID="ts1" TIME_VALUE="{value}"/><TIME_SLOT TIME_SLOT_ID="ts90" TIME_VALUE="90"/>'
    finding = read({"Emotion": timed("a1", 1, 90, "fear")}, slots)
    assert "has the time slot ts1, which has no time" in finding.problems[0].message


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"<A>\n<B", "is not XML from line 2, column 1 on. Open it in ELAN"),
        (b'<?xml version="1.0" encoding="klingon"?><A/>', "Open it in ELAN and save it again"),
    ],
)
def test_what_is_not_xml_is_refused_with_its_place(content: bytes, words: str) -> None:
    with pytest.raises(InputError, match=words):
        annotations.read("sheet.eaf", content)


def test_tiers_of_coders_without_an_at_sign_are_named() -> None:
    finding = read(
        {"Emotion_anna": timed("a1", 100, 200, "fear"), "Emotion_ben": timed("a2", 110, 210, "fear")}
    )
    assert [p.code for p in finding.problems] == ["coder-unclear"]
    assert "Emotion_anna, Emotion_ben" in finding.problems[0].message
    apart = read(
        {"Emotion@anna": timed("a1", 100, 200, "fear"), "Emotion@ben": timed("a2", 110, 210, "fear")}
    )
    assert ([m.coder for m in apart.annotations], apart.problems) == (["anna", "ben"], [])
