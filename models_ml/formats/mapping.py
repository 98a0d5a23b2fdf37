"""A column map says which column of a sheet holds what, for sheets whose columns have names that no reader knows.

A researcher makes it once, on a page, in the API or as a JSON file, and both imports use it: of a database, and of
annotations. It also says how the sheet counts frames and what its words mean.
"""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any, Literal, get_args

from openpyxl.utils import get_column_letter
from openpyxl.utils.cell import column_index_from_string

from models_ml.errors import InputError

SCHEMA = "mer-column-map"
VERSION = 1
MARKS = ("onset", "apex", "offset")
# Everything that a column can hold, in the order of pages. A sheet's "filename" is the clip here.
KEYS = (
    "database", "subject", "clip", "path", "onset", "apex", "offset", "emotion", "action_units", "kind", "coder", "fps",
    "confidence", "note",
)  # fmt: skip
# Source frames (as file names and official sheets number them), or frames counted from 0 or 1 in each clip.
Counting = Literal["source", "0", "1"]
_LETTER = re.compile(r"column ([A-Z]{1,2})", re.IGNORECASE)
_MOST_TEXTS, _LONGEST = 200, 500


@dataclass(frozen=True, kw_only=True)
class ColumnMap:
    """Which column holds what.

    ``columns``: by key, the name of the column, or “column D” for one whose name is missing or stands twice. ``fixed``: by
    key, a text for all rows; in a path, {subject} and {clip} stand for the row's own. ``words``: by key, what a cell says
    and what it means ({"kind": {"1": "macro"}}). ``none``: what the sheet writes for a frame that does not exist, apart from
    empty cells and “/”. ``header`` is the header row for which the map was made; it is empty if the sheet has no header.
    """

    columns: Mapping[str, str]
    fixed: Mapping[str, str] = field(default_factory=dict)
    words: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    frames: Counting = "source"
    none: tuple[str, ...] = ()
    worksheet: str = ""
    header: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """Return the map as a JSON document."""
        return {
            "schema": SCHEMA, "schema_version": VERSION, "columns": dict(self.columns), "fixed": dict(self.fixed),
            "words": {key: dict(words) for key, words in self.words.items()}, "frames": self.frames,
            "none": list(self.none), "worksheet": self.worksheet, "header": list(self.header),
        }  # fmt: skip

    def find_row(self, rows: Sequence[tuple[int, Sequence[Any]]]) -> int | None:
        """Return the index of the first row with all names that the map uses; -1 if the map needs no header."""
        wanted = {same_name(name) for name in self.columns.values() if not _LETTER.fullmatch(name)}
        wanted |= set() if wanted else {same_name(name) for name in self.header if name}
        if not wanted:
            return -1
        for index, (_, cells) in enumerate(rows):
            if wanted <= {same_name(cell) for cell in cells if isinstance(cell, str)}:
                return index
        return None

    def positions(self, header: Sequence[Any]) -> dict[str, int]:
        """Return the position of each key's column.

        Raises InputError if two columns have the name, or if two marks have the same column.
        """
        names = [same_name(cell) if isinstance(cell, str) else "" for cell in header]
        found: dict[str, int] = {}
        for key, name in self.columns.items():
            if letter := _LETTER.fullmatch(name):
                found[key] = column_index_from_string(letter[1].upper()) - 1
                continue
            places = [position for position, other in enumerate(names) if other == same_name(name)]
            if len(places) != 1:
                letters = " and ".join(f"“column {get_column_letter(place + 1)}”" for place in places)
                raise InputError(f"Several columns are called “{name}”. Write {letters} instead of the name.")
            found[key] = places[0]
        marks = [key for key in MARKS if key in found]
        for first, second in combinations(marks, 2):
            if found[first] == found[second]:
                raise InputError(
                    f"The column map gives the {first} and the {second} the same column, “{self.columns[first]}”. Choose "
                    "another one, or none."
                )
        return found

    def cell(self, key: str, value: Any) -> Any:
        """Return what a cell means: one of the words, or no frame, or the cell itself."""
        text = _plain_text(value)
        if key in MARKS and text and text in {_plain_text(none) for none in self.none}:
            return None
        meant = {_plain_text(written): word for written, word in self.words.get(key, {}).items()}
        return meant.get(text, value)

    def fixed_cells(self, texts: Mapping[str, str]) -> dict[str, str]:
        """Return the fixed texts of a row, whose own texts are given by key."""
        found = dict(self.fixed)
        if "path" in found:
            for key in ("subject", "clip"):
                found["path"] = found["path"].replace(f"{{{key}}}", texts.get(key, "") or found.get(key, ""))
        return found

    def summary(self) -> str:
        """Return the map in a sentence."""
        parts = [f"{key.replace('_', ' ')} from “{name}”" for key, name in self.columns.items()]
        parts += [f"{key.replace('_', ' ')} is “{text}”" for key, text in self.fixed.items()]
        counted = {"source": "source frames", "0": "frames counted from 0", "1": "frames counted from 1"}
        return f"{', '.join(parts)}; marks are {counted[self.frames]}."


def column_map(document: Any) -> ColumnMap:
    """Return the map of a JSON document. Raises InputError if the document is not a map, with what is wrong."""
    if not isinstance(document, dict) or document.get("schema") != SCHEMA:
        raise InputError(f"This is not a column map: expected JSON with “schema”: “{SCHEMA}”.")
    if document.get("schema_version") != VERSION:
        raise InputError(f"“schema_version” of a column map must be {VERSION}.")
    words = document.get("words", {})
    if not isinstance(words, dict):
        raise InputError(
            "“words” of a column map must be an object: by key, what is written and what it means."
        )
    known = {"schema", "schema_version", "columns", "fixed", "words", "frames", "none", "worksheet", "header"}
    if unknown := sorted(map(str, document.keys() - known)):
        raise InputError(f"A column map has no “{unknown[0]}”. It has {', '.join(sorted(known))}.")
    columns = _texts(document.get("columns"), "columns")
    fixed = _texts(document.get("fixed", {}), "fixed")
    if not columns:
        raise InputError("A column map must name at least one column in “columns”.")
    if both := [key for key in fixed if key in columns]:
        raise InputError(f"The column map gives the {both[0]} a column and a fixed text. Remove one of them.")
    frames = document.get("frames", "source")
    if frames not in get_args(Counting):
        raise InputError(
            "“frames” of a column map must be “source”, “0” or “1”: how the sheet counts frames."
        )
    worksheet = document.get("worksheet", "")
    if not isinstance(worksheet, str) or len(worksheet) > _LONGEST:
        raise InputError("“worksheet” of a column map must be the title of a worksheet.")
    return ColumnMap(
        columns=columns,
        fixed=fixed,
        words={
            key: _texts(meant, f"words of {key}", keys=False) for key, meant in _keyed(words, "words").items()
        },
        frames=frames,
        none=_list(document.get("none", []), "none"),
        worksheet=worksheet,
        header=_list(document.get("header", []), "header"),
    )


def same_name(name: str) -> str:
    """Return a column's name for comparison: without case, outer blanks and differences in width.

    >>> same_name(" Start  Frame "), same_name("Ｏｎｓｅｔ")
    ('start frame', 'onset')
    """
    return " ".join(
        unicodedata.normalize("NFKC", name).replace("\u200b", "").replace("\ufeff", "").casefold().split()
    )


def mapped_key(key: str) -> str:
    """Return a reader's key as maps have it: what sheets call a file name is the clip."""
    return "clip" if key == "filename" else key


def name_of(header: Sequence[Any], position: int) -> str:
    """Return how a map names a column: by its name if that is unique, else “column D”."""
    names = [same_name(cell) if isinstance(cell, str) else "" for cell in header]
    name = names[position] if position < len(names) else ""
    if name and len(name) <= _LONGEST and names.count(name) == 1 and not _LETTER.fullmatch(name):
        return " ".join(str(header[position]).split())
    return f"column {get_column_letter(position + 1)}"


def _plain_text(value: Any) -> str:
    """Return a cell as text for comparison with words of a map: 1.0 is "1".

    >>> _plain_text(1.0), _plain_text("1.0"), _plain_text(" Macro "), _plain_text(None)
    ('1', '1', 'macro', '')
    """
    text = "" if value is None else unicodedata.normalize("NFKC", str(value)).strip().casefold()
    return re.sub(r"^([+-]?\d+)\.0+$", r"\1", text)


def _keyed(found: Any, name: str) -> dict[str, Any]:
    if not isinstance(found, dict):
        raise InputError(f"“{name}” of a column map must be an object with these keys: {', '.join(KEYS)}.")
    if unknown := [str(key) for key in found if key not in KEYS]:
        raise InputError(f"“{name}” of a column map has no key “{unknown[0]}”. It has {', '.join(KEYS)}.")
    return found


def _texts(found: Any, name: str, *, keys: bool = True) -> dict[str, str]:
    texts = _keyed(found, name) if keys else found
    if (
        not isinstance(texts, dict)
        or len(texts) > _MOST_TEXTS
        or not all(isinstance(t, str) and t.strip() and len(t) <= _LONGEST for t in texts.values())
    ):
        raise InputError(
            f"“{name}” of a column map must give a text for each key, up to {_LONGEST} characters."
        )
    return {key: text.strip() for key, text in texts.items()}


def _list(found: Any, name: str) -> tuple[str, ...]:
    if (
        not isinstance(found, list)
        or len(found) > 2 * _MOST_TEXTS
        or not all(isinstance(t, str) for t in found)
    ):
        raise InputError(f"“{name}” of a column map must be a list of texts.")
    return tuple(found)
