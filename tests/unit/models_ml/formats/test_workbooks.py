"""Workbooks of all kinds: cells that hold no plain value, merged cells, hidden rows, and files that are too large."""

import io
import random
import zipfile
from collections.abc import Callable
from contextlib import suppress
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from openpyxl import Workbook, load_workbook
from openpyxl.styles import PatternFill

from models_ml.errors import InputError
from models_ml.formats import annotations
from models_ml.formats.base import Problem, Sheet
from models_ml.formats.headers import Column
from models_ml.formats.report import ImportReport
from models_ml.formats.sheets import SheetTable, read_table
from tests import trees

COLUMNS = (
    Column("subject", ("Subject",)),
    Column("onset", ("OnsetF",)),
    Column("note", ("Notes",), required=False),
)
HEADER = ["Subject", "OnsetF", "Notes"]
WRITERS: dict[str, Callable[..., Path]] = {"xlsx": trees.xlsx, "xls": trees.xls, "ods": trees.ods}
KINDS = pytest.mark.parametrize("kind", WRITERS)


def table(path: Path) -> tuple[SheetTable, list[Problem]]:
    report = ImportReport()
    return read_table(Sheet(path.name, path.read_bytes()), COLUMNS, report), report.problems


def texts(found: SheetTable, key: str) -> list[str]:
    return [row.text(key, ImportReport()) for row in found.rows]


def book(path: Path, fill: Callable[[Any], None]) -> Path:
    """Write a workbook whose worksheet ``fill`` changes after its header."""
    workbook = Workbook()
    sheet = workbook.active
    assert sheet is not None
    sheet.append(HEADER)
    fill(sheet)
    workbook.save(path)
    return path


@KINDS
def test_each_kind_of_workbook_gives_the_same_rows(tmp_path: Path, kind: str) -> None:
    rows = [["Codes of our lab"], [], HEADER, [1, 46, "ü, 張"], ["01", 47.0, None], [], ["a b", "48", "/"]]
    found, problems = table(WRITERS[kind](tmp_path / f"s.{kind}", rows))
    assert [row.number for row in found.rows] == [4, 5, 7]
    assert texts(found, "subject") == ["1", "01", "a b"]
    assert texts(found, "note") == ["ü, 張", "", ""]
    assert [row.frame("onset", ImportReport()) for row in found.rows] == [46, 47, 48]
    assert problems == []


@KINDS
def test_the_content_decides_and_not_the_ending(tmp_path: Path, kind: str) -> None:
    path = WRITERS[kind](tmp_path / f"s.{kind}", [HEADER, ["a", 1, ""]])
    found, _ = table(path.rename(tmp_path / "renamed.xls"))
    assert texts(found, "subject") == ["a"]


@pytest.mark.parametrize("kind", ["xls", "xlsx"])
def test_an_error_cell_is_reported(tmp_path: Path, kind: str) -> None:
    found, _ = table(WRITERS[kind](tmp_path / f"s.{kind}", [HEADER, ["a", "#REF!", ""]]))
    report = ImportReport()
    assert found.rows[0].frame("onset", report) is None
    assert [(p.code, p.row, p.column) for p in report.problems] == [("cell-is-an-error", 2, "onset")]


def test_cells_of_an_open_document_that_hold_no_plain_value(tmp_path: Path) -> None:
    cells = {
        "error": '<table:table-cell table:formula="of:=#REF!" office:value-type="string" office:string-value="" '
        'calcext:value-type="error"><text:p>#REF!</text:p></table:table-cell>',
        "formula": '<table:table-cell table:formula="of:=[.A1]+1"/>',
        "date": '<table:table-cell office:value-type="date" office:date-value="2024-02-01"/>',
        "time": '<table:table-cell office:value-type="time" office:time-value="PT01H02M00S"/>',
        "spans": '<table:table-cell office:value-type="string"><text:p>4<text:span>6</text:span></text:p>'
        "<office:annotation><text:p>a comment</text:p></office:annotation></table:table-cell>",
    }
    found, _ = table(trees.ods(tmp_path / "s.ods", [HEADER, *([name, cell] for name, cell in cells.items())]))
    report = ImportReport()
    assert [row.frame("onset", report) for row in found.rows] == [None, None, None, None, 46]
    assert [p.code for p in report.problems] == [
        "cell-is-an-error", "cell-not-computed", "cell-is-a-date", "cell-is-a-date",
    ]  # fmt: skip


@pytest.mark.parametrize("kind", ["xls", "xlsx"])
def test_a_date_of_excel_is_reported(tmp_path: Path, kind: str) -> None:
    rows = [HEADER, ["a", 1, ""]]
    if kind == "xlsx":
        path = book(tmp_path / "s.xlsx", lambda sheet: sheet.append(["a", date(2024, 2, 1)]))
    else:
        import xlwt

        workbook = xlwt.Workbook()
        sheet = workbook.add_sheet("Coding")
        for number, cells in enumerate(rows):
            for column, value in enumerate(cells):
                sheet.write(number, column, value)
        sheet.write(2, 0, "a")
        sheet.write(2, 1, date(2024, 2, 1), xlwt.easyxf(num_format_str="D-MMM"))
        path = tmp_path / "s.xls"
        workbook.save(str(path))
    found, _ = table(path)
    report = ImportReport()
    assert found.rows[-1].frame("onset", report) is None
    assert "The cell is a date (2024-02-01 00:00:00)" in report.problems[0].message


def test_a_formula_without_a_result_is_named_and_an_empty_result_is_empty(tmp_path: Path) -> None:
    path = book(tmp_path / "s.xlsx", lambda sheet: sheet.append(["a", "=1+45", "x"]))
    found, _ = table(path)
    report = ImportReport()
    assert found.rows[0].frame("onset", report) is None
    assert [(p.code, p.row, p.column) for p in report.problems] == [("cell-not-computed", 2, "onset")]
    assert "(=1+45)" in report.problems[0].message
    computed = changed(path, b"<v />", b"<v>46</v>")
    assert table(computed)[0].rows[0].frame("onset", report) == 46
    empty = changed(path, b'<c r="B2"><f>1+45</f><v />', b'<c r="B2" t="str"><f>IF(A2="","",1)</f><v></v>')
    assert table(empty)[0].rows[0].text("onset", report) == ""
    assert len(report.problems) == 1


def changed(path: Path, old: bytes, new: bytes) -> Path:
    """Write a copy of a workbook in which the XML of a worksheet is changed."""
    copy = path.with_name(f"changed-{path.name}")
    with zipfile.ZipFile(path) as before, zipfile.ZipFile(copy, "w") as after:
        for name in before.namelist():
            content = before.read(name)
            if name.endswith("sheet1.xml"):
                assert content.replace(old, new) != content
                content = content.replace(old, new)
            after.writestr(name, content)
    return copy


@KINDS
def test_a_merged_cell_counts_for_each_of_its_rows(tmp_path: Path, kind: str) -> None:
    rows = [HEADER, ["a", 1, "x"], [None, 2, "y"], [None, 3, "z"], ["b", 4, None]]
    path = tmp_path / f"s.{kind}"
    if kind == "xls":
        trees.xls(path, rows, merged=[(1, 3, 0)])
    elif kind == "ods":
        cell = '<table:table-cell table:number-rows-spanned="3" office:value-type="string"><text:p>a</text:p>'
        cell += "</table:table-cell>"
        trees.ods(path, [HEADER, [cell, 1, "x"], ["<table:covered-table-cell/>", 2, "y"], *rows[3:]])
    else:
        trees.xlsx(path, rows)
        workbook = load_workbook(path)
        workbook.active.merge_cells("A2:A4")
        workbook.save(path)
    found, (problem,) = table(path)
    assert texts(found, "subject") == ["a", "a", "a", "b"]
    assert (problem.severity, problem.code, problem.column) == ("info", "merged-cells", "subject")
    assert (
        "Column A “Subject” has merged cells (rows 2–4): their value counts for each of these rows."
        in problem.message
    )


def test_hidden_rows_and_hidden_worksheets_are_named(tmp_path: Path) -> None:
    def fill(sheet: Any) -> None:
        sheet.append(["a", 1])
        sheet.append(["b", 2])
        sheet.row_dimensions[3].hidden = True
        sheet.sheet_state = "hidden"
        sheet.parent.create_sheet("Front")

    found, problems = table(book(tmp_path / "s.xlsx", fill))
    assert texts(found, "subject") == ["a", "b"]
    assert [(p.severity, p.code) for p in problems] == [
        ("info", "rows-hidden"),
        ("warning", "worksheet-hidden"),
    ]
    assert "hidden or filtered out are read too: 1." in problems[0].message


def test_a_visible_worksheet_goes_before_a_hidden_one(tmp_path: Path) -> None:
    path = trees.xlsx(tmp_path / "s.xlsx", [HEADER, ["old", 1, ""]], New=[HEADER, ["new", 1, ""]])
    workbook = load_workbook(path)
    workbook.worksheets[0].sheet_state = "hidden"
    workbook.active = 1
    workbook.save(path)
    found, _ = table(path)
    assert texts(found, "subject") == ["new"]


@pytest.mark.parametrize("blank", [" ", "\u200b", "/", "-", None])
def test_a_worksheet_of_blanks_gives_way_to_one_with_rows(tmp_path: Path, blank: str | None) -> None:
    blanks = [[blank, blank, blank]] * 3
    found, _ = table(trees.xlsx(tmp_path / "s.xlsx", [HEADER, *blanks], Codes=[HEADER, ["a", 1, "x"]]))
    assert texts(found, "subject") == ["a"]


def test_notes_next_to_and_below_the_table_are_not_rows(tmp_path: Path) -> None:
    rows = [
        [*HEADER, None, None],
        ["a", 1, "x", None, "checked by Tom"],
        [None] * 4 + ["ask again"],
        ["b", 2, "y"],
    ]
    found, problems = table(trees.xlsx(tmp_path / "s.xlsx", rows))
    assert (texts(found, "subject"), problems) == (["a", "b"], [])


def test_formats_far_below_the_table_are_no_rows_and_a_value_there_is_named(tmp_path: Path) -> None:
    def fill(sheet: Any) -> None:
        sheet.append(["a", 1])
        sheet["A120000"].fill = PatternFill("solid", fgColor="FFFF00")

    assert len(table(book(tmp_path / "s.xlsx", fill))[0].rows) == 1
    with pytest.raises(InputError, match=r"more than 100,000 rows \(row 120,000 is not empty\)"):
        table(book(tmp_path / "far.xlsx", lambda sheet: sheet.cell(120_000, 1, "x")))


def test_a_value_in_the_last_column_needs_no_memory_for_those_between(tmp_path: Path) -> None:
    def fill(sheet: Any) -> None:
        sheet.append(["a", 1])
        sheet["XFD3"] = "far"

    assert len(table(book(tmp_path / "s.xlsx", fill))[0].rows) == 1


def test_repeated_rows_and_cells_of_an_open_document_are_bounded(tmp_path: Path) -> None:
    blank = (
        '<table:table-row table:number-rows-repeated="1048000"><table:table-cell table:number-columns-repeated="16384"/>'
        "</table:table-row>"
    )
    assert len(table(trees.ods(tmp_path / "s.ods", [HEADER, ["a", 1]], below=blank))[0].rows) == 1
    bomb = blank.replace("/>", ' office:value-type="float" office:value="1"/>')
    with pytest.raises(InputError, match="more than"):
        table(trees.ods(tmp_path / "bomb.ods", [HEADER, ["a", 1]], below=bomb))


def test_an_open_document_repeats_rows_that_are_equal(tmp_path: Path) -> None:
    row = (
        '<table:table-row table:number-rows-repeated="3"><table:table-cell office:value-type="string"><text:p>a</text:p>'
        '</table:table-cell><table:table-cell office:value-type="float" office:value="7"/></table:table-row>'
    )
    found, _ = table(trees.ods(tmp_path / "s.ods", [HEADER], below=row))
    assert [(r.number, r.frame("onset", ImportReport())) for r in found.rows] == [(2, 7), (3, 7), (4, 7)]


@pytest.mark.parametrize(
    "content",
    [
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(500),
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(range(256)) * 40,
    ],
)
def test_a_damaged_xls_is_an_input_error(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "s.xls").write_bytes(content)
    with pytest.raises(InputError, match=r"“s\.xls” is damaged or not a spreadsheet"):
        table(tmp_path / "s.xls")


def test_random_damage_to_an_xls_is_an_input_error_or_read(tmp_path: Path) -> None:
    good = trees.xls(tmp_path / "good.xls", [HEADER, *([str(n), n, "x"] for n in range(30))]).read_bytes()
    chance = random.Random(5)
    for _ in range(60):
        content = bytearray(good)
        for _ in range(chance.choice((1, 20))):
            content[chance.randrange(512, len(content))] = chance.randrange(256)
        (tmp_path / "s.xls").write_bytes(content)
        with suppress(InputError):
            table(tmp_path / "s.xls")


def test_a_password_and_a_binary_workbook_are_named(tmp_path: Path) -> None:
    path = trees.ods(tmp_path / "s.ods", [HEADER])
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("META-INF/manifest.xml", "<manifest:encryption-data/>")
    with pytest.raises(InputError, match="is protected by a password"):
        table(path)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("xl/workbook.bin", b"")
    (tmp_path / "s.xlsb").write_bytes(buffer.getvalue())
    with pytest.raises(InputError, match=r"is a binary workbook \(\.xlsb\). Save it as \.xlsx"):
        table(tmp_path / "s.xlsb")


@KINDS
@pytest.mark.parametrize("seed", range(4))
def test_random_tables_with_noise_are_read_as_they_were_written(tmp_path: Path, kind: str, seed: int) -> None:
    chance = random.Random(seed)
    order = chance.sample(["Subject", "OnsetF", "Notes"], 3)
    noise = chance.sample([0, 1, 2, 3], chance.randrange(3))  # places of columns that no one knows
    wanted = [
        (f"s{chance.randrange(40)}", chance.randrange(2**31), chance.choice(["", "x y", "張,;\"'", "4+12"]))
        for _ in range(chance.randrange(1, 40))
    ]

    def placed(cells: dict[str, Any], other: Any) -> list[Any]:
        row = [cells[name] for name in order]
        for place in noise:
            row.insert(min(place, len(row)), other)
        return row

    rows: list[list[Any]] = [["What this sheet is"]] * chance.randrange(4)
    rows.append(placed({name: name for name in order}, "Remark"))
    for subject, onset, note in wanted:
        rows += [[]] * chance.choice((0, 0, 1))
        blank, zero = (
            chance.choice(("", " ", "\u200b")),
            chance.choice((onset, float(onset), str(onset), f" {onset}")),
        )
        rows.append(
            placed(
                {"Subject": blank + subject, "OnsetF": zero, "Notes": note}, chance.choice((None, 1, "no"))
            )
        )
    found, problems = table(WRITERS[kind](tmp_path / f"s.{kind}", rows))
    report = ImportReport()
    assert [
        (row.text("subject", report), row.frame("onset", report), row.text("note", report))
        for row in found.rows
    ] == wanted
    assert (problems, report.problems) == ([], [])


def test_a_long_workbook_is_read(tmp_path: Path) -> None:
    found, _ = table(trees.xlsx(tmp_path / "s.xlsx", [HEADER, *([str(n), n, None] for n in range(20_000))]))
    assert len(found.rows) == 20_000


@pytest.mark.parametrize("name", ["s.xlsx", "s.ods", "s.zip"])
def test_a_file_whose_compressed_data_are_damaged_is_refused(name: str) -> None:
    file = io.BytesIO()
    inside = {"s.xlsx": "xl/workbook.xml", "s.ods": "content.xml", "s.zip": "s.eaf"}[name]
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        archive.writestr("[Content_Types].xml", "<Types/>")
        archive.writestr(inside, "<a>" + "text " * 400 + "</a>")
    content = bytearray(file.getvalue())
    start = content.rindex(inside.encode(), 0, content.index(b"PK\x01\x02")) + len(inside)
    content[start : start + 12] = b"\xff" * 12
    with pytest.raises(InputError, match="damaged"):
        annotations.read(name, bytes(content))
