"""Resolving the rows of a file: names become clips of the project, frame numbers and times become frame indices.

A row that cannot be resolved is reported as a problem; nothing is guessed.
"""

import math
import re
from collections import defaultdict
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any

from mer_platform.annotation.checks import (
    MAX_NOTE_CHARACTERS,
    check_emotion,
    check_marks,
    check_suggestion,
)
from mer_platform.annotation.exchange.timing import TimingCache
from mer_platform.annotation.marks import MARKS
from mer_platform.annotation.models import Annotation, AnnotationOrigin, ExpressionKind
from mer_platform.clips.models import Clip
from mer_platform.projects.models import Project
from models_ml.errors import InputError
from models_ml.formats.action_units import canonical_if_readable, import_units
from models_ml.formats.base import Marked
from models_ml.formats.report import ImportReport, listed
from models_ml.video.timing import Timing


@dataclass(frozen=True)
class ResolvedRow:
    """A row with its clip. ``fields`` are as an annotation has them; marks are frame indices."""

    clip: Clip
    fields: dict[str, Any]
    marked: Marked


class RowResolver:
    """Resolves the rows of one file in one project, and collects in ``report`` what cannot be resolved."""

    def __init__(self, project: Project) -> None:
        self.report = ImportReport()
        self._timings = TimingCache()
        self._by_content: dict[str, Clip] = {}
        self._by_name: defaultdict[str, set[Clip]] = defaultdict(set)
        for clip in Clip.objects.filter(project=project).select_related("subject__database", "project"):
            self._by_content[clip.sha256] = clip
            for name in (clip.name, PurePath(clip.original_name).stem, f"{clip.subject.name}_{clip.name}"):
                self._by_name[_plain(name)].add(clip)

    def resolve(self, row: Marked) -> ResolvedRow | None:
        """Return the row with its clip; None, after reporting why, if there is no clip or a value cannot be correct."""
        clip = self._clip(row)
        if clip is None:
            return None
        try:
            timing = self._timings.of(clip)
        except InputError as error:
            self._reject(row, "clip-without-frames", str(error), "")
            return None
        before = len(self.report.problems)
        fields = row.stated()
        fields |= {mark: self._index(row, mark, clip, timing) for mark in MARKS if mark in fields}
        if len(self.report.problems) == before:
            marks = {mark: fields.get(mark) for mark in MARKS}
            for column, messages in check_marks(clip, **marks).items():
                self._reject(row, "marks-wrong", messages[0], column)
        self._check_words(row, clip, fields)
        self._check_rest(row, fields)
        return ResolvedRow(clip, fields, row) if not self.report.has_errors(before) else None

    def _clip(self, row: Marked) -> Clip | None:
        if row.sha256:
            found = [clip] if (clip := self._by_content.get(row.sha256)) else []
            named = self._by_name[_plain(row.clip)] if not found else ()
            if any(_same_names(row, clip) for clip in named):
                message = f"The clip named “{row.clip}” in this project is not the same file, so its frames may not match."
                self._reject(row, "clip-differs", message, "sha256")
                return None
        else:
            found = self._named(row)
        if len(found) > 1:
            candidates = listed(sorted(str(clip) for clip in found), 4)
            message = f"“{row.clip}” can be {candidates}. State the subject and the database."
            self._reject(row, "clip-ambiguous", message, "filename")
            return None
        if not found:
            self._reject(row, "clip-unknown", self._not_found(row), "filename")
            return None
        if found[0].state != Clip.State.READY:
            message = f"{found[0]} is {found[0].state}, so its frames are not known."
            self._reject(row, "clip-not-ready", message, "filename")
            return None
        return found[0]

    def _named(self, row: Marked) -> list[Clip]:
        """Return the clips of the first of the row's names that the project knows."""
        for name in (row.clip, *row.others):
            if found := self._named_as(name, row):
                return found
        return []

    def _named_as(self, name: str, row: Marked) -> list[Clip]:
        """Return the clips with this name. A subject is also found by its number ("1" for sub01)."""
        found = list(self._by_name.get(_plain(name), ()))
        if row.database:
            found = [clip for clip in found if _plain(clip.database.name) == _plain(row.database)]
        if not row.subject:
            return found
        exact = [clip for clip in found if _plain(clip.subject.name) == _plain(row.subject)]
        number = _number(row.subject)
        return exact or [clip for clip in found if number and _number(clip.subject.name) == number]

    def _not_found(self, row: Marked) -> str:
        names = f"“{row.clip}”"
        names += f" of subject “{row.subject}”" if row.subject else ""
        names += f" in a database “{row.database}”" if row.database else ""
        others = [clip for clip in self._by_name.get(_plain(row.clip), ()) if row.subject or row.database]
        hint = f" It does have {listed(sorted(map(str, others)), 3)}." if others else ""
        return f"This project has no clip {names}.{hint}"

    def _index(self, row: Marked, mark: str, clip: Clip, timing: Timing) -> int | None:
        value: Any = getattr(row, mark)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            message = f"“{value}” is not a frame number of the {mark}."
            self._reject(row, "not-a-frame-number", message, mark)
            return None
        count, numbers = clip.frame_count, timing.source
        if row.unit == "ms":
            index, span = timing.at_ms(value), f"its frames last from 0 to {float(timing.times[-1]):.0f} ms"
        elif row.unit == "frame" and row.rate:
            ms = 1000 * (value - 1) / row.rate
            index, span = timing.at_ms(ms), f"its frames last from 0 to {float(timing.times[-1]):.0f} ms"
        elif row.unit == "source":
            index, span = timing.of_source(int(value)), f"its frames are numbered {numbers[0]}–{numbers[-1]}"
            if index is None and value == 0 and mark == "apex":  # SAMM's sign for an apex that is not coded
                return None
        else:
            first = 1 if row.unit == "frame" else 0
            index = int(value) - first if 0 <= int(value) - first < count else None
            span = f"its frames are {first}–{count - 1 + first}"
        if index is None:
            at = f"{value:g} ms" if row.unit == "ms" else f"frame {value:g}"
            self._reject(row, "frame-absent", f"The {mark} ({at}) is not in {clip}: {span}.", mark)
            return None
        return index

    def _check_words(self, row: Marked, clip: Clip, fields: dict[str, Any]) -> None:
        """Bring emotion and action units into the platform's form."""
        names = [name for name in ("emotion", "action_units") if name in fields]
        if not all(isinstance(fields[name], str) for name in names):
            self._reject(row, "not-a-text", "Emotion and action units must be texts.", "emotion")
            return
        if "emotion" in fields:
            fields["emotion"] = _known_emotion(fields["emotion"].strip(), clip.database.emotions)
            if fields["emotion"] and (message := check_emotion(clip, fields["emotion"])):
                self._reject(row, "emotion-unknown", message, "emotion")
        if "action_units" in fields:
            units, lossless = fields["action_units"], row.record is not None
            fields["action_units"] = (
                canonical_if_readable(units) if lossless else import_units(units, self.report, **row.where())
            )
        for name in names:
            limit = Annotation._meta.get_field(name).max_length  # type: ignore[union-attr]
            if limit and len(fields[name]) > limit:
                start = fields[name][:limit]
                message = f"“{start}…” has more than {limit} characters."
                self._reject(row, "too-long", message, name)

    def _check_rest(self, row: Marked, fields: dict[str, Any]) -> None:
        """Check the fields that only some formats have."""
        if fields.get("kind", "micro") not in ExpressionKind.values:
            self._reject(row, "kind-unknown", f"“{fields['kind']}” is neither micro nor macro.", "kind")
        confidence = fields.get("confidence")
        if confidence is not None and (type(confidence) is not int or not 1 <= confidence <= 5):
            message = (
                f"The confidence must be a whole number from 1 (guess) to 5 (certain), not “{confidence}”."
            )
            self._reject(row, "confidence-wrong", message, "confidence")
        note = fields.get("note", "")
        if not isinstance(note, str) or len(note) > MAX_NOTE_CHARACTERS:
            message = f"A note must be a text of at most {MAX_NOTE_CHARACTERS:,} characters."
            self._reject(row, "note-wrong", message, "note")
        if fields.get("origin", "manual") not in AnnotationOrigin.values:
            message = f"“{fields['origin']}” is not an origin of annotations ({', '.join(AnnotationOrigin.values)})."
            self._reject(row, "origin-unknown", message, "origin")
        if message := check_suggestion(fields.get("suggestion")):
            self._reject(row, "suggestion-wrong", message, "suggestion")

    def _reject(self, row: Marked, code: str, message: str, column: str) -> None:
        reject(self.report, row, code, message, column)


def reject(report: ImportReport, row: Marked, code: str, message: str, column: str) -> None:
    """Report that a row is not imported."""
    report.error(code, message, **row.where(), column=column)


def _known_emotion(written: str, known: list[str]) -> str:
    """Return the database's own spelling of an emotion; "others" and "other" are the same.

    >>> _known_emotion("Happiness", ["happiness"]), _known_emotion("Other", ["others"]), _known_emotion("x", [])
    ('happiness', 'others', 'x')
    """
    if written in known:
        return written
    same = [emotion for emotion in known if _plain(emotion) == _plain(written)]
    singular = _plain(written).rstrip("s")
    near = [emotion for emotion in known if written and _plain(emotion).rstrip("s") == singular]
    return (same or near or [written])[0]


def _plain(name: str) -> str:
    return " ".join(name.split()).casefold()


def _number(subject: str) -> str:
    """Return the subject's number without prefix and leading zeros; "" if there is none.

    >>> _number("sub01"), _number("6"), _number("006"), _number("anna"), _number("a1b2")
    ('1', '6', '6', '', '')
    """
    match = re.fullmatch(r"(?:sub(?:ject)?|s)?[ _]?0*([1-9]\d{0,5})", subject.strip().lower())
    return match[1] if match else ""


def _same_names(row: Marked, clip: Clip) -> bool:
    return _plain(clip.subject.name) == _plain(row.subject) and _plain(clip.database.name) == _plain(
        row.database
    )
