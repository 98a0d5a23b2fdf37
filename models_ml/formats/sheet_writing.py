"""Coding sheets as CSV and XLSX files, from the table that a format's module makes of clips.

The header row comes first, without the rows of text that some official sheets have above it: pandas then reads the sheet
with its defaults, and our readers find a header in any row.
"""

import csv
import io
from collections.abc import Callable, Sequence
from typing import Any

from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE
from openpyxl.styles import Font
from openpyxl.utils import get_column_letter

from models_ml.formats.base import MARKS, Export, Marked, MarkedClip
from models_ml.formats.csv_text import BOM, guard_formula

NO_EXPRESSION = "No expression"  # in the column of the kind: the coder saw none in the clip
_CSV = "text/csv; charset=utf-8"
_XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_NARROWEST, _WIDEST = 8, 40  # characters of a column
_MEASURED = 500  # rows from which the widths are taken
Row = tuple[Any, ...]
Table = Callable[[Sequence[MarkedClip]], list[Row]]  # the header and the rows


def sheet_exports(key: str, title: str, columns: str, table: Table) -> tuple[Export, Export]:
    """Return the exports of a table: as CSV and as a workbook. ``columns`` names some of its columns."""
    return (
        Export(
            key=f"{key}.csv",
            title=f"{title}, CSV",
            suffix="csv",
            content_type=_CSV,
            note=columns,
            write=lambda clips: to_csv(table(clips)),
        ),
        Export(
            key=f"{key}.xlsx",
            title=f"{title}, Excel",
            suffix="xlsx",
            content_type=_XLSX,
            note="the same columns in a workbook",
            write=lambda clips: to_xlsx(table(clips)),
        ),
    )


def source_marks(clip: MarkedClip, marked: Marked) -> list[int | None]:
    """Return onset, apex and offset as source frames."""
    marks = marked.marks()
    return [clip.timing.source[marks[name]] if name in marks else None for name in MARKS]


def to_csv(rows: Sequence[Row]) -> bytes:
    """Return the table as CSV that spreadsheets open as it was written."""
    text = io.StringIO(newline="")
    csv.writer(text).writerows(
        [guard_formula(cell) if isinstance(cell, str) else cell for cell in cells] for cells in rows
    )
    return (BOM + text.getvalue()).encode()


def to_xlsx(rows: Sequence[Row]) -> bytes:
    """Return the table as XLSX with filters. Texts stay text cells, even if they are edited."""
    workbook = Workbook(write_only=True)
    sheet = workbook.create_sheet("Coding")
    sheet.freeze_panes = "A2"
    for position in range(len(rows[0])):
        width = max(len(str(row[position] or "")) for row in rows[:_MEASURED]) + 3
        sheet.column_dimensions[get_column_letter(position + 1)].width = min(max(width, _NARROWEST), _WIDEST)
    sheet.auto_filter.ref = f"A1:{get_column_letter(len(rows[0]))}{len(rows)}"
    for number, cells in enumerate(rows):
        written = [_cell(sheet, cell) for cell in cells]
        if number == 0:
            for cell in filter(None, written):
                cell.font = Font(bold=True)
        sheet.append(written)
    file = io.BytesIO()
    workbook.save(file)
    return file.getvalue()


def _cell(sheet: Any, value: Any) -> Any:
    if not isinstance(value, str):
        return value
    if not value:
        return None
    cell = WriteOnlyCell(sheet, ILLEGAL_CHARACTERS_RE.sub(" ", value))
    cell.data_type = "s"  # otherwise "=1+1" would be a formula
    cell.quotePrefix = True
    return cell
