"""Plotly figures that compare runs."""

from collections.abc import Iterable, Sequence

import plotly.graph_objects as go

from mer_platform.experiments.comparison.comparing import compare_runs
from mer_platform.experiments.figures import MARGIN, add_cell_texts
from mer_platform.experiments.models import Run
from mer_platform.experiments.naming import names_in_figure
from mer_platform.experiments.results import results_of
from models_ml.classes import CLASSES
from models_ml.evaluation.uncertainty import Interval

MAX_BARS = 8  # runs that bars can show
Point = tuple[float, Interval | None] | None  # a score and its interval; None where a run has no samples


def scores(runs: Sequence[Run]) -> go.Figure:
    """UF1 and UAR of each run, with 95% intervals."""
    results = [results_of(run) for run in runs]
    rows: list[tuple[str, Sequence[Point]]] = [
        (metric.upper(), [(getattr(r.evaluation, metric), r.intervals[metric]) for r in results])
        for metric in ("uf1", "uar")
    ]
    if len(runs) > MAX_BARS:
        return dots(names_in_figure(runs), rows)
    return _grouped(names_in_figure(runs), rows, "score", "run")


def databases(runs: Sequence[Run]) -> go.Figure:
    """UF1 of each run on all samples and on each database, with 95% intervals."""
    results = [results_of(run) for run in runs]
    names = sorted({name for r in results for name in r.evaluation.per_database})
    rows = []
    for run_name, r in zip(names_in_figure(runs), results, strict=True):
        points: list[Point] = [(r.evaluation.uf1, r.intervals["uf1"])]
        for name in names:
            own = r.evaluation.per_database.get(name)
            points.append((own.uf1, r.all_intervals.per_database[name]["uf1"]) if own else None)
        rows.append((run_name, points))
    return _grouped_or_cells(["all samples", *names], rows, "UF1", "samples of")


def differences(runs: Sequence[Run]) -> go.Figure:
    """UF1 and UAR of each run minus those of the reference, with 95% intervals from the same resamples of subjects."""
    compared = [(other.run, other.paired) for other in compare_runs(list(runs)).against if other.paired]
    if not compared:
        return go.Figure()
    names = dict(zip(runs, names_in_figure(runs), strict=True))
    rows: list[tuple[str, Sequence[Point]]] = []
    for score in ("uf1", "uar"):
        own = [paired.differences[score] for _, paired in compared]
        rows.append((score.upper(), [(one.value, one.interval) for one in own]))
    figure = dots([names[run] for run, _ in compared], rows)
    figure.update_xaxes(range=None, title="difference from the reference")
    figure.add_vline(0, line={"color": "var(--ink-muted)", "width": 1})
    return figure


def classes(runs: Sequence[Run]) -> go.Figure:
    """F1 of each run for each class, with 95% intervals."""
    rows = []
    for run_name, run in zip(names_in_figure(runs), runs, strict=True):
        r = results_of(run)
        points: list[Point] = [
            (r.evaluation.per_class[name].f1, r.all_intervals.per_class[name]["f1"]) for name in CLASSES
        ]
        rows.append((run_name, points))
    return _grouped_or_cells(list(CLASSES), rows, "F1", "class")


def _grouped_or_cells(
    groups: list[str], rows: list[tuple[str, list[Point]]], score: str, what: str
) -> go.Figure:
    """Return bars for a few runs. Twenty colours are hard to distinguish, so more runs are rows of a heat map."""
    return _grouped(groups, rows, score, what) if len(rows) <= MAX_BARS else _cells(groups, rows, what)


def _grouped(
    groups: list[str], rows: Iterable[tuple[str, Sequence[Point]]], score: str, what: str
) -> go.Figure:
    """Return bars in groups, with one colour per row and intervals as whiskers."""
    figure = go.Figure()
    for name, points in rows:
        values = [point[0] if point else None for point in points]
        spans = [point[1] or (point[0], point[0]) if point else (0.0, 0.0) for point in points]
        figure.add_bar(
            name=name,
            x=groups,
            y=values,
            error_y={
                "type": "data",
                "symmetric": False,
                "array": [high - (value or 0) for (_, high), value in zip(spans, values, strict=True)],
                "arrayminus": [(value or 0) - low for (low, _), value in zip(spans, values, strict=True)],
            },
            customdata=[f"{low:.3f}–{high:.3f}" for low, high in spans],
            hovertemplate="%{x}: %{y:.3f} (%{customdata})",
        )
    figure.update_layout(
        barmode="group",
        margin=MARGIN,
        height=340 + 20 * len(figure.data),
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0},
    )
    figure.update_xaxes(
        type="category", automargin=True, title=what
    )  # otherwise Plotly reads “3” as a number
    figure.update_yaxes(range=[0, 1], title=score)
    return figure


def dots(names: list[str], rows: Iterable[tuple[str, Sequence[Point]]]) -> go.Figure:
    """Return a line per run, with a dot and a whisker for each score."""
    figure = go.Figure()
    for number, (score, points) in enumerate(rows):
        values = [point[0] if point else None for point in points]
        spans = [point[1] or (point[0], point[0]) if point else (0.0, 0.0) for point in points]
        figure.add_scatter(
            name=score,
            x=values,
            y=[place + 0.28 * number - 0.14 for place in range(1, len(names) + 1)],
            mode="markers",
            error_x={
                "type": "data",
                "symmetric": False,
                "array": [high - (value or 0) for (_, high), value in zip(spans, values, strict=True)],
                "arrayminus": [(value or 0) - low for (low, _), value in zip(spans, values, strict=True)],
                "thickness": 1,
                "width": 2,
            },
            customdata=[
                f"{name}: {low:.3f}–{high:.3f}" for name, (low, high) in zip(names, spans, strict=True)
            ],
            hovertemplate="%{x:.3f}, %{customdata}",
        )
    figure.update_layout(
        margin=MARGIN, height=_height(len(names)), legend={"orientation": "h", "y": 1.02, "yanchor": "bottom"}
    )
    figure.update_yaxes(
        tickvals=list(range(1, len(names) + 1)),
        ticktext=names,
        range=[len(names) + 0.6, 0.4],
        showgrid=False,
        automargin=True,
        title="run",
    )
    figure.update_xaxes(range=[0, 1], title="score")
    return figure


def _cells(groups: list[str], rows: list[tuple[str, list[Point]]], what: str) -> go.Figure:
    """Return a heat map with a line per run and the score on each cell; its interval is in the hover text."""
    names = [name for name, _ in rows]
    values = [[point[0] if point else None for point in points] for _, points in rows]
    spans = [
        [f"{point[1][0]:.3f}–{point[1][1]:.3f}" if point and point[1] else "no interval" for point in points]
        for _, points in rows
    ]
    figure = go.Figure(
        go.Heatmap(
            z=values,
            x=groups,
            y=names,
            zmin=0,
            zmax=1,
            xgap=2,
            ygap=2,
            showscale=False,
            customdata=spans,
            hovertemplate="%{y}, %{x}: %{z:.3f} (%{customdata})<extra></extra>",
        )
    )
    texts = [["" if value is None else f"{value:.3f}" for value in line] for line in values]
    add_cell_texts(figure, groups, names, texts, values)
    figure.update_layout(margin=MARGIN, height=_height(len(names)))
    figure.update_xaxes(type="category", side="top", showgrid=False, title=what)
    figure.update_yaxes(
        type="category", autorange="reversed", showgrid=False, automargin=True, title="run", dtick=1
    )
    return figure


def _height(runs: int) -> int:
    return 120 + 26 * runs  # pixels
