"""Tables of predictions as other code writes them: CSV, workbooks, Parquet and rows of JSON, with their columns recognised.

The readers are those of coding sheets: any delimiter and encoding that they read is read here too. Imports no torch.
"""

import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from models_ml.classes import CLASSES
from models_ml.errors import InputError
from models_ml.formats.base import Sheet
from models_ml.formats.cells import SheetRow
from models_ml.formats.headers import Cells, Column, Header, bare, choose_columns, find_header
from models_ml.formats.report import ImportReport, listed
from models_ml.formats.sheets import HEADER_WITHIN, report_unread_worksheets, worksheets
from models_ml.formats.workbooks import MOST_COLUMNS, MOST_ROWS, UNPACKED, Worksheet

MAX_BYTES = 16 << 20  # of a file: 100,000 rows have about 10 MB
PARQUET = b"PAR1"
LONGEST_TEXT = 1000  # characters of a cell

PROBABILITIES = tuple(f"p_{name}" for name in CLASSES)
COLUMNS = (
    Column("predicted", ("predicted", "prediction", "pred", "y_pred", "predicted class", "predicted label")),
    Column("sample", ("sample", "sample id", "index", "sample index"), required=False),
    Column("database", ("database", "dataset"), required=False),
    Column("subject", ("subject", "subject id", "participant"), required=False),
    Column("clip", ("clip", "name", "clip name", "video", "filename", "file"), required=False),
    *(
        Column(
            f"p_{name}",
            (f"p_{name}", name, f"prob_{name}", f"proba_{name}", f"probability_{name}", f"p_{name[:3]}"),
            required=False,
        )
        for name in CLASSES
    ),
    Column("fold", ("fold", "fold id", "fold name"), required=False),
    Column("version", ("version_sha256", "version hash"), required=False),
)
_KNOWN = frozenset(bare(name) for column in COLUMNS for name in column.names)


@dataclass(frozen=True)
class PredictionTable:
    """Rows with their cells by key, and how the file calls the column of each key. ``name`` is empty for rows of JSON."""

    name: str
    columns: Mapping[str, str]
    rows: Sequence[SheetRow]

    @property
    def called(self) -> str:
        """The table as the subject of a sentence."""
        return f"“{self.name}”" if self.name else "The list of rows"


def read_file(name: str, content: bytes, report: ImportReport) -> PredictionTable:
    """Return the table of a CSV or Parquet file or of a workbook. Raises InputError if it cannot be used as a whole."""
    if len(content) > MAX_BYTES:
        raise InputError(f"“{name}” has {len(content):,} bytes, but the limit is {MAX_BYTES:,}.")
    if not content.strip():
        raise InputError(f"“{name}” is empty.")
    if content.startswith(PARQUET) or name.lower().endswith(".parquet"):
        return _table(name, [_parquet(name, content)], report)
    return _table(name, worksheets(Sheet(name, content), report), report)


def read_rows(rows: Any, report: ImportReport) -> PredictionTable:
    """Return the table of a list of objects with a value per column. Raises InputError if it is something else."""
    if not isinstance(rows, list) or not rows:
        raise InputError(
            "“rows” must be a list of objects, one per sample, with the columns of a file: sample, predicted and so on."
        )
    if len(rows) > MOST_ROWS:
        raise InputError(f"There are {len(rows):,} rows, but the limit is {MOST_ROWS:,}.")
    names: dict[str, int] = {}
    for number, row in enumerate(rows, 1):
        if not isinstance(row, dict):
            raise InputError(f"Row {number} must be an object with a value per column.")
        for name, value in row.items():
            if isinstance(value, (list, dict)):
                raise InputError(
                    f"Row {number}: “{_short(name)}” must be a text or a number. Give each class a column of its own, "
                    f"for example {PROBABILITIES[0]}."
                )
            if isinstance(value, str) and len(value) > LONGEST_TEXT:
                raise InputError(f"Row {number}: “{_short(name)}” has more than {LONGEST_TEXT:,} characters.")
            names.setdefault(name, len(names))
        if len(names) > MOST_COLUMNS:
            raise InputError(f"The rows have more than {MOST_COLUMNS} different columns.")
    header = (0, list(names))
    below = [(number, [row.get(name) for name in names]) for number, row in enumerate(rows, 1)]
    return _table("", [Worksheet("", [header, *below])], report)


def _table(name: str, sheets: Iterator[Worksheet] | list[Worksheet], report: ImportReport) -> PredictionTable:
    """Return the table of the worksheet (of a CSV: the delimiter) with the most columns that are known."""
    best: tuple[Worksheet, Header] | None = None
    others: list[tuple[str, int]] = []
    for sheet in sheets:
        header = find_header(sheet.rows[:HEADER_WITHIN], COLUMNS)
        if header is None or not _names_samples(header):
            continue
        if best is None or len(header.candidates) > len(best[1].candidates):
            others += [(best[0].title, len(best[0].rows))] if best else []
            best = sheet, header
        else:
            others.append((sheet.title, len(sheet.rows)))
    called = f"“{name}”" if name else "The list of rows"
    if best is None:
        raise InputError(
            f"{called} has no column that names the samples. Give “sample” (the number of the sample in the version, from "
            "0), or “database”, “subject” and “clip”, in a header row."
        )
    sheet, header = best
    if len(header.cells) > MOST_COLUMNS:
        raise InputError(f"{called} has {len(header.cells):,} columns, but the limit is {MOST_COLUMNS}.")
    below = sheet.rows[header.index + 1 :]
    _check_columns(called, header)
    if not below:
        raise InputError(f"{called} has no rows below its header.")
    positions = choose_columns(header, below, COLUMNS, name, report)
    if sheet.title and others:
        report_unread_worksheets(name, (sheet.title, len(below)), others, (), report)
    _report_others(name, header, positions, report)
    names = {key: str(header.cells[position]).strip() for key, position in positions.items()}
    rows = [
        SheetRow(number, {key: cells[p] for key, p in positions.items() if p < len(cells)}, name, strict=True)
        for number, cells in below
    ]
    return PredictionTable(name, names, rows)


def _names_samples(header: Header) -> bool:
    return "sample" in header.candidates or "clip" in header.candidates


def _check_columns(called: str, header: Header) -> None:
    given = [key for key in PROBABILITIES if key in header.candidates]
    if given and len(given) < len(CLASSES):
        missing = listed([f"“{key}”" for key in PROBABILITIES if key not in given])
        raise InputError(
            f"{called} has probabilities of some classes only. Add {missing}, or give no probabilities."
        )
    if not given and "predicted" not in header.candidates:
        raise InputError(
            f"{called} has neither the column “predicted” nor a probability of each class "
            f"({', '.join(PROBABILITIES)}). Found: {listed(header.named(), 20)}."
        )


def _report_others(name: str, header: Header, positions: Mapping[str, int], report: ImportReport) -> None:
    """Say which columns are not read: the predictions may stand in one of them."""
    unread = [
        header.place(position) if name else str(cell)
        for position, cell in enumerate(header.cells)
        if position not in positions.values() and str(cell or "").strip()
    ]
    if unread:
        report.info(
            "columns-not-read",
            f"Columns that are not read: {listed([_short(u) for u in unread], 10)}.",
            file=name,
        )


def _parquet(name: str, content: bytes) -> Worksheet:
    """Return the known columns of a Parquet file; its rows count from 1."""
    import pyarrow as pa  # takes as long to load as the rest of a web process
    from pyarrow.parquet import ParquetFile

    try:
        file = ParquetFile(io.BytesIO(content))
        _check_size(name, file.metadata)
        schema = file.schema_arrow
        wanted = [column for column in schema.names if bare(column) in _KNOWN]
        if twice := [column for column in wanted if schema.names.count(column) > 1]:
            raise InputError(f"“{name}” has several columns called “{_short(twice[0])}”. Rename them.")
        for column in wanted:
            _check_type(name, column, schema.field(column).type)
        # Texts as dictionaries: one long text that stands in each row is stored once.
        texts = [column for column in wanted if _is_text(schema.field(column).type)]
        table = ParquetFile(io.BytesIO(content), read_dictionary=texts).read(columns=wanted)
        for column in texts:
            _check_texts(name, column, table.column(column))
        values = [table.column(column).to_pylist() for column in wanted]
    except (pa.ArrowException, OSError, KeyError, TypeError, UnicodeDecodeError) as error:
        raise InputError(f"“{name}” is damaged or not a Parquet file. Write it again.") from error
    except ValueError as error:  # ArrowInvalid is both; an InputError has its own words
        if isinstance(error, InputError):
            raise
        raise InputError(f"“{name}” is damaged or not a Parquet file. Write it again.") from error
    rows: list[tuple[int, Cells]] = [(0, list(schema.names))]
    where = {column: position for position, column in enumerate(schema.names)}
    for number, found in enumerate(zip(*values, strict=True), 1):
        cells: list[Any] = [None] * len(schema.names)
        for column, value in zip(wanted, found, strict=True):
            cells[where[column]] = value
        rows.append((number, cells))
    return Worksheet("", rows)


def _check_size(name: str, metadata: Any) -> None:
    if metadata.num_rows > MOST_ROWS:
        raise InputError(f"“{name}” has {metadata.num_rows:,} rows, but the limit is {MOST_ROWS:,}.")
    if metadata.num_columns > MOST_COLUMNS:
        raise InputError(f"“{name}” has {metadata.num_columns:,} columns, but the limit is {MOST_COLUMNS}.")
    unpacked = sum(metadata.row_group(number).total_byte_size for number in range(metadata.num_row_groups))
    if unpacked > UNPACKED:
        raise InputError(f"“{name}” unpacks to more than {UNPACKED >> 20} MB: it was not read.")


def _check_type(name: str, column: str, kind: Any) -> None:
    from pyarrow import types

    plain = kind.value_type if types.is_dictionary(kind) else kind
    if types.is_nested(plain):
        raise InputError(
            f"The column “{_short(column)}” of “{name}” holds lists or structures ({_short(str(kind))}). Give each class a "
            f"column of its own: {', '.join(PROBABILITIES)}."
        )
    known = (
        types.is_integer,
        types.is_floating,
        types.is_decimal,
        types.is_boolean,
        types.is_null,
        types.is_temporal,
    )
    if not (_is_text(kind) or any(is_kind(plain) for is_kind in known)):
        raise InputError(
            f"The column “{_short(column)}” of “{name}” holds {_short(str(kind))}, which is neither text nor number."
        )


def _is_text(kind: Any) -> bool:
    from pyarrow import types

    plain = kind.value_type if types.is_dictionary(kind) else kind
    return bool(types.is_string(plain) or types.is_large_string(plain))


def _check_texts(name: str, column: str, values: Any) -> None:
    from pyarrow import compute, types

    for part in values.chunks:
        known = part.dictionary if types.is_dictionary(part.type) else part
        if (compute.max(compute.utf8_length(known)).as_py() or 0) > LONGEST_TEXT:
            raise InputError(
                f"The column “{_short(column)}” of “{name}” has a text of more than {LONGEST_TEXT:,} characters."
            )


def _short(text: str) -> str:
    return text if len(text) <= 60 else f"{text[:60]}…"
