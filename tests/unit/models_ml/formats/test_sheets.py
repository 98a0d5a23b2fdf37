"""Coding sheets: headers in any row, cells of any type, and files that are not sheets."""

import io
import zipfile
from datetime import datetime
from pathlib import Path

import pytest
from openpyxl import Workbook

from models_ml.errors import InputError
from models_ml.formats.base import Sheet
from models_ml.formats.cells import SheetRow, Uncomputed
from models_ml.formats.headers import Column
from models_ml.formats.report import ImportReport
from models_ml.formats.sheets import SheetTable, read_table
from tests import trees

COLUMNS = (
    Column("subject", ("Subject",)),
    Column("onset", ("Onset Frame", "OnsetF")),
    Column("note", ("Notes",), required=False),
)


def table(path: Path) -> SheetTable:
    return read_table(Sheet(path.name, path.read_bytes()), COLUMNS, ImportReport())


def row(value: object) -> SheetRow:
    return SheetRow(7, {"onset": value, "subject": value}, "codes.xlsx")


@pytest.mark.parametrize("name", ["Onset Frame", "onset_frame", " ONSETFRAME ", "OnsetF"])
def test_a_column_is_found_under_each_spelling_of_its_name(tmp_path: Path, name: str) -> None:
    found = table(trees.xlsx(tmp_path / "s.xlsx", [[name, "Subject"], [5, "a"]]))
    assert found.rows[0].frame("onset", ImportReport()) == 5


def test_rows_have_the_numbers_of_the_spreadsheet_despite_text_and_blank_rows(tmp_path: Path) -> None:
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    sheet["A2"] = "Codes of the subject"
    sheet["B5"], sheet["C5"] = "Subject", "OnsetF"
    sheet["B6"], sheet["C6"] = "a", 1
    sheet["B9"], sheet["C9"] = "b", 2
    book.save(tmp_path / "s.xlsx")
    assert [(r.number, r.text("subject", ImportReport())) for r in table(tmp_path / "s.xlsx").rows] == [
        (6, "a"),
        (9, "b"),
    ]


def test_the_worksheet_that_has_the_columns_is_read(tmp_path: Path) -> None:
    path = trees.xlsx(tmp_path / "s.xlsx", [["Read me"]], Codes=[["Subject", "OnsetF"], ["a", 1]])
    assert len(table(path).rows) == 1


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_csv_with_any_usual_delimiter_and_a_byte_order_mark(tmp_path: Path, delimiter: str) -> None:
    path = trees.table(tmp_path / "s.csv", [["Subject", "OnsetF", "Notes"], ["a", "46", "ü, ö"]], delimiter)
    found = table(path)
    assert (found.rows[0].number, found.rows[0].text("note", ImportReport())) == (2, "ü, ö")


@pytest.mark.parametrize(("value", "frame"), [(46, 46), (46.0, 46), ("46 ", 46), ("46.0", 46), ("0046", 46)])
def test_frame_numbers_in_all_usual_forms(value: object, frame: int) -> None:
    report = ImportReport()
    assert row(value).frame("onset", report) == frame
    assert report.problems == []


@pytest.mark.parametrize("value", [None, "", " ", "/", "-", "NaN", "N/A", float("nan")])
def test_a_cell_that_says_there_is_no_frame(value: object) -> None:
    report = ImportReport()
    assert row(value).frame("onset", report) is None
    assert report.problems == []


@pytest.mark.parametrize("value", ["46a", 46.5, -3, "TRUE", "1e3", "frame 46", "45,6", "²", "٤٦"])
def test_a_text_that_is_not_a_frame_number_is_reported_with_file_row_and_column(value: object) -> None:
    report = ImportReport()
    assert row(value).frame("onset", report) is None
    (problem,) = report.problems
    assert (problem.code, problem.file, problem.row, problem.column) == (
        "not-a-frame-number",
        "codes.xlsx",
        7,
        "onset",
    )
    assert f"“{value}” in the column of the onset is not a frame number" in problem.message


@pytest.mark.parametrize("value", [2**31, 17_000_000_000.0, "1700000000000", "1700000000000.00", "9" * 4000])
def test_a_number_too_large_for_a_frame_is_refused_in_words(value: object) -> None:
    report = ImportReport()
    assert row(value).frame("onset", report) is None
    (problem,) = report.problems
    assert (problem.row, problem.column) == (7, "onset")
    assert (
        "is not a frame number: the largest is 2,147,483,647. If the column holds time stamps"
        in problem.message
    )
    assert row(2**31 - 1).frame("onset", report) == 2**31 - 1


@pytest.mark.parametrize("value", ["5,562", "5.562", "5’562", "5 562"])
def test_a_number_with_a_separator_may_be_a_thousand_or_a_fraction(value: str) -> None:
    report = ImportReport()
    assert row(value).frame("onset", report) is None
    assert "it may be a number with a thousands separator, or not a whole one" in report.problems[0].message


@pytest.mark.parametrize("value", [0, "0", 0.0, "0.0", "-1", -1, -1.0])
def test_what_a_database_writes_for_no_frame_is_none_and_a_fraction_is_not(value: object) -> None:
    report = ImportReport()
    assert row(value).frame("onset", report, frozenset(("0", "-1"))) is None
    assert report.problems == []
    assert row(0.7).frame("onset", report, frozenset("0")) is None
    assert "“0.7” in the column of the onset is not a frame number" in report.problems[0].message


def test_an_error_a_missing_result_and_a_boolean_are_never_empty_without_a_word() -> None:
    report = ImportReport()
    assert row("#REF!").text("subject", report) == row(" #n/a").text("subject", report) == ""
    assert row(Uncomputed("A2+1")).text("subject", report) == ""
    assert row(Uncomputed("A2+1")).frame("onset", report) is None
    assert row(True).text("subject", report) == "TRUE"
    assert [(p.severity, p.code, p.row) for p in report.problems] == [
        ("error", "cell-is-an-error", 7),
        ("error", "cell-is-an-error", 7),
        ("error", "cell-not-computed", 7),
        ("error", "cell-not-computed", 7),
    ]
    assert report.problems[0].message.startswith("The cell holds #REF!, the error of a formula.")
    assert (
        "a formula that was never computed (=A2+1). Open the file in a spreadsheet"
        in report.problems[2].message
    )


def test_a_strict_row_is_refused_for_a_cell_that_cannot_be_read() -> None:
    report = ImportReport()
    SheetRow(7, {"onset": "46a"}, "codes.xlsx", strict=True).frame("onset", report)
    assert report.problems[0].message.endswith("The row is not imported.")


def test_a_date_by_accident_is_reported(tmp_path: Path) -> None:
    report = ImportReport()
    assert row(datetime(2024, 1, 2)).text("subject", report) == ""
    assert row(datetime(2024, 1, 2)).frame("onset", report) is None
    assert [(p.code, p.column) for p in report.problems] == [
        ("cell-is-a-date", "subject"),
        ("cell-is-a-date", "onset"),
    ]


def test_numbers_as_text() -> None:
    report = ImportReport()
    assert [row(v).text("subject", report) for v in (6, 6.0, "006", " a  b ", None)] == [
        "6",
        "6",
        "006",
        "a b",
        "",
    ]


def test_invisible_characters_and_full_width_signs_are_read() -> None:
    report = ImportReport()
    assert row("\u200bEP02\u200b_01f\ufeff").text("subject", report) == "EP02_01f"
    assert row("録画（１）").text("subject", report) == "録画（１）"  # a name
    assert SheetRow(7, {"action_units": "４＋L１０"}, "").text("action_units", report) == "4+L10"
    for value in ("\u200b46", "４６", "４６．０", "46\u2060", "46\u200e", "\u202a46\u202c"):
        assert row(value).frame("onset", report) == 46
    for value in ("\u200b", "／", "－"):
        assert row(value).frame("onset", report) is None
    assert report.problems == []


def test_a_cell_that_is_not_a_frame_number_says_what_happens() -> None:
    report = ImportReport()
    row("46a").frame("onset", report)
    assert report.problems[0].message.endswith("The onset counts as missing.")


@pytest.mark.parametrize("content", [b"PK\x03\x04 broken", b"PK", b"", b"Subject", b"Subject,OnsetF\0"])
def test_a_file_that_is_not_a_sheet_is_an_input_error(tmp_path: Path, content: bytes) -> None:
    for name in ("s.xlsx", "s.csv"):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(InputError, match=f"The sheet “{name}”"):
            table(tmp_path / name)


def test_a_zip_that_is_not_a_workbook_is_an_input_error(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "s.xlsx", "w") as archive:
        archive.writestr("a.txt", "b")
    with pytest.raises(InputError, match="is damaged"):
        table(tmp_path / "s.xlsx")


def test_a_workbook_with_an_entity_bomb_is_refused(tmp_path: Path) -> None:
    good = trees.xlsx(tmp_path / "good.xlsx", [["Subject", "OnsetF"], ["a", 1]]).read_bytes()
    bomb = b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaa">]><worksheet>&a;</worksheet>'
    with zipfile.ZipFile(io.BytesIO(good)) as old, zipfile.ZipFile(tmp_path / "s.xlsx", "w") as new:
        for name in old.namelist():
            new.writestr(name, bomb if name.endswith("sheet1.xml") else old.read(name))
    with pytest.raises(InputError, match="is damaged"):
        table(tmp_path / "s.xlsx")


def test_a_workbook_that_states_a_wrong_size_is_read_completely(tmp_path: Path) -> None:
    good = trees.xlsx(tmp_path / "good.xlsx", [["Subject", "OnsetF"], ["a", 1], ["b", 2]]).read_bytes()
    with zipfile.ZipFile(io.BytesIO(good)) as old, zipfile.ZipFile(tmp_path / "s.xlsx", "w") as new:
        for name in old.namelist():
            new.writestr(name, old.read(name).replace(b'<dimension ref="A1:B3"', b'<dimension ref="A1"'))
    assert len(table(tmp_path / "s.xlsx").rows) == 2
