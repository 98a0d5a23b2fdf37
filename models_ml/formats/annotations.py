"""Files of annotations: reads a file of any format that holds them, recognised by its ending and content."""

from pathlib import PurePath

from models_ml.errors import InputError
from models_ml.formats import coding_sheet, elan, json_text, label_studio, lossless
from models_ml.formats.base import SHEET_SUFFIXES, Finding
from models_ml.formats.mapping import ColumnMap
from models_ml.formats.zips import Archive

MAX_BYTES = 32 << 20
MAX_ROWS = 50_000


def read(name: str, content: bytes, columns: ColumnMap | None = None) -> Finding:
    """Read a file of any of the formats; ``columns`` says which column of a sheet is which.

    Raises InputError if it is of none of them, and ColumnsError if the columns of a sheet are not known.
    """
    suffix = PurePath(name).suffix.lower()
    if not content:
        raise InputError(f"“{name}” is empty.")
    if len(content) > MAX_BYTES:
        raise InputError(f"“{name}” is larger than {MAX_BYTES >> 20} MB. Import it in parts.")
    if columns is not None and suffix not in SHEET_SUFFIXES:
        raise InputError(f"“{name}” is not a sheet, so it has no columns: import it without a column map.")
    if suffix == ".json":
        parsed = _json(name, content)
    elif suffix in (".eaf", ".zip"):
        parsed = elan.read(Archive(name, content, (".eaf",)), None, frozenset())
    elif suffix in SHEET_SUFFIXES:
        parsed = coding_sheet.read(name, content, columns)
    else:
        raise InputError(
            f"The format of “{name}” is not known. Choose a coding sheet (.xlsx, .ods, .xls, .csv), an ELAN file (.eaf, or "
            "a .zip of them), or JSON of Label Studio or of this platform."
        )
    if len(parsed.annotations) > MAX_ROWS:
        raise InputError(f"“{name}” has more than {MAX_ROWS:,} annotations. Import it in parts.")
    return parsed


def _json(name: str, content: bytes) -> Finding:
    document = json_text.parse(name, content)
    if lossless.is_lossless(document):
        return lossless.read(name, document)
    return label_studio.read(Archive(name, content, (".json",)), None, frozenset())
