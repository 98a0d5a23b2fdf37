"""Readers name databases, subjects and clips as the published list of MEGC2019 does."""

from pathlib import Path

from models_ml.formats import LAYOUTS
from models_ml.formats.folder_tree import FolderTree
from tests import trees

NAMES = {"casme2": "CASME II", "smic": "SMIC", "samm": "SAMM"}
LISTED = [
    ("casme2", "sub01", "EP02_01f", "positive"),
    ("casme2", "sub01", "EP19_05f", "negative"),
    ("casme2", "sub17", "EP01_13", "surprise"),
    ("smic", "s01", "s01_ne_01", "negative"),
    ("smic", "s11", "s11_sur_01", "surprise"),
    ("smic", "s20", "s20_po_10", "positive"),
    ("samm", "006", "006_1_2", "negative"),
    ("samm", "016", "016_7_5", "surprise"),
    ("samm", "037", "037_3_4", "positive"),
]
ROWS = [dict(zip(("database", "subject", "clip", "label"), row, strict=True)) for row in LISTED]
CLASSES = {"happiness": "positive", "positive": "positive", "surprise": "surprise"}


def test_clips_are_named_as_in_the_list(tmp_path: Path) -> None:
    found = set()
    for layout, path in trees.megc2019_trees(tmp_path, ROWS, extras=False).items():
        finding = LAYOUTS[layout].read(FolderTree(path), None, frozenset())
        assert finding.problems == []
        for clip in finding.clips:
            label = CLASSES.get(clip.expressions[0].emotion, "negative")
            found.add((clip.database, clip.subject, clip.name, label))
    assert found == {(NAMES[d], s, c, label) for d, s, c, label in LISTED}


def test_flow_pictures_are_named_as_in_the_list(tmp_path: Path) -> None:
    digits = {"negative": "0", "positive": "1", "surprise": "2"}
    trees.flow_folds(tmp_path, [(s, c, digits[label]) for _, s, c, label in LISTED])
    finding = LAYOUTS["flow-images"].read(FolderTree(tmp_path), None, frozenset())
    assert {(p.database, p.subject, p.name, p.emotion) for p in finding.flow_pictures} == {
        (NAMES[d], s, c, label) for d, s, c, label in LISTED
    }


def test_clips_that_the_list_does_not_have_are_read_too(tmp_path: Path) -> None:
    path = trees.megc2019_trees(tmp_path, ROWS)["casme2"]
    finding = LAYOUTS["casme2"].read(FolderTree(path), None, frozenset())
    assert {(c.subject, c.name) for c in finding.clips} - {(s, c) for _, s, c, _ in LISTED} == {
        ("sub04", "EP12_01f"),
        ("sub24", "EP02_07"),
        ("sub26", "EP99_01"),
        ("sub26", "EP99_02"),
    }
