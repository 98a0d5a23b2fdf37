"""Files of miniature trees: images, each different from all others, workbooks and csv files."""

import csv
import itertools
import zipfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import cv2
import numpy as np
import xlwt
from openpyxl import Workbook

_serial = itertools.count(1)


def image(suffix: str = ".jpg", *, width: int = 24, height: int = 16, seed: int | None = None) -> bytes:
    """Return a small image that no other call returns: its pixels depend on a running number, or on ``seed``."""
    number = next(_serial) if seed is None else seed
    pixels = np.random.default_rng(number).integers(60, 200, (height, width), dtype=np.uint8)
    return bytes(cv2.imencode(suffix, pixels)[1].tobytes())


def colour_image(*, width: int = 28, height: int = 28) -> bytes:
    """Return a PNG with three channels, like a flow picture of u, v and strain; no two calls return the same."""
    pixels = np.random.default_rng(next(_serial)).integers(0, 256, (height, width, 3), dtype=np.uint8)
    return bytes(cv2.imencode(".png", pixels)[1].tobytes())


def frames(
    folder: Path, numbers: Iterable[int], name: str = "img{}.jpg", *, width: int = 24, height: int = 16
) -> Path:
    """Write frame images. ``name`` contains one field for the source frame ("img{}.jpg", "006_{:05d}.jpg")."""
    folder.mkdir(parents=True, exist_ok=True)
    for number in numbers:
        file = folder / name.format(number)
        file.write_bytes(image(file.suffix, width=width, height=height))
    return folder


def xlsx(path: Path, rows: Sequence[Sequence[Any]], **more: Sequence[Sequence[Any]]) -> Path:
    """Write a real workbook; ``more`` are other worksheets by title ("_" for a blank)."""
    book = Workbook()
    first = book.active
    assert first is not None
    for row in rows:
        first.append(list(row))
    for title, content in more.items():
        sheet = book.create_sheet(title.replace("_", " "))
        for row in content:
            sheet.append(list(row))
    path.parent.mkdir(parents=True, exist_ok=True)
    book.save(path)
    return path


def table(
    path: Path, rows: Sequence[Sequence[Any]], delimiter: str = ",", encoding: str = "utf-8-sig"
) -> Path:
    """Write a csv file as spreadsheet programs write it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding=encoding) as file:
        csv.writer(file, delimiter=delimiter).writerows(rows)
    return path


def xls(path: Path, rows: Sequence[Sequence[Any]], *, merged: Sequence[tuple[int, int, int]] = ()) -> Path:
    """Write a workbook of Excel 97–2003. A text such as "#REF!" is an error cell; ``merged``: first row, last row, column,
    from 0; the value is that of the first row."""
    book = xlwt.Workbook()
    sheet = book.add_sheet("Coding")
    spans = {(first, column): last for first, last, column in merged}
    inside = {(row, column) for first, last, column in merged for row in range(first + 1, last + 1)}
    for number, cells in enumerate(rows):
        for column, value in enumerate(cells):
            if (number, column) in inside or value is None:
                continue
            if (number, column) in spans:
                sheet.write_merge(number, spans[number, column], column, column, value)
            elif value == "#REF!":
                sheet.row(number).set_cell_error(column, 0x17)
            else:
                sheet.write(number, column, value)
    path.parent.mkdir(parents=True, exist_ok=True)
    book.save(str(path))
    return path


_OFFICE = "urn:oasis:names:tc:opendocument:xmlns"
_ODS = f"""<?xml version="1.0"?>
<office:document-content xmlns:office="{_OFFICE}:office:1.0" xmlns:text="{_OFFICE}:text:1.0"
 xmlns:table="{_OFFICE}:table:1.0" xmlns:calcext="urn:org:documentfoundation:names:experimental:calc:xmlns:calcext:1.0">
<office:body><office:spreadsheet>{{}}</office:spreadsheet></office:body></office:document-content>"""


def ods_cell(value: Any) -> str:
    """Return a cell of an OpenDocument sheet; a text that starts with "<" is the cell itself."""
    if value is None:
        return "<table:table-cell/>"
    if isinstance(value, str) and value.startswith("<"):
        return value
    if isinstance(value, str):
        return f'<table:table-cell office:value-type="string"><text:p>{escape(value)}</text:p></table:table-cell>'
    return f'<table:table-cell office:value-type="float" office:value="{value}"><text:p>{value}</text:p></table:table-cell>'


def ods(path: Path, rows: Sequence[Sequence[Any]], below: str = "", **more: Sequence[Sequence[Any]]) -> Path:
    """Write an OpenDocument sheet; ``below`` is XML after its rows, ``more`` are other tables by name."""
    path.parent.mkdir(parents=True, exist_ok=True)
    tables = []
    for name, content in {"Coding": rows, **more}.items():
        cells = ["<table:table-row>" + "".join(map(ods_cell, row)) + "</table:table-row>" for row in content]
        tables.append(f'<table:table table:name="{name}">{"".join(cells)}{below}</table:table>')
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        archive.writestr("content.xml", _ODS.format("".join(tables)))
    return path
