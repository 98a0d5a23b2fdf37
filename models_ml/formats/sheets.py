"""Coding sheets as tables: xlsx and csv, with the header in any row.

Official sheets have text above the header (SAMM: thirteen rows), columns without a name (CASME II: two), different names
for one column ("Onset Frame", "OnsetFrame", "OnsetF") and cells of all types. Row numbers are the spreadsheet's own.
"""

import csv
import io
import re
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, time
from typing import Any
from xml.etree.ElementTree import ParseError

from defusedxml.common import DefusedXmlException
from openpyxl import load_workbook
from openpyxl.utils.exceptions import InvalidFileException

from models_ml.errors import InputError
from models_ml.formats.base import Sheet, Tree
from models_ml.formats.headers import (
    PLACEHOLDERS,
    Cells,
    Column,
    Header,
    Rows,
    UnclearColumnsError,
    choose_columns,
    find_header,
)
from models_ml.formats.report import ImportReport, listed

_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"  # the container of .xls files and of encrypted .xlsx files
_LARGEST = 64 << 20  # bytes of a sheet
_UNPACKED = 256 << 20  # bytes of its XML; a sheet of a few thousand rows has about 1 MB
_MOST_ROWS, _MOST_COLUMNS = 100_000, 256
_HEADER_WITHIN = 100
# Never part of a name, unlike the zero-width joiners; the ranges are marks of the writing direction.
_INVISIBLE = dict.fromkeys(
    (0x00AD, 0x200B, 0x200E, 0x200F, *range(0x202A, 0x202F), 0x2060, *range(0x2066, 0x206A), 0xFEFF)
)
_FULL_WIDTH = {
    code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)
}  # as East Asian keyboards type digits and signs


def plain(value: object) -> str:
    """Return a value as text without invisible characters and full-width signs; not for names, which may contain them.

    >>> plain("４＋Ｌ１０"), plain("４６")
    ('4+L10', '46')
    """
    return str(value).translate(_INVISIBLE | _FULL_WIDTH)


@dataclass(frozen=True)
class SheetRow:
    """One data row: its number in the spreadsheet, and its cells by the keys of their columns."""

    number: int
    cells: dict[str, Any]
    file: str

    def text(self, key: str, report: ImportReport) -> str:
        """Return a cell as text without outer blanks and invisible characters; action units also without full-width signs.

        6.0 is "6"; a date is reported and counts as empty.
        """
        value = self.cells.get(key)
        if isinstance(value, (date, time)):  # datetime is a date
            report.error(
                "cell-is-a-date",
                f"The cell is a date ({value}), because the spreadsheet program converted a name or number to one. "
                "It counts as empty. Format the column as text and enter the value again.",
                file=self.file,
                row=self.number,
                column=key,
            )
            return ""
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        written = plain(value) if key == "action_units" else str(value).translate(_INVISIBLE)
        text = " ".join(written.split()) if value is not None else ""
        return "" if text.lower() in PLACEHOLDERS - {"-", "?", "na"} else text

    def frame(self, key: str, report: ImportReport, none: frozenset[str] = frozenset()) -> int | None:
        """Return a cell as a frame number; None if it is empty or says so ("/"). Other texts are reported and give None.

        ``none``: what this database writes if there is no frame ("0" in CAS(ME)², whose frames count from 1).
        """
        value = self.cells.get(key)
        if isinstance(value, bool) or (isinstance(value, float) and value != value):
            value = None if value != value else str(value)
        if isinstance(value, (date, time)):
            self.text(key, report)
            return None
        text = plain(value).strip() if value is not None else ""
        if text.lower() in PLACEHOLDERS or text.partition(".")[0] in none:
            return None
        if re.fullmatch(r"\d{1,9}(?:\.0*)?", text):
            return int(text.partition(".")[0])
        report.error(
            "not-a-frame-number",
            f"“{text}” in the column of the {key} is not a frame number: expected a whole number, or “/” if there is none. "
            f"The {key} counts as missing.",
            file=self.file,
            row=self.number,
            column=key,
        )
        return None


@dataclass(frozen=True)
class SheetTable:
    """The rows below the header of a worksheet."""

    name: str
    columns: frozenset[str]  # keys found
    rows: tuple[SheetRow, ...]


def read_table(sheet: Sheet, columns: Sequence[Column], report: ImportReport) -> SheetTable:
    """Return the rows of the first worksheet that has all required columns; one with rows goes before one without.

    The report names columns that could also be meant and worksheets that are not read. Raises InputError if no worksheet
    has the columns (the message names the file, the columns found and the columns expected), and UnclearColumnsError
    if two columns could be meant.
    """
    nearest: Header | None = None
    tables: list[tuple[str, Header, Rows]] = []
    others: list[tuple[str, int]] = []  # title and rows of worksheets without the columns
    for title, rows in _readable(sheet, tables, report):
        header = find_header(rows[:_HEADER_WITHIN], columns)
        if header is not None and not header.missing:
            tables.append((title, header, rows[header.index + 1 :]))
            if not title:
                break  # a csv: the delimiter fits
            continue
        others.append((title, len(rows)))
        if header is not None and (nearest is None or len(header.candidates) > len(nearest.candidates)):
            nearest = header
    if not tables:
        raise _without_columns(sheet, columns, nearest)
    title, header, below = next((table for table in tables if table[2]), tables[0])
    positions = choose_columns(header, below, columns, sheet.name, report)
    data = tuple(_data(below, positions, sheet.name))
    if title:
        alike = [(name, len(rows)) for name, _, rows in tables if name != title]
        report_unread_worksheets(sheet.name, (title, len(data)), alike, others, report)
    return SheetTable(sheet.name, frozenset(positions), data)


def _readable(
    sheet: Sheet, tables: Sequence[tuple[str, Header, Rows]], report: ImportReport
) -> Iterator[tuple[str, list[tuple[int, Cells]]]]:
    """Yield the worksheets. One that cannot be read is an InputError only as long as no table was found before it."""
    try:
        yield from worksheets(sheet)
    except InputError as error:
        if not tables:
            raise
        report.warning(
            "worksheet-not-read",
            f"The worksheets after “{tables[-1][0]}” are not read: {error}",
            file=sheet.name,
        )


def _without_columns(sheet: Sheet, columns: Sequence[Column], nearest: Header | None) -> InputError:
    wanted = listed([c.names[0] for c in columns if c.required], 20)
    if nearest is None:
        return InputError(
            f"The sheet “{sheet.name}” has no header: none of its first {_HEADER_WITHIN} rows names the columns. "
            f"Expected the columns {wanted}."
        )
    missing = list(nearest.missing)
    return InputError(
        f"{'Column' if len(missing) == 1 else 'Columns'} {listed(missing, 20)} not found in the sheet “{sheet.name}”. "
        f"Found: {listed(nearest.named(), 20)}. Expected: {wanted}."
    )


def report_unread_worksheets(
    file: str,
    read: tuple[str, int],
    alike: Sequence[tuple[str, int]],
    others: Sequence[tuple[str, int]],
    report: ImportReport,
) -> None:
    """Name the worksheets with rows that are not read: a warning if one of them could be meant (``alike``).

    Each worksheet is given by its title and its number of rows.
    """
    unread = [f"“{title}” ({_rows(count)})" for title, count in (*alike, *others) if count]
    if not unread:
        return
    message = f"The worksheet “{read[0]}” ({_rows(read[1])}) is read. Not read: {listed(unread, 20)}."
    if any(count for _, count in alike):
        report.warning(
            "worksheet-not-read",
            f"{message} If another worksheet is meant, move it to the first place or save it as a file of its own, and "
            "import that.",
            file=file,
        )
    else:
        report.info("worksheet-not-read", message, file=file)


def _rows(count: int) -> str:
    return "1 row" if count == 1 else f"{count:,} rows"


def find_table(
    tree: Tree, sheet: Sheet | None, columns: Sequence[Column], what: str, report: ImportReport
) -> SheetTable:
    """Return the table of the given sheet, else of the only sheet in the tree that has the columns.

    Raises InputError if no sheet or several sheets have them. ``what`` describes the sheet ("the coding sheet of SAMM").
    """
    if sheet is not None:
        return read_table(sheet, columns, report)
    names = sheet_names(tree)
    tables: dict[str, tuple[SheetTable, ImportReport]] = {}
    unclear: dict[str, UnclearColumnsError] = {}
    reasons: list[str] = []
    for name in names[:40]:
        own = ImportReport()
        try:
            tables[name] = read_table(load_sheet(tree, name), columns, own), own
        except UnclearColumnsError as error:
            unclear[name] = error
        except InputError as error:
            reasons.append(str(error))
    if len(tables) + len(unclear) > 1:
        raise InputError(
            f"“{tree.name}” contains several sheets that could be {what}: {listed([*tables, *unclear])}. "
            "Choose one of them."
        )
    for refusal in unclear.values():
        raise refusal
    for table, own in tables.values():
        report.problems += own.problems
        return table
    if len(names) == 1:
        raise InputError(reasons[0])
    others = f" None of these is it: {listed(names)}." if names else ""
    raise InputError(f"No sheet in “{tree.name}” is {what}.{others} Choose the file of the sheet.")


def sheet_names(tree: Tree) -> list[str]:
    """Return the paths of the spreadsheets in a tree, the nearest to its root first."""
    names = [
        path
        for path in tree.files()
        if path.lower().endswith((".xlsx", ".csv", ".xls"))
        and not path.rpartition("/")[2].startswith(("~$", "."))
    ]
    return sorted(names, key=lambda path: (path.count("/"), path))


def load_sheet(tree: Tree, path: str) -> Sheet:
    """Read a sheet of the tree."""
    with tree.open(path) as file:
        return Sheet(path, file.read(_LARGEST + 1))


def worksheets(sheet: Sheet) -> Iterator[tuple[str, list[tuple[int, Cells]]]]:
    """Yield title and numbered rows (from 1, as in a spreadsheet) of each worksheet; of a csv, once per delimiter.

    Raises InputError for a file that is neither an intact xlsx nor a csv in UTF-8.
    """
    name, content = sheet.name, sheet.content
    if len(content) > _LARGEST:
        raise InputError(f"The sheet “{name}” is larger than {_LARGEST >> 20} MB: it is not a coding sheet.")
    if content.startswith(_OLE) or name.lower().endswith(".xls"):
        raise InputError(
            f"The sheet “{name}” is in the old .xls format or protected by a password. Open it in a spreadsheet program "
            "and save it as .xlsx without a password."
        )
    if content.startswith(b"PK") or name.lower().endswith(".xlsx"):
        yield from _xlsx(name, content)
    else:
        yield from _csv(name, content)


def _xlsx(name: str, content: bytes) -> Iterator[tuple[str, list[tuple[int, Cells]]]]:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            if sum(member.file_size for member in archive.infolist()) > _UNPACKED:
                raise InputError(
                    f"The sheet “{name}” unpacks to more than {_UNPACKED >> 20} MB: it was not read."
                )
        workbook = load_workbook(
            io.BytesIO(content), read_only=True, data_only=True
        )  # XML through defusedxml
        for worksheet in workbook.worksheets:
            worksheet.reset_dimensions()  # the size that it states is often wrong
            yield (
                worksheet.title,
                _limited(enumerate(worksheet.iter_rows(values_only=True, max_col=_MOST_COLUMNS), 1), name),
            )
    except (zipfile.BadZipFile, InvalidFileException, KeyError, ParseError, DefusedXmlException) as error:
        raise _damaged(name) from error
    except (ValueError, TypeError, IndexError, AttributeError, EOFError, OSError) as error:
        if isinstance(error, InputError):
            raise
        raise _damaged(name) from error  # openpyxl raises many types for a damaged workbook


def _damaged(name: str) -> InputError:
    return InputError(
        f"The sheet “{name}” is damaged and cannot be read as .xlsx. Save it again as .xlsx or csv."
    )


def _csv(name: str, content: bytes) -> Iterator[tuple[str, list[tuple[int, Cells]]]]:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(
            f"The sheet “{name}” is not in UTF-8. Save it as “CSV UTF-8”, or as .xlsx."
        ) from error
    if "\0" in text:
        raise InputError(f"The sheet “{name}” is not a text file. Save it as “CSV UTF-8”, or as .xlsx.")
    for delimiter in ",;\t":
        try:
            yield (
                "",
                _limited(enumerate(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter), 1), name),
            )
        except csv.Error as error:
            raise InputError(f"The sheet “{name}” cannot be read as csv: {error}.") from error


def _limited(rows: Iterable[tuple[int, Cells]], name: str) -> list[tuple[int, Cells]]:
    kept: list[tuple[int, Cells]] = []
    for number, cells in rows:
        if number > _MOST_ROWS:
            raise InputError(
                f"The sheet “{name}” has more than {_MOST_ROWS:,} rows: it is not a coding sheet."
            )
        if any(cell not in (None, "") for cell in cells):
            kept.append((number, cells))
    return kept


def _data(rows: Iterable[tuple[int, Cells]], positions: dict[str, int], file: str) -> Iterator[SheetRow]:
    for number, cells in rows:
        found = {key: cells[position] for key, position in positions.items() if position < len(cells)}
        if any(str(value).strip() for value in found.values() if value is not None):
            yield SheetRow(number, found, file)
