"""Coding sheets with the columns of CASME II or SAMM, as CSV and as XLSX.

Frames are *source frames*, as in the official sheets. The header row comes first, without the thirteen rows of text that
SAMM's own sheet has above it: pandas then reads the sheet with its defaults, and our readers find a header in any row.
Our own columns (Database, Coder, and what the convention has no column for) follow the official ones. One reader reads
both kinds, the official sheets themselves, and the flat table of ``exports.tables``, whose frames are frame indices.
"""

import csv
import io
from collections.abc import Callable, Sequence
from typing import Any

from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE

from models_ml.errors import InputError
from models_ml.formats import casme2
from models_ml.formats.base import FIELDS, MARKS, Export, Finding, Marked, MarkedClip, Sheet, Unit
from models_ml.formats.coded_rows import ACTION_UNITS, APEX, EMOTION, FILENAME, OFFSET, ONSET, SUBJECT
from models_ml.formats.csv_text import BOM, guard_formula, unguard_formula
from models_ml.formats.headers import Column
from models_ml.formats.report import ImportReport
from models_ml.formats.sheets import SheetRow, read_table

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
    Column("source", ("onset_source_frame",)),  # only the flat table has it
    Column("apex_source", ("apex_source_frame",), required=False),
    Column("offset_source", ("offset_source_frame",), required=False),
    Column("marked_by", ("marked_by",)),
    Column("filename", ("clip",)),
    *(column for column in _COLUMNS if column is not FILENAME),
)
_ENCODINGS = ((b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))
_HEADER_BYTES = 4096  # a header row ends within them
Cells = tuple[Any, ...]


def casme2_rows(clips: Sequence[MarkedClip]) -> list[Cells]:
    """Return the table in CASME II's columns. As in its own sheet, no apex is "/", and sub01 is "01"."""
    return [CASME2_COLUMNS, *(_casme2_row(clip, marked) for clip in clips for marked in clip.marked)]


def _casme2_row(clip: MarkedClip, marked: Marked) -> Cells:
    onset, apex, offset = _source_frames(clip, marked)
    subject = clip.subject
    if casme2.subject_name(subject) == subject and subject[3:] not in clip.subjects:
        subject = subject[3:]
    return (
        subject, clip.name, None, onset, "/" if apex is None else apex, offset, None, marked.action_units, marked.emotion,
        clip.database, marked.coder, marked.kind, marked.confidence, marked.note,
    )  # fmt: skip


def samm_rows(clips: Sequence[MarkedClip]) -> list[Cells]:
    """Return the table in SAMM's columns.

    The duration is in frames and includes both ends. Inducement code and objective class stay empty: the platform does
    not know them.
    """
    return [SAMM_COLUMNS, *(_samm_row(clip, marked) for clip in clips for marked in clip.marked)]


def _samm_row(clip: MarkedClip, marked: Marked) -> Cells:
    onset, apex, offset = _source_frames(clip, marked)
    marks = marked.marks()
    known = "onset" in marks and "offset" in marks
    duration = marks["offset"] - marks["onset"] + 1 if known else None
    return (
        clip.subject, clip.name, None, onset, apex, offset, duration, marked.kind.capitalize(), marked.action_units,
        marked.emotion, None, marked.note, clip.database, marked.coder, marked.confidence,
    )  # fmt: skip


def _source_frames(clip: MarkedClip, marked: Marked) -> list[int | None]:
    marks = marked.marks()
    return [clip.timing.source[marks[name]] if name in marks else None for name in MARKS]


def to_csv(
    table: Callable[[Sequence[MarkedClip]], list[Cells]],
) -> Callable[[Sequence[MarkedClip]], bytes]:
    """Return a function that writes the table as CSV that spreadsheets open as it was written."""

    def write(clips: Sequence[MarkedClip]) -> bytes:
        text = io.StringIO(newline="")
        csv.writer(text).writerows(
            [guard_formula(cell) if isinstance(cell, str) else cell for cell in cells]
            for cells in table(clips)
        )
        return (BOM + text.getvalue()).encode()

    return write


def to_xlsx(
    table: Callable[[Sequence[MarkedClip]], list[Cells]],
) -> Callable[[Sequence[MarkedClip]], bytes]:
    """Return a function that writes the table as XLSX. Texts stay text cells, even if they are edited."""

    def write(clips: Sequence[MarkedClip]) -> bytes:
        workbook = Workbook(write_only=True)
        sheet = workbook.create_sheet("Coding")
        sheet.freeze_panes = "A2"
        for cells in table(clips):
            sheet.append([_cell(sheet, cell) for cell in cells])
        file = io.BytesIO()
        workbook.save(file)
        return file.getvalue()

    return write


def _cell(sheet: Any, value: Any) -> Any:
    if not isinstance(value, str):
        return value
    if not value:
        return None
    cell = WriteOnlyCell(sheet, ILLEGAL_CHARACTERS_RE.sub(" ", value))
    cell.data_type = "s"  # otherwise "=1+1" would be a formula
    cell.quotePrefix = True
    return cell


def read(name: str, content: bytes) -> Finding:
    """Return the rows of a coding sheet in either convention. Raises InputError if the file is not such a sheet."""
    report = ImportReport()
    content = _as_utf8(name, content)
    flat = b"onset_source_frame" in content[:_HEADER_BYTES]
    table = read_table(Sheet(name, content), _FLAT if flat else _COLUMNS, report)
    agreed = [line for line in table.rows if line.cells.get("marked_by") == "consensus"]
    if agreed:
        report.info(
            "consensus-left-out", f"Consensus rows are not imported as annotations: {len(agreed)}.", file=name
        )
    unit: Unit = "index" if flat else "source"
    lines = [line for line in table.rows if line.cells.get("marked_by") != "consensus"]
    rows = [row for line in lines if (row := _import_row(line, table.columns, unit, report))]
    return Finding(annotations=rows, problems=report.problems)


def _as_utf8(name: str, content: bytes) -> bytes:
    """Return the content in UTF-8: Excel saves “Unicode text” as UTF-16, which the reader of sheets does not know."""
    for mark, encoding in _ENCODINGS:
        if content.startswith(mark):
            try:
                return content.decode(encoding).encode()
            except UnicodeDecodeError as error:
                raise InputError(
                    f"“{name}” is damaged: it starts like a UTF-16 text, but cannot be decoded. Save it again."
                ) from error
    return content


def _import_row(row: SheetRow, columns: frozenset[str], unit: Unit, report: ImportReport) -> Marked | None:
    texts = {key: _text(row, key, report) for key in ("subject", "filename", "database", "coder", "emotion")}
    before = len(report.problems)
    for key, name in (("subject", "subject"), ("filename", "clip")):
        if not texts[key]:
            message = f"The row names no {name}."
            report.error(f"{key}-missing", message, file=row.file, row=row.number, column=key)
    not_coded = frozenset(("-1",))
    fields: dict[str, Any] = {mark: row.frame(mark, report, not_coded) for mark in MARKS}
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
    return Marked(
        clip=texts["filename"], subject=texts["subject"], database=texts["database"], coder=texts["coder"], unit=unit,
        silent=frozenset(FIELDS) - fields.keys(), file=row.file, row=row.number, **fields,
    )  # fmt: skip


def _kind(row: SheetRow, report: ImportReport) -> str:
    """Return micro or macro; micro if the cell is empty. SAMM writes "Micro", "Micro - 1/2" and "Macro"."""
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


_CSV = "text/csv; charset=utf-8"
_XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
EXPORTS = tuple(
    Export(
        key=f"{key}.{suffix}",
        title=f"{title}, {kind}",
        suffix=suffix,
        content_type=content_type,
        note=note,
        write=write,
    )
    for key, title, columns, table in (
        ("casme2", "CASME II", "OnsetFrame, ApexFrame, OffsetFrame …", casme2_rows),
        ("samm", "SAMM", "Onset Frame, Apex Frame, Offset Frame, Duration …", samm_rows),
    )
    for suffix, kind, content_type, note, write in (
        ("csv", "CSV", _CSV, columns, to_csv(table)),
        ("xlsx", "Excel", _XLSX, "the same columns in a workbook", to_xlsx(table)),
    )
)
