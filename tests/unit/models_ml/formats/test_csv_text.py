"""Coding sheets as text: encodings, delimiters and quotes."""

from pathlib import Path

import pytest

from models_ml.errors import InputError
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


def table(path: Path) -> tuple[SheetTable, list[Problem]]:
    report = ImportReport()
    return read_table(Sheet(path.name, path.read_bytes()), COLUMNS, report), report.problems


def written(path: Path, subject: str, encoding: str, delimiter: str = ",") -> Path:
    return trees.table(path, [["Subject", "OnsetF", "Notes"], [subject, 46, "x"]], delimiter, encoding)


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_unicode_is_read_without_a_remark(tmp_path: Path, encoding: str, delimiter: str) -> None:
    found, problems = table(written(tmp_path / "s.csv", "Jürgen 張", encoding, delimiter))
    assert (found.rows[0].cells["subject"], found.rows[0].cells["onset"], problems) == ("Jürgen 張", "46", [])


@pytest.mark.parametrize("encoding", ["gbk", "gb18030"])
def test_the_encoding_of_chinese_windows_is_read_and_named(tmp_path: Path, encoding: str) -> None:
    found, (problem,) = table(written(tmp_path / "s.csv", "被试一号", encoding))
    assert found.rows[0].cells["subject"] == "被试一号"
    assert (problem.severity, problem.code, problem.file) == ("warning", "encoding-assumed", "s.csv")
    assert "read in GB18030, the encoding of Chinese Windows, for example “被试一号”" in problem.message


@pytest.mark.parametrize(
    ("subject", "encoding"),
    [("Jürgen Groß", "latin-1"), ("Größe", "latin-1"), ("Jürgen", "cp1252"), ("被験者ひとり", "shift-jis")],
)
def test_another_encoding_is_not_guessed(tmp_path: Path, subject: str, encoding: str) -> None:
    with pytest.raises(InputError, match=r"its encoding cannot be recognised\. Save it as “CSV UTF-8”"):
        table(written(tmp_path / "s.csv", subject, encoding))


def test_half_a_character_of_utf16_is_damage(tmp_path: Path) -> None:
    (tmp_path / "s.csv").write_bytes("Subject,OnsetF\r\n".encode("utf-16")[:-1])
    with pytest.raises(InputError, match="starts like a UTF-16 text, but cannot be decoded"):
        table(tmp_path / "s.csv")


def test_line_breaks_and_delimiters_in_quotes_stay_in_their_cell(tmp_path: Path) -> None:
    rows = [["Subject", "OnsetF", "Notes"], ["a", 1, "two\nlines; and, more"], ["b", 2, ""]]
    found, problems = table(trees.table(tmp_path / "s.csv", rows, delimiter=";"))
    assert [(r.number, r.cells["subject"]) for r in found.rows] == [(2, "a"), (3, "b")]
    assert (found.rows[0].text("note", ImportReport()), problems) == ("two lines; and, more", [])


def test_a_text_that_excel_calls_xls_is_read_as_text(tmp_path: Path) -> None:
    found, _ = table(written(tmp_path / "s.xls", "a", "utf-16", "\t"))
    assert found.rows[0].cells["subject"] == "a"


def test_an_unclosed_quote_says_that_the_sheet_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "s.csv").write_text('Subject,OnsetF\na,"' + "x" * 200_000)
    with pytest.raises(InputError, match=r"“s\.csv” cannot be read as csv: field larger"):
        table(tmp_path / "s.csv")


@pytest.mark.parametrize(
    "rows",
    [
        'a,46,"weird\nb,47,x\nc,48,y\n',
        'a,46,"weird\nb,47,x\nc,48,"y\nd,49,z\n',
    ],
)
def test_a_quotation_mark_that_is_not_closed_swallows_no_rows(tmp_path: Path, rows: str) -> None:
    (tmp_path / "s.csv").write_text(f"Subject,OnsetF,Notes\n{rows}")
    with pytest.raises(
        InputError, match=r"Row 2 of the sheet “s\.csv” has a quotation mark that is not closed"
    ):
        table(tmp_path / "s.csv")


def test_a_cell_of_several_lines_is_one_cell(tmp_path: Path) -> None:
    (tmp_path / "s.csv").write_text('Subject,OnsetF,Notes\na,46,"sure,\nor not"\nb,47,\n')
    found, problems = table(tmp_path / "s.csv")
    assert ([row.cells["onset"] for row in found.rows], problems) == (["46", "47"], [])


def test_a_row_that_is_longer_than_the_header_is_shifted(tmp_path: Path) -> None:
    (tmp_path / "s.csv").write_text("AU,Subject,OnsetF,Notes,\n4,7,a,46,x,y\n4,b,47,x,y\n4+7,c,48\n")
    found, (problem,) = table(tmp_path / "s.csv")
    assert [row.cells["onset"] for row in found.rows] == ["47", "48"]
    assert (problem.severity, problem.code, problem.row) == ("error", "row-too-long", 2)
    assert "The row has 6 cells, but the header has 5" in problem.message
