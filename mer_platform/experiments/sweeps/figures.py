"""Plotly figures of an experiment with several runs."""

from collections.abc import Sequence

import plotly.graph_objects as go

from mer_platform.experiments.figures import MARGIN, add_cell_texts
from mer_platform.experiments.naming import names_in_figure
from mer_platform.experiments.sweeps.answer import Answer

MAX_CONFIGURATIONS = 40  # in one figure


def ranked(answer: Answer) -> go.Figure:
    """UF1 and UAR of the configurations with their 95% intervals, the best on top."""
    rows = answer.standings[:MAX_CONFIGURATIONS]
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
        ticktext=names_in_figure([row.run for row in rows]),
        range=[len(rows) + 0.6, 0.4],
        showgrid=False,
        automargin=True,
    )
    figure.update_xaxes(title="score, with 95% interval", side="top")
    figure.update_layout(
        margin={**MARGIN, "t": 64},
        height=120 + 22 * len(rows),
        legend={"orientation": "h", "y": -0.02, "yanchor": "top"},
    )
    return figure


def heat_map(answer: Answer, x: str, y: str) -> go.Figure:
    """Mean UF1 for each pair of values of two settings, which must be among ``answer.varied``."""
    values = answer.varied
    score = {run.pk: row.rank.score for row in answer.standings for run in row.runs}
    columns, lines = list(dict.fromkeys(values[x])), list(dict.fromkeys(values[y]))
    cells: dict[tuple[str, str], list[float]] = {}
    for run, column, line in zip(answer.runs, values[x], values[y], strict=True):
        if run.pk in score:
            cells.setdefault((line, column), []).append(score[run.pk])
    means = [[_mean(cells.get((line, column), [])) for column in columns] for line in lines]
    figure = go.Figure(
        go.Heatmap(
            z=means,
            x=columns,
            y=lines,
            xgap=2,
            ygap=2,
            colorbar={"title": {"text": "UF1"}},
            hovertemplate=f"{y} %{{y}}, {x.lower()} %{{x}}: UF1 %{{z:.3f}}<extra></extra>",
        )
    )
    known = [mean for line in means for mean in line if mean is not None]
    low, span = min(known, default=0.0), (max(known, default=0.0) - min(known, default=0.0)) or 1.0
    texts = [["" if mean is None else f"{mean:.3f}" for mean in line] for line in means]
    shares = [[None if mean is None else (mean - low) / span for mean in line] for line in means]
    add_cell_texts(figure, columns, lines, texts, shares)
    figure.update_xaxes(title=x, type="category", showgrid=False)
    figure.update_yaxes(title=y, type="category", showgrid=False, autorange="reversed")
    figure.update_layout(margin=MARGIN, height=160 + 44 * len(lines))
    return figure


def _mean(scores: Sequence[float]) -> float | None:
    return sum(scores) / len(scores) if scores else None
