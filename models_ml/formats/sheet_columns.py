"""The columns of a sheet as a person sees them, to make a ``ColumnMap``: names, sample values, and what each may hold."""

from collections.abc import Sequence
from dataclasses import dataclass

from openpyxl.utils import get_column_letter

from models_ml.errors import InputError
from models_ml.formats.base import Sheet
from models_ml.formats.cells import shown
from models_ml.formats.coded_rows import ACTION_UNITS, APEX, EMOTION, FILENAME, OFFSET, ONSET, SUBJECT
from models_ml.formats.headers import Cells, Column, Header, Rows, bare, find_header
from models_ml.formats.mapping import KEYS, ColumnMap, name_of
from models_ml.formats.plain_text import plain
from models_ml.formats.report import ImportReport
from models_ml.formats.sheets import HEADER_WITHIN, worksheets
from models_ml.formats.workbooks import Worksheet

LABELS = {
    "database": "Database", "subject": "Subject", "clip": "Clip", "path": "Path of the frames or video", "onset": "Onset",
    "apex": "Apex", "offset": "Offset", "emotion": "Emotion", "action_units": "Action units", "kind": "Kind (micro, macro)",
    "coder": "Coder", "fps": "Frames per second", "confidence": "Confidence", "note": "Note",
}  # fmt: skip
# Names that lists in the literature use, apart from those that readers know.
_NAMES: dict[str, tuple[str, ...]] = {
    "database": ("database", "dataset", "data"),
    "subject": (*SUBJECT.names, "participant", "subj", "subject name"),
    "clip": (*FILENAME.names, "clip", "video", "video_name", "clip name", "sample", "file", "code", "count"),
    "path": ("path", "folder", "frame path", "clip path", "onset_frame_path"),
    "onset": (*ONSET.names, "start_frame", "start", "begin"),
    "apex": (*APEX.names, "peak", "peak frame"),
    "offset": (*OFFSET.names, "end_frame", "end"),
    "emotion": (*EMOTION.names, "label", "class"),
    "action_units": ACTION_UNITS.names,
    "kind": ("kind", "type", "micro", "type_idx", "expression type"),
    "coder": ("coder", "annotator", "rater"),
    "fps": ("fps", "frame rate", "frames per second"),
    "confidence": ("confidence",),
    "note": ("note", "notes", "remark", "remarks", "comment"),
}
_KNOWN = tuple(Column(key, _NAMES[key], required=False) for key in KEYS)
_SAMPLES, _LONGEST_SAMPLE = 3, 60


@dataclass(frozen=True)
class SheetColumn:
    """A column: how a map names it, its letter, its name in the header, some of its values, and what it may hold."""

    reference: str
    letter: str
    name: str
    samples: tuple[str, ...]
    guess: str


@dataclass(frozen=True)
class WorksheetColumns:
    """The columns of a worksheet. ``header`` is its header row; ``number`` is its row number, 0 if there is none."""

    title: str
    number: int
    header: tuple[str, ...]
    columns: tuple[SheetColumn, ...]
    rows: int


def sheet_columns(sheet: Sheet, known: ColumnMap | None = None) -> list[WorksheetColumns]:
    """Return the columns of each worksheet that has rows; ``known`` is a map made for such a sheet before.

    Raises InputError if the file is not a sheet, or has no rows.
    """
    found = [_columns(worksheet, known) for worksheet in worksheets(sheet, ImportReport()) if worksheet.rows]
    if not found:
        raise InputError(f"The sheet “{sheet.name}” is empty.")
    if any(worksheet.title for worksheet in found):
        return found
    return [max(found, key=lambda worksheet: len(worksheet.columns))]  # a csv: the delimiter that fits


def header_key(header: Sequence[str]) -> str:
    """Return the header as one text for comparison: equal for sheets that a map fits alike."""
    return "\n".join(bare(name) or name.strip().casefold() for name in header)


def _columns(worksheet: Worksheet, known: ColumnMap | None) -> WorksheetColumns:
    index = _header_index(worksheet.rows)
    number, header = worksheet.rows[index]
    below = worksheet.rows[index + 1 :]
    guesses = _guesses(header, below, known)
    width = max(len(cells) for _, cells in worksheet.rows[: HEADER_WITHIN * 2])
    columns = []
    for position in range(width):
        name = " ".join(shown(header[position]).split()) if position < len(header) else ""
        samples = _samples(below, position)
        if name or samples:
            columns.append(
                SheetColumn(
                    name_of(header, position),
                    get_column_letter(position + 1),
                    name,
                    samples,
                    guesses.get(position, ""),
                )
            )
    names = tuple(" ".join(shown(cell).split()) for cell in header)
    return WorksheetColumns(worksheet.title, number, names, tuple(columns), len(below))


def _header_index(rows: Rows) -> int:
    """Return the row with most names that are known, else the first of those with most texts."""
    first = rows[:HEADER_WITHIN]
    best: Header | None = None
    for index in range(len(first)):
        header = find_header(first[index : index + 1], _KNOWN)
        if header is not None and (best is None or len(header.candidates) > len(best.candidates)):
            best = Header(index, header.cells, header.candidates, ())
    if best is not None and len(best.candidates) > 1:
        return best.index
    return max(range(len(first)), key=lambda index: (_texts(first[index][1]), -index))


def _texts(cells: Cells) -> int:
    return sum(isinstance(cell, str) and bool(cell.strip()) and not _is_number(cell) for cell in cells)


def _is_number(text: str) -> bool:
    return plain(text).strip().lstrip("+-").replace(".", "", 1).isdigit()


def _guesses(header: Cells, below: Rows, known: ColumnMap | None) -> dict[int, str]:
    """Return what columns may hold, by position; each key once."""
    if known is not None:
        try:
            return {position: key for key, position in known.positions(header).items()}
        except (InputError, IndexError):
            pass  # the map was made for another header
    found = find_header([(1, header)], _KNOWN)
    guesses: dict[int, str] = {}
    for key, positions in (found.candidates if found else {}).items():
        filled = [position for position in positions if _samples(below, position)]
        guesses[(filled or positions)[0]] = key
    return guesses


def _samples(below: Rows, position: int) -> tuple[str, ...]:
    """Return the first different values of a column."""
    values: dict[str, None] = {}
    for _, cells in below[:1000]:
        text = " ".join(shown(cells[position]).split()) if position < len(cells) else ""
        if text:
            values[text if len(text) <= _LONGEST_SAMPLE else f"{text[:_LONGEST_SAMPLE]}…"] = None
        if len(values) == _SAMPLES:
            break
    return tuple(values)
