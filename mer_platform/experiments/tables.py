"""Tables of results as pages and the API show them: captions that say what was measured, and numbers as text."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from mer_platform.experiments.models import Run
from models_ml.paper.forms import cell_text
from models_ml.paper.tables import Table

NAMED = 8  # runs that a caption names; of more it gives only the numbers
HASH = 12  # characters of a content hash


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
    parts = [
        f"{_named(own)}: {version} (content hash {content_hash[:HASH]}), {protocol}"
        for (version, content_hash, protocol), own in groups.items()
    ]
    return "; ".join(parts) + "." if parts else ""


def _named(runs: Sequence[Run]) -> str:
    if len(runs) > NAMED:
        return f"Runs {numbers_in_words([run.pk for run in runs])}"
    return f"Run{'' if len(runs) == 1 else 's'} {', '.join(f'#{run.pk} {run.name}' for run in runs)}"


def numbers_in_words(ids: Sequence[int]) -> str:
    """Return numbers of runs as a short list.

    >>> numbers_in_words([3, 1, 2, 7])
    '#1–#3, #7'
    """
    known = sorted(set(ids))
    starts = [known[0], *(after for before, after in pairwise(known) if after != before + 1)]
    ends = [*(before for before, after in pairwise(known) if after != before + 1), known[-1]]
    return ", ".join(
        f"#{low}" if low == high else f"#{low}–#{high}" for low, high in zip(starts, ends, strict=True)
    )
