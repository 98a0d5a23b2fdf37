"""The rows of a coding sheet, checked one by one against the frames of their clips.

All layouts follow the same rules:

- A row is an error and is not imported if its folder is missing, if its onset is missing or not among the frames, or if
  its offset comes before its onset.
- An apex or offset that cannot be right (outside the expression, not among the frames) is left out, with a warning.
- Equal rows count once. Rows that contradict each other are errors, all of them.
"""

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any

from models_ml.formats.action_units import import_units
from models_ml.formats.base import FIELDS, RARELY_CODED, Kind, Marked
from models_ml.formats.cells import SheetRow
from models_ml.formats.headers import Column
from models_ml.formats.plain_text import plain
from models_ml.formats.report import ImportReport, listed
from models_ml.formats.sheets import SheetTable

SUBJECT = Column(
    "subject", ("Subject", "Subject ID", "Subject No", "Subject Number", "Subjects", "sub_ID", "sub")
)
FILENAME = Column("filename", ("Filename", "Filenames", "fold_name", "Material", "seq"))
ONSET = Column("onset", ("OnsetFrame", "OnsetF", "Onset", "Onset Frame No", "Onset Frame Number"))
APEX = Column(
    "apex", ("ApexFrame", "ApexF", "ApexF1", "Apex", "Apex Frame No", "Apex Frame Number"), required=False
)
OFFSET = Column("offset", ("OffsetFrame", "OffsetF", "Offset", "Offset Frame No", "Offset Frame Number"))
ACTION_UNITS = Column(
    "action_units",
    ("Action Units", "Action Unit", "AU", "AUs", "AU code", "AU codes", "FACS", "FACS code", "FACS codes"),
    required=False,
)
EMOTION = Column("emotion", ("Estimated Emotion", "Emotion", "Estimated Emotions", "Emotions"))


def coded_rows(
    table: SheetTable,
    subject: Callable[[str], str],
    clip: Callable[[str, str], str],
    report: ImportReport,
    kind: Callable[[SheetRow, ImportReport], Kind] = lambda row, report: "micro",
    none: frozenset[str] = frozenset(),
) -> list[Marked]:
    """Return the rows with the names that the project uses.

    ``subject`` and ``clip`` return canonical names, or "" for any other cell; such a row is reported and left out.
    ``none``: see ``SheetRow.frame``. A field without a column is one that the sheet says nothing about; the kind of
    expressions is known for each database.
    """
    coded = []
    spellings = []
    silent = RARELY_CODED | (frozenset(FIELDS) - table.columns - {"kind"})
    for row in table.rows:
        spelled, filename = row.text("subject", report), row.text("filename", report)
        name = subject(re.sub(r"^(\d+)\.0+$", r"\1", plain(spelled)))  # "1.0": a number, as pandas writes it
        where = {"file": row.file, "row": row.number}
        if not name:
            report.error(
                "subject-unknown",
                f"“{spelled}” is not a subject of this database: the row is not imported.",
                column="subject",
                **where,
            )
            continue
        if not filename:
            report.error(
                "filename-missing",
                "The row has no file name: it is not imported.",
                column="filename",
                **where,
            )
            continue
        coded.append(
            Marked(
                clip=clip(name, filename),
                subject=name,
                unit=table.unit,
                **table.marks(row, report, none),
                emotion=row.text("emotion", report).lower(),
                action_units=import_units(row.text("action_units", report), report, subject=name, **where),
                kind=kind(row, report),
                silent=silent,
                file=row.file,
                row=row.number,
            )
        )
        spellings.append((name, spelled, f"row {row.number}"))
    report_spellings(spellings, report)
    return coded


def in_source_frames(coded: Marked, numbers: Sequence[int], report: ImportReport) -> Marked | None:
    """Return the row with source frames if it counts the frames of the clip; None, after reporting, for an absent frame.

    ``numbers`` is empty for a video, whose source frames count from 1.
    """
    if coded.unit == "source":
        return coded
    marks: dict[str, Any] = {}
    for mark, index in coded.marks().items():
        if numbers and index >= len(numbers):
            report.error(
                "frame-absent",
                f"The {mark} is frame {index} counted from 0, but the clip has {len(numbers)} frames: the row is "
                "not imported.",
                column=mark,
                **coded.where(),
            )
            return None
        marks[mark] = numbers[index] if numbers else index + 1
    return replace(coded, unit="source", **marks)


def frame_rate(rows: Sequence[SheetRow], report: ImportReport, *, optional: bool = False) -> float | None:
    """Return the frames per second that the rows of a clip state; None, with a report, if it is not one number.

    ``optional``: the rows may state none, as for a video, which states its own.
    """
    texts = [text for row in rows if (text := row.text("fps", report))]
    try:
        rates = {float(text.replace(",", ".")) for text in texts}
    except ValueError:
        rates = {-1.0}
    if not rates and optional:
        return None
    if len(rates) == 1 and 1 <= (rate := rates.pop()) <= 100_000:
        return rate
    given = " and ".join(sorted(set(texts))) or "nothing"
    report.error(
        "fps-missing" if not texts else "fps-wrong",
        f"The frames per second of a clip must be one number, 1 or more. Found {given}: the clip is not imported.",
        file=rows[0].file,
        row=rows[0].number,
        column="fps",
    )
    return None


def report_spellings(seen: Iterable[tuple[str, str, str]], report: ImportReport, file: str = "") -> None:
    """Warn of each subject that is spelled in several ways. ``seen``: canonical name, spelling, where it was seen."""
    spellings: defaultdict[str, dict[str, str]] = defaultdict(dict)
    for subject, spelled, where in seen:
        spellings[subject].setdefault(spelled, where)
    for subject, ways in spellings.items():
        if len(ways) > 1:
            spelled = listed([f"“{way}” ({where})" for way, where in ways.items()])
            report.warning(
                "subject-spelled-two-ways",
                f"One subject is spelled in several ways, {spelled}: all are imported as {subject}.",
                file=file,
                subject=subject,
            )


def without_duplicates(rows: Sequence[Marked], report: ImportReport, *, several: bool) -> list[Marked]:
    """Return the rows of a clip that count: each repeated row once, and none if rows of a single expression contradict."""
    kept: list[Marked] = []
    for row in rows:
        same = next((k for k in kept if replace(k, row=row.row) == row), None)
        if same is None:
            kept.append(row)
        else:
            report.info(
                "duplicate-row", f"This row repeats row {same.row}: it is imported once.", **row.where()
            )
    if several or len(kept) < 2:
        return kept
    contradicting = listed([str(row.row) for row in kept])
    for row in kept:
        report.error(
            "rows-contradict",
            f"Rows {contradicting} code the same clip differently: none of them is imported. Correct the sheet.",
            **row.where(),
        )
    return []


def check(
    coded: Marked,
    numbers: Sequence[int],
    emotions: Sequence[str],
    report: ImportReport,
    *,
    apex_expected: bool = True,
) -> Marked | None:
    """Return the expression of a row without the marks that cannot be right; None if nothing usable is left."""
    where = coded.where()
    if coded.onset is None:
        report.error("onset-missing", "The row has no onset: it is not imported.", column="onset", **where)
        return None
    if coded.offset is not None and coded.offset < coded.onset:
        report.error(
            "offset-before-onset",
            f"The offset ({coded.offset}) comes before the onset ({coded.onset}): the row is not imported.",
            column="offset",
            **where,
        )
        return None
    present = set(numbers)
    if present and coded.onset not in present:
        report.error(
            "frame-absent",
            f"The onset, frame {coded.onset}, is not among the frames ({_span(numbers)}): the row is not imported.",
            column="onset",
            **where,
        )
        return None
    offset = _offset(coded, present, numbers, report)
    apex = _apex(coded, offset, present, numbers, report, apex_expected)
    emotion = _emotion(coded, emotions, report)
    return replace(coded, apex=apex, offset=offset, emotion=emotion)


def _offset(coded: Marked, present: set[int], numbers: Sequence[int], report: ImportReport) -> float | None:
    if coded.offset is None:
        report.warning(
            "offset-missing",
            "The row has no offset: imported without one.",
            column="offset",
            **coded.where(),
        )
    elif present and coded.offset not in present:
        report.warning(
            "frame-absent",
            f"The offset, frame {coded.offset}, is not among the frames ({_span(numbers)}): imported without an offset.",
            column="offset",
            **coded.where(),
        )
    else:
        return coded.offset
    return None


def _apex(
    coded: Marked,
    offset: float | None,
    present: set[int],
    numbers: Sequence[int],
    report: ImportReport,
    expected: bool,
) -> float | None:
    apex, onset = coded.apex, coded.onset or 0
    where = {"column": "apex", **coded.where()}
    last = coded.offset if coded.offset is not None else apex
    if apex is None:
        if expected:
            report.warning(
                "apex-missing",
                "The row has no apex: imported without one. Mark or spot it in the platform.",
                **where,
            )
    elif not onset <= apex <= (last or 0):
        report.warning(
            "apex-outside",
            f"The apex ({apex}) is outside the expression, frames {onset}–{coded.offset}: imported without an apex. "
            "Mark or spot it in the platform.",
            **where,
        )
    elif present and apex not in present:
        report.warning(
            "frame-absent",
            f"The apex, frame {apex}, is not among the frames ({_span(numbers)}): imported without an apex.",
            **where,
        )
    else:
        if apex == onset:
            report.warning(
                "apex-is-onset",
                f"Onset and apex are the same frame ({apex}): imported as coded, but there is no motion between them.",
                **where,
            )
        return apex
    return None


def _emotion(coded: Marked, emotions: Sequence[str], report: ImportReport) -> str:
    """Return the word as the database spells it: "other" and "others" are one word."""
    word = coded.emotion
    if not emotions or word in emotions:
        return word
    for known in emotions:
        if word.rstrip("s") == known.rstrip("s") and word:
            return known
    if word:
        message = f"“{word}” is not an emotion of this database ({', '.join(emotions)}): imported as written."
        report.warning("emotion-unknown", message, column="emotion", **coded.where())
    else:
        report.warning(
            "emotion-missing",
            "The row has no emotion: imported without one.",
            column="emotion",
            **coded.where(),
        )
    return word


def _span(numbers: Sequence[int]) -> str:
    return f"{numbers[0]}–{numbers[-1]}"
