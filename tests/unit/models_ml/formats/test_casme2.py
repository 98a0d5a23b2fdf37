"""CASME II: names, labels and each row of the report, from miniature trees with real sheets."""

from pathlib import Path

import pytest

from models_ml.errors import InputError
from models_ml.formats import LAYOUTS
from models_ml.formats.base import Finding, Sheet
from models_ml.formats.folder_tree import FolderTree
from tests import trees

GOOD = [1, "EP02_01f", 46, 59, 86, 12, "happiness"]


def read(path: Path, sheet: Sheet | None = None, accepted: frozenset[str] = frozenset()) -> Finding:
    return LAYOUTS["casme2"].read(FolderTree(path), sheet, accepted)


def rows(finding: Finding) -> list[tuple[str, str, int | None, str, str]]:
    return [(p.severity, p.code, p.row, p.subject, p.clip) for p in finding.problems]


def tree(root: Path, *more: list) -> Path:
    """Write the correct clip in row 2 of the sheet and other rows from row 3 on."""
    folder = trees.casme2(root, [GOOD, *more])
    trees.frames(folder / "sub01/EP02_01f", range(46, 87))
    return folder


def test_time_stamps_as_frame_names_are_in_order_of_time(tmp_path: Path) -> None:
    stamps = [1_700_000_000_000_004_402 + 5_003_581 * n for n in range(12)]
    folder = trees.casme2(tmp_path, [[1, "EP02_01f", 1, 3, 5, 12, "happiness"]])
    trees.frames(folder / "sub01/EP02_01f", stamps)
    finding = read(tmp_path)
    clip = finding.clips[0]
    assert [Path(file).name for file in clip.files] == [f"img{stamp}.jpg" for stamp in stamps]
    assert clip.numbers == tuple(range(1, 13))
    assert rows(finding) == [("warning", "frame-numbers-too-large", None, "", "")]


def test_a_folder_whose_order_is_unclear_is_not_imported(tmp_path: Path) -> None:
    folder = tree(tmp_path)
    trees.frames(folder / "sub02/EP01_01", range(1, 5))
    (folder / "sub02/EP01_01/img1.jpg").rename(folder / "sub02/EP01_01/img9_1.jpg")
    assert ("error", "frame-order-unclear") in {row[:2] for row in rows(read(tmp_path))}


def test_clips_labels_and_frames_in_order_of_their_numbers(tmp_path: Path) -> None:
    finding = read(trees.casme2_tree(tmp_path))
    assert [(c.database, c.subject, c.name, c.fps, len(c.files)) for c in finding.clips] == [
        ("CASME II", "sub01", "EP02_01f", 200.0, 41),
        ("CASME II", "sub01", "EP03_02", 200.0, 9),
        ("CASME II", "sub17", "EP01_13", 200.0, 11),
    ]
    assert trees.codings(finding.clips[0]) == ((46, 59, 86, "happiness", "12", "micro", 2),)
    assert trees.codings(finding.clips[1]) == ((10, None, 14, "disgust", "4+7", "micro", 3),)
    assert finding.clips[1].numbers == tuple(range(8, 17))
    assert [f.rpartition("/")[2] for f in finding.clips[1].files][:3] == ["img8.jpg", "img9.jpg", "img10.jpg"]
    assert rows(finding) == [("warning", "apex-missing", 3, "sub01", "EP03_02")]
    assert finding.fps == {"CASME II": 200.0}
    assert "repression" in finding.emotions["CASME II"]


def test_cropped_frames_are_numbered_by_the_number_in_their_name(tmp_path: Path) -> None:
    folder = trees.casme2(tmp_path, [GOOD], cropped=True)
    trees.frames(folder / "sub01/EP02_01f", range(46, 87), "reg_img{}.jpg")
    finding = read(tmp_path)
    assert finding.clips[0].numbers[0] == 46
    assert rows(finding) == []


@pytest.mark.parametrize("level", ["..", ".", "CASME2_RAW_selected", "CASME2_RAW_selected/sub01"])
def test_a_folder_one_level_too_high_or_too_low_is_understood(tmp_path: Path, level: str) -> None:
    tree(tmp_path / "db")
    sheet = tmp_path / "db/CASME2-coding-20190701.xlsx"
    finding = read(tmp_path / "db" / level, Sheet(sheet.name, sheet.read_bytes()))
    assert [(c.subject, c.name) for c in finding.clips] == [("sub01", "EP02_01f")]
    assert rows(finding) == []


def test_rows_of_other_subjects_are_not_errors_if_the_folder_is_one_subjects(tmp_path: Path) -> None:
    tree(tmp_path, [2, "EP01_11f", 1, 2, 3, "4", "disgust"])
    sheet = tmp_path / "CASME2-coding-20190701.xlsx"
    finding = read(tmp_path / "CASME2_RAW_selected/sub01", Sheet(sheet.name, sheet.read_bytes()))
    assert [(p.severity, p.code) for p in finding.problems] == [("info", "rows-of-other-subjects")]
    assert "Rows of other subjects that were left out: 1" in finding.problems[0].message


def test_raw_and_cropped_frames_in_one_tree_are_refused(tmp_path: Path) -> None:
    tree(tmp_path)
    trees.frames(tmp_path / "Cropped/sub01/EP02_01f", range(46, 87), "reg_img{}.jpg")
    with pytest.raises(
        InputError, match=r"EP02_01f of sub01 twice: below CASME2_RAW_selected and below Cropped\. Import one"
    ):
        read(tmp_path)


def test_impossible_values_are_reported_and_not_guessed(tmp_path: Path) -> None:
    folder = tree(
        tmp_path,
        [2, "EP01_11f", 1, 2, 3, "4", "disgust"],  # 3: no folder
        [3, "EP07_04", 5, 12, 9, "4", "disgust"],  # 4: apex outside
        [3, "EP08_01", 9, 10, 5, "4", "disgust"],  # 5: offset before onset
        [3, "EP09_01", 1, 2, 99, "4", "disgust"],  # 6: offset not among the frames
        [3, "EP10_01", 99, 100, 101, "4", "disgust"],  # 7: onset not among the frames
        [3, "EP11_01", 1, 2, 3, "4", "boredom"],  # 8: unknown emotion
        GOOD,  # 9: repeats row 2
        [3, "EP12_01", "x", 2, 3, "4", "fear"],  # 10: no number
        ["EP", "EP12_01", 1, 2, 3, "4", "fear"],  # 11: no subject
        [4, "EP13_01", 1, 2, 3, "4", "disgust"],  # 12 and
        [4, "EP13_01", 1, 2, 3, "4", "happiness"],  # 13 contradict each other
        [4, "", 1, 2, 3, "4", "disgust"],  # 14: no clip
        [5, "EP14_01", 1, 2, 3, "4", ""],  # 15: no emotion
        [5, "EP15_01", 1, 2, "/", "4", "fear"],  # 16: no offset
    )
    for name in ("03/EP07_04", "03/EP08_01", "03/EP09_01", "03/EP10_01", "03/EP11_01", "03/EP12_01", "04/EP13_01",
                 "05/EP14_01", "05/EP15_01"):  # fmt: skip
        trees.frames(folder / f"sub{name}", range(1, 13))
    trees.frames(folder / "sub06/EP01_01", range(1, 4))
    finding = read(tmp_path)
    assert sorted(rows(finding), key=lambda r: (r[2] or 0, r[1])) == [
        ("info", "folder-without-row", None, "sub06", "EP01_01"),
        ("error", "folder-missing", 3, "sub02", "EP01_11f"),
        ("warning", "apex-outside", 4, "sub03", "EP07_04"),
        ("error", "offset-before-onset", 5, "sub03", "EP08_01"),
        ("warning", "frame-absent", 6, "sub03", "EP09_01"),
        ("error", "frame-absent", 7, "sub03", "EP10_01"),
        ("warning", "emotion-unknown", 8, "sub03", "EP11_01"),
        ("info", "duplicate-row", 9, "sub01", "EP02_01f"),
        ("error", "not-a-frame-number", 10, "", ""),
        ("error", "onset-missing", 10, "sub03", "EP12_01"),
        ("error", "subject-unknown", 11, "", ""),
        ("error", "rows-contradict", 12, "sub04", "EP13_01"),
        ("error", "rows-contradict", 13, "sub04", "EP13_01"),
        ("error", "filename-missing", 14, "", ""),
        ("warning", "emotion-missing", 15, "sub05", "EP14_01"),
        ("warning", "offset-missing", 16, "sub05", "EP15_01"),
    ]  # fmt: skip
    marks = {c.name: [(e.onset, e.apex, e.offset, e.emotion) for e in c.expressions] for c in finding.clips}
    assert marks == {
        "EP02_01f": [(46, 59, 86, "happiness")],
        "EP07_04": [(5, None, 9, "disgust")],
        "EP08_01": [],
        "EP09_01": [(1, 2, None, "disgust")],
        "EP10_01": [],
        "EP11_01": [(1, 2, 3, "boredom")],
        "EP12_01": [],
        "EP13_01": [],
        "EP14_01": [(1, 2, 3, "")],
        "EP15_01": [(1, 2, None, "fear")],
    }
    assert {p.file for p in finding.problems if p.row} == {"CASME2-coding-20190701.xlsx"}


def test_messages_say_what_was_found_and_what_happens(tmp_path: Path) -> None:
    folder = tree(tmp_path, [3, "EP07_04", 5, 12, 9, "4", "disgust"], [9, "EP02_01f", 1, 2, 3, "4", "fear"])
    trees.frames(folder / "sub03/EP07_04", range(1, 13))
    messages = [p.message for p in read(tmp_path).problems]
    assert messages == [
        "The apex (12) is outside the expression, frames 5–9: imported without an apex. Mark or spot it in the platform.",
        "Folder EP02_01f of sub09 not found: the row is not imported. A folder of this name belongs to sub01.",
    ]


def test_a_subject_spelled_in_two_ways_is_one_subject_and_reported(tmp_path: Path) -> None:
    folder = tree(tmp_path, ["Sub01", "EP03_02", 1, 2, 3, "4", "disgust"])
    trees.frames(folder / "sub01/EP03_02", range(1, 4))
    finding = read(tmp_path)
    assert {c.subject for c in finding.clips} == {"sub01"}
    assert [(p.severity, p.code, p.subject) for p in finding.problems] == [
        ("warning", "subject-spelled-two-ways", "sub01")
    ]
    assert "“1” (row 2), “Sub01” (row 3)" in finding.problems[0].message


def test_a_subject_with_two_folders_of_one_clip_is_reported(tmp_path: Path) -> None:
    folder = tree(tmp_path)
    trees.frames(folder / "Sub1/EP02_01f", range(46, 87))
    finding = read(tmp_path)
    assert finding.clips == []
    assert ("error", "folder-twice", None, "sub01", "EP02_01f") in rows(finding)


def test_gaps_empty_files_and_files_that_are_not_images_are_reported(tmp_path: Path) -> None:
    folder = tree(tmp_path) / "sub01/EP02_01f"
    (folder / "img50.jpg").unlink()
    (folder / "img51.jpg").unlink()
    (folder / "img53.jpg").write_bytes(b"")
    (folder / "img55.jpg").write_bytes(b"<html>not found</html>")
    (folder / "notes.txt").write_text("x")
    (folder / "Thumbs.db").write_bytes(b"x")
    (folder / "cover.jpg").write_bytes(trees.image())
    finding = read(tmp_path)
    assert [(p.severity, p.code, p.file.rpartition("/")[2]) for p in finding.problems] == [
        ("info", "litter", ""),
        ("info", "not-an-image", "EP02_01f"),
        ("warning", "frame-without-number", "cover.jpg"),
        ("warning", "file-no-image", "img53.jpg"),
        ("warning", "file-no-image", "img55.jpg"),
        ("warning", "frames-gap", "EP02_01f"),
    ]
    assert finding.problems[0].message == (
        "Files that operating systems and other programs leave behind were left out (1): Thumbs.db."
    )
    assert "2 of 41 frames are missing: 50–51" in finding.problems[-1].message
    assert not {50, 51, 53, 55} & set(finding.clips[0].numbers)
    assert len(finding.clips[0].files) == 37


def test_one_frame_number_in_two_files_leaves_the_folder_out(tmp_path: Path) -> None:
    folder = tree(tmp_path) / "sub01/EP02_01f"
    (folder / "img046.png").write_bytes(trees.image(".png"))
    trees.frames(folder.parent / "EP03_02", range(1, 4))
    finding = read(tmp_path)
    assert finding.clips == []
    assert [p.code for p in finding.problems] == ["frame-twice", "folder-missing", "folder-without-row"]
    assert "img046.png and img46.jpg are both frame 46" in finding.problems[0].message


def test_a_known_error_is_offered_and_corrected_only_when_accepted(tmp_path: Path) -> None:
    folder = tree(tmp_path, [16, "EP01_08", 73, 94, 110, "4", "disgust"])
    trees.frames(folder / "sub16/EP01_08", range(73, 97))
    finding = read(tmp_path)
    (correction,) = finding.corrections
    assert (correction.key, correction.found, correction.proposed) == (
        "casme2/sub16/EP01_08/offset",
        "110",
        "96",
    )
    assert finding.clips[1].expressions[0].offset is None
    accepted = read(tmp_path, accepted=frozenset([correction.key]))
    assert accepted.clips[1].expressions[0].offset == 96
    assert rows(accepted) == []
    assert accepted.corrections == [correction]


def test_a_correction_is_not_offered_for_a_corrected_sheet(tmp_path: Path) -> None:
    folder = tree(tmp_path, [16, "EP01_08", 73, 94, 110, "4", "disgust"])
    trees.frames(folder / "sub16/EP01_08", range(73, 111))
    assert read(tmp_path).corrections == []


def test_a_tree_of_something_else_says_what_was_expected_and_found(tmp_path: Path) -> None:
    trees.casme2(tmp_path, [GOOD])
    trees.frames(tmp_path / "holiday/beach", range(1, 3))
    with pytest.raises(
        InputError, match=r"Expected frames such as sub01/EP02_01f/img46\.jpg; found holiday/beach"
    ):
        read(tmp_path)


def test_a_tree_without_a_sheet_asks_for_it(tmp_path: Path) -> None:
    trees.frames(tmp_path / "sub01/EP02_01f", range(46, 50))
    with pytest.raises(InputError, match=r"is the coding sheet of CASME II\. Choose the file of the sheet"):
        read(tmp_path)
