"""Sheets of annotations: the columns of CASME II or SAMM with our own (Database, Coder …), and the flat table.

One reader reads the sheets that we write (see ``casme2`` and ``samm``), the official sheets themselves, the flat table of
``exports.tables``, whose frames are frame indices, and any other sheet with a ``ColumnMap``. Frames are *source frames*
unless the map says how they are counted.
"""

from typing import Any

from models_ml.errors import InputError
from models_ml.formats.base import FIELDS, MARKS, Finding, Marked, Sheet
from models_ml.formats.cells import SheetRow
from models_ml.formats.coded_rows import ACTION_UNITS, APEX, EMOTION, FILENAME, OFFSET, ONSET, SUBJECT
from models_ml.formats.csv_text import unguard_formula
from models_ml.formats.headers import Column, UnclearColumnsError
from models_ml.formats.mapping import ColumnMap
from models_ml.formats.report import ImportReport
from models_ml.formats.sheet_writing import NO_EXPRESSION
from models_ml.formats.sheets import SheetTable, read_table

COLUMNS = (
    SUBJECT, FILENAME, ONSET, APEX, OFFSET, ACTION_UNITS,
    Column("emotion", EMOTION.names, required=False),
    Column("kind", ("Kind", "Micro", "Type"), required=False),
    Column("database", ("Database",), required=False),
    Column("coder", ("Coder", "Annotator", "Rater"), required=False),
    Column("confidence", ("Confidence",), required=False),
    Column("note", ("Note", "Notes"), required=False),
)  # fmt: skip
# With a column map, a list without subjects can be read: the clips' names then have to be unique.
MAPPED_COLUMNS = (Column("subject", SUBJECT.names, required=False), *COLUMNS[1:])
_FLAT = (
    Column("onset", ("onset",)),
    Column("apex", ("apex",), required=False),
    Column("offset", ("offset",), required=False),
    Column("source", ("onset_source_frame",)),  # only the flat table has it
    Column("apex_source", ("apex_source_frame",), required=False),
    Column("offset_source", ("offset_source_frame",), required=False),
    *(
        Column(f"{mark}_ms", (f"{mark}_ms",), required=False) for mark in MARKS
    ),  # so that they are not taken for marks
    Column("marked_by", ("marked_by",)),
    Column("filename", ("clip",)),
    *(column for column in COLUMNS if column.key not in ("filename", "onset", "apex", "offset")),
)


def read(name: str, content: bytes, columns: ColumnMap | None = None) -> Finding:
    """Return the rows of a sheet in any of the conventions, or with the columns that the map names.

    Raises InputError if the file is not a sheet, and ColumnsError if its columns are not known.
    """
    report = ImportReport()
    table, is_flat = _table(Sheet(name, content, columns), report)
    if is_flat:
        table = SheetTable(table.name, table.columns, table.rows, counted_from=0)
    rows = [row for line in table.rows if (row := _import_row(line, table, report))]
    return Finding(annotations=rows, problems=report.problems)


def _table(sheet: Sheet, report: ImportReport) -> tuple[SheetTable, bool]:
    """Return the table, and whether it is the flat table of our exports."""
    if sheet.columns is None:
        own = ImportReport()
        try:
            table = read_table(sheet, _FLAT, own, strict=True)
        except UnclearColumnsError:
            raise
        except InputError:
            pass  # it is not the flat table
        else:
            report.problems += own.problems
            return table, True
    columns = COLUMNS if sheet.columns is None else MAPPED_COLUMNS
    return read_table(sheet, columns, report, strict=True), False


def _import_row(row: SheetRow, table: SheetTable, report: ImportReport) -> Marked | None:
    before = len(report.problems)
    texts = {key: _text(row, key, report) for key in ("subject", "filename", "database", "coder")}
    for key, name in (("subject", "subject"), ("filename", "clip")):
        if key in table.columns and not texts[key]:
            message = f"The row names no {name}."
            report.error(f"{key}-missing", message, file=row.file, row=row.number, column=key)
    fields: dict[str, Any] = dict(table.marks(row, report, frozenset(("-1",))))
    for key in {"emotion", "action_units"} & table.columns:
        fields[key] = _text(row, key, report)
    shown = True
    if "kind" in table.columns:
        kind, shown = _kind(row, report)
        fields |= {"kind": kind} if kind else {}
    if "confidence" in table.columns:
        fields["confidence"] = row.frame("confidence", report)
    if "note" in table.columns:
        note = row.cells.get("note")
        fields["note"] = "" if note is None else unguard_formula(str(note))
    if not shown:
        fields = _without_expression(row, fields, report)
    if len(report.problems) > before:
        return None
    agreed = row.cells.get("marked_by") == "consensus"  # only the flat table says so
    return Marked(
        clip=texts["filename"], subject=texts["subject"], database=texts["database"],
        coder="" if agreed else texts["coder"], agreed=agreed, unit=table.unit, silent=frozenset(FIELDS) - fields.keys(),
        shown=shown, file=row.file, row=row.number, **fields,
    )  # fmt: skip


def _without_expression(row: SheetRow, fields: dict[str, Any], report: ImportReport) -> dict[str, Any]:
    """Return no fields: a clip without an expression has none. Reports a row that also codes one."""
    coded = [name for name in ("onset", "apex", "offset", "emotion") if fields.get(name) not in (None, "")]
    if coded:
        report.error(
            "row-contradicts",
            f"The row says “{NO_EXPRESSION}”, but it has an {coded[0]}. Correct one of the two. The row is not imported.",
            file=row.file,
            row=row.number,
            column="kind",
        )
    return {}


def _kind(row: SheetRow, report: ImportReport) -> tuple[str, bool]:
    """Return micro or macro, "" if the cell is empty, and whether there is an expression.

    SAMM writes "Micro", "Micro - 1/2" and "Macro".
    """
    word = row.text("kind", report).lower()
    if word == NO_EXPRESSION.lower():
        return "", False
    for kind in ("micro", "macro"):
        if word.startswith(kind):
            return kind, True
    if word:
        message = f"“{word}” is neither micro nor macro. The row is not imported."
        report.error("kind-unknown", message, file=row.file, row=row.number, column="kind")
    return "", True


def _text(row: SheetRow, key: str, report: ImportReport) -> str:
    return unguard_formula(row.text(key, report))
