"""Tables of results as pages and the API show them: captions that say what was measured, and numbers as text."""

from collections.abc import Sequence
from typing import Any

from mer_platform.experiments.models import Run
from models_ml.paper.tables import Cell, Estimate, Table

NOTHING = "–"
MINUS = "\N{MINUS SIGN}"
LISTED = 20  # runs that a caption names


def shown(table: Table) -> dict[str, Any]:
    """Return caption, columns and rows of a table, with its cells as text."""
    return {
        "caption": table.caption,
        "columns": list(table.columns),
        "rows": [[cell_text(cell) for cell in row] for row in table.rows],
    }


def cell_text(cell: Cell) -> str:
    """Return a cell as text, with three decimals.

    >>> cell_text(Estimate(0.5, (0.25, 0.75))), cell_text(-0.5), cell_text(None), cell_text(3)
    ('0.500 (0.250–0.750)', '−0.500', '–', '3')
    """
    if cell is None:
        return NOTHING
    if isinstance(cell, Estimate):
        if cell.interval is None:
            return f"{_number(cell.value)} (no interval)"
        low, high = cell.interval
        between = " to " if low < 0 else "–"
        return f"{_number(cell.value)} ({_number(low)}{between}{_number(high)})"
    return _number(cell) if isinstance(cell, float) else str(cell)


def _number(value: float) -> str:
    return f"{value:.3f}".replace("-", MINUS)


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
