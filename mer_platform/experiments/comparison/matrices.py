"""Confusion matrices of several runs as panels of one figure, on one scale, with their tables."""

import textwrap
from collections.abc import Callable, Sequence
from typing import Any

import plotly.graph_objects as go

from mer_platform.experiments.figures import DIVERGING, cell_texts
from mer_platform.experiments.models import Run
from mer_platform.experiments.naming import names_in_figure
from mer_platform.experiments.results import predicted_classes, results_of, split_comparable
from mer_platform.experiments.tables import measured
from models_ml.classes import CLASSES
from models_ml.paper.tables import Cell, Table

ACROSS = 4  # panels side by side, unless the page says how many fit
MOST_ACROSS = 8
FEWEST_ACROSS = 3  # columns of a wide figure, so that two panels do not fill it
TITLE, PANEL, LABELS, BAR = (
    40,
    132,
    28,
    76,
)  # pixels: title of a panel, its cells, the classes below it; the colour bar
SEQUENTIAL = [[0, "var(--sunken)"], [1, "var(--accent)"]]
MINUS = "\N{MINUS SIGN}"
Matrix = list[list[float | None]]


def across_on_paper(runs: int, columns: int) -> int:
    """Return how many matrices stand side by side in one or two columns of a journal, so that all fit on a page."""
    return (2 if runs <= 8 else 3) * columns


def counts(runs: Sequence[Run], across: int = ACROSS) -> go.Figure:
    """Confusion matrices of runs: numbers of samples, with true classes as rows. All share one colour scale."""
    matrices = [_counts(run) for run in runs]
    most = max((value or 0 for matrix in matrices for row in matrix for value in row), default=0) or 1
    texts = [[[f"{value:.0f}" for value in row] for row in matrix] for matrix in matrices]
    return _panels(runs, names_in_figure(runs), matrices, texts, (0, most), across, "samples")


def shares(runs: Sequence[Run], across: int = ACROSS) -> go.Figure:
    """Confusion matrices of runs: shares of each true class, with true classes as rows. All share one colour scale."""
    matrices = [_shares(_counts(run)) for run in runs]
    texts = [[[_percent(value) for value in row] for row in matrix] for matrix in matrices]
    return _panels(runs, names_in_figure(runs), matrices, texts, (0, 1), across, "share of the true class")


def differences(runs: Sequence[Run], across: int = ACROSS) -> go.Figure:
    """Confusion matrices of runs less that of the reference: differences of the shares of each true class."""
    alike, _ = _comparable(runs)
    reference = _shares(_counts(alike[0]))
    matrices = [_less(_shares(_counts(run)), reference) for run in alike[1:]]
    if not matrices:
        return go.Figure()
    most = max((abs(value or 0) for matrix in matrices for row in matrix for value in row), default=0) or 0.01
    texts = [[[_points(value) for value in row] for row in matrix] for matrix in matrices]
    names = dict(zip(runs, names_in_figure(runs), strict=True))
    own = [names[run] for run in alike[1:]]
    what = "difference of the shares"
    return _panels(alike[1:], own, matrices, texts, (-most, most), across, what, diverging=True)


def notes(runs: Sequence[Run]) -> list[str]:
    """Return the runs that the differences leave out, and why."""
    return [str(reason) for reason in _comparable(runs)[1]]


def shares_table(runs: Sequence[Run]) -> Table:
    """Confusion matrices: shares of each true class."""
    caption = f"Confusion matrices: shares of each true class by predicted class. {measured(runs)}"
    return _table("confusion-shares", caption, runs, lambda run: _shares(_counts(run)))


def differences_table(runs: Sequence[Run]) -> Table:
    """Confusion matrices less that of the reference."""
    alike, _ = _comparable(runs)
    reference = _shares(_counts(alike[0]))
    caption = (
        f"Confusion matrices: shares of each true class less those of run #{alike[0].pk}, by predicted class. "
        f"{measured(alike)}"
    )
    return _table(
        "confusion-differences", caption, alike[1:], lambda run: _less(_shares(_counts(run)), reference)
    )


def _comparable(runs: Sequence[Run]) -> tuple[list[Run], list[Any]]:
    alike, errors = split_comparable(runs, predicted_classes(runs))
    return alike, list(errors.values())


def _counts(run: Run) -> Matrix:
    return [[float(value) for value in row] for row in results_of(run).evaluation.confusion]


def _shares(matrix: Matrix) -> Matrix:
    """Return shares of the rows; None for a class without samples."""
    totals = [sum(value or 0 for value in row) for row in matrix]
    return [
        [(value or 0) / total if total else None for value in row]
        for row, total in zip(matrix, totals, strict=True)
    ]


def _less(matrix: Matrix, reference: Matrix) -> Matrix:
    return [
        [None if a is None or b is None else a - b for a, b in zip(row, other, strict=True)]
        for row, other in zip(matrix, reference, strict=True)
    ]


def _percent(value: float | None) -> str:
    return "" if value is None else f"{value:.0%}"


def _points(value: float | None) -> str:
    """Return percentage points with a sign; a number that rounds to 0 has none."""
    if value is None:
        return ""
    text = f"{100 * value:+.0f}"
    return "0" if text in ("+0", "-0") else text.replace("-", MINUS)


def _table(name: str, caption: str, runs: Sequence[Run], matrix_of: Callable[[Run], Matrix]) -> Table:
    rows: list[Sequence[Cell]] = []
    for run in runs:
        samples = _counts(run)
        for position, (true, row) in enumerate(zip(CLASSES, matrix_of(run), strict=True)):
            total = int(sum(value or 0 for value in samples[position]))
            rows.append([str(run), true, total, *row])
    columns = ["Run", "True class", "Samples", *[f"Predicted {name}" for name in CLASSES]]
    return Table(name, caption, columns, rows)


def _panels(
    runs: Sequence[Run],
    names: Sequence[str],
    matrices: Sequence[Matrix],
    texts: Sequence[Sequence[Sequence[str]]],
    ends: tuple[float, float],
    across: int,
    what: str,
    diverging: bool = False,
) -> go.Figure:
    """Return a heat map per run, ``across`` of them side by side, with one colour scale from ``ends[0]`` to ``ends[1]``."""
    fits = min(max(across, 1), MOST_ACROSS)
    columns = min(fits, max(len(names), FEWEST_ACROSS))
    lines = -(-len(names) // columns)
    step = TITLE + PANEL + LABELS
    height = lines * step + BAR
    panels: list[go.Heatmap] = []
    axes: dict[str, Any] = {}
    notes: list[dict[str, Any]] = []
    for number, (name, matrix, own) in enumerate(zip(names, matrices, texts, strict=True)):
        line, column = divmod(number, columns)
        suffix = "" if number == 0 else str(number + 1)
        left, width = column / columns, 0.92 / columns
        top = 1 - (line * step + TITLE) / (lines * step)
        bottom = top - PANEL / (lines * step)
        panel = _panel(suffix, name, matrix, own, ends, what, diverging)
        panel.meta = runs[number].pk  # leads from a cell to its samples
        panels.append(panel)
        axes[f"xaxis{suffix}"] = {
            "domain": [left, left + width],
            "anchor": f"y{suffix}",
            "showgrid": False,
            "title": "predicted" if line == lines - 1 and column == 0 else None,
            "ticks": "",
        }
        axes[f"yaxis{suffix}"] = {
            "domain": [bottom, top],
            "anchor": f"x{suffix}",
            "showgrid": False,
            "autorange": "reversed",
            "showticklabels": column == 0,
            "title": "true" if column == 0 else None,
            "ticks": "",
        }
        notes.append(_title(name, left, top))
        places = [[None if v is None else (v - ends[0]) / (ends[1] - ends[0]) for v in row] for row in matrix]
        notes += cell_texts(
            CLASSES, CLASSES, own, places, diverging=diverging, xref=f"x{suffix}", yref=f"y{suffix}"
        )
    margin = {"l": 84, "r": 12, "t": 4, "b": BAR - 4}
    # All at once: Plotly checks everything again with each addition.
    return go.Figure(panels, {**axes, "annotations": notes, "margin": margin, "height": height})


def _panel(
    suffix: str,
    name: str,
    matrix: Matrix,
    texts: Sequence[Sequence[str]],
    ends: tuple[float, float],
    what: str,
    diverging: bool,
) -> go.Heatmap:
    bar = {
        "title": {"text": what, "side": "top", "font": {"size": 12}},
        "orientation": "h",
        "x": 0.97,  # the last number has room
        "xanchor": "right",
        "y": 0,
        "yanchor": "top",
        "ypad": 26,
        "xpad": 0,
        "len": 190,
        "lenmode": "pixels",
        "thickness": 10,
        **({} if what == "samples" else {"tickformat": "+.0%" if diverging else ".0%", "nticks": 5}),
    }
    return go.Heatmap(
        name=name,
        z=matrix,
        x=list(CLASSES),
        y=list(CLASSES),
        text=texts,
        zmin=ends[0],
        zmax=ends[1],
        colorscale=DIVERGING if diverging else SEQUENTIAL,
        showscale=suffix == "",
        colorbar=bar if suffix == "" else None,
        xaxis=f"x{suffix}",
        yaxis=f"y{suffix}",
        xgap=2,
        ygap=2,
        hoverongaps=False,
        hovertemplate=f"{name}<br>true %{{y}}, predicted %{{x}}: %{{text}}<extra></extra>",
    )


def _title(name: str, left: float, top: float) -> dict[str, Any]:
    return {
        "text": "<br>".join(textwrap.wrap(name, 30)[:2]),
        "xref": "paper",
        "yref": "paper",
        "x": left,
        "y": top,
        "xanchor": "left",
        "yanchor": "bottom",
        "align": "left",
        "showarrow": False,
        "font": {"size": 12},
    }
