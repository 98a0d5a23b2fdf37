"""Annotations from other tools: ELAN documents and Label Studio exports become annotations."""

import json
from pathlib import Path

import pytest

from models_ml.errors import InputError
from models_ml.formats import LAYOUTS
from models_ml.formats.base import RARELY_CODED, Finding, Marked
from models_ml.formats.folder_tree import FolderTree
from tests import trees


def read(layout: str, path: Path) -> Finding:
    return LAYOUTS[layout].read(FolderTree(path), None, frozenset())


def times(finding: Finding) -> list[tuple]:
    return [(m.coder, m.onset, m.apex, m.offset, m.emotion) for m in finding.annotations]


def codes(finding: Finding) -> list[tuple[str, str]]:
    return [(p.severity, p.code) for p in finding.problems]


def test_elan_expressions_with_phases_units_and_kinds(tmp_path: Path) -> None:
    path = trees.eaf(
        tmp_path / "a.eaf",
        {
            "Emotion": [(100, 300, "Happiness"), (900, 1200, "anger")],
            "Phase": [(110, 180, "onset"), (180, 220, "apex"), (220, 290, "offset")],
            "AU": [(120, 280, "6+12"), (950, 1000, "AU4")],
            "Kind": [(900, 1200, "macro")],
            "speech": [(0, 50, "hello")],
        },
    )
    finding = read("elan", path)
    assert finding.annotations == [
        Marked(
            clip="EP02_01f",
            coder="anna",
            unit="ms",
            onset=110.0,
            apex=200.0,
            offset=290.0,
            emotion="Happiness",
            action_units="6+12",
            silent=RARELY_CODED | {"kind"},
            file="a.eaf",
        ),
        Marked(
            clip="EP02_01f",
            coder="anna",
            unit="ms",
            onset=900.0,
            offset=1200.0,
            emotion="anger",
            action_units="4",
            kind="macro",
            file="a.eaf",
        ),
    ]
    assert codes(finding) == [("info", "tier-left-out")]


def test_elan_phases_alone_are_expressions_without_an_emotion(tmp_path: Path) -> None:
    path = trees.eaf(
        tmp_path / "a.eaf",
        {
            "onset": [(10, 20, ""), (100, 110, "")],
            "apex": [(20, 24, ""), (120, 130, "")],
            "offset": [(24, 60, "")],
        },
    )
    finding = read("elan", path)
    assert times(finding) == [("anna", 10.0, 22.0, 60.0, ""), ("anna", 100.0, 125.0, 130.0, "")]
    assert codes(finding) == [("warning", "emotion-missing")] * 2


def test_elan_tiers_of_several_coders_stay_separate(tmp_path: Path) -> None:
    path = trees.eaf(tmp_path / "a.eaf", {"emotion@ben": [(1, 9, "fear")], "emotion": [(2, 8, "fear")]})
    assert times(read("elan", path)) == [("anna", 2.0, None, 8.0, "fear"), ("ben", 1.0, None, 9.0, "fear")]


def test_elan_phases_that_cannot_be_placed_are_reported(tmp_path: Path) -> None:
    path = trees.eaf(
        tmp_path / "a.eaf",
        {
            "emotion": [(100, 300, "fear")],
            "phase": [(120, 130, "apex"), (200, 210, "apex"), (800, 810, "apex"), (820, 830, "peak")],
        },
    )
    finding = read("elan", path)
    assert times(finding) == [("anna", 100.0, None, 300.0, "fear")]
    assert codes(finding) == [
        ("warning", "phase-unknown"),
        ("warning", "phase-twice"),
        ("warning", "phase-alone"),
    ]


def test_an_elan_file_with_an_entity_bomb_is_refused(tmp_path: Path) -> None:
    text = trees.eaf(tmp_path / "a.eaf", {"emotion": [(1, 9, "fear")]}).read_text()
    bomb = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>'
    head, _, body = text.partition("?>")
    (tmp_path / "a.eaf").write_text(f"{head}?>{bomb}{body}")
    with pytest.raises(InputError, match="declares XML entities"):
        read("elan", tmp_path)


@pytest.mark.parametrize("content", ["", "not xml", "<x/>", "<ANNOTATION_DOCUMENT/>", "\x00\xff"])
def test_a_file_that_is_not_elan_is_an_input_error(tmp_path: Path, content: str) -> None:
    (tmp_path / "a.eaf").write_text(content)
    with pytest.raises(InputError, match=r"“a\.eaf”"):
        read("elan", tmp_path)


def test_one_bad_elan_file_among_several_is_a_row_of_the_report(tmp_path: Path) -> None:
    trees.eaf(tmp_path / "a.eaf", {"emotion": [(1, 9, "fear")]})
    (tmp_path / "b.eaf").write_text("broken")
    finding = read("elan", tmp_path)
    assert len(finding.annotations) == 1
    assert [(p.severity, p.code, p.file) for p in finding.problems] == [("error", "file-unreadable", "b.eaf")]


def test_label_studio_timelines_by_annotator_in_frames(tmp_path: Path) -> None:
    trees.label_studio(
        tmp_path / "export.json",
        (
            "/data/upload/3/0a1b2c3d-EP02_01f.mp4",
            {
                "anna@lab": [
                    trees.timeline("Happiness", 46, 86),
                    trees.timeline("apex", 59, 60),
                    trees.timeline("AU12", 50, 70),
                ],
                "ben@lab": [trees.timeline("surprise", 40, 80)],
            },
        ),
    )
    finding = read("label-studio", tmp_path)
    assert finding.annotations == [
        Marked(
            clip="EP02_01f",
            coder="anna@lab",
            unit="frame",
            onset=46.0,
            apex=59.0,
            offset=86.0,
            emotion="Happiness",
            action_units="12",
            silent=RARELY_CODED | {"kind"},
            file="export.json",
            row=101,
        ),
        Marked(
            clip="EP02_01f",
            coder="ben@lab",
            unit="frame",
            onset=40.0,
            offset=80.0,
            emotion="surprise",
            silent=RARELY_CODED | {"kind", "apex", "action_units"},
            file="export.json",
            row=101,
        ),
    ]
    assert finding.problems == []


def test_label_studio_regions_last_from_enabled_to_disabled(tmp_path: Path) -> None:
    keys = [(3, True), (9, False), (20, True)]
    value = {
        "framesCount": 30,
        "labels": ["fear"],
        "sequence": [{"frame": frame, "enabled": enabled, "x": 1, "y": 1} for frame, enabled in keys],
    }
    trees.label_studio(tmp_path / "e.json", ("a.mp4", {"anna": [{"type": "videorectangle", "value": value}]}))
    assert times(read("label-studio", tmp_path)) == [
        ("anna", 3.0, None, 9.0, "fear"),
        ("anna", 20.0, None, 30.0, "fear"),
    ]


def test_label_studio_seconds_become_milliseconds_and_choices_name_the_emotion(tmp_path: Path) -> None:
    results = [
        {"type": "labels", "value": {"start": 0.5, "end": 0.75, "labels": ["onset"]}},
        {"type": "labels", "value": {"start": 0.75, "end": 1.0, "labels": ["offset"]}},
        {"type": "choices", "value": {"choices": ["Disgust"]}},
        {"type": "rating", "value": {"rating": 3}},
    ]
    trees.label_studio(tmp_path / "e.json", ("a.mp4", {"anna": results}))
    finding = read("label-studio", tmp_path)
    assert times(finding) == [("anna", 500.0, 750.0, 1000.0, "Disgust")]
    assert finding.annotations[0].unit == "ms"
    assert codes(finding) == [("info", "region-left-out")]


def test_label_studio_regions_that_cannot_be_right_are_reported(tmp_path: Path) -> None:
    broken = {"type": "timelinelabels", "value": {"ranges": [{"start": "x"}], "timelinelabels": ["fear"]}}
    trees.label_studio(
        tmp_path / "e.json",
        ("a.mp4", {"anna": [trees.timeline("fear", 9, 3), broken]}),
        ("picture.png", {"anna": [trees.timeline("fear", 3, 9)]}),
    )
    finding = read("label-studio", tmp_path)
    assert finding.annotations == []
    assert [(p.code, p.row) for p in finding.problems] == [
        ("region-damaged", 101),
        ("offset-before-onset", 101),
        ("clip-missing", 102),
    ]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "is not JSON"),
        ("[" * 100_000, "is nested too deeply"),
        ("{}", "expected a list of tasks"),
        (json.dumps([{"id": 1, "video": "a.mp4", "label": []}]), "not as “JSON-MIN”"),
    ],
)
def test_a_file_that_is_not_an_export_is_an_input_error(tmp_path: Path, content: str, message: str) -> None:
    (tmp_path / "e.json").write_text(content)
    with pytest.raises(InputError, match=message):
        read("label-studio", tmp_path)


def test_elan_phases_from_mark_to_mark_and_missing_marks(tmp_path: Path) -> None:
    path = trees.eaf(
        tmp_path / "a.eaf",
        {
            "Emotion@ben": [(100, 300, "fear"), (400, 500, "no emotion")],
            "Phase@ben": [(100, 220, "onset-apex"), (220, 300, "apex-offset")],
            "Missing@ben": [(400, 500, "no apex, no offset")],
            "Expression@ben": [(400, 500, "macro")],
        },
    )
    finding = read("elan", path)
    assert times(finding) == [("ben", 100.0, 220.0, 300.0, "fear"), ("ben", 400.0, None, None, "")]
    assert [m.kind for m in finding.annotations] == ["micro", "macro"]
    assert finding.problems == []


def test_overlapping_elan_expressions_are_distinguished_by_numbers(tmp_path: Path) -> None:
    path = trees.eaf(
        tmp_path / "a.eaf",
        {
            "Emotion": [(100, 300, "fear")],
            "AU": [(100, 300, "4")],
            "Emotion #2": [(200, 400, "anger")],
            "AU #2": [(200, 400, "9")],
        },
    )
    assert [(m.emotion, m.action_units) for m in read("elan", path).annotations] == [
        ("fear", "4"),
        ("anger", "9"),
    ]


def test_label_studio_regions_with_one_parent_are_one_expression(tmp_path: Path) -> None:
    regions = [
        {**trees.timeline("fear", 10, 40), "id": "a"},
        {**trees.timeline("apex", 20, 20), "id": "b", "parentID": "a"},
        {**trees.timeline("anger", 15, 50), "id": "c", "meta": {"text": ["coder: ben"]}},
        {**trees.timeline("apex", 30, 30), "id": "d", "parentID": "c"},
        {**trees.timeline("no offset", 15, 50), "id": "e", "parentID": "c"},
    ]
    trees.label_studio(tmp_path / "e.json", ("a.mp4", {"anna": regions}))
    assert times(read("label-studio", tmp_path)) == [
        ("ben", 10.0, 20.0, 40.0, "fear"),
        ("ben", 15.0, 30.0, None, "anger"),
    ]
