"""The formats for export by key, and the reader that recognises the format of an uploaded file."""

import json
from pathlib import PurePath

from mer_platform.annotation.exchange import elan, label_studio, lossless, sheets
from mer_platform.annotation.exchange.rows import ExchangeFormat
from models_ml.errors import InputError
from models_ml.formats.base import Finding

LOSSLESS = "json"
MAX_BYTES = 32 << 20
MAX_ROWS = 50_000
_XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_CSV = "text/csv; charset=utf-8"

FORMATS: dict[str, ExchangeFormat] = {
    format.key: format
    for format in (
        ExchangeFormat("casme2.csv", "CASME II, CSV", "csv", _CSV, "OnsetFrame, ApexFrame, OffsetFrame …",
               sheets.to_csv(sheets.casme2_rows)),
        ExchangeFormat("casme2.xlsx", "CASME II, Excel", "xlsx", _XLSX, "the same columns in a workbook",
               sheets.to_xlsx(sheets.casme2_rows)),
        ExchangeFormat("samm.csv", "SAMM, CSV", "csv", _CSV, "Onset Frame, Apex Frame, Offset Frame, Duration …",
               sheets.to_csv(sheets.samm_rows)),
        ExchangeFormat("samm.xlsx", "SAMM, Excel", "xlsx", _XLSX, "the same columns in a workbook",
               sheets.to_xlsx(sheets.samm_rows)),
        ExchangeFormat("eaf.zip", "ELAN", "zip", "application/zip", "one .eaf per clip, tiers for each coder", elan.write),
        ExchangeFormat("label-studio.json", "Label Studio", "json", "application/json",
               "video tasks with timeline labels, frames counted from 1", label_studio.write),
        ExchangeFormat(LOSSLESS, "Lossless JSON", "json", "application/json",
               "all stored data: versions, keys, suggestions, consensus", lossless.write),
    )
}  # fmt: skip


def read(name: str, content: bytes) -> Finding:
    """Read a file of any of the formats. Raises InputError if it is of none of them."""
    suffix = PurePath(name).suffix.lower()
    if not content:
        raise InputError(f"“{name}” is empty.")
    if len(content) > MAX_BYTES:
        raise InputError(f"“{name}” is larger than {MAX_BYTES >> 20} MB. Import it in parts.")
    if suffix == ".json":
        parsed = _json(name, content)
    elif suffix in (".eaf", ".zip"):
        parsed = elan.read(name, content)
    elif suffix in (".csv", ".tsv", ".xlsx", ".xls"):
        parsed = sheets.read(name, content)
    else:
        raise InputError(
            f"The format of “{name}” is not known. Choose a coding sheet (.csv, .xlsx), an ELAN file (.eaf, or a .zip of "
            "them), or JSON of Label Studio or of this platform."
        )
    if len(parsed.annotations) > MAX_ROWS:
        raise InputError(f"“{name}” has more than {MAX_ROWS:,} annotations. Import it in parts.")
    return parsed


def _json(name: str, content: bytes) -> Finding:
    try:
        document = json.loads(content)
    except UnicodeDecodeError as error:
        raise InputError(f"“{name}” is not encoded in UTF-8 or UTF-16. Save it again as UTF-8.") from error
    except (ValueError, RecursionError) as error:
        raise InputError(f"“{name}” is not JSON: {error or 'it is nested too deeply'}.") from error
    if lossless.is_lossless(document):
        return lossless.read(name, document)
    return label_studio.read(name, content)
