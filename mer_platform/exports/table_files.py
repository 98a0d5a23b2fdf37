"""A table as CSV, a piece at a time, or as a Parquet file.

CSV is UTF-8 with a byte order mark, without which Excel shows “SÃ¶ren”; Python reads it as ``utf-8-sig``. A text
that a spreadsheet would take for a formula gets an apostrophe before it. Parquet holds every text as it is.
"""

import csv
import io
import tempfile
from collections.abc import Iterator
from datetime import datetime
from itertools import chain, islice
from typing import IO, Any

from mer_platform.exports.tables import ExportRow, ExportTable
from models_ml.formats.csv_text import BOM, guard_formula

CSV, PARQUET = "csv", "parquet"
CONTENT_TYPES = {CSV: "text/csv; charset=utf-8", PARQUET: "application/vnd.apache.parquet"}
ROWS_AT_A_TIME = 2000
IN_MEMORY = 8 << 20  # bytes


def csv_chunks(table: ExportTable) -> Iterator[bytes]:
    """The CSV file, in pieces of many rows."""
    header: ExportRow = tuple(table.columns)
    for number, rows in enumerate(_batches(chain([header], table.rows))):
        text = io.StringIO(newline="")
        csv.writer(text).writerows([_cell(value) for value in row] for row in rows)
        yield ((BOM if number == 0 else "") + text.getvalue()).encode()


def parquet_file(table: ExportTable) -> IO[bytes]:
    """The Parquet file, at its start; on disk while it is large, gone when it is closed."""
    import pyarrow as pa  # takes as long to load as all of the rest of a web process
    from pyarrow.parquet import ParquetWriter

    types = {str: pa.string(), int: pa.int64(), float: pa.float64(), datetime: pa.timestamp("us", tz="UTC")}
    schema = pa.schema([(name, types[kind]) for name, kind in table.columns.items()])
    file = tempfile.SpooledTemporaryFile(max_size=IN_MEMORY)  # noqa: SIM115 (the response closes it)
    with ParquetWriter(file, schema) as writer:
        for rows in _batches(table.rows):
            arrays = [
                pa.array(column, type=kind)
                for column, kind in zip(zip(*rows, strict=True), schema.types, strict=True)
            ]
            writer.write_batch(pa.record_batch(arrays, schema=schema))
    file.seek(0)
    return file


def _batches(rows: Iterator[ExportRow]) -> Iterator[list[ExportRow]]:
    while batch := list(islice(rows, ROWS_AT_A_TIME)):
        yield batch


def _cell(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    return guard_formula(value) if isinstance(value, str) else value
