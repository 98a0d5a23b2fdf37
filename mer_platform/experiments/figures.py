"""What the Plotly figures of runs, experiments and comparisons share."""

import json
from collections.abc import Sequence
from typing import Any

import plotly.graph_objects as go

MARGIN = {"l": 60, "r": 16, "t": 16, "b": 48}


def add_cell_texts(
    figure: go.Figure,
    columns: Sequence[str],
    lines: Sequence[str],
    texts: Sequence[Sequence[str]],
    shares: Sequence[Sequence[float | None]],
) -> None:
    """Write on the cells of a heat map, in the ink that is readable on each: Plotly's own choice can be too faint.

    ``shares`` are the places of the cells on the colour scale, from 0 to 1; None is a cell without a value.
    """
    for line, line_texts, line_shares in zip(lines, texts, shares, strict=True):
        for column, text, share in zip(columns, line_texts, line_shares, strict=True):
            if share is not None:
                font = {"color": f"var(--ink-on-{share:.3f})"}
                figure.add_annotation(x=column, y=line, text=text, showarrow=False, font=font)


def as_json(figure: go.Figure) -> dict[str, Any]:
    """Return data and layout as JSON, without Plotly's template: the page sets fonts and colours."""
    figure.update_layout(template="none", paper_bgcolor="rgba(0,0,0,0)", plot_bgcolor="rgba(0,0,0,0)")
    return json.loads(figure.to_json())
