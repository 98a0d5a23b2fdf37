"""Column maps: lists with unknown headers, read by both imports, and what a map may not be."""

import json
from pathlib import Path
from typing import Any

import pytest

from models_ml.errors import InputError
from models_ml.formats import LAYOUTS, coding_sheet
from models_ml.formats.base import Finding, Sheet
from models_ml.formats.folder_tree import FolderTree
from models_ml.formats.headers import ColumnsError
from models_ml.formats.mapping import ColumnMap, column_map
from models_ml.formats.sheet_columns import WorksheetColumns, header_key, sheet_columns
from tests import trees

SPOTTING = ["", "subject", "video_name", "start_frame", "apex_frame", "end_frame", "type_idx", "au"]
SPOTTED = [[0, "s15", "15_0101", 1, 3, 5, 1, "4+7"], [1, "s15", "15_0101", 8, 0, 9, 2, "12"]]
SMIC_APEXES = [
    "data", "subject", "clip", "label", "onset_frame", "apex_frame", "offset_frame", "onset_frame_path",
    "apex_frame_path", "off_frame_path",
]  # fmt: skip


def annotations(path: Path, columns: ColumnMap | None) -> Finding:
    return coding_sheet.read(path.name, path.read_bytes(), columns)


def columns_of(path: Path) -> WorksheetColumns:
    (found,) = sheet_columns(Sheet(path.name, path.read_bytes()))
    return found


def guessed(path: Path, **more: Any) -> ColumnMap:
    """Return the map that the page offers for a sheet."""
    found = columns_of(path)
    columns = {column.guess: column.reference for column in found.columns if column.guess}
    return ColumnMap(columns=columns, header=found.header, **more)


def test_a_list_of_a_spotting_paper_is_read_with_the_columns_that_the_page_offers(tmp_path: Path) -> None:
    path = trees.table(tmp_path / "spotting.csv", [SPOTTING, *SPOTTED])
    with pytest.raises(ColumnsError, match="Columns Filename, OnsetFrame, OffsetFrame not found"):
        annotations(path, None)
    columns = guessed(path, none=("0",), words={"kind": {"1": "macro", "2": "micro"}})
    finding = annotations(path, columns)
    assert [
        (m.subject, m.clip, m.onset, m.apex, m.offset, m.kind, m.action_units, m.unit, m.row)
        for m in finding.annotations
    ] == [
        ("s15", "15_0101", 1, 3, 5, "macro", "4+7", "source", 2),
        ("s15", "15_0101", 8, None, 9, "micro", "12", "source", 3),
    ]
    assert finding.annotations[0].silent == {"emotion", "confidence", "note", "origin", "suggestion"}
    (note,) = finding.problems
    assert (note.severity, note.code) == ("info", "columns-mapped")
    assert "onset from “start_frame”" in note.message


def test_a_list_of_smic_apexes_is_read_as_a_database_and_as_annotations(tmp_path: Path) -> None:
    rows = [
        ["SMIC", "s01", "s1_ne_01", 0, 0, 2, 5, *(f"HS/s1_ne_01/image{n}.bmp" for n in (100, 102, 105))],
        ["SMIC", "s11", "s11_po_02", 1, 0, 1, 2, *(f"HS/s11_po_02/image{n}.bmp" for n in (9, 10, 11))],
    ]
    path = trees.table(tmp_path / "apex.csv", [SMIC_APEXES, *rows])
    trees.frames(tmp_path / "HS/s1_ne_01", range(100, 106), "image{}.bmp")
    trees.frames(tmp_path / "HS/s11_po_02", range(9, 12), "image{}.bmp")
    words = {"emotion": {"0": "negative", "1": "positive"}}
    columns = guessed(path, frames="0", words=words, fixed={"fps": "100"})
    sheet = Sheet(path.name, path.read_bytes(), columns)
    finding = LAYOUTS["manifest"].read(FolderTree(tmp_path), sheet, frozenset())
    assert [(c.database, c.subject, c.name, c.fps, trees.codings(c)) for c in finding.clips] == [
        ("SMIC", "s01", "s1_ne_01", 100.0, ((100, 102, 105, "negative", "", "micro", 2),)),
        ("SMIC", "s11", "s11_po_02", 100.0, ((9, 10, 11, "positive", "", "micro", 3),)),
    ]
    found = annotations(path, columns).annotations
    assert [(m.unit, m.onset, m.apex, m.offset, m.emotion) for m in found] == [
        ("index", 0, 2, 5, "negative"),
        ("index", 0, 1, 2, "positive"),
    ]


def test_frames_counted_from_1_start_at_the_first_frame_and_0_is_refused(tmp_path: Path) -> None:
    path = trees.table(tmp_path / "s.csv", [SPOTTING, *SPOTTED])
    found = annotations(path, guessed(path, frames="1", words={"kind": {"1": "macro", "2": "micro"}}))
    assert [(m.unit, m.onset, m.apex, m.offset) for m in found.annotations] == [("index", 0, 2, 4)]
    assert [(p.row, p.column, p.message) for p in found.problems if p.severity == "error"] == [
        (
            3,
            "apex",
            "The apex is frame 0, but the frames of this sheet count from 1. The row is not imported.",
        )
    ]


@pytest.mark.parametrize("layout", ["casme2", "samm"])
def test_an_official_layout_reads_a_sheet_with_other_names(tmp_path: Path, layout: str) -> None:
    trees.casme2_tree(tmp_path) if layout == "casme2" else trees.samm_tree(tmp_path)
    for sheet in tmp_path.glob("*.xlsx"):
        sheet.unlink()
    subject, clip = ("1", "EP02_01f") if layout == "casme2" else ("6", "006_1_2")
    frames = (46, 59, 86) if layout == "casme2" else (5562, 5564, 5566)
    header = ["受试者", "clip", "Beginn", "Höhepunkt", "Ende", "Gefühl"]
    path = trees.xlsx(tmp_path / "ours.xlsx", [header, [subject, clip, *frames, "Fröhlich"]])
    columns = ColumnMap(
        columns={
            "subject": "受试者", "clip": "clip", "onset": "Beginn", "apex": "Höhepunkt", "offset": "Ende",
            "emotion": "Gefühl",
        },
        words={"emotion": {"fröhlich": "happiness"}},
    )  # fmt: skip
    sheet = Sheet(path.name, path.read_bytes(), columns)
    finding = LAYOUTS[layout].read(FolderTree(tmp_path), sheet, frozenset())
    (clip_found,) = finding.clips
    (expression,) = clip_found.expressions
    assert (expression.onset, expression.apex, expression.offset, expression.emotion) == (
        *frames,
        "happiness",
    )
    assert "action_units" in expression.silent
    with pytest.raises(ColumnsError, match="does not say which column is the subject"):
        LAYOUTS[layout].read(
            FolderTree(tmp_path),
            Sheet("s", path.read_bytes(), ColumnMap(columns={"clip": "clip", "onset": "Beginn"})),
            frozenset(),
        )


def test_columns_without_a_name_or_with_the_same_name_are_called_by_their_letter(tmp_path: Path) -> None:
    path = trees.table(tmp_path / "s.csv", [["clip", "", "frame", "frame"], ["a", "x", 3, 9]])
    assert [(c.letter, c.reference, c.samples) for c in columns_of(path).columns] == [
        ("A", "clip", ("a",)),
        ("B", "column B", ("x",)),
        ("C", "column C", ("3",)),
        ("D", "column D", ("9",)),
    ]
    columns = ColumnMap(columns={"clip": "clip", "onset": "column C", "offset": "column D"})
    assert [(m.onset, m.offset) for m in annotations(path, columns).annotations] == [(3, 9)]
    twice = ColumnMap(columns={"clip": "clip", "onset": "frame"})
    with pytest.raises(
        InputError, match=r"Several columns are called “frame”\. Write “column C” and “column D” instead"
    ):
        annotations(path, twice)


def test_a_sheet_without_a_header_is_read_by_letters(tmp_path: Path) -> None:
    path = trees.table(tmp_path / "s.csv", [["a", 3, 9], ["b", 4, 8]])
    columns = ColumnMap(columns={"clip": "column A", "onset": "column B", "offset": "column C"})
    assert [(m.clip, m.onset, m.offset, m.row) for m in annotations(path, columns).annotations] == [
        ("a", 3, 9, 1),
        ("b", 4, 8, 2),
    ]


def test_the_chosen_worksheet_is_read(tmp_path: Path) -> None:
    first, second = [["clip", "on"], ["a", 1]], [["clip", "on"], ["b", 2]]
    path = trees.xlsx(tmp_path / "s.xlsx", first, Coder_2=second)
    columns = {"clip": "clip", "onset": "on"}
    found = [
        annotations(path, ColumnMap(columns=columns, worksheet=title)).annotations
        for title in ("", "Coder 2")
    ]
    assert [rows[0].clip for rows in found] == ["a", "b"]
    with pytest.raises(
        ColumnsError,
        match=r"does not have the columns of the column map \(clip, on\) in a worksheet “Coder 3”",
    ):
        annotations(path, ColumnMap(columns=columns, worksheet="Coder 3"))


def test_the_page_shows_each_column_with_values_even_far_below_a_text(tmp_path: Path) -> None:
    rows = [
        ["What we coded in spring"],
        [],
        ["ID", "video_name", "Start", "Comment" * 90],
        [7.0, "a", 3, None],
        [7, "b", 4, "x" * 90],
    ]
    found = columns_of(trees.xlsx(tmp_path / "s.xlsx", rows))
    assert (found.number, found.rows) == (3, 2)
    assert [(c.name[:10], c.samples, c.guess) for c in found.columns] == [
        ("ID", ("7",), ""),
        ("video_name", ("a", "b"), "clip"),
        ("Start", ("3", "4"), "onset"),
        ("CommentCom", (f"{'x' * 60}…",), ""),
    ]
    assert found.columns[3].reference == "column D"  # a name of this length is not one


def test_a_map_is_offered_again_for_the_same_header(tmp_path: Path) -> None:
    path = trees.table(tmp_path / "s.csv", [["what", "when"], ["a", 3]])
    known = ColumnMap(columns={"clip": "what", "onset": "when"}, header=("what", "when"))
    (found,) = sheet_columns(Sheet(path.name, path.read_bytes()), known)
    assert [column.guess for column in found.columns] == ["clip", "onset"]
    assert header_key(found.header) == header_key((" What", "WHEN"))


def test_a_map_survives_json() -> None:
    columns = ColumnMap(
        columns={"clip": "video", "onset": "column D"},
        fixed={"fps": "200", "path": "{subject}/{clip}"},
        words={"kind": {"1": "macro"}},
        frames="1",
        none=("0", "-1"),
        worksheet="Coder 2",
        header=("video", "", "x"),
    )
    assert column_map(json.loads(json.dumps(columns.as_json()))) == columns
    assert columns.fixed_cells({"subject": "s1", "clip": "a"})["path"] == "s1/a"


GOOD = ColumnMap(columns={"clip": "video"}).as_json()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"schema": "x"}, "expected JSON with “schema”: “mer-column-map”"),
        ({"schema_version": 2}, "must be 1"),
        ({"columns": {}}, "at least one column"),
        ({"columns": {"clipp": "a"}}, "has no key “clipp”. It has database, subject, clip"),
        ({"columns": {"clip": 3}}, "must give a text for each key"),
        ({"columns": ["a"]}, "must be an object"),
        ({"fixed": {"clip": "a"}}, "gives the clip a column and a fixed text"),
        ({"frames": 0}, "must be “source”, “0” or “1”"),
        ({"none": "0"}, "“none” of a column map must be a list"),
        ({"words": {"kind": 1}}, "“words of kind” of a column map must give a text"),
        ({"words": []}, "“words” of a column map must be an object"),
        ({"worksheet": 3}, "must be the title of a worksheet"),
        ({"colums": {}}, "A column map has no “colums”"),
    ],
)
def test_a_map_that_is_none_says_what_is_wrong(change: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        column_map({**GOOD, **change})


@pytest.mark.parametrize("document", [None, [], "x", 3])
def test_another_json_document_is_not_a_map(document: object) -> None:
    with pytest.raises(InputError, match="This is not a column map"):
        column_map(document)


def test_two_marks_have_no_column_in_common(tmp_path: Path) -> None:
    path = trees.table(tmp_path / "s.csv", [["V", "S", "E"], ["a", 1, 9]])
    columns = {"clip": "V", "onset": "S", "apex": "column B", "offset": "E"}
    with pytest.raises(InputError, match="gives the onset and the apex the same column, “S”"):
        annotations(path, ColumnMap(columns=columns))


def test_a_column_beyond_the_sheet_is_refused(tmp_path: Path) -> None:
    path = trees.table(tmp_path / "s.csv", [["V", "S", "E"], ["a", 1, 9]])
    columns = {"clip": "V", "onset": "S", "apex": "column ZZ", "offset": "E"}
    with pytest.raises(ColumnsError, match="has no column ZZ: its last column with a value is C"):
        annotations(path, ColumnMap(columns=columns))


def test_columns_that_an_import_does_not_use_are_named(tmp_path: Path) -> None:
    path = trees.table(tmp_path / "s.csv", [["V", "S", "E", "R"], ["a", 1, 9, 30]])
    columns = {"clip": "V", "onset": "S", "offset": "E", "fps": "R"}
    (problem,) = annotations(path, ColumnMap(columns=columns)).problems
    assert problem.message.endswith("Not used here: fps.")
