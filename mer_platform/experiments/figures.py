"""What the Plotly figures of runs, experiments and comparisons share."""

import json
from collections.abc import Iterable, Sequence
from typing import Any

import plotly.graph_objects as go

from mer_platform.experiments.tables import shown
from models_ml.paper.tables import Table

MARGIN = {"l": 60, "r": 16, "t": 16, "b": 48}
# From below to above the reference. Blue and orange are distinct for all kinds of colour vision.
DIVERGING = [[0, "var(--below)"], [0.5, "var(--sunken)"], [1, "var(--above)"]]


def add_cell_texts(
    figure: go.Figure,
    columns: Sequence[str | int],
    lines: Sequence[str | int],
    texts: Sequence[Sequence[str]],
    shares: Sequence[Sequence[float | None]],
    **of_all: Any,
) -> None:
    """Write on the cells of a heat map, in the ink that is readable on each: Plotly's own choice can be too faint.

    ``shares`` are the places of the cells on the colour scale, from 0 to 1; None is a cell without a value.
    """
    add_annotations(figure, cell_texts(columns, lines, texts, shares, **of_all))


def cell_texts(
    columns: Sequence[str | int],
    lines: Sequence[str | int],
    texts: Sequence[Sequence[str]],
    shares: Sequence[Sequence[float | None]],
    diverging: bool = False,
    **of_all: Any,
) -> list[dict[str, Any]]:
    """Return the annotations of ``add_cell_texts``. With ``diverging``, the scale is that of differences.

    They stand at the positions of the cells: Plotly would take a category such as “30” for the position 30.
    """
    ink = "var(--ink-on-diverging-{:.3f})" if diverging else "var(--ink-on-{:.3f})"
    return [
        {
            "x": column,
            "y": line,
            "text": text,
            "showarrow": False,
            "font": {"color": ink.format(share)},
            **of_all,
        }
        for line, (_, line_texts, line_shares) in enumerate(zip(lines, texts, shares, strict=True))
        for column, (_, text, share) in enumerate(zip(columns, line_texts, line_shares, strict=True))
        if share is not None
    ]


def add_annotations(figure: go.Figure, annotations: Iterable[dict[str, Any]]) -> None:
    """Add annotations at once: Plotly's own method checks all earlier ones again for each."""
    figure.update_layout(annotations=[*figure.layout.annotations, *annotations])


def as_json(figure: go.Figure, tables: Iterable[Table] = (), notes: Iterable[str] = ()) -> dict[str, Any]:
    """Return data and layout as JSON, without Plotly's template: the page sets fonts, colours and background.

    ``tables`` hold the figure's numbers, for readers who cannot see it; ``notes`` are sentences below it.
    """
    content = json.loads(figure.to_json())
    content["layout"].pop("template", None)
    extra = {"tables": [shown(table) for table in tables], "notes": list(notes)}
    return content | {name: value for name, value in extra.items() if value}
