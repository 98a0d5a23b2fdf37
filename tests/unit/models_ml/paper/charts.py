"""Charts of each kind that pages show, with made-up numbers."""

from collections.abc import Sequence

import plotly.graph_objects as go
from plotly.subplots import make_subplots

GROUPS = ["all samples", "CASME II", "SAMM", "SMIC-HS"]
LONG = "SPP after layer 2, average 2, 3, 4, 5, …, seed"


def grouped(runs: int) -> go.Figure:
    figure = go.Figure()
    for number in range(runs):
        values = [0.4 + 0.03 * number + 0.05 * place for place in range(len(GROUPS))]
        whiskers = {"type": "data", "symmetric": False, "array": [0.08] * 4, "arrayminus": [0.1] * 4}
        figure.add_bar(name=f"run {number}", x=GROUPS, y=values, error_y=whiskers)
    figure.update_layout(barmode="group", height=360, legend={"orientation": "h", "y": 1.12})
    figure.update_yaxes(title="UF1", range=[0, 1])
    return figure


def lines(series: int) -> go.Figure:
    figure = go.Figure()
    for number in range(series):
        figure.add_scatter(
            name=f"run {number}", x=[1, 2, 3], y=[number, number + 1, None], mode="lines+markers"
        )
    figure.update_xaxes(title="epoch").update_yaxes(title="loss", rangemode="tozero")
    return figure


def dots(rows: int) -> go.Figure:
    figure = go.Figure()
    for name, shift in (("UF1", -0.14), ("UAR", 0.14)):
        whiskers = {"type": "data", "symmetric": False, "array": [0.06] * rows, "arrayminus": [0.09] * rows}
        places = [place + 1 + shift for place in range(rows)]
        figure.add_scatter(
            name=name, x=[0.5 + 0.3 * shift] * rows, y=places, mode="markers", error_x=whiskers
        )
    texts = [f"{LONG} {place}" for place in range(rows)]
    figure.update_yaxes(tickvals=list(range(1, rows + 1)), ticktext=texts, range=[rows + 0.6, 0.4])
    figure.update_xaxes(title="score, with 95% interval", side="top")
    figure.update_layout(height=120 + 22 * rows, legend={"orientation": "h", "y": -0.02})
    return figure


def cells(columns: Sequence[str], rows: Sequence[str]) -> go.Figure:
    """A heat map with a text on each cell; the last cell has no value."""
    values: list[list[float | None]] = [
        [(i + j) / (len(rows) + len(columns)) for j in range(len(columns))] for i in range(len(rows))
    ]
    values[-1][-1] = None
    figure = go.Figure(
        go.Heatmap(z=values, x=columns, y=rows, zmin=0, zmax=1, xgap=2, ygap=2, showscale=False)
    )
    for row, line in zip(rows, values, strict=True):
        for column, value in zip(columns, line, strict=True):
            if value is not None:
                ink = {"color": f"var(--ink-on-{value:.3f})"}
                figure.add_annotation(x=column, y=row, text=f"{value:.3f}<br>12%", showarrow=False, font=ink)
    figure.update_yaxes(type="category", autorange="reversed", title="true")
    figure.update_xaxes(type="category", title="predicted")
    return figure


def parallel() -> go.Figure:
    rates = {"tickvals": [0, 1, 2], "ticktext": ["0.0001", "0.001", "0.01"]}
    dimensions = [
        {"label": "Learning rate", "values": [0, 1, 2, 1], **rates},
        {"label": "Epochs", "values": [20, 40, 100, 40]},
        {"label": "UF1", "values": [0.5, 0.61, 0.72, 0.4]},
    ]
    line = {"color": [0.5, 0.61, 0.72, 0.4], "showscale": True, "colorbar": {"title": "UF1"}}
    return go.Figure(go.Parcoords(line=line, dimensions=dimensions))


def panels() -> go.Figure:
    figure = make_subplots(rows=1, cols=2, subplot_titles=["negative", "positive"])
    for column in (1, 2):
        for run in range(2):
            figure.add_scatter(
                x=[0, 0.2, 1], y=[0, 0.5 + 0.2 * run, 1], mode="lines", name=f"run {run}", row=1, col=column,
                line={"color": f"var(--data-{run + 1})"}, showlegend=column == 1,
            )  # fmt: skip
        diagonal = {"dash": "dot", "color": "var(--ink-faint)", "width": 1}
        figure.add_shape(type="line", x0=0, y0=0, x1=1, y1=1, line=diagonal, row=1, col=column)
    figure.update_xaxes(title="false positive rate", range=[0, 1])
    return figure.update_yaxes(title="true positive rate", range=[0, 1])


def matrices(count: int) -> go.Figure:
    """Heat maps side by side that share one scale below them, each with a title at its left."""
    names = ["negative", "positive", "surprise"]
    figure = go.Figure()
    for number in range(count):
        suffix = str(number + 1) if number else ""
        left = number / count
        bar = {"title": "share of the true class", "orientation": "h", "tickformat": "+.0%"}
        figure.add_heatmap(
            z=[[0.8, 0.1, -0.1]] * 3, x=names, y=names, xaxis=f"x{suffix}", yaxis=f"y{suffix}", zmin=-1, zmax=1,
            colorscale=[[0, "var(--below)"], [0.5, "var(--sunken)"], [1, "var(--above)"]], showscale=number == 0,
            colorbar=bar,
        )  # fmt: skip
        figure.add_annotation(
            text=f"{LONG}<br>{number}", xref="paper", yref="paper", x=left, y=1, xanchor="left", yanchor="bottom",
            showarrow=False,
        )  # fmt: skip
        for name, share in zip(names, (0.9, 0.55, 0.45), strict=True):
            ink = {"color": f"var(--ink-on-diverging-{share})"}
            refs = {"xref": f"x{suffix}", "yref": f"y{suffix}"}
            figure.add_annotation(x=name, y="negative", text="80%", showarrow=False, font=ink, **refs)
        figure.layout[f"xaxis{suffix}"] = {"domain": [left, left + 0.9 / count], "title": "predicted"}
        figure.layout[f"yaxis{suffix}"] = {"showticklabels": number == 0, "autorange": "reversed"}
    return figure


def subjects(count: int) -> go.Figure:
    names = [f"CASME II/sub{place:02}" for place in range(count)]
    figure = go.Figure(go.Bar(x=names, y=[place / count for place in range(count)]))
    figure.update_yaxes(title="correct", range=[0, 1], tickformat=".0%")
    return figure.update_xaxes(title="subject", type="category", tickangle=-45)


def two_scales() -> go.Figure:
    figure = go.Figure()
    figure.add_bar(name="samples", x=[0.1, 0.2], y=[10, 20])
    figure.add_scatter(name="accuracy", x=[0.1, 0.2], y=[0.5, 0.6], mode="markers", yaxis="y2")
    figure.update_layout(yaxis2={"overlaying": "y", "side": "right", "title": "accuracy"})
    return figure.update_yaxes(title="samples", selector={"overlaying": None})


CHARTS = {
    "bars": grouped(3),
    "eight bars": grouped(8),
    "lines": lines(4),
    "dots": dots(10),
    "many dots": dots(40),
    "confusion": cells(["negative", "positive", "surprise"], ["negative", "positive", "surprise"]),
    "many cells": cells([f"CASME II/sub{n:02}" for n in range(30)], [f"{LONG} {n}" for n in range(20)]),
    "parallel": parallel(),
    "panels": panels(),
    "matrices": matrices(2),
    "subjects": subjects(68),
    "two scales": two_scales(),
}
