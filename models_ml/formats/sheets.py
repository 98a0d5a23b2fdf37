"""Coding sheets as tables: workbooks and csv, with the header in any row.

Official sheets have text above the header (SAMM: thirteen rows), columns without a name (CASME II: two), different names
for one column ("Onset Frame", "OnsetFrame", "OnsetF") and cells of all types. Row numbers are the spreadsheet's own. If the
names are unknown, a ``ColumnMap`` says which column is which.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from openpyxl.utils import get_column_letter

from models_ml.errors import InputError
from models_ml.formats.base import MARKS, SHEET_SUFFIXES, Sheet, Tree, Unit
from models_ml.formats.cells import SheetRow, shown
from models_ml.formats.csv_text import OpenQuoteError, decode, delimited
from models_ml.formats.headers import (
    PLACEHOLDERS,
    Cells,
    Column,
    ColumnsError,
    Header,
    Rows,
    UnclearColumnsError,
    choose_columns,
    find_header,
)
from models_ml.formats.mapping import ColumnMap, Counting, mapped_key
from models_ml.formats.plain_text import plain
from models_ml.formats.report import ImportReport, listed
from models_ml.formats.workbooks import Worksheet, is_workbook, limited, read_workbook

HEADER_WITHIN = 100  # rows
_LARGEST = 64 << 20  # bytes of a sheet
_OPTIONAL = frozenset({"emotion", "offset", "kind"})  # columns of a reader that a map can leave out
_COUNTED_FROM: dict[Counting, Literal[0, 1] | None] = {"source": None, "0": 0, "1": 1}


@dataclass(frozen=True)
class SheetTable:
    """The rows below the header of a worksheet.

    Its marks are source frames or, if ``counted_from`` is a number, frames of the clip counted from it.
    """

    name: str
    columns: frozenset[str]  # keys found
    rows: tuple[SheetRow, ...]
    counted_from: Literal[0, 1] | None = None

    @property
    def unit(self) -> Unit:
        """The unit of ``marks``."""
        return "source" if self.counted_from is None else "index"

    def marks(
        self, row: SheetRow, report: ImportReport, none: frozenset[str] = frozenset()
    ) -> dict[str, Any]:
        """Return the marks of a row for which the table has a column. ``none``: see ``SheetRow.frame``."""
        marks = {mark: row.frame(mark, report, none) for mark in MARKS if mark in self.columns}
        if self.counted_from != 1:
            return marks
        for mark, frame in marks.items():
            if frame == 0:
                row.report(
                    report,
                    "not-a-frame-number",
                    f"The {mark} is frame 0, but the frames of this sheet count from 1.",
                    mark,
                    f"The {mark} counts as missing.",
                )
        return {mark: frame - 1 if frame else None for mark, frame in marks.items()}


@dataclass(frozen=True)
class _Candidate:
    """A worksheet that has all required columns."""

    sheet: Worksheet
    header: Header
    below: Rows


def read_table(
    sheet: Sheet, columns: Sequence[Column], report: ImportReport, *, strict: bool = False
) -> SheetTable:
    """Return the rows of the first worksheet that has all required columns; one with rows goes before one without.

    The report names columns that could also be meant and worksheets that are not read. ``strict``: see ``SheetRow``.
    Raises ColumnsError if no worksheet has the columns (the message names the file, the columns found and the columns
    expected), and UnclearColumnsError if two columns could be meant.
    """
    if sheet.columns is not None:
        return _mapped_table(sheet, sheet.columns, columns, report, strict=strict)
    nearest: Header | None = None
    candidates: list[_Candidate] = []
    others: list[tuple[str, int]] = []  # title and rows of worksheets without the columns
    for worksheet in _readable(sheet, candidates, report):
        header = find_header(worksheet.rows[:HEADER_WITHIN], columns)
        if header is not None and not header.missing:
            candidates.append(_Candidate(worksheet, header, worksheet.rows[header.index + 1 :]))
            if not worksheet.title:
                break  # a csv: the delimiter fits
            continue
        others.append((worksheet.title, len(worksheet.rows)))
        if header is not None and (nearest is None or len(header.candidates) > len(nearest.candidates)):
            nearest = header
    if not candidates:
        raise _without_columns(sheet, columns, nearest)
    chosen = next((c for c in candidates if _filled(c) and not c.sheet.is_hidden), None)
    chosen = chosen or next((c for c in candidates if _filled(c)), candidates[0])
    positions = choose_columns(chosen.header, chosen.below, columns, sheet.name, report)
    below = _without_shifted(chosen.sheet, chosen.header.index, sheet.name, report)
    data = tuple(_data(below, positions, sheet.name, strict))
    _report_oddities(chosen.sheet, chosen.header, positions, sheet.name, report)
    if chosen.sheet.title:
        alike = [(c.sheet.title, _filled(c)) for c in candidates if c is not chosen]
        report_unread_worksheets(sheet.name, (chosen.sheet.title, len(data)), alike, others, report)
    return SheetTable(sheet.name, frozenset(positions), data)


def _mapped_table(
    sheet: Sheet, mapping: ColumnMap, columns: Sequence[Column], report: ImportReport, *, strict: bool
) -> SheetTable:
    """Return the rows of the first worksheet with the columns that a map names."""
    known = {*mapping.columns, *mapping.fixed}
    given = {column.key: key for column in columns if (key := mapped_key(column.key)) in known}
    if missing := [key.replace("_", " ") for key in required_keys(columns) if key not in known]:
        raise ColumnsError(
            f"The column map of the sheet “{sheet.name}” does not say which column is the {listed(missing, 20)}.",
            sheet.name,
        )
    for worksheet in worksheets(sheet, report):
        if mapping.worksheet and worksheet.title not in ("", mapping.worksheet):
            continue
        index = mapping.find_row(worksheet.rows[:HEADER_WITHIN])
        if index is None or not worksheet.rows:
            continue
        header = worksheet.rows[index][1] if index >= 0 else ()
        positions = mapping.positions(header)
        width = max((len(cells) for _, cells in worksheet.rows), default=0)
        if beyond := [mapping.columns[key] for key, position in positions.items() if position >= width]:
            raise ColumnsError(
                f"The sheet “{sheet.name}” has no {listed(beyond)}: its last column with a value is "
                f"{get_column_letter(max(width, 1))}.",
                sheet.name,
            )
        rows = []
        for number, cells in _without_shifted(worksheet, index, sheet.name, report):
            found = {key: mapping.cell(key, cells[p]) for key, p in positions.items() if p < len(cells)}
            if any(str(value).strip() for value in found.values() if value is not None):
                found |= mapping.fixed_cells(
                    {key: plain(shown(value)).strip() for key, value in found.items()}
                )
                own = {key: found[mapped] for key, mapped in given.items() if mapped in found}
                rows.append(SheetRow(number, own, sheet.name, strict))
        unused = listed(sorted(key.replace("_", " ") for key in known - set(given.values())), 20)
        message = f"Read with a column map: {mapping.summary()}" + (
            f" Not used here: {unused}." if unused else ""
        )
        report.info("columns-mapped", message, file=sheet.name)
        return SheetTable(sheet.name, frozenset(given), tuple(rows), _COUNTED_FROM[mapping.frames])
    names = listed(list(mapping.columns.values()), 20)
    raise ColumnsError(
        f"The sheet “{sheet.name}” does not have the columns of the column map ({names})"
        + (f" in a worksheet “{mapping.worksheet}”." if mapping.worksheet else "."),
        sheet.name,
    )


def required_keys(columns: Iterable[Column]) -> list[str]:
    """Return the keys that a map has to give a column or a text, for a reader of these columns."""
    return [mapped_key(column.key) for column in columns if column.required and column.key not in _OPTIONAL]


def worksheets(sheet: Sheet, report: ImportReport) -> Iterator[Worksheet]:
    """Yield the worksheets of a workbook; of a csv, once per delimiter. Raises InputError if the file is not a sheet."""
    name, content = sheet.name, sheet.content
    if len(content) > _LARGEST:
        raise InputError(f"The sheet “{name}” is larger than {_LARGEST >> 20} MB: it is not a coding sheet.")
    if is_workbook(name, content):
        yield from read_workbook(name, content)
        return
    text, remark = decode(name, content)
    if remark:
        report.warning("encoding-assumed", remark, file=name)
    refused: InputError | None = None
    read = 0
    for rows in delimited(name, text):
        widths: dict[int, int] = {}
        try:
            found = limited(_measured(rows, widths), name)
        except OpenQuoteError:
            raise
        except InputError as error:
            refused = error
            continue
        read += 1
        yield Worksheet("", found, widths=widths)
    if refused and not read:
        raise refused


def _measured(rows: Iterable[tuple[int, Cells]], widths: dict[int, int]) -> Iterator[tuple[int, Cells]]:
    """Yield the rows, and note how many cells each has."""
    for number, cells in rows:
        widths[number] = len(cells)
        yield number, cells


def _readable(sheet: Sheet, tables: Sequence[_Candidate], report: ImportReport) -> Iterator[Worksheet]:
    """Yield the worksheets. One that cannot be read is an InputError only as long as no table was found before it."""
    try:
        yield from worksheets(sheet, report)
    except InputError as error:
        if not tables:
            raise
        report.warning(
            "worksheet-not-read",
            f"The worksheets after “{tables[-1].sheet.title}” are not read: {error}",
            file=sheet.name,
        )


def _without_columns(sheet: Sheet, columns: Sequence[Column], nearest: Header | None) -> ColumnsError:
    wanted = listed([c.names[0] for c in columns if c.required], 20)
    if nearest is None:
        return ColumnsError(
            f"The sheet “{sheet.name}” has no header: none of its first {HEADER_WITHIN} rows names the columns. "
            f"Expected the columns {wanted}.",
            sheet.name,
        )
    missing = list(nearest.missing)
    return ColumnsError(
        f"{'Column' if len(missing) == 1 else 'Columns'} {listed(missing, 20)} not found in the sheet “{sheet.name}”. "
        f"Found: {listed(nearest.named(), 20)}. Expected: {wanted}.",
        sheet.name,
    )


def _filled(candidate: _Candidate) -> int:
    """Return the number of rows with a value in one of the columns that were found; placeholders do not count."""
    positions = [position for found in candidate.header.candidates.values() for position in found]
    return sum(
        any(p < len(cells) and plain(shown(cells[p])).strip().lower() not in PLACEHOLDERS for p in positions)
        for _, cells in candidate.below
    )


def _report_oddities(
    worksheet: Worksheet, header: Header, positions: dict[str, int], file: str, report: ImportReport
) -> None:
    """Say what the rows have that a reader of the spreadsheet would see differently."""
    top = worksheet.rows[header.index][0]
    for key, position in positions.items():
        spans = [
            f"{first}–{last}"
            for first, last, column in worksheet.merged
            if column == position and first > top
        ]
        if spans:
            report.info(
                "merged-cells",
                f"Column {header.place(position)} has merged cells (rows {listed(spans)}): their value counts for each of "
                "these rows.",
                file=file,
                column=key,
            )
    if worksheet.hidden_rows:
        report.info(
            "rows-hidden",
            f"Rows of the worksheet “{worksheet.title}” that are hidden or filtered out are read too: "
            f"{worksheet.hidden_rows:,}.",
            file=file,
        )
    if worksheet.is_hidden:
        report.warning("worksheet-hidden", f"The hidden worksheet “{worksheet.title}” is read.", file=file)


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
            f"{message} If another worksheet is meant, choose it in the columns of the sheet, move it to the first place or "
            "save it as a file of its own, and import that.",
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
    reasons: list[InputError] = []
    for name in names[:40]:
        own = ImportReport()
        try:
            tables[name] = read_table(load_sheet(tree, name), columns, own), own
        except UnclearColumnsError as error:
            unclear[name] = error
        except InputError as error:
            reasons.append(error)
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
        raise reasons[0]
    others = f" None of these is it: {listed(names)}." if names else ""
    raise InputError(f"No sheet in “{tree.name}” is {what}.{others} Choose the file of the sheet.")


def sheet_names(tree: Tree) -> list[str]:
    """Return the paths of the spreadsheets in a tree, the nearest to its root first."""
    names = [
        path
        for path in tree.files()
        if path.lower().endswith(SHEET_SUFFIXES) and not path.rpartition("/")[2].startswith(("~$", "."))
    ]
    return sorted(names, key=lambda path: (path.count("/"), path))


def load_sheet(tree: Tree, path: str) -> Sheet:
    """Read a sheet of the tree."""
    with tree.open(path) as file:
        return Sheet(path, file.read(_LARGEST + 1))


def _without_shifted(worksheet: Worksheet, header: int, file: str, report: ImportReport) -> Rows:
    """Return the rows below the header, without those of a csv that have more cells than it: their cells are shifted."""
    below = worksheet.rows[header + 1 :]
    width = worksheet.widths.get(worksheet.rows[header][0]) if header >= 0 else None
    if width is None:
        return below
    for number, cells in below:
        if len(cells) > width:
            report.error(
                "row-too-long",
                f"The row has {len(cells)} cells, but the header has {width}: a value that contains the delimiter may not "
                "be in quotation marks, so that the cells after it are shifted. The row is not imported.",
                file=file,
                row=number,
            )
    return [(number, cells) for number, cells in below if len(cells) <= width]


def _data(
    rows: Iterable[tuple[int, Cells]], positions: dict[str, int], file: str, strict: bool
) -> Iterator[SheetRow]:
    for number, cells in rows:
        found: dict[str, Any] = {
            key: cells[position] for key, position in positions.items() if position < len(cells)
        }
        if any(plain(value).strip() for value in found.values() if value is not None):
            yield SheetRow(number, found, file, strict)
