"""The lossless format: who is done with a clip, who judged it, and files of earlier versions."""

import json
from dataclasses import replace
from fractions import Fraction
from typing import Any

import pytest

from models_ml.errors import InputError
from models_ml.formats import annotations
from models_ml.formats.base import Finding, Marked, MarkedClip, no_expression
from models_ml.formats.lossless import write
from models_ml.video.clock import Clock
from models_ml.video.timing import Timing

AT = "2026-03-01T10:00:00+00:00"
AGREED = {
    "onset": 0, "apex": 10, "offset": 20, "kind": "micro", "emotion": "anger", "action_units": "ref(7B)+43",
    "origin": "imported", "annotation": None, "decided_by": None, "decided_at": AT,
}  # fmt: skip
HISTORY = {"revision": 1, "created_at": AT, "updated_at": AT, "versions": []}
VERSION = {
    "revision": 1, "made_by": None, "made_at": AT, "client": "page",
    "content": {
        "onset": 1, "apex": None, "offset": 9, "kind": "", "emotion": "", "action_units": "", "confidence": None, "note": "",
        "origin": "manual", "suggestion": None, "deleted": False,
    },
}  # fmt: skip
NOTHING = no_expression(Marked(clip="901_1_1", unit="index"))


def read(*, version: int = 2, **clip: Any) -> Finding:
    names = {"database": "SAMM", "subject": "901", "name": "901_1_1", "sha256": "ab"}
    fields = {"annotations": [], "consensus": [], **names, **clip}
    document = {"schema": "mer-annotations", "schema_version": version, "clips": [fields]}
    return annotations.read("lab.json", json.dumps(document).encode())


def written(*marked: Marked) -> dict[str, Any]:
    clip = MarkedClip(
        database="SAMM", subject="901", name="901_1_1", file="901.zip", sha256="ab", fps="200", frame_count=21,
        first_source_number=1, load_timing=lambda: Timing((1,), Clock(Fraction(200), 1)), marked=marked,
    )  # fmt: skip
    return json.loads(write([clip]))["clips"][0]


def annotation(coder: str, done_at: str | None) -> Marked:
    return Marked(
        clip="901_1_1", coder=coder, unit="index", onset=1, offset=9, key="2d1dc65c-0000-4000-8000-000000000001",
        origin="manual", record={**HISTORY, "done_at": done_at},
    )  # fmt: skip


def test_codings_say_who_is_done_and_who_saw_nothing() -> None:
    clip = written(annotation("anna", AT), replace(NOTHING, coder="ben", record={"done_at": AT}))
    assert clip["codings"] == [{"coder": "anna", "done_at": AT}, {"coder": "ben", "done_at": AT}]
    assert "done_at" not in clip["annotations"][0]
    first, second = read(**clip).annotations
    assert (first.coder, first.shown, first.record["done_at"]) == ("anna", True, AT)
    assert (second.coder, second.shown, second.record) == ("ben", False, {"done_at": AT})


def test_a_coder_who_is_not_done_has_no_coding() -> None:
    clip = written(annotation("anna", None))
    assert clip["codings"] == []
    assert read(**clip).annotations[0].record["done_at"] is None


def test_a_judgement_stands_with_its_consensus() -> None:
    judgement = {"decided_by": "jo", "decided_at": AT}
    fields = {name: AGREED[name] for name in ("onset", "apex", "offset", "kind", "emotion", "action_units")}
    record = {name: AGREED[name] for name in ("origin", "annotation", "decided_by", "decided_at")}
    agreed = Marked(
        clip="901_1_1", unit="index", agreed=True, record={**record, "judgement": judgement}, **fields
    )
    clip = written(agreed)
    assert (clip["consensus"], clip["judgement"]) == ([AGREED], judgement)
    (found,) = read(**clip).annotations
    assert found.record == agreed.record


def test_a_judge_can_decide_that_there_is_no_expression() -> None:
    judgement = {"decided_by": "jo", "decided_at": AT}
    clip = written(replace(NOTHING, agreed=True, record=judgement))
    assert (clip["consensus"], clip["judgement"]) == ([], judgement)
    (found,) = read(**clip).annotations
    assert (found.agreed, found.shown, found.record) == (True, False, judgement)


def test_a_damaged_annotation_is_not_the_statement_that_there_is_none() -> None:
    finding = read(codings=[{"coder": "anna", "done_at": AT}], annotations=[{"coder": "anna", "onset": 1}])
    assert finding.annotations == []
    assert [problem.code for problem in finding.problems] == ["annotation-damaged"]


@pytest.mark.parametrize("units", ["4+7", "A12", "ref(7B)+43", "10A/B", "(R6 or R12)+R15", "L14B?"])
def test_action_units_stay_as_they_are_written(units: str) -> None:
    (found,) = read(consensus=[{**AGREED, "action_units": units}]).annotations
    assert (found.action_units, found.agreed) == (units, True)


def test_a_file_of_version_1_has_no_codings() -> None:
    (found,) = read(version=1, consensus=[AGREED]).annotations
    assert (found.onset, found.record["judgement"]) == (0, None)


def test_a_file_of_a_later_version_is_refused() -> None:
    with pytest.raises(
        InputError, match=r"version 3 of the format mer-annotations\. This platform reads versions 1 and 2"
    ):
        read(version=3)


@pytest.mark.parametrize(
    "clip",
    [
        {"codings": [{"coder": "anna"}]},
        {"codings": [{"coder": "anna", "done_at": "yesterday"}]},
        {"judgement": {"decided_by": "jo"}},
        {"judgement": "jo"},
    ],
)
def test_a_clip_with_damaged_codings_is_named(clip: dict[str, Any]) -> None:
    finding = read(**clip)
    assert ([p.code for p in finding.problems], finding.annotations) == (["clip-damaged"], [])


@pytest.mark.parametrize(
    ("clip", "reason"),
    [
        ({"name": None}, "“name”: Must be a text, not empty."),
        ({"annotations": {}}, "“annotations”: Must be a list, not an object."),
        ({"codings": [{"coder": "a", "done_at": 5}]}, "“codings 1, done_at”: Must be a text, not 5."),
        ({"judgement": {"decided_by": "jo", "decided_at": "0001-01-01T00:00:00+14:00"}}, "Must be a time from 1970"),
        ({"codings": [{"coder": "a", "done_at": "9999-12-31T23:59:59-14:00"}]}, "Must be a time from 1970"),
        ({"consensus": [{**AGREED, "decided_at": "2026-03-01T10:00:00"}]}, "Must end with its time zone"),
        ({"consensus": [{**AGREED, "annotation": "x"}]}, "“consensus 1, annotation”: Must be a UUID, not “x”."),
        ({"consensus": [{**AGREED, "origin": "guess"}]}, "Must be one of adopted, adjudicated, imported, synthetic"),
        ({"consensus": ["text"]}, "“consensus 1”: Must be an object with named values, not “text”."),
    ],
)  # fmt: skip
def test_a_damaged_clip_says_which_field_must_be_what(clip: dict[str, Any], reason: str) -> None:
    (problem,) = read(**clip).problems
    assert (problem.code, reason in problem.message) == ("clip-damaged", True), problem.message


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"key": 5}, "“key”: Must be a text, not 5."),
        ({"versions": ["x"]}, "“versions 1”: Must be an object with named values, not “x”."),
        ({"revision": "1"}, "“revision”: Must be a whole number, not “1”."),
        ({"revision": 2, "versions": [VERSION]}, "Its revisions contradict each other"),
        ({"versions": [{**VERSION, "made_at": "9999-12-31T23:59:59+00:00"}]}, "“versions 1, made_at”: Must be a time"),
        ({"onset": ...}, "“onset”: A value is required."),
    ],
)  # fmt: skip
def test_a_damaged_annotation_says_which_field_must_be_what(change: dict[str, Any], reason: str) -> None:
    entry = {**written(annotation("anna", None))["annotations"][0], **change}
    entry = {name: value for name, value in entry.items() if value is not ...}
    (problem,) = read(annotations=[entry]).problems
    assert (problem.code, reason in problem.message) == ("annotation-damaged", True), problem.message
