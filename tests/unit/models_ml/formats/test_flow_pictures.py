"""Precomputed flow pictures: each sample once, from its own subject's u_test, and each contradiction reported."""

from pathlib import Path

import pytest

from models_ml.errors import InputError
from models_ml.formats import LAYOUTS
from models_ml.formats.base import Finding
from models_ml.formats.folder_tree import FolderTree
from tests import trees


def read(path: Path) -> Finding:
    return LAYOUTS["flow-images"].read(FolderTree(path), None, frozenset())


def codes(finding: Finding) -> list[tuple[str, str, str, str]]:
    return [(p.severity, p.code, p.subject, p.clip) for p in finding.problems]


def test_each_sample_is_taken_once_from_its_own_subjects_test_folder(tmp_path: Path) -> None:
    finding = read(trees.flow_folds(tmp_path))
    assert [(p.database, p.subject, p.name, p.emotion, p.file) for p in finding.flow_pictures] == [
        ("CASME II", "sub01", "EP02_01f", "positive", "sub01/u_test/1/sub01_EP02_01f .png"),
        ("CASME II", "sub02", "EP01_11f", "negative", "sub02/u_test/0/sub02_EP01_11f .png"),
        ("SAMM", "006", "006_1_2", "negative", "006/u_test/0/006_006_1_2 .png"),
        ("SAMM", "007", "007_7_5", "positive", "007/u_test/1/007_007_7_5 .png"),
        ("SMIC", "s01", "s01_ne_01", "negative", "s01/u_test/0/s01_s01_ne_01 .png"),
        ("SMIC", "s02", "s02_sur_03", "surprise", "s02/u_test/2/s02_s02_sur_03 .png"),
    ]
    assert finding.problems == []
    assert finding.emotions == {
        "CASME II": ["negative", "positive"],
        "SAMM": ["negative", "positive"],
        "SMIC": ["negative", "surprise"],
    }


def test_a_sample_that_is_not_in_its_own_test_folder_is_not_imported(tmp_path: Path) -> None:
    (trees.flow_folds(tmp_path) / "sub01/u_test/1/sub01_EP02_01f .png").unlink()
    finding = read(tmp_path)
    assert codes(finding) == [("error", "test-missing", "sub01", "EP02_01f")]
    assert "only in the u_train of 006, 007, s01, s02, sub02" in finding.problems[0].message
    assert len(finding.flow_pictures) == 5


def test_a_label_that_differs_between_folders_is_not_guessed(tmp_path: Path) -> None:
    root = trees.flow_folds(tmp_path)
    target = root / "sub02/u_train/0/sub01_EP02_01f .png"
    (root / "sub02/u_train/1/sub01_EP02_01f .png").rename(target)
    finding = read(tmp_path)
    assert codes(finding) == [("error", "label-contradicts", "sub01", "EP02_01f")]
    assert "negative (1×, sub02/u_train/0/sub01_EP02_01f .png), positive (5×" in finding.problems[0].message


def test_copies_that_are_misplaced_missing_or_different_are_reported(
    tmp_path: Path,
) -> None:
    root = trees.flow_folds(tmp_path)
    (root / "s02/u_test/1").mkdir()
    (root / "s02/u_train/1/sub01_EP02_01f .png").rename(root / "s02/u_test/1/sub01_EP02_01f .png")
    (root / "007/u_train/0/sub02_EP01_11f .png").unlink()
    (root / "007/u_train/0/006_006_1_2 .png").write_bytes(trees.colour_image())
    (root / "s01/u_train/0/s01_s01_ne_01 .png").write_bytes(
        (root / "s01/u_test/0/s01_s01_ne_01 .png").read_bytes()
    )
    finding = read(tmp_path)
    assert codes(finding) == [
        ("error", "test-of-another", "sub01", "EP02_01f"),
        ("warning", "train-missing", "sub01", "EP02_01f"),
        ("warning", "train-missing", "sub02", "EP01_11f"),
        ("warning", "picture-differs", "006", "006_1_2"),
        ("warning", "leak", "s01", "s01_ne_01"),
    ]
    assert len(finding.flow_pictures) == 6


def test_unknown_subjects_unknown_labels_and_files_that_are_not_images_are_reported(
    tmp_path: Path,
) -> None:
    root = trees.flow_folds(tmp_path)
    (root / "sub01/u_test/1/anna_first.png").write_bytes(trees.colour_image())
    (root / "sub01/u_test/3").mkdir()
    (root / "sub01/u_test/3/sub01_EP09_09.png").write_bytes(trees.colour_image())
    (root / "overview.png").write_bytes(trees.colour_image())
    for held_out in root.glob("*/u_*/0/006_006_1_2 .png"):
        held_out.write_bytes(b"")
    finding = read(tmp_path)
    assert [(p.severity, p.code) for p in finding.problems] == [
        ("error", "subject-unknown"),
        ("error", "label-unknown"),
        ("info", "not-in-layout"),
        ("error", "file-no-image"),
    ]
    assert len(finding.flow_pictures) == 5


def test_flow_pictures_by_database_subject_and_label(tmp_path: Path) -> None:
    finding = read(trees.flow_by_label(tmp_path))
    assert sorted((p.database, p.subject, p.name, p.emotion) for p in finding.flow_pictures) == [
        ("CASME II", "sub01", "EP02_01f", "positive"),
        ("Lab", "Anna", "first", "joy"),
        ("SAMM", "006", "006_1_2", "negative"),
        ("SMIC", "s01", "s01_ne_01", "negative"),
    ]
    assert finding.problems == []


def test_one_sample_under_two_labels_is_not_imported(tmp_path: Path) -> None:
    root = trees.flow_by_label(tmp_path)
    (root / "Lab/Anna/anger").mkdir()
    (root / "Lab/Anna/anger/first.png").write_bytes(trees.colour_image())
    finding = read(tmp_path)
    assert codes(finding) == [("error", "label-contradicts", "Anna", "first")]


def test_the_folder_of_one_database_is_enough(tmp_path: Path) -> None:
    trees.flow_by_label(tmp_path)
    assert [(p.database, p.subject) for p in read(tmp_path / "casme2").flow_pictures] == [
        ("CASME II", "sub01")
    ]


def test_images_in_another_layout_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(trees.colour_image())
    with pytest.raises(InputError, match=r"contains no flow pictures. Expected .*; found a\.png"):
        read(tmp_path)
