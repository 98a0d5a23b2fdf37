"""SAMM Long Videos, CAS(ME)³ part A, CAS(ME)², MMEW and 4DME: what is particular to each."""

from pathlib import Path

import pytest

from models_ml.errors import InputError
from models_ml.formats import LAYOUTS
from models_ml.formats.base import Finding
from models_ml.formats.folder_tree import FolderTree
from tests import trees


def read(layout: str, path: Path, accepted: frozenset[str] = frozenset()) -> Finding:
    return LAYOUTS[layout].read(FolderTree(path), None, accepted)


def codes(finding: Finding) -> list[tuple[str, str, int | None, str]]:
    return [(p.severity, p.code, p.row, p.clip) for p in finding.problems]


def test_samm_long_videos_have_several_expressions_and_zero_means_none(tmp_path: Path) -> None:
    finding = read("samm-long", trees.samm_long_tree(tmp_path))
    assert [(c.database, c.subject, c.name, c.fps, len(c.files)) for c in finding.clips] == [
        ("SAMM Long Videos", "006", "006_1", 200.0, 20),
        ("SAMM Long Videos", "006", "006_2", 200.0, 4),
    ]
    assert trees.codings(finding.clips[0]) == (
        (3, 5, None, "", "12", "macro", 12),
        (12, 14, 17, "", "4", "micro", 11),
    )
    assert codes(finding) == [
        ("warning", "offset-missing", 12, "006_1"),
        ("info", "folder-without-row", None, "006_2"),
    ]


def test_casme3_long_videos_have_several_expressions_and_depth_is_left_out(tmp_path: Path) -> None:
    finding = read("casme3a", trees.casme3a_tree(tmp_path))
    (clip,) = finding.clips
    assert (clip.database, clip.subject, clip.name, clip.fps, len(clip.files)) == (
        "CAS(ME)3 part A",
        "spNO.1",
        "a",
        30.0,
        12,
    )
    assert trees.codings(clip) == (
        (2, 4, 6, "disgust", "4", "micro", 2),
        (8, 9, 10, "happy", "12", "micro", 3),
    )
    assert finding.problems == []


def test_casme3_cut_clips_are_named_by_their_onset(tmp_path: Path) -> None:
    rows = [["spNO.1", "a", 2, 4, 6, "4", 1, "disgust"], ["spNO.1", "a", 8, 9, 10, "12", 2, "happy"]]
    trees.xlsx(tmp_path / "label.xlsx", [trees.CASME3_HEADER, *rows])
    trees.frames(tmp_path / "Part_A_ME_clip/frame/spNO.1_a_2", range(2, 7), "{}.jpg")
    trees.frames(tmp_path / "Part_A_ME_clip/frame/spNO.1_a_8", range(8, 11), "{}.jpg")
    trees.frames(tmp_path / "Part_A_ME_clip/depth/spNO.1_a_8", range(8, 11), "{}.png")
    finding = read("casme3a", tmp_path)
    assert [(c.name, c.expressions[0].onset) for c in finding.clips] == [("a_2", 2), ("a_8", 8)]
    assert finding.problems == []


def test_casme3_errata_are_offered_and_corrected_when_accepted(tmp_path: Path) -> None:
    rows = [["spNO.216", "d", 3647, 2668, 2694, "4", 1, "fear"], ["spNO.216", "e", 0, 0, 25, "4", 1, "fear"]]
    trees.xlsx(tmp_path / "label.xlsx", [trees.CASME3_HEADER, *rows])
    trees.frames(tmp_path / "spNO.216/d/color", range(2640, 2700), "{}.jpg")
    trees.frames(tmp_path / "spNO.216/e/color", range(1, 30), "{}.jpg")
    finding = read("casme3a", tmp_path)
    keys = [c.key for c in finding.corrections]
    assert keys == ["casme3a/spNO.216/d/onset", "casme3a/spNO.216/e/onset", "casme3a/spNO.216/e/apex"]
    assert [trees.codings(c) for c in finding.clips] == [(), ()]
    accepted = read("casme3a", tmp_path, frozenset(keys))
    assert [(e.onset, e.apex, e.offset) for c in accepted.clips for e in c.expressions] == [
        (2647, 2668, 2694),
        (1, 1, 25),
    ]
    assert codes(accepted) == [("warning", "apex-is-onset", 3, "e")]


def test_casme3_marks_on_dropped_frames_may_be_moved_to_the_nearest_frame(tmp_path: Path) -> None:
    rows = [["spNO.2", "b", 3, 7, 30, "4", 1, "fear"], ["spNO.2", "b", 40, 41, 60, "4", 1, "fear"]]
    trees.xlsx(tmp_path / "label.xlsx", [trees.CASME3_HEADER, *rows])
    trees.frames(tmp_path / "spNO.2/b/color", [8, 9, *range(11, 30), *range(40, 49)], "{}.jpg")
    finding = read("casme3a", tmp_path)
    assert [(c.key, c.found, c.proposed) for c in finding.corrections] == [
        ("casme3a/spNO.2/b/onset/3", "3", "8"),
        ("casme3a/spNO.2/b/apex/7", "7", "8"),
        ("casme3a/spNO.2/b/offset/30", "30", "29"),
    ]
    assert [(e.onset, e.apex, e.offset) for e in finding.clips[0].expressions] == [(40, 41, None)]
    accepted = read("casme3a", tmp_path, frozenset(c.key for c in finding.corrections))
    assert [(e.onset, e.apex, e.offset) for e in accepted.clips[0].expressions] == [
        (8, 8, 29),
        (40, 41, None),
    ]


def test_the_sheets_name_says_that_casme3_rows_are_macro_expressions(tmp_path: Path) -> None:
    header = ["sub", "seq", "onset", "apex", "offset"]
    trees.xlsx(tmp_path / "cas(me)3_part_A_MaE_label_JpgIndex_v2.xlsx", [header, ["spNO.1", "a", 2, 4, 6]])
    trees.frames(tmp_path / "spNO.1/a/color", range(1, 8), "{}.jpg")
    finding = read("casme3a", tmp_path)
    assert trees.codings(finding.clips[0]) == ((2, 4, 6, "", "", "macro", 2),)
    assert finding.problems == []


def test_casme_sq_names_are_translated_by_its_naming_rules(tmp_path: Path) -> None:
    finding = read("casme_sq", trees.casme_sq_tree(tmp_path))
    assert [(c.database, c.subject, c.name, c.fps) for c in finding.clips] == [
        ("CAS(ME)2", "s15", "15_0101disgustingteeth", 30.0),
        ("CAS(ME)2", "s15", "15_0401girlcrashing", 30.0),
    ]
    assert trees.codings(finding.clips[0]) == (
        (5, 6, 8, "negative", "4+7", "micro", 1),
        (10, 12, None, "positive", "12", "macro", 2),
    )
    assert codes(finding) == [
        ("warning", "offset-missing", 2, "15_0101disgustingteeth"),
        ("info", "folder-without-row", None, "15_0401girlcrashing"),
    ]


def test_casme_sq_rows_of_unknown_participants_and_videos_are_reported(tmp_path: Path) -> None:
    coding = [
        [1, "disgust1_1", 5, 6, 8, "4", "negative", "micro-expression", "disgust"],
        [9, "disgust1_1", 5, 6, 8, "4", "negative", "micro-expression", "disgust"],
        [1, "joy9_1", 5, 6, 8, "4", "negative", "micro-expression", "disgust"],
        [1, "disgust1_2", 9, 10, 12, "4", "negative", "?", "disgust"],
    ]
    trees.xlsx(
        tmp_path / "code_final.xlsx", coding, naming_rule1=[[15, "s15", 1]], naming_rule2=[[101, "disgust1"]]
    )
    trees.frames(tmp_path / "s15/15_0101disgustingteeth", range(1, 16), "img{}.jpg")
    finding = read("casme_sq", tmp_path)
    assert codes(finding) == [
        ("error", "subject-unknown", 2, ""),
        ("warning", "kind-unknown", 4, ""),
        ("error", "folder-missing", 3, "15_joy9_1"),
    ]
    assert len(finding.clips[0].expressions) == 2


def test_casme_sq_without_its_worksheets_is_refused(tmp_path: Path) -> None:
    trees.casme_sq_tree(tmp_path)
    trees.xlsx(tmp_path / "CAS(ME)^2code_final.xlsx", [[1, "disgust1_1", 5, 6, 8]])
    with pytest.raises(InputError, match="does not have the worksheets “naming rule1” and “naming rule2”"):
        read("casme_sq", tmp_path)


def test_mmew_macro_expressions_are_left_out(tmp_path: Path) -> None:
    finding = read("mmew", trees.mmew_tree(tmp_path))
    assert [(c.database, c.subject, c.name, c.fps, c.numbers[-1]) for c in finding.clips] == [
        ("MMEW", "S13", "S13-01-002", 90.0, 5),
        ("MMEW", "S13", "S13-07-001", 90.0, 12),
    ]
    assert trees.codings(finding.clips[1]) == ((1, 3, 5, "anger", "4+7", "micro", 2),)
    assert finding.problems == []


def test_an_mmew_emotion_that_differs_between_sheet_and_folder_is_reported(tmp_path: Path) -> None:
    trees.xlsx(tmp_path / "s.xlsx", [trees.MMEW_HEADER, [13, "S13-07-001", 1, 3, 5, "4", "fear", None]])
    trees.frames(tmp_path / "anger/S13-07-001", range(1, 7), "{}.jpg")
    finding = read("mmew", tmp_path)
    assert codes(finding) == [("error", "emotion-contradicts", 2, "S13-07-001")]
    assert finding.clips[0].expressions == ()


def test_4dme_subjects_are_compared_by_number_and_two_emotions_are_reported(tmp_path: Path) -> None:
    finding = read("4dme", trees.fourdme_tree(tmp_path))
    assert [(c.database, c.subject, c.name, c.fps) for c in finding.clips] == [
        ("4DME", "sub01", "clip_1", 60.0),
        ("4DME", "sub02", "clip_7", 60.0),
    ]
    assert trees.codings(finding.clips[0]) == ((10, 12, 14, "positive", "12", "micro", 2),)
    assert codes(finding) == [("warning", "emotion-unknown", 3, "clip_7")]


def test_4dme_kinect_videos_are_a_separate_database(tmp_path: Path) -> None:
    (trees.fourdme_tree(tmp_path) / "gray_micro").rename(tmp_path / "kinect_color")
    finding = read("4dme", tmp_path)
    assert {(c.database, c.fps) for c in finding.clips} == {("4DME Kinect", 30.0)}


@pytest.mark.parametrize("layout", [key for key in LAYOUTS if key not in ("label-studio", "elan")])
def test_a_tree_of_something_else_is_an_input_error(tmp_path: Path, layout: str) -> None:
    (tmp_path / "readme.txt").write_text("nothing here")
    with pytest.raises(InputError):
        read(layout, tmp_path)
