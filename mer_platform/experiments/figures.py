"""Plotly figures of a run, as JSON for the page; colours and fonts come from the page's theme."""

import json
from typing import Any

import plotly.graph_objects as go

from mer_platform.experiments.models import Run
from mer_platform.experiments.results import Results, results_of
from models_ml.classes import CLASSES

MARGIN = {"l": 60, "r": 16, "t": 16, "b": 48}


def confusion(results: Results) -> go.Figure:
    """True classes as rows, predicted as columns; colour is the share of the row, the text is counts."""
    counts = results.evaluation.confusion
    shares = [[n / max(sum(row), 1) for n in row] for row in counts]
    text = [
        [f"{n}<br>{share:.0%}" for n, share in zip(*pair, strict=True)]
        for pair in zip(counts, shares, strict=True)
    ]
    heatmap = go.Heatmap(
        z=shares,
        x=list(CLASSES),
        y=list(CLASSES),
        text=text,
        texttemplate="%{text}",
        zmin=0,
        zmax=1,
        showscale=False,
        xgap=2,
        ygap=2,
        hovertemplate="true %{y}, predicted %{x}: %{text}<extra></extra>",
    )
    figure = go.Figure(heatmap)
    figure.update_yaxes(autorange="reversed", title="true", showgrid=False)
    figure.update_xaxes(title="predicted", side="bottom", showgrid=False)
    figure.update_layout(margin={**MARGIN, "l": 84}, height=340)
    return figure


def per_class(results: Results) -> go.Figure:
    """Precision, recall and F1 of each class."""
    scores = results.evaluation.per_class
    bars = [
        go.Bar(
            name=name,
            x=list(CLASSES),
            y=[getattr(scores[c], name) for c in CLASSES],
            hovertemplate="%{x}: %{y:.3f}",
        )
        for name in ("precision", "recall", "f1")
    ]
    figure = go.Figure(bars)
    figure.update_layout(barmode="group", margin=MARGIN, height=340, legend={"orientation": "h", "y": 1.12})
    figure.update_yaxes(range=[0, 1])
    return figure


def per_subject(results: Results) -> go.Figure:
    """Share of each held-out subject's samples predicted right, the hardest first."""
    subjects = sorted(
        results.evaluation.per_subject.items(), key=lambda item: (item[1].correct / item[1].samples, item[0])
    )
    figure = go.Figure(
        go.Bar(
            x=[name for name, _ in subjects],
            y=[s.correct / s.samples for _, s in subjects],
            customdata=[[s.correct, s.samples] for _, s in subjects],
            hovertemplate="%{x}: %{customdata[0]} of %{customdata[1]}<extra></extra>",
        )
    )
    figure.update_yaxes(range=[0, 1], tickformat=".0%")
    figure.update_xaxes(type="category", tickangle=-45)
    figure.update_layout(margin={**MARGIN, "b": 120}, height=340)
    return figure


def losses(run: Run) -> go.Figure:
    """Mean training loss by epoch, a line a fold."""
    figure = go.Figure(
        [
            go.Scatter(
                x=list(range(1, len(fold.losses) + 1)),
                y=fold.losses,
                name=fold.name,
                mode="lines",
                line={"width": 1},
                opacity=0.6,
                hovertemplate=f"{fold.name}, epoch %{{x}}: %{{y:.3f}}<extra></extra>",
            )
            for fold in run.folds.all()
            if fold.losses
        ]
    )
    figure.update_layout(margin=MARGIN, height=340, showlegend=False)
    figure.update_xaxes(title="epoch")
    figure.update_yaxes(title="training loss", rangemode="tozero")
    return figure


def comparison(runs: list[Run]) -> go.Figure:
    """UF1 and UAR of several runs, with their 95 % intervals."""
    results = [(run, results_of(run)) for run in runs]
    bars = []
    for metric in ("uf1", "uar"):
        values = [getattr(r.evaluation, metric) for _, r in results]
        low, high = zip(*(r.intervals[metric] for _, r in results), strict=True)
        bars.append(
            go.Bar(
                name=metric.upper(),
                x=[f"#{run.pk}" for run, _ in results],
                y=values,
                error_y={
                    "type": "data",
                    "symmetric": False,
                    "array": [h - v for h, v in zip(high, values, strict=True)],
                    "arrayminus": [v - lo for lo, v in zip(low, values, strict=True)],
                },
                hovertemplate="%{x}: %{y:.3f}",
            )
        )
    figure = go.Figure(bars)
    figure.update_layout(barmode="group", margin=MARGIN, height=360, legend={"orientation": "h", "y": 1.12})
    figure.update_xaxes(type="category")  # or Plotly would take “#1” for a number
    figure.update_yaxes(range=[0, 1])
    return figure


def as_json(figure: go.Figure) -> dict[str, Any]:
    """Data and layout without Plotly's own template: the page sets fonts and colours."""
    figure.update_layout(template="none", paper_bgcolor="rgba(0,0,0,0)", plot_bgcolor="rgba(0,0,0,0)")
    return json.loads(figure.to_json())
