"""Files of miniature trees: images, each different from all others, workbooks and csv files."""

import csv
import itertools
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
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
