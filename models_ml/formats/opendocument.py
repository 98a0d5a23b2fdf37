"""OpenDocument spreadsheets (.ods, ISO/IEC 26300): the cells of each table, row by row.

Read here and not by a library, because those for Python read error cells as empty and need memory for each repeated cell.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import IO, Any
from xml.etree.ElementTree import Element

from defusedxml.ElementTree import iterparse

from models_ml.formats.cells import Uncomputed

_OFFICE = "{urn:oasis:names:tc:opendocument:xmlns:office:1.0}"
_TABLE = "{urn:oasis:names:tc:opendocument:xmlns:table:1.0}"
_TEXT = "{urn:oasis:names:tc:opendocument:xmlns:text:1.0}"
_ERROR_TYPES = "{urn:org:documentfoundation:names:experimental:calc:xmlns:calcext:1.0}value-type"
_BLANKS = {f"{_TEXT}{name}" for name in ("s", "tab", "line-break")}
_CELLS = (f"{_TABLE}table-cell", f"{_TABLE}covered-table-cell")


@dataclass
class OpenTable:
    """One table. ``rows`` holds the number, the cells and the number of repetitions of each row that is not blank.

    ``merged`` holds first row, last row (both from 1) and column (from 0) of cells merged over several rows;
    ``hidden_rows`` counts the rows with values that are hidden or filtered out.
    """

    title: str
    rows: list[tuple[int, list[Any], int]] = field(default_factory=list)
    merged: list[tuple[int, int, int]] = field(default_factory=list)
    hidden_rows: int = 0


def read_tables(content: IO[bytes], most_columns: int) -> Iterator[OpenTable]:
    """Yield the tables of ``content.xml``. Raises ParseError, DefusedXmlException or ValueError if it is damaged."""
    table: OpenTable | None = None
    number = 1
    for event, element in iterparse(content, events=("start", "end")):
        if event == "start" and element.tag == f"{_TABLE}table":
            table, number = OpenTable(element.get(f"{_TABLE}name", "")), 1
        elif event == "end" and element.tag == f"{_TABLE}table" and table is not None:
            yield table
            table = None
            element.clear()
        elif event == "end" and element.tag == f"{_TABLE}table-row" and table is not None:
            repeated = _count(element, "number-rows-repeated")
            cells = _cells(element, number, table, most_columns)
            if cells:
                table.rows.append((number, cells, repeated))
                if element.get(f"{_TABLE}visibility", "visible") != "visible":
                    table.hidden_rows += repeated
            number += repeated
            element.clear()


def _cells(row: Element, number: int, table: OpenTable, most: int) -> list[Any]:
    """Return the cells of a row up to the last one with a value."""
    cells: list[Any] = []
    blanks = 0
    for element in row:
        if element.tag not in _CELLS:
            continue
        repeated = _count(element, "number-columns-repeated")
        value = _value(element) if element.tag == _CELLS[0] else None
        if value in (None, ""):
            blanks += repeated
            continue
        cells += [None] * min(blanks, most - len(cells))
        blanks = 0
        spanned = _count(element, "number-rows-spanned")
        if spanned > 1 and len(cells) < most:
            table.merged.append((number, number + spanned - 1, len(cells)))
        cells += [value] * min(repeated, most - len(cells))
    return cells


def _count(element: Element, name: str) -> int:
    return max(1, int(element.get(f"{_TABLE}{name}", "1")))


def _value(cell: Element) -> Any:
    kind = cell.get(f"{_OFFICE}value-type")
    text = "\n".join(_text(paragraph) for paragraph in cell.findall(f"{_TEXT}p"))
    if cell.get(_ERROR_TYPES) == "error":
        return text or "#N/A"
    if kind in ("float", "percentage", "currency"):
        return float(cell.get(f"{_OFFICE}value", "nan"))
    if kind == "boolean":
        return cell.get(f"{_OFFICE}boolean-value") == "true"
    if kind == "date":
        return _date(cell.get(f"{_OFFICE}date-value", "")) or text
    if kind == "time":
        return _duration(cell.get(f"{_OFFICE}time-value", "")) or text
    formula = cell.get(f"{_TABLE}formula")
    if kind is None and formula is not None:
        return Uncomputed(formula.partition("=")[2])
    return cell.get(f"{_OFFICE}string-value") or text or None


def _date(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


def _duration(text: str) -> timedelta | None:
    """Return the time of a day or a duration, such as PT01H02M03S."""
    match = re.match(r"PT(\d{1,6})H(\d{1,2})M(\d{1,2})", text)
    return timedelta(hours=int(match[1]), minutes=int(match[2]), seconds=int(match[3])) if match else None


def _text(paragraph: Element) -> str:
    """Return the text of a paragraph; a run of blanks, a tabulator and a line break are elements there."""
    for child in paragraph.iter():
        if child.tag in _BLANKS:
            child.text = " "
    return "".join(paragraph.itertext())
