"""Rows of a file, given to the clips of a project and checked: names become clips, numbers and times become indices.

What cannot be placed becomes a ``Problem``; nothing is guessed.
"""

import math
import re
from collections import defaultdict
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any

from mer_platform.annotation.action_units import canonical
from mer_platform.annotation.checks import check_marks
from mer_platform.annotation.exchange.rows import MARKS, Incoming
from mer_platform.annotation.exchange.timing import Timing, Timings
from mer_platform.annotation.models import AnnotationOrigin, ExpressionKind
from mer_platform.clips.models import Clip
from mer_platform.projects.models import Project
from models_ml.errors import InputError
from models_ml.formats.report import ImportReport, listed

_LONGEST_NOTE = 2000
_SUGGESTION = {"onset", "apex", "offset", "confidence"}


@dataclass(frozen=True)
class Placed:
    """A row with its clip; marks are 0-based indices, all fields are as an annotation has them."""

    clip: Clip
    fields: dict[str, Any]
    row: Incoming


class Placer:
    """Places the rows of one file in one project; what it could not place is in ``report``."""

    def __init__(self, project: Project) -> None:
        self.report = ImportReport()
        self._timings = Timings()
        self._by_bytes: dict[str, Clip] = {}
        self._by_name: defaultdict[str, set[Clip]] = defaultdict(set)
        for clip in Clip.objects.filter(project=project).select_related("subject__database", "project"):
            self._by_bytes[clip.sha256] = clip
            for name in (clip.name, PurePath(clip.original_name).stem, f"{clip.subject.name}_{clip.name}"):
                self._by_name[_plain(name)].add(clip)

    def place(self, row: Incoming) -> Placed | None:
        """The row in its clip; None, reported, where there is none or something in it cannot be right."""
        clip = self._clip(row)
        if clip is None:
            return None
        try:
            timing = self._timings.of(clip)
        except InputError as error:
            self._refuse(row, "clip-without-frames", str(error), "")
            return None
        before = len(self.report.problems)
        fields = {**row.fields, **{mark: self._index(row, mark, clip, timing) for mark in MARKS}}
        if len(self.report.problems) == before:
            marks = {mark: fields[mark] for mark in MARKS}
            for column, messages in check_marks(clip, **marks).items():
                self._refuse(row, "marks-wrong", messages[0], column)
        self._check_words(row, clip, fields)
        self._check_rest(row, fields)
        return Placed(clip, fields, row) if len(self.report.problems) == before else None

    def _clip(self, row: Incoming) -> Clip | None:
        if row.sha256:
            found = [clip] if (clip := self._by_bytes.get(row.sha256)) else []
            named = self._by_name[_plain(row.clip)] if not found else ()
            if any(_same(row, clip) for clip in named):
                message = f"The clip of this name here has other bytes than “{row.clip}” had: its frames may be others."
                self._refuse(row, "clip-differs", message, "sha256")
                return None
        else:
            found = self._named(row)
        if len(found) > 1:
            several = listed(sorted(str(clip) for clip in found), 4)
            message = f"“{row.clip}” may be {several}: say of which subject and database it is."
            self._refuse(row, "clip-ambiguous", message, "filename")
            return None
        if not found:
            self._refuse(row, "clip-unknown", self._missing(row), "filename")
            return None
        if found[0].state != Clip.State.READY:
            message = f"{found[0]} is {found[0].state}: its frames are not known."
            self._refuse(row, "clip-not-ready", message, "filename")
            return None
        return found[0]

    def _named(self, row: Incoming) -> list[Clip]:
        """Clips of the row's names: the subject as it is written, else by its number ("1" is sub01)."""
        found = list(self._by_name.get(_plain(row.clip), ()))
        if row.database:
            found = [clip for clip in found if _plain(clip.database.name) == _plain(row.database)]
        if not row.subject:
            return found
        exact = [clip for clip in found if _plain(clip.subject.name) == _plain(row.subject)]
        number = _number(row.subject)
        return exact or [clip for clip in found if number and _number(clip.subject.name) == number]

    def _missing(self, row: Incoming) -> str:
        where = " of ".join(
            part for part in (f"“{row.clip}”", row.subject and f"subject “{row.subject}”") if part
        )
        where += f" in a database “{row.database}”" if row.database else ""
        others = [clip for clip in self._by_name.get(_plain(row.clip), ()) if row.subject or row.database]
        hint = f" There is {listed(sorted(map(str, others)), 3)}." if others else ""
        return f"This project has no clip {where}.{hint}"

    def _index(self, row: Incoming, mark: str, clip: Clip, timing: Timing) -> int | None:
        value = row.fields[mark]
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            self._refuse(row, "not-a-frame-number", f"“{value}” is no frame of the {mark}.", mark)
            return None
        count, numbers = clip.frame_count, timing.source
        if row.unit == "ms":
            index, span = timing.at_ms(value), f"its frames last from 0 to {float(timing.times[-1]):.0f} ms"
        elif row.unit == "source":
            index, span = timing.of_source(int(value)), f"its frames are numbered {numbers[0]}–{numbers[-1]}"
            if index is None and value == 0 and mark == "apex":  # how SAMM writes that there is none
                return None
        else:
            first = 1 if row.unit == "frame" else 0
            index = int(value) - first if 0 <= int(value) - first < count else None
            span = f"its frames are {first}–{count - 1 + first}"
        if index is None:
            message = f"The {mark}, {f'{value:g} ms' if row.unit == 'ms' else f'frame {value:g}'}, is not in {clip}: {span}."
            self._refuse(row, "frame-absent", message, mark)
            return None
        return index

    def _check_words(self, row: Incoming, clip: Clip, fields: dict[str, Any]) -> None:
        """Emotion and units as the platform writes them."""
        if not all(isinstance(fields[name], str) for name in ("emotion", "action_units")):
            self._refuse(row, "not-a-text", "Emotion and action units are texts.", "emotion")
            return
        words, word = clip.database.emotions, fields["emotion"].strip()
        fields["emotion"] = _vocabulary_word(word, words)
        if word and words and fields["emotion"] not in words:
            message = f"“{word}” is not a word of {clip.database}: {', '.join(words)}. Add it to the database first."
            self._refuse(row, "emotion-unknown", message, "emotion")
        try:
            fields["action_units"] = canonical(fields["action_units"])
        except ValueError as error:
            self._refuse(row, "action-units-unreadable", str(error), "action_units")
        for name, most in (("emotion", 40), ("action_units", 80)):
            if len(fields[name]) > most:
                self._refuse(row, "too-long", f"“{fields[name][:60]}” has more than {most} characters.", name)

    def _check_rest(self, row: Incoming, fields: dict[str, Any]) -> None:
        """The fields that only some formats carry."""
        if fields.get("kind", "micro") not in ExpressionKind.values:
            self._refuse(row, "kind-unknown", f"“{fields['kind']}” is neither micro nor macro.", "kind")
        confidence = fields.get("confidence")
        if confidence is not None and (type(confidence) is not int or not 1 <= confidence <= 5):
            message = f"The confidence is a whole number from 1 (guess) to 5 (certain), not “{confidence}”."
            self._refuse(row, "confidence-wrong", message, "confidence")
        note = fields.get("note", "")
        if not isinstance(note, str) or len(note) > _LONGEST_NOTE:
            message = f"A note is a text of at most {_LONGEST_NOTE:,} characters."
            self._refuse(row, "note-wrong", message, "note")
        if fields.get("origin", "manual") not in AnnotationOrigin.values:
            self._refuse(
                row, "origin-unknown", f"“{fields['origin']}” is no origin of an annotation.", "origin"
            )
        suggestion = fields.get("suggestion")
        if suggestion is not None and not (
            isinstance(suggestion, dict)
            and set(suggestion) == _SUGGESTION
            and all(type(value) in (int, float) for value in suggestion.values())
        ):
            message = f"A suggestion has numbers for {', '.join(sorted(_SUGGESTION))}, and nothing else."
            self._refuse(row, "suggestion-wrong", message, "suggestion")

    def _refuse(self, row: Incoming, code: str, message: str, column: str) -> None:
        refuse(self.report, row, code, message, column)


def refuse(report: ImportReport, row: Incoming, code: str, message: str, column: str) -> None:
    """Report that a row is not imported."""
    report.error(code, message, file=row.file, row=row.row, column=column, subject=row.subject, clip=row.clip)


def _vocabulary_word(word: str, words: list[str]) -> str:
    """The database's own word for what is written; "others" and "other" are one.

    >>> _vocabulary_word("Happiness", ["happiness"]), _vocabulary_word("Other", ["others"]), _vocabulary_word("x", [])
    ('happiness', 'others', 'x')
    """
    if word in words:
        return word
    same = [known for known in words if _plain(known) == _plain(word)]
    near = [known for known in words if word and _plain(known).rstrip("s") == _plain(word).rstrip("s")]
    return (same or near or [word])[0]


def _plain(name: str) -> str:
    return " ".join(name.split()).casefold()


def _number(subject: str) -> str:
    """The subject's number, however it is written: "sub01", "1" and "001" are one. "" where there is none.

    >>> _number("sub01"), _number("6"), _number("006"), _number("anna"), _number("a1b2")
    ('1', '6', '6', '', '')
    """
    match = re.fullmatch(r"(?:sub(?:ject)?|s)?[ _]?0*([1-9]\d{0,5})", subject.strip().lower())
    return match[1] if match else ""


def _same(row: Incoming, clip: Clip) -> bool:
    return _plain(clip.subject.name) == _plain(row.subject) and _plain(clip.database.name) == _plain(
        row.database
    )
