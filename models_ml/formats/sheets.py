"""Coding sheets as tables: xlsx and csv, with the header row found wherever it stands.

Official sheets have text above the header (SAMM: thirteen rows), unnamed columns (CASME II: two), names written in their
own ways ("Onset Frame", "OnsetFrame", "OnsetF") and cells of any kind. Row numbers are the spreadsheet's own.
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

_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"  # the container of .xls, and of encrypted .xlsx
_LARGEST = 64 << 20  # bytes of a sheet
_UNPACKED = 256 << 20  # bytes of its XML: an honest sheet of a few thousand rows has some 1 MB
_MOST_ROWS, _MOST_COLUMNS = 100_000, 256
_HEADER_WITHIN = 100
_EMPTY = {"", "/", "\\", "-", "–", "—", "nan", "none", "null", "n/a", "na", "?"}

Cells = Sequence[Any]


@dataclass(frozen=True)
class Column:
    """A column wanted: our key for it, the names that sheets give it, whether the sheet is useless without."""

    key: str
    names: tuple[str, ...]
    required: bool = True


@dataclass(frozen=True)
class SheetRow:
    """One data row: its number in the spreadsheet, and its cells by our keys."""

    number: int
    cells: dict[str, Any]
    file: str

    def text(self, key: str, report: ImportReport) -> str:
        """A cell as text, without blanks around it; "" where empty. 6.0 is "6"; a date is reported and empty."""
        value = self.cells.get(key)
        if isinstance(value, (date, time)):  # datetime is a date
            report.error(
                "cell-is-a-date",
                f"The cell is a date ({value}): the spreadsheet took a name or number for one. It counts as empty; "
                "format the column as text and type it again.",
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
        """A frame number; None where the cell is empty or says so ("/"). What is neither is reported, and None.

        ``none``: what this database writes where there is no frame ("0" in CAS(ME)², where frames count from 1).
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
            f"“{text}” in the column of the {key} is not a frame number (a whole number, or “/” where there is none). "
            "It counts as missing.",
            file=self.file,
            row=self.number,
            column=key,
        )
        return None


@dataclass(frozen=True)
class SheetTable:
    """Rows below a header."""

    name: str
    columns: frozenset[str]  # keys found
    rows: tuple[SheetRow, ...]


def read_table(sheet: Sheet, columns: Sequence[Column]) -> SheetTable:
    """The rows of the first worksheet that has all required columns.

    Raises InputError naming the file, the columns seen and the ones expected where there is none.
    """
    seen: tuple[int, list[str], list[str]] = (0, [], [])  # matches, missing, header cells
    for _, rows in worksheets(sheet):
        head = _header(rows[:_HEADER_WITHIN], columns)
        if head is None:
            continue
        index, places, missing = head
        if not missing:
            return SheetTable(
                sheet.name, frozenset(places), tuple(_data(rows[index + 1 :], places, sheet.name))
            )
        if len(places) > seen[0]:
            seen = (len(places), missing, [str(c).strip() for c in rows[index][1] if str(c or "").strip()])
    wanted = listed([c.names[0] for c in columns if c.required], 20)
    if not seen[0]:
        raise InputError(
            f"The sheet “{sheet.name}” has no header row: none of its first {_HEADER_WITHIN} rows names the columns. "
            f"Expected: {wanted}."
        )
    raise InputError(
        f"The sheet “{sheet.name}” lacks {'the column' if len(seen[1]) == 1 else 'the columns'} {listed(seen[1], 20)}. "
        f"Columns seen: {listed(seen[2], 20)}. Expected: {wanted}."
    )


def find_table(tree: Tree, sheet: Sheet | None, columns: Sequence[Column], what: str) -> SheetTable:
    """The table of the sheet given, else of the one sheet in the tree that has the columns.

    Raises InputError where none or several do. ``what`` names the sheet in words ("the coding sheet of SAMM").
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
            f"“{tree.name}” holds several sheets that could be {what}: {listed(list(tables))}. Say which one it is."
        )
    if len(names) == 1:
        raise InputError(reasons[0])
    looked = f" ({listed(names)} are not it)" if names else ""
    raise InputError(f"No sheet in “{tree.name}” is {what}{looked}. Give the file of the sheet.")


def sheet_names(tree: Tree) -> list[str]:
    """Paths of the spreadsheets in a tree, those near its root first."""
    names = [
        path
        for path in tree.files()
        if path.lower().endswith((".xlsx", ".csv", ".xls"))
        and not path.rpartition("/")[2].startswith(("~$", "."))
    ]
    return sorted(names, key=lambda path: (path.count("/"), path))


def load_sheet(tree: Tree, path: str) -> Sheet:
    """A sheet of the tree as bytes."""
    with tree.open(path) as file:
        return Sheet(path, file.read(_LARGEST + 1))


def worksheets(sheet: Sheet) -> Iterator[tuple[str, list[tuple[int, Cells]]]]:
    """Title and numbered rows (from 1, as a spreadsheet counts) of each worksheet; a csv is tried by each delimiter.

    Raises InputError for what is neither a sound xlsx nor a csv in UTF-8.
    """
    name, content = sheet.name, sheet.content
    if len(content) > _LARGEST:
        raise InputError(f"The sheet “{name}” is larger than {_LARGEST >> 20} MB: this is no coding sheet.")
    if content.startswith(_OLE) or name.lower().endswith(".xls"):
        raise InputError(
            f"The sheet “{name}” is in the old .xls format, or protected by a password. Open it in a spreadsheet program "
            "and save it as .xlsx, without a password."
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
            worksheet.reset_dimensions()  # what it says of its size is often wrong
            yield (
                worksheet.title,
                _limited(enumerate(worksheet.iter_rows(values_only=True, max_col=_MOST_COLUMNS), 1), name),
            )
    except (zipfile.BadZipFile, InvalidFileException, KeyError, ParseError, DefusedXmlException) as error:
        raise _damaged(name) from error
    except (ValueError, TypeError, IndexError, AttributeError, EOFError, OSError) as error:
        if isinstance(error, InputError):
            raise
        raise _damaged(name) from error  # openpyxl meets a damaged workbook in many ways


def _damaged(name: str) -> InputError:
    return InputError(
        f"The sheet “{name}” cannot be read as .xlsx: it is damaged. Save it again as .xlsx or csv."
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
                f"The sheet “{name}” has more than {_MOST_ROWS:,} rows: this is no coding sheet."
            )
        if any(cell not in (None, "") for cell in cells):
            kept.append((number, cells))
    return kept


def _header(
    rows: Sequence[tuple[int, Cells]], columns: Sequence[Column]
) -> tuple[int, dict[str, int], list[str]] | None:
    """Index of the header row, places of the columns by key, names of those missing; None if nothing looks like one."""
    best: tuple[int, dict[str, int], list[str]] | None = None
    wanted = {bare(name): column.key for column in columns for name in column.names}
    for index, (_, cells) in enumerate(rows):
        places: dict[str, int] = {}
        for place, cell in enumerate(cells):
            key = wanted.get(bare(cell)) if isinstance(cell, str) else None
            if key is not None:
                places.setdefault(key, place)
        missing = [c.names[0] for c in columns if c.required and c.key not in places]
        if not missing:
            return index, places, []
        if len(places) > (len(best[1]) if best else 1):  # one word in a sentence is no header
            best = index, places, missing
    return best


def bare(name: str) -> str:
    """A column's name without case, blanks and signs.

    >>> bare("Onset Frame"), bare(" onset_frame"), bare("OnsetFrame")
    ('onsetframe', 'onsetframe', 'onsetframe')
    """
    return re.sub(r"[^0-9a-z]", "", name.lower())


def _data(rows: Iterable[tuple[int, Cells]], places: dict[str, int], file: str) -> Iterator[SheetRow]:
    for number, cells in rows:
        found = {key: cells[place] for key, place in places.items() if place < len(cells)}
        if any(str(value).strip() for value in found.values() if value is not None):
            yield SheetRow(number, found, file)
