"""Coding sheets in the columns of CASME II and of SAMM, as CSV and as XLSX.

Frames are *source* frame numbers, as in the official sheets. A header row stands first, without SAMM's thirteen rows of
text above it: pandas reads the sheet without being told to skip any, and our readers find a header wherever it stands.
Behind the official columns come ours (Database, Coder, and what the convention has no place for). One reader takes both,
the official sheets themselves, and the flat table of ``exports.tables``, whose frames are 0-based indices.
"""

import csv
import io
from collections.abc import Callable, Sequence
from typing import Any

from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE

from mer_platform.annotation.exchange.rows import MARKS, Incoming, Outgoing, Read, Unit
from mer_platform.clips.models import Subject
from models_ml.errors import InputError
from models_ml.formats import casme2
from models_ml.formats.base import Sheet
from models_ml.formats.coded_rows import ACTION_UNITS, APEX, EMOTION, FILENAME, OFFSET, ONSET, SUBJECT
from models_ml.formats.csv_text import BOM, guard_formula, unguard_formula
from models_ml.formats.report import ImportReport
from models_ml.formats.sheets import Column, SheetRow, read_table

CASME2_COLUMNS = (
    "Subject", "Filename", "", "OnsetFrame", "ApexFrame", "OffsetFrame", "", "Action Units", "Estimated Emotion",
    "Database", "Coder", "Kind", "Confidence", "Note",
)  # fmt: skip
SAMM_COLUMNS = (
    "Subject", "Filename", "Inducement Code", "Onset Frame", "Apex Frame", "Offset Frame", "Duration", "Micro",
    "Action Units", "Estimated Emotion", "Objective Classes", "Notes", "Database", "Coder", "Confidence",
)  # fmt: skip
_COLUMNS = (
    SUBJECT, FILENAME, ONSET, APEX, OFFSET, ACTION_UNITS, EMOTION,
    Column("kind", ("Kind", "Micro", "Type"), required=False),
    Column("database", ("Database",), required=False),
    Column("coder", ("Coder",), required=False),
    Column("confidence", ("Confidence",), required=False),
    Column("note", ("Note", "Notes"), required=False),
)  # fmt: skip
_FLAT = (
    Column("source", ("onset_source_frame",)),  # tells the flat table from a sheet
    Column("marked_by", ("marked_by",)),
    Column("filename", ("clip",)),
    *(column for column in _COLUMNS if column is not FILENAME),
)
_ENCODINGS = ((b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))
_HEAD = 4096  # bytes in which a header row ends
Cells = tuple[Any, ...]


def casme2_rows(rows: Sequence[Outgoing]) -> list[Cells]:
    """ "/" stands where there is no apex, and the subject is "01" for sub01, both as in CASME II's own sheet."""
    databases = {row.clip.subject.database_id for row in rows}
    taken = set(Subject.objects.filter(database__in=databases).values_list("database", "name"))
    return [CASME2_COLUMNS, *(_casme2_row(row, taken) for row in rows)]


def _casme2_row(row: Outgoing, taken: set[tuple[int, str]]) -> Cells:
    onset, apex, offset = _numbers(row)
    subject = row.clip.subject.name
    if casme2.subject_name(subject) == subject and (row.clip.database.pk, subject[3:]) not in taken:
        subject = subject[3:]
    return (
        subject, row.clip.name, None, onset, "/" if apex is None else apex, offset, None,
        row.marking.action_units, row.marking.emotion, row.clip.database.name, row.coder, row.marking.kind,
        row.said("confidence"), row.said("note"),
    )  # fmt: skip


def samm_rows(rows: Sequence[Outgoing]) -> list[Cells]:
    """Duration in frames, both ends counted; inducement codes and objective classes are not ours to tell."""
    return [SAMM_COLUMNS, *map(_samm_row, rows)]


def _samm_row(row: Outgoing) -> Cells:
    onset, apex, offset = _numbers(row)
    marks = row.marks()
    known = "onset" in marks and "offset" in marks
    duration = marks["offset"] - marks["onset"] + 1 if known else None
    return (
        row.clip.subject.name, row.clip.name, None, onset, apex, offset, duration, row.marking.kind.capitalize(),
        row.marking.action_units, row.marking.emotion, None, row.said("note"), row.clip.database.name, row.coder,
        row.said("confidence"),
    )  # fmt: skip


def _numbers(row: Outgoing) -> list[int | None]:
    marks = row.marks()
    return [row.timing.source[marks[name]] if name in marks else None for name in MARKS]


def to_csv(table: Callable[[Sequence[Outgoing]], list[Cells]]) -> Callable[[Sequence[Outgoing]], bytes]:
    """A writer of the table as CSV: UTF-8 with the mark that Excel needs; no text in it is a formula."""

    def write(rows: Sequence[Outgoing]) -> bytes:
        text = io.StringIO(newline="")
        csv.writer(text).writerows(
            [guard_formula(cell) if isinstance(cell, str) else cell for cell in cells]
            for cells in table(rows)
        )
        return (BOM + text.getvalue()).encode()

    return write


def to_xlsx(table: Callable[[Sequence[Outgoing]], list[Cells]]) -> Callable[[Sequence[Outgoing]], bytes]:
    """A writer of the table as XLSX: texts are text cells, and stay such when they are edited."""

    def write(rows: Sequence[Outgoing]) -> bytes:
        workbook = Workbook(write_only=True)
        sheet = workbook.create_sheet("Coding")
        sheet.freeze_panes = "A2"
        for cells in table(rows):
            sheet.append([_cell(sheet, cell) for cell in cells])
        file = io.BytesIO()
        workbook.save(file)
        return file.getvalue()

    return write


def _cell(sheet: Any, value: Any) -> Any:
    if not isinstance(value, str) or not value:
        return value or None if isinstance(value, str) else value
    cell = WriteOnlyCell(sheet, ILLEGAL_CHARACTERS_RE.sub(" ", value))
    cell.data_type = "s"  # or "=1+1" is a formula
    cell.quotePrefix = True
    return cell


def read(name: str, content: bytes) -> Read:
    """The rows of a coding sheet, in either convention. Raises InputError for what is no such sheet."""
    report = ImportReport()
    content = _as_utf8(name, content)
    flat = b"onset_source_frame" in content[:_HEAD]
    table = read_table(Sheet(name, content), _FLAT if flat else _COLUMNS)
    agreed = [line for line in table.rows if line.cells.get("marked_by") == "consensus"]
    if agreed:
        report.info("consensus-left-out", f"Rows of the consensus are left out: {len(agreed)}.", file=name)
    unit: Unit = "index" if flat else "source"
    lines = [line for line in table.rows if line.cells.get("marked_by") != "consensus"]
    rows = [row for line in lines if (row := _incoming(line, table.columns, unit, report))]
    return Read(rows, report.problems)


def _as_utf8(name: str, content: bytes) -> bytes:
    """Excel's “Unicode text” is UTF-16; the reader of sheets takes UTF-8."""
    for mark, encoding in _ENCODINGS:
        if content.startswith(mark):
            try:
                return content.decode(encoding).encode()
            except UnicodeDecodeError as error:
                raise InputError(
                    f"The sheet “{name}” is damaged: it is not the UTF-16 it begins as."
                ) from error
    return content


def _incoming(row: SheetRow, columns: frozenset[str], unit: Unit, report: ImportReport) -> Incoming | None:
    texts = {key: _text(row, key, report) for key in ("subject", "filename", "database", "coder", "emotion")}
    before = len(report.problems)
    for key, what in (("subject", "subject"), ("filename", "clip")):
        if not texts[key]:
            report.error(
                f"{key}-missing", f"The row names no {what}.", file=row.file, row=row.number, column=key
            )
    none = frozenset(("-1",))
    fields: dict[str, Any] = {mark: row.frame(mark, report, none) for mark in MARKS}
    fields |= {"emotion": texts["emotion"], "action_units": _text(row, "action_units", report)}
    if "kind" in columns:
        fields["kind"] = _kind(row, report)
    if "confidence" in columns:
        fields["confidence"] = row.frame("confidence", report)
    if "note" in columns:
        note = row.cells.get("note")
        fields["note"] = "" if note is None else unguard_formula(str(note))
    if len(report.problems) > before:
        return None
    return Incoming(
        texts["filename"], texts["coder"], unit, fields, row.file, texts["subject"], texts["database"],
        row=row.number,
    )  # fmt: skip


def _kind(row: SheetRow, report: ImportReport) -> str:
    """Micro where the cell is empty: SAMM writes "Micro", "Micro - 1/2", "Macro"."""
    word = row.text("kind", report).lower()
    for kind in ("micro", "macro"):
        if word.startswith(kind):
            return kind
    if word:
        message = f"“{word}” is neither micro nor macro."
        report.error("kind-unknown", message, file=row.file, row=row.number, column="kind")
    return "micro"


def _text(row: SheetRow, key: str, report: ImportReport) -> str:
    return unguard_formula(row.text(key, report))
