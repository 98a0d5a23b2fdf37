"""Placing what a file marks: names become a clip, frames and times become frame indices, words become the platform's.

Every import of expressions places them here, from the coding of a database to the file of an annotation tool. What cannot
be placed is reported and not imported; nothing is guessed.
"""

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

from mer_platform.annotation.checks import (
    MAX_NOTE_CHARACTERS,
    check_order,
    check_suggestion,
    unknown_emotion,
)
from mer_platform.annotation.exchange.clip_names import ClipNames, plain
from mer_platform.annotation.exchange.timing import TimingCache
from mer_platform.annotation.marks import MARKS
from mer_platform.annotation.models import Annotation, AnnotationOrigin, ExpressionKind
from mer_platform.clips.models import Clip
from mer_platform.projects.models import Project
from models_ml.errors import InputError
from models_ml.formats.action_units import canonical_if_readable, import_units
from models_ml.formats.base import FoundClip, Marked
from models_ml.formats.report import ImportReport, listed
from models_ml.video.clock import Clock
from models_ml.video.timing import Timing
from models_ml.wording import given

Placed = tuple[Clip, Marked]  # what is marked has the unit "index" and the words of the clip's database
_ROUNDED, _ROUNDED_SECONDS = 0.1, 0.2  # players round durations, and sound can outlast the picture
_LARGEST_FRAME = (1 << 31) - 1  # what both databases store


@dataclass(frozen=True)
class Frames:
    """The frames in which marks are placed. ``timing`` is None for a video that was not decoded yet."""

    title: str
    timing: Timing | None

    @classmethod
    def of_found(cls, found: FoundClip) -> "Frames":
        """Return the frames of a clip that an import found: numbered images, or a video of unknown length."""
        title = f"{found.subject}/{found.name}"
        if not found.numbers:
            return cls(title, None)
        clock = Clock.of_numbers(found.numbers, Fraction(found.fps or 1))
        return cls(title, Timing(found.numbers, clock))


class Placer:
    """Places the rows of one file in one project, and collects in ``report`` what cannot be placed."""

    def __init__(self, project: Project, report: ImportReport) -> None:
        self.report = report
        self._names = ClipNames(project)
        self._timings = TimingCache()

    def place(self, row: Marked) -> Placed | None:
        """Return the clip and the row in its frames; None, after reporting why, if a value cannot be correct."""
        clip = self._names.find(row, self.report)
        if clip is None:
            return None
        try:
            frames = Frames(str(clip), self._timings.of(clip))
        except InputError as error:
            self._reject(row, "clip-without-frames", str(error), "")
            return None
        placed = self.place_in(row, frames, clip.database.emotions, clip.database.name)
        return (clip, placed) if placed else None

    def place_in(
        self, row: Marked, frames: Frames, emotions: Sequence[str] = (), database: str = ""
    ) -> Marked | None:
        """Return the row in these frames; None, after reporting why, if a value cannot be correct.

        ``emotions`` are the words that the database restricts coders to; without any, all words are allowed.
        """
        before = len(self.report.problems)
        if message := _other_length(row, frames):
            self._reject(row, "clip-differs", message, "")
            return None
        marks = {mark: self._index(row, mark, frames) for mark in MARKS}
        if len(self.report.problems) == before:
            for column, messages in check_order(**marks).items():
                self._reject(row, "marks-wrong", f"{frames.title}: {messages[0]}", column)
        words = self._words(row, emotions, database)
        self._check_rest(row)
        if self.report.has_errors(before):
            return None
        placed: dict[str, Any] = {**marks, **words}
        return replace(row, unit="index", **placed)

    def _index(self, row: Marked, mark: str, frames: Frames) -> int | None:
        value: Any = getattr(row, mark)
        if value is None or mark in row.silent:
            return None
        whole = row.unit != "ms" and not (row.unit == "frame" and row.rate)
        number = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
        if not number or (whole and value != int(value)):
            what = "whole frame number" if number else "frame number"
            self._reject(
                row, "not-a-frame-number", f"{given(str(value))} is not a {what} of the {mark}.", mark
            )
            return None
        if row.unit == "source" and value == 0 and mark == "apex" and not _has_frame_0(frames):
            return None  # SAMM's sign for an apex that is not coded
        index, span = _at(frames, row, value)
        if index is None:
            at = f"{value:g} ms" if row.unit == "ms" else f"frame {value:.15g}"
            self._reject(row, "frame-absent", f"The {mark} ({at}) is not in {frames.title}: {span}.", mark)
        return index

    def _words(self, row: Marked, emotions: Sequence[str], database: str) -> dict[str, Any]:
        """Return emotion and action units in the platform's form."""
        stated = row.stated()
        words: dict[str, Any] = {name: stated[name] for name in ("emotion", "action_units") if name in stated}
        if not all(isinstance(word, str) for word in words.values()):
            self._reject(row, "not-a-text", "Emotion and action units must be texts.", "emotion")
            return {}
        if "emotion" in words:
            words["emotion"] = _known_emotion(words["emotion"].strip(), emotions)
            if message := unknown_emotion(words["emotion"], emotions, database):
                self._reject(row, "emotion-unknown", message, "emotion")
        if "action_units" in words:
            units, lossless = words["action_units"], row.record is not None
            words["action_units"] = (
                canonical_if_readable(units) if lossless else import_units(units, self.report, **row.where())
            )
        for name, text in words.items():
            limit = Annotation._meta.get_field(name).max_length  # type: ignore[union-attr]
            if limit and len(text) > limit:
                message = f"“{text[:limit]}…” has more than {limit} characters."
                self._reject(row, "too-long", message, name)
        return words

    def _check_rest(self, row: Marked) -> None:
        """Check the fields that only some formats have."""
        fields = row.stated()
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


def with_rates(rows: Sequence[Marked], frame_rate: float | None, report: ImportReport) -> list[Marked]:
    """Return the rows with the rate at which each counts frames: the file's, otherwise ``frame_rate``.

    Without both, rows that count frames of a tool are refused, because its rate need not be the clip's. What was assumed is
    reported.
    """
    unrated = [row for row in rows if row.unit == "frame" and row.rate is None and row.shown]
    if not unrated:
        return list(rows)
    count = f"{len(unrated)} annotation{'s' if len(unrated) > 1 else ''}"
    where = {"file": unrated[0].file, "column": "frame_rate"}
    if frame_rate is None:
        message = (
            f"The file does not state at how many frames per second it counts ({count}). State the frame rate: that of the "
            "Label Studio project, which is 24 unless its labelling configuration sets another."
        )
        report.error("rate-unknown", message, **where)
        refused = set(map(id, unrated))
        return [row for row in rows if id(row) not in refused]
    message = f"The file does not state its frame rate: {count} read at {frame_rate:g} frames per second, as stated."
    report.info("rate-assumed", message, **where)
    return [replace(row, rate=row.rate or frame_rate) if row.unit == "frame" else row for row in rows]


def place_consensus(placer: Placer, rows: Sequence[Marked]) -> list[Placed]:
    """Place the rows of a file as the consensus of their clips, and report what cannot be one.

    A file that has a consensus gives that, and its codings are left out. Otherwise a clip may have one coder only.
    """
    agreed = [row for row in rows if row.agreed]
    if agreed and len(agreed) < len(rows):
        left = len(rows) - len(agreed)
        message = f"The file has a consensus, so {left} marking{'s' if left > 1 else ''} of single coders are left out."
        placer.report.info("codings-left-out", message, file=rows[0].file)
    by_clip: defaultdict[int, list[Placed]] = defaultdict(list)
    for row in agreed or rows:
        if placed := placer.place(row):
            by_clip[placed[0].pk].append(placed)
    found: list[Placed] = []
    for several in by_clip.values():
        coders = sorted({row.coder or "an unnamed coder" for _, row in several})
        if len(coders) == 1:
            found += several
            continue
        clip, first = several[0]
        message = (
            f"{clip} was annotated by {listed(coders)}. An import takes one annotation of each expression: import the file "
            "of one coder, or the annotations that they agreed on."
        )
        reject(placer.report, first, "several-coders", message, "coder")
    return found


def reject(report: ImportReport, row: Marked, code: str, message: str, column: str) -> None:
    """Report that a row is not imported."""
    report.error(code, message, **row.where(), column=column)


def _at(frames: Frames, row: Marked, value: float) -> tuple[int | None, str]:
    """Return the frame index of a mark, None if there is no such frame; and which frames there are, for a message."""
    timing = frames.timing
    if timing is None:
        if row.unit == "ms":
            return None, "its frames have no times before it is decoded"
        index = int(value) - (0 if row.unit == "index" else 1)
        return (index if 0 <= index <= _LARGEST_FRAME else None), "its frames are counted from 1"
    if row.unit == "ms" or (row.unit == "frame" and row.rate):
        ms = value if row.unit == "ms" else 1000 * (value - 1) / (row.rate or 1)
        return timing.at_ms(ms), f"its frames last from 0 to {timing.last_ms} ms"
    if row.unit == "source":
        return timing.of_source(int(value)), f"its frames are numbered {timing.source[0]}–{timing.source[-1]}"
    first, count = (1 if row.unit == "frame" else 0), timing.clock.count
    index = int(value) - first
    return (index if 0 <= index < count else None), f"its frames are {first}–{count - 1 + first}"


def _other_length(row: Marked, frames: Frames) -> str:
    """Return in words that the file is about a video that plays much longer or shorter than the clip; "" if it is not."""
    if row.seconds is None or frames.timing is None:
        return ""
    ours = frames.timing.played.seconds
    allowed = _ROUNDED_SECONDS + float(1 / frames.timing.played.rate) + _ROUNDED * max(row.seconds, ours)
    if abs(row.seconds - ours) <= allowed:
        return ""
    return (
        f"In the file, the video lasts {row.seconds:.3g} s, but {frames.title} lasts {ours:.3g} s: it is another video, or "
        "the same at another speed. Correct the name of the clip in the file, or annotate the clip itself."
    )


def _has_frame_0(frames: Frames) -> bool:
    return frames.timing is not None and frames.timing.of_source(0) is not None


def _known_emotion(written: str, known: Sequence[str]) -> str:
    """Return the database's own spelling of an emotion; "others" and "other" are the same.

    >>> _known_emotion("Happiness", ["happiness"]), _known_emotion("Other", ["others"]), _known_emotion("x", [])
    ('happiness', 'others', 'x')
    """
    if written in known:
        return written
    same = [emotion for emotion in known if plain(emotion) == plain(written)]
    singular = plain(written).rstrip("s")
    near = [emotion for emotion in known if written and plain(emotion).rstrip("s") == singular]
    return (same or near or [written])[0]
