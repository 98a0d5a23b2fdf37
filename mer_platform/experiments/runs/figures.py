"""Plotly figures of one run. Colours and fonts come from the page's theme."""

import plotly.graph_objects as go

from mer_platform.experiments.figures import MARGIN, add_cell_texts
from mer_platform.experiments.models import Run
from mer_platform.experiments.results import Results
from mer_platform.experiments.runs.epochs import chosen_epochs
from models_ml.classes import CLASSES


def confusion(results: Results) -> go.Figure:
    """True classes as rows, predicted classes as columns. Colour shows the share of the row."""
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
        zmin=0,
        zmax=1,
        showscale=False,
        xgap=2,
        ygap=2,
        hovertemplate="true %{y}, predicted %{x}: %{text}<extra></extra>",
    )
    figure = go.Figure(heatmap)
    add_cell_texts(figure, CLASSES, CLASSES, text, shares)
    figure.update_yaxes(autorange="reversed", title="true", showgrid=False)
    figure.update_xaxes(title="predicted", side="bottom", showgrid=False)
    figure.update_layout(margin={**MARGIN, "l": 84}, height=340)
    return figure


def per_class(results: Results) -> go.Figure:
    """Precision, recall and F1 by class."""
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
    figure.update_xaxes(title="class")
    figure.update_yaxes(title="score", range=[0, 1])
    return figure


def per_subject(results: Results) -> go.Figure:
    """Share of correct predictions for each held-out subject, the lowest first."""
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
    figure.update_yaxes(title="correct predictions", range=[0, 1], tickformat=".0%")
    figure.update_xaxes(title="subject", type="category", tickangle=-45)
    figure.update_layout(margin={**MARGIN, "b": 120}, height=340)
    return figure


def losses(run: Run) -> go.Figure:
    """Mean loss by epoch, in training and in validation if there is any: a thin line per fold, a thick one for the mean."""
    folds = list(run.folds.values_list("name", "losses", "validation_losses"))
    figure = go.Figure()
    _add_losses(figure, "training", "var(--data-1)", {name: losses for name, losses, _ in folds})
    _add_losses(figure, "validation", "var(--data-2)", {name: losses for name, _, losses in folds})
    figure.update_layout(margin=MARGIN, height=340, legend={"orientation": "h", "y": 1.12})
    figure.update_xaxes(title="epoch")
    figure.update_yaxes(title="loss", rangemode="tozero")
    return figure


def _add_losses(figure: go.Figure, kind: str, colour: str, by_fold: dict[str, list[float]]) -> None:
    lines = {name: losses for name, losses in by_fold.items() if losses}
    for name, values in lines.items():
        figure.add_scatter(
            x=list(range(1, len(values) + 1)),
            y=values,
            mode=_mode(values),
            line={"width": 1, "color": colour},
            opacity=0.25,
            showlegend=False,
            hovertemplate=f"{name}, epoch %{{x}}: %{{y:.3f}} ({kind})<extra></extra>",
        )
    if lines:
        means = [sum(at) / len(at) for at in zip(*lines.values(), strict=False)]
        figure.add_scatter(
            name=f"{kind}, mean of the folds",
            x=list(range(1, len(means) + 1)),
            y=means,
            mode=_mode(means),
            line={"width": 3, "color": colour},
            hovertemplate="epoch %{x}: %{y:.3f}",
        )


def _mode(values: list[float]) -> str:
    """A line through a single epoch is invisible."""
    return "lines" if len(values) > 1 else "markers"


def epochs(run: Run) -> go.Figure:
    """Number of folds by the epoch that validation chose."""
    chosen = chosen_epochs(run)
    figure = go.Figure(
        go.Bar(x=list(chosen), y=list(chosen.values()), hovertemplate="epoch %{x}: %{y} folds<extra></extra>")
    )
    figure.update_layout(margin=MARGIN, height=340)
    figure.update_xaxes(title="epoch", range=[0.5, run.settings.train.epochs + 0.5])
    figure.update_yaxes(title="folds", rangemode="tozero", tickformat="d")
    return figure
