"""Plotly figures of an experiment with several runs."""

from collections.abc import Sequence

import plotly.graph_objects as go

from mer_platform.experiments.figures import MARGIN, add_cell_texts
from mer_platform.experiments.naming import names_in_figure
from mer_platform.experiments.sweeps.answer import Answer, Standing
from models_ml.evaluation.design import in_order

MAX_CONFIGURATIONS = 25  # in one figure
_SHORT, _LONGEST = 24, 52  # characters of a name


def ranked(answer: Answer) -> go.Figure:
    """UF1 and UAR of the configurations with their 95% intervals, the best on top."""
    rows = answer.standings[:MAX_CONFIGURATIONS]
    names, title = _names(answer, rows)
    traces = []
    for name, shift in (("UF1", -0.14), ("UAR", 0.14)):
        found = [(r.rank.score, r.rank.interval) if name == "UF1" else (r.uar, r.uar_interval) for r in rows]
        traces.append(
            go.Scatter(
                name=name,
                x=[value for value, _ in found],
                y=[position + shift for position in range(1, len(rows) + 1)],
                mode="markers",
                error_x={
                    "type": "data",
                    "symmetric": False,
                    "array": [high - value for value, (_, high) in found],
                    "arrayminus": [value - low for value, (low, _) in found],
                    "thickness": 1,
                    "width": 2,
                },
                customdata=[row.label for row in rows],
                hovertemplate="%{customdata}: %{x:.3f}<extra></extra>",
            )
        )
    figure = go.Figure(traces)
    figure.update_yaxes(
        tickvals=list(range(1, len(rows) + 1)),
        ticktext=names,
        title=title,
        range=[len(rows) + 0.6, 0.4],
        showgrid=False,
        automargin=True,
    )
    figure.update_xaxes(title="score, with 95% interval", side="top")
    figure.update_layout(
        margin={**MARGIN, "t": 64},
        height=max(260, 120 + 22 * len(rows)),
        legend={"orientation": "h", "y": -0.02, "yanchor": "top"},
    )
    return figure


def heat_map(answer: Answer, x: str, y: str) -> go.Figure:
    """Mean UF1 for each pair of values of two settings, which must be among ``answer.varied``."""
    columns, lines, means = means_of_pairs(answer, x, y)
    # By position, not by name: Plotly takes names of digits for positions where it writes on the cells.
    across, down = range(len(columns)), range(len(lines))
    names = [[f"{y} {line}, {x.lower()} {column}" for column in columns] for line in lines]
    figure = go.Figure(
        go.Heatmap(
            z=means,
            x=list(across),
            y=list(down),
            xgap=2,
            ygap=2,
            customdata=names,
            showscale=False,  # the numbers are on the cells
            hovertemplate="%{customdata}: UF1 %{z:.3f}<extra></extra>",
        )
    )
    known = [mean for line in means for mean in line if mean is not None]
    low, span = min(known, default=0.0), (max(known, default=0.0) - min(known, default=0.0)) or 1.0
    texts = [["" if mean is None else f"{mean:.3f}" for mean in line] for line in means]
    shares = [[None if mean is None else (mean - low) / span for mean in line] for line in means]
    add_cell_texts(figure, across, down, texts, shares)
    figure.update_xaxes(title=x, tickvals=list(across), ticktext=columns, range=[-0.5, len(columns) - 0.5])
    figure.update_yaxes(title=y, tickvals=list(down), ticktext=lines, range=[len(lines) - 0.5, -0.5])
    figure.update_layout(
        margin=MARGIN,
        height=160 + 44 * len(lines),
        xaxis={"showgrid": False, "zeroline": False},
        yaxis={"showgrid": False, "zeroline": False},
    )
    return figure


def means_of_pairs(answer: Answer, x: str, y: str) -> tuple[list[str], list[str], list[list[float | None]]]:
    """Return the values of two settings, and the mean UF1 of each pair: rows by ``y``, columns by ``x``."""
    values = answer.varied
    score = {run.pk: row.rank.score for row in answer.standings for run in row.runs}
    columns, lines = in_order(values[x]), in_order(values[y])
    cells: dict[tuple[str, str], list[float]] = {}
    for run, column, line in zip(answer.runs, values[x], values[y], strict=True):
        if run.pk in score:
            cells.setdefault((line, column), []).append(score[run.pk])
    return columns, lines, [[_mean(cells.get((line, column), [])) for column in columns] for line in lines]


def _names(answer: Answer, rows: Sequence[Standing]) -> tuple[list[str], str]:
    """Return the names of configurations, and the title of their axis.

    If their settings are too long, the names are only values, and the title says of what.
    """
    if all(len(row.label) <= _SHORT for row in rows):
        return [row.label for row in rows], "configuration"
    values = [" · ".join(answer.value(title, row.run) for title in answer.axes) for row in rows]
    if len(set(values)) == len(values) and all(len(text) <= _LONGEST for text in values):
        return values, " · ".join(title.lower() for title in answer.axes)
    return names_in_figure([row.run for row in rows]), "configuration"


def _mean(scores: Sequence[float]) -> float | None:
    return sum(scores) / len(scores) if scores else None
