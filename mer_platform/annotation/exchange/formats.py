"""The formats, by key; and which of them an uploaded file is."""

import json
from pathlib import PurePath

from mer_platform.annotation.exchange import elan, label_studio, lossless, sheets
from mer_platform.annotation.exchange.rows import Format, Read
from models_ml.errors import InputError

LOSSLESS = "json"
MAX_BYTES = 32 << 20
MAX_ROWS = 50_000
_XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_CSV = "text/csv; charset=utf-8"

FORMATS: dict[str, Format] = {
    format.key: format
    for format in (
        Format("casme2.csv", "CASME II, CSV", "csv", _CSV, "OnsetFrame, ApexFrame, OffsetFrame …",
               sheets.to_csv(sheets.casme2_rows)),
        Format("casme2.xlsx", "CASME II, Excel", "xlsx", _XLSX, "the same columns as a workbook",
               sheets.to_xlsx(sheets.casme2_rows)),
        Format("samm.csv", "SAMM, CSV", "csv", _CSV, "Onset Frame, Apex Frame, Offset Frame, Duration …",
               sheets.to_csv(sheets.samm_rows)),
        Format("samm.xlsx", "SAMM, Excel", "xlsx", _XLSX, "the same columns as a workbook",
               sheets.to_xlsx(sheets.samm_rows)),
        Format("eaf.zip", "ELAN", "zip", "application/zip", "one .eaf a clip, tiers for each coder", elan.write),
        Format("label-studio.json", "Label Studio", "json", "application/json",
               "video tasks with timeline labels, frames from 1", label_studio.write),
        Format(LOSSLESS, "Lossless JSON", "json", "application/json",
               "everything: all versions, keys, suggestions, the consensus", lossless.write),
    )
}  # fmt: skip


def read(name: str, content: bytes) -> Read:
    """All that a file of one of the formats holds. Raises InputError with a sentence for what is none of them."""
    suffix = PurePath(name).suffix.lower()
    if not content:
        raise InputError(f"“{name}” is empty.")
    if len(content) > MAX_BYTES:
        raise InputError(f"“{name}” is larger than {MAX_BYTES >> 20} MB. Export fewer clips at once.")
    if suffix == ".json":
        found = _json(name, content)
    elif suffix in (".eaf", ".zip"):
        found = elan.read(name, content)
    elif suffix in (".csv", ".tsv", ".xlsx", ".xls"):
        found = sheets.read(name, content)
    else:
        raise InputError(
            f"“{name}” is of no known format: give a coding sheet (.csv, .xlsx), an ELAN file (.eaf, or a .zip of them), or "
            "JSON of Label Studio or of this platform."
        )
    if len(found.rows) > MAX_ROWS:
        raise InputError(f"“{name}” holds more than {MAX_ROWS:,} annotations. Import it in parts.")
    return found


def _json(name: str, content: bytes) -> Read:
    try:
        document = json.loads(content)
    except UnicodeDecodeError as error:
        raise InputError(f"“{name}” is not in UTF-8 or UTF-16: save it again as UTF-8.") from error
    except (ValueError, RecursionError) as error:
        raise InputError(f"“{name}” is not JSON: {error or 'nested too deeply'}.") from error
    if lossless.is_lossless(document):
        return lossless.read(name, document)
    return label_studio.read(name, content)
