"""Tables as data frames, if pandas is installed."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from mer_client.errors import MerError

if TYPE_CHECKING:
    import pandas as pd


def frame(rows: list[dict[str, Any]], columns: list[str] | None = None) -> pd.DataFrame:
    """Return rows as a data frame. Raises MerError without pandas."""
    try:
        import pandas as pd
    except ImportError as error:
        raise MerError("This returns a data frame: run `pip install mer-client[pandas]`.") from error
    return pd.DataFrame(rows, columns=columns)


def rows_of(table: Any) -> list[dict[str, Any]]:
    """Return the rows of a data frame, or of an iterable of dictionaries, as JSON can hold them."""
    if hasattr(table, "to_json"):  # missing values become null, and NumPy's numbers plain ones
        rows = json.loads(table.to_json(orient="records", double_precision=15))
    elif isinstance(table, Iterable):
        rows = [dict(row) for row in table]
    else:
        raise TypeError("Predictions are a data frame, or a list of dictionaries.")
    return [{name: value for name, value in row.items() if value is not None} for row in rows]
