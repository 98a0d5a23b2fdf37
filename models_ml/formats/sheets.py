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
from models_ml.formats.report import ImportReport, listed

_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"  # the container of .xls files and of encrypted .xlsx files
_LARGEST = 64 << 20  # bytes of a sheet
_UNPACKED = 256 << 20  # bytes of its XML; a sheet of a few thousand rows has about 1 MB
_MOST_ROWS, _MOST_COLUMNS = 100_000, 256
_HEADER_WITHIN = 100
_EMPTY = {"", "/", "\\", "-", "–", "—", "nan", "none", "null", "n/a", "na", "?"}

Cells = Sequence[Any]


@dataclass(frozen=True)
class Column:
    """A column to read: our key for it, the names that sheets give it, and whether a sheet must have it."""

    key: str
    names: tuple[str, ...]
    required: bool = True


@dataclass(frozen=True)
class SheetRow:
    """One data row: its number in the spreadsheet, and its cells by the keys of their columns."""

    number: int
    cells: dict[str, Any]
    file: str

    def text(self, key: str, report: ImportReport) -> str:
        """Return a cell as text without outer blanks. 6.0 is "6"; a date is reported and counts as empty."""
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
        text = " ".join(str(value).split()) if value is not None else ""
        return "" if text.lower() in _EMPTY - {"-", "?", "na"} else text

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
        text = str(value).strip() if value is not None else ""
        if text.lower() in _EMPTY or text.partition(".")[0] in none:
            return None
        if re.fullmatch(r"\d{1,9}(?:\.0*)?", text):
            return int(text.partition(".")[0])
        report.error(
            "not-a-frame-number",
            f"“{text}” in the column of the {key} is not a frame number: expected a whole number, or “/” if there is none. "
            "The {key} counts as missing.",
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


def read_table(sheet: Sheet, columns: Sequence[Column]) -> SheetTable:
    """Return the rows of the first worksheet that has all required columns.

    Raises InputError if there is none; the message names the file, the columns found and the columns expected.
    """
    seen: tuple[int, list[str], list[str]] = (0, [], [])  # matches, missing, header cells
    for _, rows in worksheets(sheet):
        head = _header(rows[:_HEADER_WITHIN], columns)
        if head is None:
            continue
        index, positions, missing = head
        if not missing:
            return SheetTable(
                sheet.name, frozenset(positions), tuple(_data(rows[index + 1 :], positions, sheet.name))
            )
        if len(positions) > seen[0]:
            seen = (len(positions), missing, [str(c).strip() for c in rows[index][1] if str(c or "").strip()])
    wanted = listed([c.names[0] for c in columns if c.required], 20)
    if not seen[0]:
        raise InputError(
            f"The sheet “{sheet.name}” has no header: none of its first {_HEADER_WITHIN} rows names the columns. "
            f"Expected the columns {wanted}."
        )
    raise InputError(
        f"{'Column' if len(seen[1]) == 1 else 'Columns'} {listed(seen[1], 20)} not found in the sheet “{sheet.name}”. "
        f"Found: {listed(seen[2], 20)}. Expected: {wanted}."
    )


def find_table(tree: Tree, sheet: Sheet | None, columns: Sequence[Column], what: str) -> SheetTable:
    """Return the table of the given sheet, else of the only sheet in the tree that has the columns.

    Raises InputError if no sheet or several sheets have them. ``what`` describes the sheet ("the coding sheet of SAMM").
    """
    if sheet is not None:
        return read_table(sheet, columns)
    names = sheet_names(tree)
    tables: dict[str, SheetTable] = {}
    reasons: list[str] = []
    for name in names[:40]:
        try:
            tables[name] = read_table(load_sheet(tree, name), columns)
        except InputError as error:
            reasons.append(str(error))
    if len(tables) == 1:
        return next(iter(tables.values()))
    if tables:
        raise InputError(
            f"“{tree.name}” contains several sheets that could be {what}: {listed(list(tables))}. Choose one of them."
        )
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


def _header(
    rows: Sequence[tuple[int, Cells]], columns: Sequence[Column]
) -> tuple[int, dict[str, int], list[str]] | None:
    """Return the header row's index, the columns' positions by key, and the names of missing columns.

    None if no row looks like a header.
    """
    best: tuple[int, dict[str, int], list[str]] | None = None
    wanted = {bare(name): column.key for column in columns for name in column.names}
    for index, (_, cells) in enumerate(rows):
        positions: dict[str, int] = {}
        for position, cell in enumerate(cells):
            key = wanted.get(bare(cell)) if isinstance(cell, str) else None
            if key is not None:
                positions.setdefault(key, position)
        missing = [c.names[0] for c in columns if c.required and c.key not in positions]
        if not missing:
            return index, positions, []
        if len(positions) > (len(best[1]) if best else 1):  # a single word in a sentence is not a header
            best = index, positions, missing
    return best


def bare(name: str) -> str:
    """Return a column's name without case, blanks and signs.

    >>> bare("Onset Frame"), bare(" onset_frame"), bare("OnsetFrame")
    ('onsetframe', 'onsetframe', 'onsetframe')
    """
    return re.sub(r"[^0-9a-z]", "", name.lower())


def _data(rows: Iterable[tuple[int, Cells]], positions: dict[str, int], file: str) -> Iterator[SheetRow]:
    for number, cells in rows:
        found = {key: cells[position] for key, position in positions.items() if position < len(cells)}
        if any(str(value).strip() for value in found.values() if value is not None):
            yield SheetRow(number, found, file)
