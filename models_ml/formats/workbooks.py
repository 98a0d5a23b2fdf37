"""Workbooks as worksheets of numbered rows: .xlsx and .xlsm, .xls, and .ods.

openpyxl reads .xlsx and xlrd reads .xls: both name error cells and merged cells, and need memory only for cells with a
value. A value in merged cells counts for each of their rows.
"""

import io
import os
import re
import struct
import zipfile
import zlib
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from xml.etree.ElementTree import ParseError

import xlrd
import xlrd.xldate
from defusedxml.common import DefusedXmlException
from openpyxl import load_workbook
from openpyxl.utils.cell import column_index_from_string, coordinate_from_string
from openpyxl.utils.exceptions import InvalidFileException
from xlrd.biffh import XLRDError
from xlrd.compdoc import CompDocError

from models_ml.errors import InputError
from models_ml.formats.cells import Uncomputed
from models_ml.formats.headers import Cells
from models_ml.formats.opendocument import read_tables

OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"  # the container of .xls files and of encrypted .xlsx files
UNPACKED = 256 << 20  # bytes of a workbook's XML; a sheet of a few thousand rows has about 1 MB
MOST_ROWS, MOST_COLUMNS, MOST_CELLS = 100_000, 256, 5_000_000
_MOST_MERGED = 1_000_000  # cells that get their value from a merged cell
_MERGED = re.compile(rb'<(?:\w+:)?mergeCell\s[^>]*?ref="([A-Z]{1,3})(\d{1,7}):[A-Z]{1,3}(\d{1,7})"')
_FORMULA = re.compile(
    rb"<(?:\w+:)?c\s([^>]*)>\s*<(?:\w+:)?f(?:\s[^>]*)?(?:/>|>([^<]*)</(?:\w+:)?f>)"
    rb"\s*(?:<(?:\w+:)?v\s*/>|<(?:\w+:)?v>\s*</(?:\w+:)?v>)?\s*</(?:\w+:)?c>"
)
_ROW = re.compile(rb"<(?:\w+:)?row\s([^>]*)>")
# What openpyxl and xlrd raise for a damaged file.
_DAMAGE = (
    zipfile.BadZipFile, InvalidFileException, ParseError, DefusedXmlException, XLRDError, CompDocError,
    struct.error, AssertionError, KeyError, ValueError, TypeError, IndexError, AttributeError, EOFError, OSError,
    OverflowError, NotImplementedError, LookupError, RuntimeError, zlib.error,
)  # fmt: skip


@dataclass(frozen=True)
class Worksheet:
    """A worksheet: its title and its rows with any value, each with its number, from 1.

    ``merged`` holds first row, last row (both from 1) and column (from 0) of cells merged over several rows, whose value
    stands in each of the rows. ``hidden_rows`` counts rows that are hidden or filtered out. ``widths`` are the numbers of
    cells of the rows of a csv, by row number, with empty cells at their ends.
    """

    title: str
    rows: Sequence[tuple[int, Cells]]
    is_hidden: bool = False
    merged: Sequence[tuple[int, int, int]] = field(default=(), repr=False)
    hidden_rows: int = 0
    widths: Mapping[int, int] = field(default_factory=dict, repr=False)


def is_workbook(name: str, content: bytes) -> bool:
    """Return whether the file is a workbook, by its content; a file called .xls can be a text."""
    return content.startswith((b"PK", OLE)) or name.lower().endswith((".xlsx", ".xlsm", ".ods"))


def read_workbook(name: str, content: bytes) -> Iterator[Worksheet]:
    """Yield the worksheets. Raises InputError if the file is damaged, too large, or needs a password."""
    try:
        if content.startswith(OLE):
            yield from _xls(name, content)
            return
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            if sum(member.file_size for member in archive.infolist()) > UNPACKED:
                raise InputError(
                    f"The sheet “{name}” unpacks to more than {UNPACKED >> 20} MB: it was not read."
                )
            members = set(archive.namelist())
            if "content.xml" in members:
                yield from _ods(name, archive)
            elif "xl/workbook.bin" in members:
                raise InputError(f"The sheet “{name}” is a binary workbook (.xlsb). Save it as .xlsx or csv.")
            else:
                yield from _xlsx(name, content, archive)
    except _DAMAGE as error:
        if isinstance(error, InputError):
            raise
        raise InputError(
            f"The sheet “{name}” is damaged or not a spreadsheet. Open it in a spreadsheet program, save it as .xlsx or csv "
            "and import that."
        ) from error


def limited(rows: Iterable[tuple[int, Cells]], name: str) -> list[tuple[int, Cells]]:
    """Return the rows that have any value, up to the last one. Raises InputError if they are too many for a coding sheet."""
    kept: list[tuple[int, Cells]] = []
    cells_kept = 0
    for number, cells in rows:
        if number > MOST_ROWS:
            raise InputError(
                f"The sheet “{name}” has more than {MOST_ROWS:,} rows (row {number:,} is not empty): it is not a coding "
                "sheet. Delete what stands far below the table."
            )
        last = next((n for n in range(len(cells), 0, -1) if cells[n - 1] not in (None, "")), 0)
        if last:
            kept.append((number, cells[:last]))
            cells_kept += last
            if cells_kept > MOST_CELLS:
                raise InputError(
                    f"The sheet “{name}” has more than {MOST_CELLS:,} cells: it is not a coding sheet."
                )
    return kept


def _xlsx(name: str, content: bytes, archive: zipfile.ZipFile) -> Iterator[Worksheet]:
    workbook = load_workbook(io.BytesIO(content), read_only=True, data_only=True)  # XML through defusedxml
    for worksheet in workbook.worksheets:
        worksheet.reset_dimensions()  # the size that it states is often wrong
        found = limited(_with_values(worksheet.iter_rows(values_only=True, max_col=MOST_COLUMNS)), name)
        # openpyxl does not give merged cells, hidden rows and missing results while it streams
        xml = archive.read(worksheet._worksheet_path)  # type: ignore[attr-defined]
        merged = [
            (int(first), int(last), column_index_from_string(column.decode()) - 1)
            for column, first, last in _MERGED.findall(xml)
            if first != last
        ]
        hidden = {int(row[1]) for row in map(_hidden_row, _ROW.findall(xml)) if row}
        yield _worksheet(
            name,
            worksheet.title,
            _with_formulas(found, xml),
            worksheet.sheet_state != "visible",
            merged,
            sum(number in hidden for number, _ in found),
        )


def _hidden_row(attributes: bytes) -> "re.Match[bytes] | None":
    if not re.search(rb'\bhidden="(?:1|true)"', attributes):
        return None
    return re.search(rb'(?<!\w)r="(\d{1,7})"', attributes)


def _with_values(rows: Iterable[Cells]) -> Iterator[tuple[int, Cells]]:
    """Number the rows; blank ones far below the table, as formats leave them behind, do not count."""
    for number, cells in enumerate(rows, 1):
        if number <= MOST_ROWS or any(cell is not None for cell in cells):
            yield number, cells


def _with_formulas(rows: list[tuple[int, Cells]], xml: bytes) -> list[tuple[int, Cells]]:
    """Return the rows with each formula that has no result. An empty text (t="str") is a result."""
    formulas: dict[int, dict[int, Uncomputed]] = {}
    for attributes, formula in _FORMULA.findall(xml):
        place = re.search(rb'(?<!\w)r="([A-Z]{1,3}\d{1,7})"', attributes)
        if place and b't="str"' not in attributes:
            column, row = coordinate_from_string(place[1].decode())
            found = formulas.setdefault(row, {})
            found[column_index_from_string(column) - 1] = Uncomputed(formula.decode("utf-8", "replace"))
    if not formulas:
        return rows
    by_number = {number: list(cells) for number, cells in rows}
    for row, found in formulas.items():
        if row > MOST_ROWS:
            continue
        cells = by_number.setdefault(row, [])
        for position, formula in found.items():
            if position < MOST_COLUMNS:
                _put(cells, position, formula)
    return sorted(by_number.items())


def _xls(name: str, content: bytes) -> Iterator[Worksheet]:
    with open(os.devnull, "w") as silence:  # noqa: PTH123 (xlrd prints its remarks)
        try:
            book = xlrd.open_workbook(
                file_contents=content, formatting_info=True, ragged_rows=True, logfile=silence
            )
        except XLRDError as error:
            if "encrypted" in str(error).lower() or "EncryptedPackage".encode("utf-16-le") in content:
                raise InputError(
                    f"The sheet “{name}” is protected by a password. Save it without a password and import it again."
                ) from error
            raise
    for sheet in book.sheets():
        rows = limited(
            (
                (number + 1, [_xls_value(cell, book.datemode) for cell in sheet.row(number)[:MOST_COLUMNS]])
                for number in range(sheet.nrows)
            ),
            name,
        )
        merged = [
            (first + 1, last, column) for first, last, column, _ in sheet.merged_cells if last - first > 1
        ]
        hidden = sum(
            (info := sheet.rowinfo_map.get(number - 1)) is not None and bool(info.hidden)
            for number, _ in rows
        )
        yield _worksheet(name, sheet.name, rows, sheet.visibility != 0, merged, hidden)


def _xls_value(cell: Any, datemode: Any) -> Any:
    if cell.ctype == xlrd.XL_CELL_DATE:
        try:
            return xlrd.xldate.xldate_as_datetime(cell.value, datemode)
        except (ValueError, OverflowError):
            return cell.value
    if cell.ctype == xlrd.XL_CELL_BOOLEAN:
        return bool(cell.value)
    if cell.ctype == xlrd.XL_CELL_ERROR:
        return xlrd.error_text_from_code.get(cell.value, "#N/A")
    return None if cell.ctype in (xlrd.XL_CELL_EMPTY, xlrd.XL_CELL_BLANK) else cell.value


def _ods(name: str, archive: zipfile.ZipFile) -> Iterator[Worksheet]:
    if "META-INF/manifest.xml" in archive.namelist() and b"encryption-data" in archive.read(
        "META-INF/manifest.xml"
    ):
        raise InputError(
            f"The sheet “{name}” is protected by a password. Save it without a password and import it again."
        )
    with archive.open("content.xml") as content:
        for table in read_tables(content, MOST_COLUMNS):
            numbered = (
                (number + index, cells) for number, cells, repeated in table.rows for index in range(repeated)
            )
            rows = limited(numbered, name)
            yield _worksheet(name, table.title, rows, False, table.merged, table.hidden_rows)


def _worksheet(
    name: str,
    title: str,
    rows: list[tuple[int, Cells]],
    is_hidden: bool,
    merged: list[tuple[int, int, int]],
    hidden_rows: int,
) -> Worksheet:
    return Worksheet(title, _fill_merged(rows, merged, name), is_hidden, merged, hidden_rows)


def _fill_merged(
    rows: list[tuple[int, Cells]], merged: Sequence[tuple[int, int, int]], name: str
) -> list[tuple[int, Cells]]:
    """Return the rows with the value of merged cells in each of their rows that has any other value."""
    numbers = [number for number, _ in rows]
    filled = 0
    for first, last, column in merged:
        start, end = bisect_left(numbers, first), bisect_right(numbers, last)
        if start == end or numbers[start] != first or column >= len(rows[start][1]):
            continue
        value = rows[start][1][column]
        filled += end - start
        if filled > _MOST_MERGED:
            raise InputError(f"The sheet “{name}” has too many merged cells: it is not a coding sheet.")
        for index in range(start + 1, end):
            number, cells = rows[index]
            copied = list(cells)
            _put(copied, column, value)
            rows[index] = number, copied
    return rows


def _put(cells: list[Any], position: int, value: Any) -> None:
    """Put a value into a row if there is none."""
    cells += [None] * (position + 1 - len(cells))
    if cells[position] in (None, ""):
        cells[position] = value
