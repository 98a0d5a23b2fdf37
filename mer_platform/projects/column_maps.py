"""The step in which a person says which column of a sheet holds what: its form, and what the project remembers of it."""

import hashlib
import json
import re
from collections.abc import Sequence
from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from mer_platform.projects.models import Project, SheetColumns
from mer_platform.web import actor
from models_ml.errors import InputError
from models_ml.formats.base import Sheet
from models_ml.formats.headers import Column
from models_ml.formats.mapping import ColumnMap, column_map, mapped_key
from models_ml.formats.sheet_columns import LABELS, WorksheetColumns, header_key, sheet_columns
from models_ml.formats.sheets import required_keys

_FIXABLE = ("database", "subject", "path", "fps", "kind", "emotion", "coder")  # a text can stand for all rows
_MOST_BYTES = 1 << 20
_COUNTINGS = [
    ("source", "Source frames, as in the names of the images"),
    ("0", "Frames of the clip, counted from 0"),
    ("1", "Frames of the clip, counted from 1"),
]


def parse_map(content: Any) -> ColumnMap:
    """Return the map of a JSON text or document. Raises ValidationError with what is wrong."""
    try:
        document = json.loads(content) if isinstance(content, str | bytes) else content
    except (ValueError, RecursionError) as error:
        raise ValidationError("The column map is not JSON.") from error
    try:
        return column_map(document)
    except InputError as error:
        raise ValidationError(str(error)) from error


def remember(project: Project, columns: ColumnMap, user: Any) -> None:
    """Store the map, so that the project offers it for the next sheet with this header."""
    if columns.header:
        SheetColumns.objects.update_or_create(
            project=project,
            header=_digest(columns.header),
            defaults={"columns": columns.as_json(), "saved_by": actor(user)},
        )


def columns_to_map(project: Project, sheet: Sheet) -> tuple[list[WorksheetColumns], ColumnMap | None]:
    """Return the columns of each worksheet, and the map that the project has for the header of one of them.

    Raises InputError if the sheet cannot be read.
    """
    found = sheet_columns(sheet)
    stored = {
        saved.header: saved.columns
        for saved in SheetColumns.objects.filter(
            project=project, header__in=[_digest(worksheet.header) for worksheet in found]
        )
    }
    for worksheet in found:
        if document := stored.get(_digest(worksheet.header)):
            known = column_map(document)
            return sheet_columns(sheet, known), known
    return found, None


def chosen_worksheet(found: Sequence[WorksheetColumns], number: str, known: ColumnMap | None) -> int:
    """Return the index of the worksheet to show: the one asked for, else that of the known map, else the first."""
    if re.fullmatch("[0-9]{1,9}", number) and int(number) < len(found):
        return int(number)
    titles = [worksheet.title for worksheet in found]
    return titles.index(known.worksheet) if known is not None and known.worksheet in titles else 0


def _digest(header: Sequence[str]) -> str:
    return hashlib.sha256(header_key(header).encode()).hexdigest()


class ColumnMapForm(forms.Form):
    """What each column of a worksheet holds, and how the sheet counts frames and writes words.

    ``columns`` are those of the reader. ``made`` is the map after ``is_valid``.
    """

    frames = forms.ChoiceField(
        label="How frames are counted", choices=_COUNTINGS, initial="source", widget=forms.RadioSelect
    )
    none = forms.CharField(
        label="No frame is written as",
        required=False,
        max_length=100,
        help_text="Separate several with commas, for example 0, -1. Empty cells and “/” always mean that there is no frame.",
    )
    words = forms.CharField(
        label="Words and numbers that stand for something",
        required=False,
        max_length=4000,
        widget=forms.Textarea(attrs={"rows": 3, "placeholder": "kind: 1 = macro\nemotion: 0 = negative"}),
        help_text="One per line: emotion or kind, what the cell says, and what it means.",
    )
    no_header = forms.BooleanField(label="The sheet has no header: its first row is data", required=False)
    saved = forms.FileField(
        label="A saved column map",
        required=False,
        allow_empty_file=True,
        help_text="A JSON file of this page. It replaces all choices on this page.",
    )

    def __init__(
        self,
        *args: Any,
        worksheet: WorksheetColumns,
        columns: Sequence[Column],
        known: ColumnMap | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.worksheet = worksheet
        self.made: ColumnMap | None = None
        self._required = required_keys(columns)
        keys = list(dict.fromkeys(mapped_key(column.key) for column in columns))
        choices = [("", "Not read"), *((key, LABELS[key]) for key in keys)]
        for index, column in enumerate(worksheet.columns):
            guess = column.guess if column.guess in keys else ""
            self.fields[f"column_{index}"] = forms.ChoiceField(
                label=f"Column {column.letter}", choices=choices, initial=guess, required=False
            )
        for key in _FIXABLE:
            if key in keys:
                self.fields[f"fixed_{key}"] = forms.CharField(
                    label=LABELS[key], required=False, max_length=200
                )
        if "fixed_path" in self.fields:
            self.fields[
                "fixed_path"
            ].help_text = "{subject} and {clip} stand for those of the row: {subject}/{clip}"
        if known is not None and not self.is_bound:
            self._show(known)

    def column_fields(self) -> list[tuple[Any, Any]]:
        """Return each column of the sheet with its field."""
        return [(column, self[f"column_{index}"]) for index, column in enumerate(self.worksheet.columns)]

    def fixed_fields(self) -> list[Any]:
        """Return the fields of texts that stand for all rows."""
        return [self[name] for name in self.fields if name.startswith("fixed_")]

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        if saved := given.get("saved"):
            self._take(saved)
            return given
        chosen: dict[str, int] = {}
        for index in range(len(self.worksheet.columns)):
            key = given.get(f"column_{index}")
            if key and key in chosen:
                other = self.worksheet.columns[chosen[key]].letter
                self.add_error(
                    f"column_{index}", f"{LABELS[key]} is column {other} already. Choose one of the two."
                )
            elif key:
                chosen[key] = index
        fixed = {key: text for key in _FIXABLE if (text := given.get(f"fixed_{key}")) and key not in chosen}
        if missing := [LABELS[key] for key in self._required if key not in {*chosen, *fixed}]:
            self.add_error(None, f"No column is chosen for: {', '.join(missing)}.")
        words = self._words(given.get("words", ""))
        if self.errors:
            return given
        without_header = given["no_header"]
        references = {
            key: f"column {column.letter}" if without_header else column.reference
            for key, index in chosen.items()
            for column in [self.worksheet.columns[index]]
        }
        document = ColumnMap(
            columns=references,
            fixed=fixed,
            words=words,
            frames=given["frames"],
            none=tuple(text for part in given["none"].split(",") if (text := part.strip())),
            worksheet=self.worksheet.title,
            header=() if without_header else self.worksheet.header,
        ).as_json()
        try:
            self.made = parse_map(document)
        except ValidationError as error:
            self.add_error(None, error)
        return given

    def _take(self, saved: Any) -> None:
        """Take the uploaded map in place of the choices."""
        if saved.size > _MOST_BYTES:
            self.add_error("saved", "The file is larger than 1 MB: it is not a column map.")
            return
        try:
            self.made = parse_map(saved.read())
        except ValidationError as error:
            self.add_error("saved", error)
        else:
            for name in list(self.errors):
                del self.errors[name]

    def _words(self, text: str) -> dict[str, dict[str, str]]:
        words: dict[str, dict[str, str]] = {}
        for line in filter(None, map(str.strip, text.splitlines())):
            key, colon, rest = (part.strip() for part in line.partition(":"))
            written, equals, meant = (part.strip() for part in rest.partition("="))
            if not (colon and equals and written and meant and key.lower() in ("emotion", "kind")):
                self.add_error("words", f"“{line}” is not of the form “emotion: 0 = negative”.")
                continue
            words.setdefault(key.lower(), {})[written] = meant
        return words

    def _show(self, known: ColumnMap) -> None:
        """Start with the choices of a map that was made for such a sheet before."""
        lines = [
            f"{key}: {written} = {meant}"
            for key, words in known.words.items()
            for written, meant in words.items()
        ]
        self.initial.update({f"fixed_{key}": text for key, text in known.fixed.items()})
        self.initial.update(frames=known.frames, none=", ".join(known.none), words="\n".join(lines))
