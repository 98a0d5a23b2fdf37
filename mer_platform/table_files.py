"""Tables as files: CSV, written in parts, or Parquet.

CSV text is written as ``models_ml.formats.csv_text`` describes. Parquet contains each text unchanged.
"""

import csv
import io
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import chain, islice
from typing import IO, Any

from models_ml.formats.csv_text import BOM, guard_formula

CSV, PARQUET = "csv", "parquet"
CONTENT_TYPES = {CSV: "text/csv; charset=utf-8", PARQUET: "application/vnd.apache.parquet"}
ROWS_PER_PART = 2000
MAX_BYTES_IN_MEMORY = 8 << 20
ExportRow = tuple[Any, ...]


@dataclass(frozen=True)
class ExportTable:
    """A table to export. Each column has one type: ``str``, ``int``, ``float``, ``bool`` or ``datetime``."""

    name: str
    columns: dict[str, type]
    rows: Iterator[ExportRow]


def csv_chunks(table: ExportTable) -> Iterator[bytes]:
    """Yield the CSV file in parts of many rows."""
    header: ExportRow = tuple(table.columns)
    for number, rows in enumerate(_batches(chain([header], table.rows))):
        text = io.StringIO(newline="")
        csv.writer(text).writerows([_cell(value) for value in row] for row in rows)
        yield ((BOM if number == 0 else "") + text.getvalue()).encode()


def parquet_file(table: ExportTable) -> IO[bytes]:
    """Return the Parquet file, open at its start. A large file is on disk and deleted when it is closed."""
    import pyarrow as pa  # takes as long to load as the rest of a web process
    from pyarrow.parquet import ParquetWriter

    types = {
        str: pa.string(), int: pa.int64(), float: pa.float64(), bool: pa.bool_(),
        datetime: pa.timestamp("us", tz="UTC"),
    }  # fmt: skip
    schema = pa.schema([(name, types[kind]) for name, kind in table.columns.items()])
    file = tempfile.SpooledTemporaryFile(max_size=MAX_BYTES_IN_MEMORY)  # noqa: SIM115 (the response closes it)
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
    while batch := list(islice(rows, ROWS_PER_PART)):
        yield batch


def _cell(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, bool):
        return str(value).lower()
    return guard_formula(value) if isinstance(value, str) else value
