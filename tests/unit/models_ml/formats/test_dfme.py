"""DFME, whose recordings have different frame rates, and CAS(ME)³ part C, which codes no apexes."""

from pathlib import Path
from typing import Any

import pytest

from models_ml.errors import InputError
from models_ml.formats import LAYOUTS
from models_ml.formats.base import Finding
from models_ml.formats.folder_tree import FolderTree
from tests import trees

HEADER = [
    "Subject",
    "Filename",
    "OnsetFrame",
    "ApexFrame",
    "OffsetFrame",
    "Emotion",
    "EmotionId",
    "Fps",
    "AU",
]


def read(layout: str, path: Path) -> Finding:
    return LAYOUTS[layout].read(FolderTree(path), None, frozenset())


def dfme(root: Path, *rows: list[Any]) -> Path:
    trees.xlsx(root / "training_full_with_AU.xlsx", [HEADER, *rows])
    return root


def test_each_dfme_clip_has_the_frame_rate_of_its_row(tmp_path: Path) -> None:
    dfme(
        tmp_path,
        ["sub0003", "sub0003_01", 12, 14, 16, "Happiness", 1, 200, "6+12"],
        ["sub0021", "sub0021_11", 1, 2, 3, "other", 8, 500, None],
    )
    trees.frames(tmp_path / "train_data/sub0003_01", range(12, 20), "{:05d}.png")
    trees.frames(tmp_path / "train_data/sub0021_11", range(1, 4), "{:05d}.png")
    finding = read("dfme", tmp_path)
    assert [(c.database, c.subject, c.name, c.fps, c.numbers[0]) for c in finding.clips] == [
        ("DFME", "sub0003", "sub0003_01", 200.0, 12),
        ("DFME", "sub0021", "sub0021_11", 500.0, 1),
    ]
    assert [trees.codings(c) for c in finding.clips] == [
        ((12, 14, 16, "happiness", "6+12", "micro", 2),),
        ((1, 2, 3, "others", "", "micro", 3),),
    ]
    assert (finding.fps, finding.problems) == ({}, [])


def test_a_dfme_clip_without_a_frame_rate_is_not_imported(tmp_path: Path) -> None:
    dfme(
        tmp_path,
        [3, "sub0003_01", 1, 2, 3, "fear", 5, None, "4"],
        [3, "sub0003_02", 1, 2, 3, "fear", 5, 300, "4"],
    )
    for clip in ("sub0003_01", "sub0003_02"):
        trees.frames(tmp_path / "sub0003" / clip, range(1, 5), "{:05d}.png")
    finding = read("dfme", tmp_path)
    assert [(c.name, c.fps) for c in finding.clips] == [("sub0003_02", 300.0)]
    assert finding.fps == {"DFME": 300.0}
    assert [(p.severity, p.code, p.row, p.column) for p in finding.problems] == [
        ("error", "fps-missing", 2, "fps")
    ]


PART_C = ["sub", "count", "PHY", "onset", "offset", "au", "emotion"]


def test_casme3_part_c_has_no_apex_and_says_nothing_about_it(tmp_path: Path) -> None:
    rows = [[1, 1, "p1", 2, 6, "4,7", "Negative"], [1, 2, "p1", 8, 10, "12", "positive"]]
    trees.xlsx(tmp_path / "CAS(ME)3_part_C_ME.xlsx", [PART_C, *rows])
    trees.frames(tmp_path / "part_C/01/a/color", range(1, 13), "{}.jpg")
    trees.frames(tmp_path / "part_C/01/a/depth", range(1, 13), "{}.png")
    finding = read("casme3c", tmp_path)
    (clip,) = finding.clips
    assert (clip.database, clip.subject, clip.name, clip.fps, len(clip.files)) == (
        "CAS(ME)3 part C",
        "01",
        "a",
        30.0,
        12,
    )
    assert trees.codings(clip) == (
        (2, None, 6, "negative", "4+7", "micro", 2),
        (8, None, 10, "positive", "12", "micro", 3),
    )
    assert all(
        "apex" in expression.silent and "offset" not in expression.silent for expression in clip.expressions
    )
    assert finding.problems == []


def test_cut_clips_of_casme3_part_c_are_named_by_their_count(tmp_path: Path) -> None:
    rows = [[1, 1, "p1", 2, 6, "4", "negative"], [1, 2, "p1", 8, 10, "12", "positive"]]
    trees.xlsx(tmp_path / "CAS(ME)3_part_C_ME.xlsx", [PART_C, *rows])
    trees.frames(tmp_path / "ME_C/01/1/color", range(2, 7), "{}.jpg")
    trees.frames(tmp_path / "ME_C/01/2/color", range(8, 11), "{}.jpg")
    finding = read("casme3c", tmp_path)
    assert [(c.name, c.expressions[0].onset) for c in finding.clips] == [("1", 2), ("2", 8)]


def test_two_long_videos_of_a_subject_are_unclear_in_casme3_part_c(tmp_path: Path) -> None:
    trees.xlsx(tmp_path / "CAS(ME)3_part_C_ME.xlsx", [PART_C, [1, 1, "p1", 2, 6, "4", "negative"]])
    for video in "ab":
        trees.frames(tmp_path / f"01/{video}/color", range(1, 9), "{}.jpg")
    with pytest.raises(InputError, match="has the videos a and b of subject 01"):
        read("casme3c", tmp_path)
