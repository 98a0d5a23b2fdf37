"""Plotly figures that compare runs."""

from collections.abc import Iterable, Sequence

import plotly.graph_objects as go

from mer_platform.experiments.figures import MARGIN
from mer_platform.experiments.models import Run
from mer_platform.experiments.naming import names_in_figure
from mer_platform.experiments.results import results_of
from models_ml.classes import CLASSES
from models_ml.evaluation.uncertainty import Interval

Point = tuple[float, Interval | None] | None  # a score and its interval; None where a run has no samples


def scores(runs: Sequence[Run]) -> go.Figure:
    """UF1 and UAR of each run, with 95% intervals."""
    results = [results_of(run) for run in runs]
    return _grouped(
        names_in_figure(runs),
        (
            (metric.upper(), [(getattr(r.evaluation, metric), r.intervals[metric]) for r in results])
            for metric in ("uf1", "uar")
        ),
    )


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
    return _grouped(["all samples", *names], rows)


def classes(runs: Sequence[Run]) -> go.Figure:
    """F1 of each run for each class, with 95% intervals."""
    rows = []
    for run_name, run in zip(names_in_figure(runs), runs, strict=True):
        r = results_of(run)
        points: list[Point] = [
            (r.evaluation.per_class[name].f1, r.all_intervals.per_class[name]["f1"]) for name in CLASSES
        ]
        rows.append((run_name, points))
    return _grouped(list(CLASSES), rows)


def _grouped(groups: list[str], rows: Iterable[tuple[str, Sequence[Point]]]) -> go.Figure:
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
    figure.update_layout(barmode="group", margin=MARGIN, height=360, legend={"orientation": "h", "y": 1.12})
    figure.update_xaxes(type="category", automargin=True)  # otherwise Plotly reads “3” as a number
    figure.update_yaxes(range=[0, 1])
    return figure
