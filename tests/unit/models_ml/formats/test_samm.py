"""SAMM: a header below thirteen rows of text, subjects that a spreadsheet converted to numbers, source frame numbers."""

from pathlib import Path

from models_ml.formats import LAYOUTS
from models_ml.formats.base import Finding
from models_ml.formats.folder_tree import FolderTree
from tests import trees


def read(path: Path) -> Finding:
    return LAYOUTS["samm"].read(FolderTree(path), None, frozenset())


def test_clips_labels_and_source_frame_numbers(tmp_path: Path) -> None:
    finding = read(trees.samm_tree(tmp_path))
    assert [(c.database, c.subject, c.name, c.fps, c.numbers) for c in finding.clips] == [
        ("SAMM", "006", "006_1_2", 200.0, (5562, 5563, 5564, 5565, 5566)),
        ("SAMM", "006", "006_1_3", 200.0, (12, 13, 14, 15)),
        ("SAMM", "011", "011_1_1", 200.0, (1, 2, 3)),
    ]
    assert [trees.codings(c) for c in finding.clips] == [
        ((5562, 5564, 5566, "anger", "4", "micro", 15),),
        ((12, 13, 15, "happiness", "12", "micro", 16),),
        ((1, 2, 3, "contempt", "14", "micro", 17),),
    ]
    assert finding.problems == []


def test_action_units_stay_as_published_and_an_unreadable_one_costs_no_row(tmp_path: Path) -> None:
    written = ["4+7", "A12", "ref(7B)+43", "10A/B", "(R6 or R12)+R15", "L14B?", "4+smile", "12E+12A"]
    names = [f"006_1_{number}" for number in range(1, 9)]
    rows = zip(names, written, strict=True)
    trees.samm(tmp_path, [["006", name, 1, 2, 3, "Micro", units, "Anger"] for name, units in rows])
    for name in names:
        trees.frames(tmp_path / "006" / name, range(1, 4), "006_{:05d}.jpg")
    finding = read(tmp_path)
    assert [clip.expressions[0].action_units for clip in finding.clips] == [*written[:6], "4", ""]
    assert [(p.severity, p.code, p.row, p.column, p.message) for p in finding.problems] == [
        (
            "warning",
            "action-units-unreadable",
            21,
            "action_units",
            "“smile” is not an action unit. Write numbers joined by +, for example 4+L10+R12A. Imported as 4.",
        ),
        (
            "warning",
            "action-units-unreadable",
            22,
            "action_units",
            "“12E” and “12A” contradict each other. Write the unit once. Imported without action units.",
        ),
    ]


def test_subjects_that_lost_their_zeros_are_found_and_two_spellings_reported(tmp_path: Path) -> None:
    trees.samm(
        tmp_path,
        [
            [6, "006_1_2", 1, 2, 3, "Micro", "AU4", "Anger"],
            ["006", "6_1_3", 1, 2, 3, "Micro", "AU4", "Others"],
        ],
    )
    trees.frames(tmp_path / "006/006_1_2", range(1, 4), "006_{:05d}.jpg")
    trees.frames(tmp_path / "006/006_1_3", range(1, 4), "006_{:05d}.jpg")
    finding = read(tmp_path)
    assert [(c.subject, c.name, c.expressions[0].emotion) for c in finding.clips] == [
        ("006", "006_1_2", "anger"),
        ("006", "006_1_3", "other"),
    ]
    assert [(p.code, p.subject) for p in finding.problems] == [("subject-spelled-two-ways", "006")]


def test_an_apex_of_minus_one_is_none(tmp_path: Path) -> None:
    trees.samm(tmp_path, [["006", "006_1_2", 1, -1, 3, "Micro", "AU4", "Anger"]])
    trees.frames(tmp_path / "006/006_1_2", range(1, 4), "006_{:05d}.jpg")
    finding = read(tmp_path)
    assert finding.clips[0].expressions[0].apex is None
    assert [(p.severity, p.code, p.row) for p in finding.problems] == [("warning", "apex-missing", 15)]


def test_an_unknown_kind_is_reported_and_macro_stays_macro(tmp_path: Path) -> None:
    trees.samm(
        tmp_path,
        [
            ["006", "006_1_2", 1, 2, 3, "Macro", "AU4", "Anger"],
            ["006", "006_1_3", 1, 2, 3, "Mirco", "AU4", "Anger"],
        ],
    )
    for clip in ("006_1_2", "006_1_3"):
        trees.frames(tmp_path / "006" / clip, range(1, 4), "006_{:05d}.jpg")
    finding = read(tmp_path)
    assert [c.expressions[0].kind for c in finding.clips] == ["macro", "micro"]
    assert [(p.severity, p.code, p.row, p.column) for p in finding.problems] == [
        ("warning", "kind-unknown", 16, "kind")
    ]
