"""SMIC: three cameras, no apex, emotions in folders and names, and the sheet of SMIC-E."""

from pathlib import Path

import pytest

from models_ml.errors import InputError
from models_ml.formats import LAYOUTS
from models_ml.formats.base import Finding
from models_ml.formats.folder_tree import FolderTree
from tests import trees

SHEET = ["Subject", "Filename", "OnsetF", "OffsetF", "Total MF1", "Emotion"]


def read(path: Path) -> Finding:
    return LAYOUTS["smic"].read(FolderTree(path), None, frozenset())


def codes(finding: Finding) -> list[tuple[str, str, str]]:
    return [(p.severity, p.code, p.clip) for p in finding.problems]


def test_onset_and_offset_are_the_first_and_last_frame_and_there_is_no_apex(tmp_path: Path) -> None:
    finding = read(trees.smic_tree(tmp_path))
    assert [(c.database, c.subject, c.name, c.fps, trees.codings(c)) for c in finding.clips] == [
        ("SMIC", "s01", "s01_ne_01", 100.0, ((100, None, 105, "negative", "", "micro", None),)),
        ("SMIC", "s01", "s01_sur_01", 100.0, ((1, None, 4, "surprise", "", "micro", None),)),
        ("SMIC", "s11", "s11_po_02", 100.0, ((9, None, 11, "positive", "", "micro", None),)),
    ]
    assert finding.problems == []


def test_each_camera_is_a_database_with_its_own_frame_rate(tmp_path: Path) -> None:
    finding = read(trees.smic_tree(tmp_path, ("HS", "VIS", "NIR")))
    assert finding.fps == {"SMIC": 100.0, "SMIC VIS": 25.0, "SMIC NIR": 25.0}
    assert len(finding.clips) == 9
    assert codes(finding) == [("info", "cameras", "")]


@pytest.mark.parametrize("level", ["", "SMIC_all_cropped", "SMIC_all_cropped/HS"])
def test_a_folder_one_level_higher_or_lower_is_understood(tmp_path: Path, level: str) -> None:
    trees.frames(
        tmp_path / "SMIC_all_cropped/HS/s1/micro/negative/s1_ne_01", range(1, 4), "reg_image{:06d}.bmp"
    )
    (clip,) = read(tmp_path / level).clips
    assert (clip.database, clip.subject, clip.name) == ("SMIC", "s01", "s01_ne_01")


def test_a_folder_that_does_not_say_its_camera_is_refused(tmp_path: Path) -> None:
    trees.frames(tmp_path / "s1/micro/negative/s1_ne_01", range(1, 4), "image{:06d}.bmp")
    with pytest.raises(InputError, match="No folder name says which camera"):
        read(tmp_path / "s1")


def test_raw_and_cropped_frames_in_one_tree_are_refused(tmp_path: Path) -> None:
    for root in ("SMIC_all_raw", "SMIC_all_cropped"):
        trees.frames(tmp_path / root / "HS/s1/micro/negative/s1_ne_01", range(1, 4), "image{:06d}.bmp")
    with pytest.raises(
        InputError, match=r"s01_ne_01 twice: below SMIC_all_cropped/HS and below SMIC_all_raw/HS"
    ):
        read(tmp_path)


def test_long_clips_take_their_marks_from_the_sheet_of_smic_e(tmp_path: Path) -> None:
    folder = tmp_path / "HS_long/SMIC-HS-E"
    trees.xlsx(
        folder / "SMIC-HS-E_annotation_2019.xlsx",
        [
            SHEET,
            [1, "s1_ne_01", 5, 9, 5, "negative"],
            [1, "s1_ne_02", 9, 5, 5, "negative"],
            [2, "s2_po_01", 2, 3, 2, "surprise"],
            [3, "s3_po_01", 2, 3, 2, "positive"],
        ],
    )
    for subject, clip in (
        ("s01", "s1_ne_01"),
        ("s01", "s1_ne_02"),
        ("s01", "s1_sur_01"),
        ("s02", "s2_po_01"),
    ):
        trees.frames(folder / subject / clip, range(1, 13), "image{:06d}.jpg")
    finding = read(tmp_path)
    assert {c.name: trees.codings(c) for c in finding.clips} == {
        "s01_ne_01": ((5, None, 9, "negative", "", "micro", 2),),
        "s01_ne_02": (),
        "s01_sur_01": (),
        "s02_po_01": (),
    }
    assert codes(finding) == [
        ("error", "offset-before-onset", "s01_ne_02"),
        ("error", "row-missing", "s01_sur_01"),
        ("error", "emotion-contradicts", "s02_po_01"),
        ("error", "folder-missing", "s03_po_01"),
    ]


def test_contradicting_folders_and_clips_without_micro_expressions_are_reported(tmp_path: Path) -> None:
    micro = tmp_path / "HS/s1/micro"
    trees.frames(micro / "positive/s1_ne_01", range(1, 4), "image{:06d}.bmp")
    trees.frames(micro / "negative/s2_ne_01", range(1, 4), "image{:06d}.bmp")
    trees.frames(tmp_path / "HS/s1/non_micro/s1_n_01", range(1, 4), "image{:06d}.bmp")
    finding = read(tmp_path)
    assert [(c.name, c.expressions) for c in finding.clips] == [("s01_ne_01", ())]
    assert codes(finding) == [
        ("error", "subject-contradicts", "s02_ne_01"),
        ("info", "not-micro", ""),
        ("error", "emotion-contradicts", "s01_ne_01"),
    ]


def test_a_missing_frame_is_reported_and_the_other_frames_are_imported(tmp_path: Path) -> None:
    trees.smic_tree(tmp_path)
    (tmp_path / "HS/s1/micro/negative/s1_ne_01/image000102.bmp").unlink()
    finding = read(tmp_path)
    assert codes(finding) == [("warning", "frames-gap", "s01_ne_01")]
    assert finding.clips[0].numbers == (100, 101, 103, 104, 105)


def test_a_sheet_that_is_not_read_is_named(tmp_path: Path) -> None:
    root = trees.smic_tree(tmp_path / "SMIC")
    trees.xlsx(root / "HS_apex.xlsx", [["clip", "peak"], ["s1_ne_01", 103]])
    finding = LAYOUTS["smic"].read(FolderTree(root), None, frozenset())
    (problem,) = [p for p in finding.problems if p.code == "sheet-not-read"]
    assert (problem.severity, problem.file) == ("info", "HS_apex.xlsx")
    assert problem.message.startswith("The sheet is not read: The sheet “HS_apex.xlsx” has no header")
