"""Tables of results as pages and the API show them: captions that say what was measured, and numbers as text."""

from collections.abc import Sequence
from typing import Any

from mer_platform.experiments.models import Run
from models_ml.paper.forms import cell_text
from models_ml.paper.tables import Table

LISTED = 20  # runs that a caption names


def shown(table: Table) -> dict[str, Any]:
    """Return caption, columns and rows of a table, with its cells as text."""
    return {
        "caption": table.caption,
        "columns": list(table.columns),
        "rows": [[cell_text(cell) for cell in row] for row in table.rows],
    }


def measured(runs: Sequence[Run]) -> str:
    """Return the sentence of a caption that says which runs, on which version and by which protocol, were measured."""
    groups: dict[tuple[str, str, str], list[Run]] = {}
    for run in runs:
        key = (str(run.version), run.version.content_hash, run.protocol)
        groups.setdefault(key, []).append(run)
    parts = []
    for (version, content_hash, protocol), own in groups.items():
        numbers = ", ".join(f"#{run.pk}" for run in own[:LISTED])
        more = f" and {len(own) - LISTED} more" if len(own) > LISTED else ""
        which = "Run" if len(own) == 1 else "Runs"
        parts.append(f"{which} {numbers}{more}: {version} ({content_hash[:12]}), {protocol}")
    return "; ".join(parts) + "."
