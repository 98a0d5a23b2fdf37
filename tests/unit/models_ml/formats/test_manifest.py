"""The manifest, which describes any other collection, and the mistakes of hand-made sheets."""

from pathlib import Path

import pytest

from models_ml.errors import InputError
from models_ml.formats import LAYOUTS
from models_ml.formats.base import Finding
from models_ml.formats.folder_tree import FolderTree
from tests import trees

HEADER = [
    "Database",
    "Subject",
    "Clip",
    "Path",
    "FPS",
    "Onset",
    "Apex",
    "Offset",
    "Emotion",
    "Action units",
    "Kind",
]


def read(path: Path) -> Finding:
    return LAYOUTS["manifest"].read(FolderTree(path), None, frozenset())


def lab(root: Path, *rows: list) -> Path:
    """Write a manifest with frames 1–9 in a/1 and a/2 and an empty file b.mp4."""
    trees.table(root / "lab.csv", [HEADER, *rows], delimiter=";")
    for clip in ("a/1", "a/2"):
        trees.frames(root / clip, range(1, 10), "{}.png")
    (root / "b.mp4").write_bytes(b"video")
    return root


def codes(finding: Finding) -> list[tuple[str, str, int | None, str]]:
    return [(p.severity, p.code, p.row, p.column) for p in finding.problems]


def test_rows_of_one_clip_are_its_expressions(tmp_path: Path) -> None:
    finding = read(trees.manifest_tree(tmp_path))
    assert [(c.database, c.subject, c.name, c.fps, c.numbers[-1]) for c in finding.clips] == [
        ("Lab", "A", "long", 50.0, 10),
        ("Lab", "A", "quiet", 50.0, 3),
    ]
    assert trees.codings(finding.clips[0]) == (
        (2, 3, 4, "joy", "6+12", "micro", 2),
        (6, 8, 9, "anger", "4", "macro", 3),
    )
    assert finding.clips[1].expressions == ()
    assert finding.emotions == {"Lab": ["anger", "joy"]}
    assert finding.fps == {"Lab": 50.0}
    assert finding.problems == []


def test_a_video_states_its_own_frame_rate_and_its_frames_count_from_one(tmp_path: Path) -> None:
    finding = read(
        lab(
            tmp_path,
            ["Lab", "B", "talk", "b.mp4", "", 1, 2, 3, "joy", "", ""],
            ["Lab", "B", "talk", "b.mp4", "", 0, 2, 3, "fear", "", ""],
        )
    )
    (clip,) = finding.clips
    assert (clip.fps, clip.files, clip.numbers) == (0.0, ("b.mp4",), ())
    assert trees.codings(clip) == ((1, 2, 3, "joy", "", "micro", 2),)
    assert codes(finding) == [("error", "frame-absent", 3, "")]


def test_a_manifest_can_be_an_xlsx_file(tmp_path: Path) -> None:
    trees.xlsx(
        tmp_path / "lab.xlsx", [HEADER, ["Lab", "A", "one", "a/1", 30.0, 1.0, 2, "3 ", "joy", None, None]]
    )
    trees.frames(tmp_path / "a/1", range(1, 4), "{}.png")
    (clip,) = read(tmp_path).clips
    assert trees.codings(clip) == ((1, 2, 3, "joy", "", "micro", 2),)


def test_impossible_values_are_reported(tmp_path: Path) -> None:
    finding = read(
        lab(
            tmp_path,
            ["Lab", "A", "one", "../a/1", 30, 1, 2, 3, "joy", "", ""],  # 2
            ["Lab", "A", "two", "/etc", 30, 1, 2, 3, "joy", "", ""],  # 3
            ["Lab", "A", "three", "a/3", 30, 1, 2, 3, "joy", "", ""],  # 4
            ["Lab", "A", "four", "c.mp4", "", 1, 2, 3, "joy", "", ""],  # 5
            ["Lab", "A", "five", "a/1", "", 1, 2, 3, "joy", "", ""],  # 6
            ["Lab", "A", "six", "a/1", 30, 1, 2, 3, "joy", "", ""],  # 7: row 6 has taken the path
            ["Lab", "a", "seven", "a/2", "fast", 1, 2, 3, "joy", "", ""],  # 8
            ["Lab", "", "eight", "a/2", 30, 1, 2, 3, "joy", "", ""],  # 9
            ["Lab", "B", "nine", "b.mp4", 30, 3, 9, 5, "joy", "", "tiny"],  # 10
            ["Lab", "B", "nine", "a/2", 30, 3, 4, 5, "joy", "", ""],  # 11
        )
    )
    assert codes(finding) == [
        ("error", "subject-missing", 9, "subject"),
        ("warning", "subject-spelled-two-ways", 8, "subject"),
        ("error", "path-outside", 2, "path"),
        ("error", "path-outside", 3, "path"),
        ("error", "folder-missing", 4, "path"),
        ("error", "file-missing", 5, "path"),
        ("error", "fps-missing", 6, "fps"),
        ("error", "path-twice", 7, "path"),
        ("error", "fps-wrong", 8, "fps"),
        ("error", "rows-contradict", 11, "path"),
    ]
    assert finding.clips == []


def test_a_manifest_with_missing_columns_says_which_were_found_and_expected(tmp_path: Path) -> None:
    trees.table(tmp_path / "lab.csv", [["Database", "Clip", "Where"], ["Lab", "one", "a/1"]])
    with pytest.raises(InputError) as caught:
        read(tmp_path)
    assert str(caught.value) == (
        "Columns subject, path not found in the sheet “lab.csv”. Found: Database, Clip, Where. "
        "Expected: database, subject, clip, path."
    )


def test_a_kind_is_read_as_in_sheets_of_annotations(tmp_path: Path) -> None:
    kinds = ["Macro-expression", "Micro - 1/2", ""]
    rows = [
        ["Lab", "A", "one", "a/1", 30, n, n + 1, n + 2, "joy", "", kind] for n, kind in enumerate(kinds, 1)
    ]
    finding = read(lab(tmp_path, *rows))
    assert [e.kind for e in finding.clips[0].expressions] == ["macro", "micro", "micro"]
    assert codes(finding) == []


def test_subject_10_is_not_subject_1(tmp_path: Path) -> None:
    rows = [
        ["Lab", subject, "one", path, 30, 1, 2, 3, "joy", "", ""]
        for subject, path in (("sub1", "a/1"), ("sub10", "a/2"))
    ]
    assert codes(read(lab(tmp_path, *rows))) == []
    twice = [*rows, ["Lab", "sub01", "two", "a/1", 30, 1, 2, 3, "joy", "", ""]]
    assert ("warning", "subject-spelled-two-ways", 4, "subject") in codes(read(lab(tmp_path, *twice)))
