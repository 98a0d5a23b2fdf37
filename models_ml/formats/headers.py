"""The header of a coding sheet: which row it is, and which of its columns is meant by each of our keys.

Two columns that could be meant are never resolved silently: the standard name wins with a note, otherwise the sheet is
refused. Columns that look like one of ours but have an unknown name are reported.
"""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from openpyxl.utils import get_column_letter

from models_ml.errors import InputError
from models_ml.formats.action_units import are_units
from models_ml.formats.report import ImportReport, listed

# What people write into a cell that has no value, in lower case.
PLACEHOLDERS = frozenset({"", "/", "\\", "-", "–", "—", "nan", "none", "null", "n/a", "na", "?"})

Cells = Sequence[Any]
Rows = Sequence[tuple[int, Cells]]

# What a header says that is probably one of our columns, although its name is not known.
_HINTS = {
    "onset": re.compile(r"onset"),
    "apex": re.compile(r"apex"),
    "offset": re.compile(r"offset"),
    "emotion": re.compile(r"emotion(?! ?id\b)"),
    "action_units": re.compile(r"action.?units?|facs|(?<![a-z])aus?(?![a-z])"),
    "coder": re.compile(
        r"(?<![a-z])(?:coders?|annotators?|raters?|(?:coded|annotated|labell?ed|rated).by)(?![a-z])"
    ),
}
_LONGEST_NAME = 60  # characters in a message
_LETTERS = 18_278  # columns that spreadsheets have letters for, A to ZZZ


class ColumnsError(InputError):
    """The columns of a sheet are not known; a ``ColumnMap`` can say which is which. ``sheet`` is the sheet's name."""

    def __init__(self, message: str, sheet: str) -> None:
        super().__init__(message)
        self.sheet = sheet


class UnclearColumnsError(ColumnsError):
    """Two columns of a sheet could be meant, and neither has the standard name."""


@dataclass(frozen=True)
class Column:
    """A column to read: our key for it, the names that sheets give it, and whether a sheet must have it.

    The first name is the standard name of the layout: it wins over the others.
    """

    key: str
    names: tuple[str, ...]
    required: bool = True

    @property
    def label(self) -> str:
        """The key as a word in a sentence."""
        return self.key.replace("_", " ")


@dataclass(frozen=True)
class Header:
    """A header row: its index, its cells, the positions that each key could have, and the names of missing columns."""

    index: int
    cells: Cells
    candidates: Mapping[str, Sequence[int]]
    missing: Sequence[str]

    def place(self, position: int) -> str:
        """Return a column as a spreadsheet shows it: D “Onset”."""
        name = str(self.cells[position] or "").strip() if position < len(self.cells) else ""
        letter = get_column_letter(position + 1) if position < _LETTERS else str(position + 1)
        return f"{letter} “{name}”" if name else letter

    def named(self) -> list[str]:
        """Return the names of the columns that have one, long ones cut."""
        names = [str(cell).strip() for cell in self.cells if str(cell or "").strip()]
        return [name if len(name) <= _LONGEST_NAME else f"{name[:_LONGEST_NAME]}…" for name in names]


def bare(name: str) -> str:
    """Return a column's name without case, blanks and signs.

    >>> bare("Onset Frame"), bare(" onset_frame"), bare("OnsetFrame")
    ('onsetframe', 'onsetframe', 'onsetframe')
    """
    return re.sub(r"[^0-9a-z]", "", unicodedata.normalize("NFKC", name).lower())


def find_header(rows: Rows, columns: Sequence[Column]) -> Header | None:
    """Return the first row that names all required columns, else the row that names most; None if no row is a header."""
    best: Header | None = None
    wanted = {bare(name): column.key for column in columns for name in column.names}
    for index, (_, cells) in enumerate(rows):
        candidates: dict[str, list[int]] = {}
        for position, cell in enumerate(cells):
            key = wanted.get(bare(cell)) if isinstance(cell, str) else None
            if key is not None:
                candidates.setdefault(key, []).append(position)
        missing = [c.names[0] for c in columns if c.required and c.key not in candidates]
        header = Header(index, cells, candidates, missing)
        if not missing:
            return header
        if len(candidates) > (
            len(best.candidates) if best else 1
        ):  # a single word in a sentence is not a header
            best = header
    return best


def choose_columns(
    header: Header, below: Rows, columns: Sequence[Column], file: str, report: ImportReport
) -> dict[str, int]:
    """Return the position of each key. Columns without values count only if no other column has the name.

    Raises UnclearColumnsError if two columns with values could be meant and not exactly one has the standard name.
    """
    values = _values(below)
    positions: dict[str, int] = {}
    for column in columns:
        found = header.candidates.get(column.key, ())
        if not found:
            continue
        filled = [position for position in found if position in values]
        standard = [p for p in filled if bare(str(header.cells[p])) == bare(column.names[0])]
        best = standard or filled or found[:1]
        places = " and ".join(header.place(position) for position in filled)
        if len(best) > 1:
            raise UnclearColumnsError(
                f"{len(filled)} columns of the sheet “{file}” could be the {column.label}: {places}. Name the column that "
                f"is meant “{column.names[0]}”, rename or delete the other, and import the sheet again.",
                file,
            )
        positions[column.key] = best[0]
        if len(filled) > 1:
            others = " and ".join(header.place(position) for position in filled if position != best[0])
            report.warning(
                "column-twice",
                f"{len(filled)} columns could be the {column.label}: {places}. Column {header.place(best[0])} is read, "
                f"because it has the standard name; {others} is not read. If that is wrong, rename the columns and import "
                "the sheet again.",
                file=file,
                column=column.key,
            )
    _report_similar(header, positions, values, columns, file, report)
    return positions


def _values(below: Rows) -> dict[int, list[str]]:
    """Return the texts of each column that has any, by position; placeholders do not count."""
    values: dict[int, list[str]] = {}
    for _, cells in below:
        for position, cell in enumerate(cells):
            if cell is not None and (text := str(cell).strip()).lower() not in PLACEHOLDERS:
                values.setdefault(position, []).append(text)
    return values


def _report_similar(
    header: Header,
    positions: Mapping[str, int],
    values: Mapping[int, list[str]],
    columns: Sequence[Column],
    file: str,
    report: ImportReport,
) -> None:
    """Report columns that are not read but look like one of ours, one problem per key."""
    known = {position for found in header.candidates.values() for position in found}
    similar: dict[str, list[int]] = {}
    for position, texts in values.items():
        if position not in known and (key := _resembles(header, position, texts, positions)):
            similar.setdefault(key, []).append(position)
    for column in columns:
        if column.key not in similar:
            continue
        found = similar[column.key]
        places = listed([header.place(position) for position in sorted(found)], 8)
        what = "Column {} looks" if len(found) == 1 else "Columns {} look"
        what = what.format(places) + f" like the {column.label}, but "
        if column.key in positions:
            report.info(
                "column-not-read",
                f"{what}{'is' if len(found) == 1 else 'are'} not read: the {column.label} "
                f"{'come' if column.label.endswith('s') else 'comes'} from column {header.place(positions[column.key])}.",
                file=file,
                column=column.key,
            )
        else:
            report.warning(
                "column-unknown",
                f"{what}the name is not known: imported without {column.label}. Name the column “{column.names[0]}” and "
                "import the sheet again.",
                file=file,
                column=column.key,
            )


def _resembles(header: Header, position: int, texts: list[str], positions: Mapping[str, int]) -> str | None:
    """Return the key that a column's header hints at; action units are also recognised by their cells."""
    cell = header.cells[position] if position < len(header.cells) else None
    name = unicodedata.normalize("NFKC", cell).lower() if isinstance(cell, str) else ""
    for key, hint in _HINTS.items():
        if hint.search(name.replace("_", " ")):
            return key
    if "action_units" not in positions:
        units = [text for text in texts if are_units(text)]
        marked = any("+" in text or text.upper().startswith("AU") for text in units)
        if marked and 2 * len(units) >= len(texts):
            return "action_units"
    return None
