"""Headers of coding sheets: columns that could be meant twice, worksheets that are not read, and unknown spellings."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from models_ml.errors import InputError
from models_ml.formats import (
    LAYOUTS,
    casme2,
    casme3a,
    coding_sheet,
    fourdme,
    manifest,
    mmew,
    samm,
    samm_long,
    smic,
)
from models_ml.formats.base import Finding, Problem, Sheet
from models_ml.formats.folder_tree import FolderTree
from models_ml.formats.headers import Column, UnclearColumnsError, bare
from models_ml.formats.report import ImportReport
from models_ml.formats.sheets import SheetTable, read_table
from tests import trees

HEADER = [
    "Subject",
    "Filename",
    "OnsetFrame",
    "ApexFrame",
    "OffsetFrame",
    "Action Units",
    "Estimated Emotion",
]
ROW = ["1", "EP02_01f", 46, 59, 86, "4+12", "happiness"]
COLUMNS = {
    "casme2": casme2.DATABASE.columns,
    "casme3a": casme3a.DATABASE.columns,
    "4dme": fourdme.DATABASE.columns,
    "manifest": manifest.COLUMNS,
    "mmew": mmew.DATABASE.columns,
    "samm": samm.DATABASE.columns,
    "samm-long": samm_long.DATABASE.columns,
    "smic": smic.COLUMNS,
    "annotations": coding_sheet.COLUMNS,
}
EVERY_COLUMN = [
    pytest.param(columns, column, id=f"{layout}-{column.key}")
    for layout, columns in COLUMNS.items()
    for column in columns
]


def table(
    path: Path, columns: Sequence[Column] = casme2.DATABASE.columns
) -> tuple[SheetTable, list[Problem]]:
    report = ImportReport()
    return read_table(Sheet(path.name, path.read_bytes()), columns, report), report.problems


def written(path: Path, *columns: tuple[str | None, Any], **more: Sequence[Sequence[Any]]) -> Path:
    """Write a complete sheet of CASME II with other columns before its own."""
    names, values = [name for name, _ in columns], [value for _, value in columns]
    return trees.xlsx(path, [[*names, *HEADER], [*values, *ROW]], **more)


def others(column: Column) -> list[str]:
    """Return the other names of a column, without spellings of its standard name."""
    names = {bare(name): name for name in column.names}
    names.pop(bare(column.names[0]))
    return list(names.values())


def doubled(path: Path, columns: Sequence[Column], column: Column, first: str, second: str) -> Path:
    """Write a sheet in which one column stands twice: "first" in column A, and "second" in the last one."""
    kept = [c.names[0] for c in columns if c is not column]
    return trees.xlsx(path, [[first, *kept, second], ["first", *("x" for _ in kept), "second"]])


@pytest.mark.parametrize(("columns", "column"), EVERY_COLUMN)
def test_the_standard_name_wins_with_a_note_in_each_layout(
    tmp_path: Path, columns: Sequence[Column], column: Column
) -> None:
    for name in others(column):
        found, problems = table(doubled(tmp_path / "s.xlsx", columns, column, name, column.names[0]), columns)
        assert found.rows[0].cells[column.key] == "second"
        (problem,) = [p for p in problems if p.code == "column-twice"]
        assert (problem.severity, problem.file, problem.column) == ("warning", "s.xlsx", column.key)
        last = chr(ord("A") + len(columns))
        assert f"A “{name}” and {last} “{column.names[0]}”. Column {last}" in problem.message


@pytest.mark.parametrize("placeholder", ["/", "-", "N/A", "?"])
def test_a_standard_column_of_placeholders_gives_way_to_one_with_values(
    tmp_path: Path, placeholder: str
) -> None:
    column = next(column for column in casme2.DATABASE.columns if column.key == "apex")
    kept = [c.names[0] for c in casme2.DATABASE.columns if c is not column]
    path = trees.xlsx(
        tmp_path / "s.xlsx",
        [[column.names[0], *kept, others(column)[0]], [placeholder, *("x" for _ in kept), 59]],
    )
    found, _ = table(path, casme2.DATABASE.columns)
    assert found.rows[0].cells["apex"] == 59


@pytest.mark.parametrize(("columns", "column"), EVERY_COLUMN)
def test_two_equally_good_columns_are_refused_in_each_layout(
    tmp_path: Path, columns: Sequence[Column], column: Column
) -> None:
    pairs = [
        (column.names[0], column.names[0].upper()),
        *zip(others(column), others(column)[1:], strict=False),
    ]
    for first, second in pairs:
        with pytest.raises(UnclearColumnsError) as refused:
            table(doubled(tmp_path / "s.xlsx", columns, column, first, second), columns)
        message = str(refused.value)
        last = chr(ord("A") + len(columns))
        assert f"“s.xlsx” could be the {column.label}: A “{first}” and {last} “{second}”." in message
        assert f"Name the column that is meant “{column.names[0]}”" in message


def test_a_column_without_values_does_not_count(tmp_path: Path) -> None:
    found, problems = table(written(tmp_path / "s.xlsx", ("Onset", None), ("OnsetF", " ")))
    assert (found.rows[0].cells["onset"], problems) == (46, [])
    header = ["Emotion", *HEADER]
    found, problems = table(trees.xlsx(tmp_path / "t.xlsx", [header, ["fear", *ROW[:-1], None]]))
    assert (found.rows[0].cells["emotion"], problems) == ("fear", [])


def imported(root: Path) -> Finding:
    trees.frames(root / "CASME2_RAW_selected/sub01/EP02_01f", range(46, 87))
    return LAYOUTS["casme2"].read(FolderTree(root), None, frozenset())


def test_a_database_import_reports_the_column_that_it_did_not_read(tmp_path: Path) -> None:
    written(tmp_path / "codes.xlsx", ("Emotion", "surprise"), ("Onset", 49), ("Apex", 55))
    finding = imported(tmp_path)
    expression = finding.clips[0].expressions[0]
    assert (expression.onset, expression.apex, expression.emotion) == (46, 59, "happiness")
    assert [(p.code, p.column) for p in finding.problems] == [
        ("column-twice", "onset"),
        ("column-twice", "apex"),
        ("column-twice", "emotion"),
    ]


@pytest.mark.parametrize("subject", [1.0, "1.0", "１", "\u200b1"])
def test_a_subject_is_read_from_a_number_and_from_odd_characters(tmp_path: Path, subject: object) -> None:
    trees.xlsx(tmp_path / "codes.xlsx", [HEADER, [subject, *ROW[1:]]])
    finding = imported(tmp_path)
    assert (finding.clips[0].subject, finding.problems) == ("sub01", [])


def test_an_annotation_import_reports_the_column_that_it_did_not_read(tmp_path: Path) -> None:
    path = written(tmp_path / "codes.xlsx", ("Emotion", "surprise"), ("Onset", 49))
    parsed = coding_sheet.read(path.name, path.read_bytes())
    assert (parsed.annotations[0].onset, parsed.annotations[0].emotion) == (46, "happiness")
    assert [p.code for p in parsed.problems] == ["column-twice", "column-twice"]


def test_an_unclear_sheet_next_to_others_is_refused_by_its_columns(tmp_path: Path) -> None:
    trees.xlsx(tmp_path / "codes.xlsx", [["onset frame", *HEADER], [1, *ROW]])
    trees.xlsx(tmp_path / "readme.xlsx", [["Read me"]])
    with pytest.raises(InputError, match="could be the onset: A “onset frame” and D “OnsetFrame”"):
        imported(tmp_path)


def test_an_unclear_sheet_of_smic_is_not_skipped(tmp_path: Path) -> None:
    root = trees.smic_tree(tmp_path / "SMIC")
    header = ["Subject", "Filename", "OnsetF", "Onset", "OffsetF"]
    trees.xlsx(root / "SMIC-HS-E_annotation.xlsx", [header, [1, "s1_ne_01", 100, 101, 105]])
    with pytest.raises(InputError, match="could be the onset: C “OnsetF” and D “Onset”"):
        LAYOUTS["smic"].read(FolderTree(root), None, frozenset())


def test_a_second_worksheet_with_data_is_named_with_its_rows(tmp_path: Path) -> None:
    written(
        tmp_path / "codes.xlsx", Second=[HEADER, [*ROW[:2], 47, *ROW[3:]], ["2", *ROW[1:]]], Empty=[HEADER]
    )
    finding = imported(tmp_path)
    assert finding.clips[0].expressions[0].onset == 46
    (problem,) = finding.problems
    assert (problem.severity, problem.code, problem.file) == ("warning", "worksheet-not-read", "codes.xlsx")
    assert problem.message.startswith(
        "The worksheet “Sheet” (1 row) is read. Not read: “Second” (2 rows). If another worksheet is meant"
    )


def test_a_worksheet_of_something_else_is_a_note(tmp_path: Path) -> None:
    _, problems = table(written(tmp_path / "s.xlsx", Legend=[["1", "anger"], ["2", "fear"]]))
    assert [(p.severity, p.message) for p in problems] == [
        ("info", "The worksheet “Sheet” (1 row) is read. Not read: “Legend” (2 rows).")
    ]


def test_a_worksheet_with_only_a_header_gives_way_to_one_with_rows(tmp_path: Path) -> None:
    found, problems = table(trees.xlsx(tmp_path / "s.xlsx", [HEADER], Codes=[HEADER, ROW]))
    assert (len(found.rows), problems) == (1, [])


def test_a_second_coding_worksheet_of_casme_squared_is_named(tmp_path: Path) -> None:
    coding = [[1, "anger1_1", 1, 2, 3, "4", "negative", "micro-expression"]]
    trees.xlsx(
        tmp_path / "CAS(ME)^2code_final.xlsx",
        coding,
        naming_rule1=[[1, "s15", 1]],
        naming_rule2=[["0401", "anger1"]],
        Coder_2=coding,
    )
    trees.frames(tmp_path / "rawpic/s15/15_0401anger1", range(1, 5))
    finding = LAYOUTS["casme_sq"].read(FolderTree(tmp_path), None, frozenset())
    (problem,) = [p for p in finding.problems if p.code == "worksheet-not-read"]
    assert "“Sheet” (1 row) is read. Not read: “Coder 2” (1 row)." in problem.message


@pytest.mark.parametrize(
    "name",
    [
        "Action Unit",
        "action_unit",
        "Action Unit(s)",
        "AU",
        "AU(s)",
        "AU codes",
        "FACS",
        "FACS code",
        "Ａｃｔｉｏｎ Units",
    ],
)
def test_action_units_are_found_under_common_names(tmp_path: Path, name: str) -> None:
    header = [name if cell == "Action Units" else cell for cell in HEADER]
    found, problems = table(trees.xlsx(tmp_path / "s.xlsx", [header, ROW]))
    assert (found.rows[0].cells["action_units"], problems) == ("4+12", [])


@pytest.mark.parametrize("name", ["AU combination", "Coded action-units", "FACS (final)", "Coding", None])
def test_a_column_that_looks_like_action_units_is_a_warning(tmp_path: Path, name: str | None) -> None:
    header = [name if cell == "Action Units" else cell for cell in HEADER]
    found, problems = table(trees.xlsx(tmp_path / "s.xlsx", [header, ROW]))
    assert "action_units" not in found.columns
    (problem,) = problems
    assert (problem.severity, problem.code, problem.column) == ("warning", "column-unknown", "action_units")
    assert f"Column F{f' “{name}”' if name else ''} looks like the action units" in problem.message
    assert "Name the column “Action Units”" in problem.message


@pytest.mark.parametrize("units", ["(R6 or R12)+R15", "ref(7B)+43", "AU 12？"])
def test_a_column_with_units_as_published_looks_like_action_units(tmp_path: Path, units: str) -> None:
    header = ["Coding" if cell == "Action Units" else cell for cell in HEADER]
    row = [units if cell == "4+12" else cell for cell in ROW]
    _, problems = table(trees.xlsx(tmp_path / "s.xlsx", [header, row]))
    assert [(p.code, p.column) for p in problems] == [("column-unknown", "action_units")]


def test_columns_of_single_units_give_one_warning(tmp_path: Path) -> None:
    header = ["Subject", "Filename", "Onset", "Apex", "Offset", "Emotion", "AU1", "AU12"]
    _, problems = table(
        trees.xlsx(tmp_path / "s.xlsx", [header, ["1", "EP02_01f", 46, 59, 86, "fear", 1, 0]])
    )
    assert [p.message for p in problems] == [
        "Columns G “AU1”, H “AU12” look like the action units, but the name is not known: imported without action units. "
        "Name the column “Action Units” and import the sheet again."
    ]


def test_a_similar_column_next_to_a_known_one_is_a_note(tmp_path: Path) -> None:
    found, problems = table(written(tmp_path / "s.xlsx", ("Onset (corrected)", 44), ("Objective Classes", 3)))
    assert found.rows[0].cells["onset"] == 46
    assert [(p.severity, p.code, p.message) for p in problems] == [
        (
            "info",
            "column-not-read",
            "Column A “Onset (corrected)” looks like the onset, but is not read: the onset comes from column E "
            "“OnsetFrame”.",
        )
    ]


def test_a_mark_under_an_unknown_name_is_a_warning(tmp_path: Path) -> None:
    header = ["Apex (peak)" if cell == "ApexFrame" else cell for cell in HEADER]
    _, problems = table(trees.xlsx(tmp_path / "s.xlsx", [header, ROW]))
    assert [(p.severity, p.code, p.column) for p in problems] == [("warning", "column-unknown", "apex")]


@pytest.mark.parametrize("layout", sorted(COLUMNS))
def test_the_standard_header_gives_no_note(tmp_path: Path, layout: str) -> None:
    columns = COLUMNS[layout]
    path = trees.xlsx(tmp_path / "s.xlsx", [[c.names[0] for c in columns], [1 for _ in columns]])
    assert table(path, columns)[1] == []
