"""SAMM (Davison et al. 2018, IEEE Trans. Affective Computing 9(1)): 200 frames/s, grey, 32 subjects.

Sheet ``SAMM_Micro_FACS_Codes_v2.xlsx``: thirteen rows of text, then Subject, Filename, Inducement Code, Onset Frame, Apex
Frame, Offset Frame, Duration, Micro, Action Units, Estimated Emotion, Objective Classes, Notes. An apex of -1 or 0 means
that there is none. Frames: ``006/006_1_2/006_05562.jpg``, by source frame number. Names in the project: subject "006", even
if a spreadsheet made it 6, and clip "006_1_2".
"""

import re
from collections.abc import Sequence

from models_ml.formats.base import Kind, Layout, Marked, MarkedClip
from models_ml.formats.cells import SheetRow
from models_ml.formats.coded_database import ClipIdentity, CodedDatabase
from models_ml.formats.coded_rows import (
    ACTION_UNITS,
    APEX,
    EMOTION,
    FILENAME,
    OFFSET,
    ONSET,
    SUBJECT,
)
from models_ml.formats.headers import Column
from models_ml.formats.report import ImportReport
from models_ml.formats.sheet_writing import NO_EXPRESSION, Row, sheet_exports, source_marks

EMOTIONS = ("anger", "contempt", "disgust", "fear", "happiness", "sadness", "surprise", "other")
TYPE = Column("kind", ("Micro", "Type"), required=False)


def subject_name(text: str) -> str:
    """Return the name of a subject, or "" if the text is none.

    >>> subject_name("6"), subject_name("006"), subject_name("006_1_2")
    ('006', '006', '')
    """
    match = re.fullmatch(r"(?:sub(?:ject)?|s)?[ _]?0*([1-9]\d{0,2})", text.strip().lower())
    return f"{int(match[1]):03d}" if match else ""


def kind(row: SheetRow, report: ImportReport) -> Kind:
    """Return the kind of "Micro", "Micro - 1/2" or "Macro"; anything else is reported and counts as micro."""
    word = row.text("kind", report).lower()
    if word.startswith("macro"):
        return "macro"
    if word and not word.startswith("micro"):
        report.warning(
            "kind-unknown",
            f"“{word}” is neither micro nor macro: imported as micro.",
            file=row.file,
            row=row.number,
            column="kind",
        )
    return "micro"


def identify(parts: tuple[str, ...]) -> ClipIdentity | None:
    """Recognise 006/006_1_2 below any folder; the clip's name repeats its subject."""
    match = re.fullmatch(r"(\d{3})_\d+_\d+", parts[-1])
    if match is None:
        return None
    above = len(parts) > 1 and subject_name(parts[-2]) == match[1]
    return ClipIdentity(parts[: -2 if above else -1], match[1], parts[-1], parts[-2] if above else match[1])


def clip_name(subject: str, filename: str) -> str:
    """Return the clip's name with the leading zeros that a spreadsheet may have removed.

    >>> clip_name("006", "6_1_2"), clip_name("006", "006_1_2")
    ('006_1_2', '006_1_2')
    """
    return re.sub(r"^0*(\d{1,3})(?=_)", lambda match: match[1].zfill(3), filename)


DATABASE = CodedDatabase(
    key="samm",
    name="SAMM",
    fps=200.0,
    emotions=EMOTIONS,
    columns=(SUBJECT, FILENAME, ONSET, APEX, OFFSET, TYPE, ACTION_UNITS, EMOTION),
    expects="006/006_1_2/006_05562.jpg",
    identify=identify,
    subject=subject_name,
    clip=clip_name,
    kind=kind,
    none=frozenset(("0", "-1")),
)


LAYOUT = Layout(
    key=DATABASE.key,
    title="SAMM",
    expects="006/006_1_2/006_05562.jpg and SAMM_Micro_FACS_Codes_v2.xlsx",
    read=DATABASE.read,
    columns=DATABASE.columns,
)


SHEET_COLUMNS = (
    "Subject", "Filename", "Inducement Code", "Onset Frame", "Apex Frame", "Offset Frame", "Duration", "Micro",
    "Action Units", "Estimated Emotion", "Objective Classes", "Notes", "Database", "Coder", "Confidence",
)  # fmt: skip


def sheet_rows(clips: Sequence[MarkedClip]) -> list[Row]:
    """Return a table in SAMM's columns, followed by our own.

    The duration is in frames and includes both ends. Inducement code and objective class stay empty: the platform does
    not know them.
    """
    return [SHEET_COLUMNS, *(_sheet_row(clip, marked) for clip in clips for marked in clip.marked)]


def _sheet_row(clip: MarkedClip, marked: Marked) -> Row:
    onset, apex, offset = source_marks(clip, marked)
    marks = marked.marks()
    known = "onset" in marks and "offset" in marks
    duration = marks["offset"] - marks["onset"] + 1 if known else None
    return (
        clip.subject, clip.name, None, onset, apex, offset, duration,
        marked.kind.capitalize() if marked.shown else NO_EXPRESSION, marked.action_units, marked.emotion, None,
        marked.note, clip.database, marked.coder, marked.confidence,
    )  # fmt: skip


EXPORTS = sheet_exports("samm", "SAMM", "Onset Frame, Apex Frame, Offset Frame, Duration …", sheet_rows)
