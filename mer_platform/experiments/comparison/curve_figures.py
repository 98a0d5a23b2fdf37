"""ROC and precision-recall curves and reliability diagrams, of one run or of several, with their tables."""

from collections.abc import Sequence
from typing import Any, Literal

import plotly.graph_objects as go

from mer_platform.experiments.curves import POOLED, RunCurves, curves_of_runs
from mer_platform.experiments.figures import DIVERGING, MARGIN, add_cell_texts
from mer_platform.experiments.models import Run
from mer_platform.experiments.naming import names_in_figure
from mer_platform.experiments.tables import measured
from models_ml.classes import CLASSES
from models_ml.evaluation.calibration import BINS, Calibration, Reliability
from models_ml.evaluation.curves import MACRO, Areas, Curves
from models_ml.paper.tables import Cell, Estimate, Table

Kind = Literal["roc", "precision_recall"]
SHOWN = (MACRO, *CLASSES)
MAX_LINES = 8  # reliability diagrams that one figure can overlay
COLOURS = [f"var(--data-{number})" for number in range(1, 7)]
DASHES = ("solid", "dash", "dot", "dashdot")
WORDS = {"roc": "AUC", "precision_recall": "average precision"}
ALL = "all samples"


def roc(runs: Sequence[Run], of: str = MACRO) -> go.Figure:
    """The ROC curves of runs: of one class against the others, or their mean. Of one run, all of them."""
    figure = _curves("roc", runs, of)
    if not figure.data:
        return figure
    figure.add_scatter(
        name="chance",
        x=[0, 1],
        y=[0, 1],
        mode="lines",
        line={"width": 1, "dash": "dot", "color": "var(--line-strong)"},
        hoverinfo="skip",
        showlegend=False,
    )
    figure.update_xaxes(title="false positive rate")
    figure.update_yaxes(title="true positive rate")
    return figure


def precision_recall(runs: Sequence[Run], of: str = MACRO) -> go.Figure:
    """The precision-recall curves of runs: of one class against the others, or their mean. Of one run, all of them."""
    figure = _curves("precision_recall", runs, of)
    figure.update_xaxes(title="recall")
    figure.update_yaxes(title="precision")
    return figure


def calibration(runs: Sequence[Run]) -> go.Figure:
    """Reliability diagrams: how often the predicted class is correct, by its probability. Many runs are rows of cells."""
    known = [(name, own) for name, own in _named(runs) if own.calibration]
    if not known:
        return go.Figure()
    if len(known) > MAX_LINES:
        return _gaps([(name, own.calibration) for name, own in known if own.calibration])
    return _reliability([(name, own.calibration) for name, own in known if own.calibration])


def extras(name: str, runs: Sequence[Run]) -> tuple[list[Table], list[str]]:
    """Return the tables of a figure, and the runs that it leaves out and why. ``name`` is that of its address."""
    tables = [table(runs) for table in TABLES.get(name, ())]
    return tables, notes(runs) if tables else []


def notes(runs: Sequence[Run]) -> list[str]:
    """Return why runs have no curves."""
    return [own.missing for own in curves_of_runs(runs) if own.missing]


def roc_table(runs: Sequence[Run]) -> Table:
    """Areas below ROC curves, by run, database and class."""
    return _areas_table("roc", runs, "Areas below the ROC curve (AUC), one class against the others.")


def precision_recall_table(runs: Sequence[Run]) -> Table:
    """Average precision, by run, database and class."""
    return _areas_table("precision_recall", runs, "Average precision, one class against the others.")


def calibration_table(runs: Sequence[Run]) -> Table:
    """Calibration error and Brier score, by run and database."""
    rows: list[Sequence[Cell]] = []
    for run, own in zip(runs, curves_of_runs(runs), strict=True):
        if own.calibration is None:
            rows.append([str(run), ALL, None, None, None])
            continue
        scopes: list[tuple[str, Reliability]] = [
            (ALL, own.calibration),
            *own.calibration.per_database.items(),
        ]
        for scope, found in scopes:
            brier = Estimate(found.brier, found.brier_interval)
            rows.append([str(run), scope, found.samples, found.ece, brier])
    caption = (
        f"Calibration. ECE is the expected calibration error over {BINS} bins of equal width of the predicted class’s "
        f"probability; the Brier score sums squared errors over all classes (0 to 2). {_intervals()} {POOLED} "
        f"{measured(runs)}"
    )
    return Table("calibration", caption, ["Run", "Samples of", "Samples", "ECE", "Brier score"], rows)


def reliability_table(runs: Sequence[Run]) -> Table:
    """The bins of the reliability diagrams that have samples."""
    rows = [
        [
            str(run),
            f"{one.low:.1f}–{one.high:.1f}",
            one.samples,
            one.confidence,
            Estimate(one.accuracy or 0.0, one.interval),
        ]
        for run, own in zip(runs, curves_of_runs(runs), strict=True)
        for one in (own.calibration.bins if own.calibration else [])
        if one.samples
    ]
    caption = (
        "Reliability: share of correct predictions by the probability of the predicted class. Each bin includes its upper "
        f"end. {_intervals()} {measured(runs)}"
    )
    columns = ["Run", "Probability", "Samples", "Mean probability", "Correct"]
    return Table("reliability", caption, columns, rows)


def _intervals() -> str:
    return "In parentheses, 95% intervals from a bootstrap over subjects."


def _named(runs: Sequence[Run]) -> list[tuple[str, RunCurves]]:
    return list(zip(names_in_figure(runs), curves_of_runs(runs), strict=True))


def _curves(kind: Kind, runs: Sequence[Run], of: str) -> go.Figure:
    """Return a line per run; for one run, a line per class and their mean."""
    figure = go.Figure()
    of = of if of in SHOWN else MACRO
    lines: list[tuple[str, Curves, str]] = [
        (name, own.curves, of) for name, own in _named(runs) if own.curves
    ]
    if len(runs) == 1:
        lines = [(_class_name(name), curves, name) for _, curves, _ in lines for name in SHOWN]
    for number, (name, curves, which) in enumerate(lines):
        points = getattr(curves, kind).get(which)
        if points is None:
            continue
        x, y = points
        if (
            kind == "precision_recall"
        ):  # precision holds from the recall before to its own, the first one from 0
            x, y = [0.0, *x], [y[0], *y]
        area = _area(curves.areas[which], kind)
        figure.add_scatter(
            name=f"{name}: {area}",
            x=x,
            y=y,
            mode="lines",
            line={
                "color": COLOURS[number % len(COLOURS)],
                "dash": DASHES[number // len(COLOURS) % len(DASHES)],
                "shape": "linear" if kind == "roc" else "vh",
                "width": 2,
            },
            hovertemplate=f"{name}<br>%{{x:.3f}}, %{{y:.3f}}<extra></extra>",
        )
    rows = len(lines) if len(lines) > 2 else 1
    figure.update_layout(
        margin=MARGIN,
        height=420 + 20 * rows,  # Plotly gives a legend at most half
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0},
    )
    figure.update_xaxes(range=[-0.01, 1.01])
    figure.update_yaxes(range=[-0.01, 1.02])
    return figure if figure.data else go.Figure()


def _class_name(name: str) -> str:
    return "mean of the classes" if name == MACRO else name


def _area(areas: Areas, kind: Kind) -> str:
    area = areas.auc if kind == "roc" else areas.average_precision
    return "–" if area.value is None else f"{area.value:.3f}"


def _reliability(known: Sequence[tuple[str, Calibration]]) -> go.Figure:
    """Return a line per run, with a marker for each bin that has samples. Larger markers have more samples."""
    figure = go.Figure()
    figure.add_scatter(
        name="as probable as said",
        x=[0, 1],
        y=[0, 1],
        mode="lines",
        line={"width": 1, "dash": "dot", "color": "var(--line-strong)"},
        hoverinfo="skip",
        showlegend=False,
    )
    for number, (name, found) in enumerate(known):
        filled = [one for one in found.bins if one.samples]
        most = max(one.samples for one in filled)
        whiskers = {} if len(known) > 2 else {"error_y": _whiskers(filled)}
        figure.add_scatter(
            name=f"{name}: ECE {found.ece:.3f}",
            x=[one.confidence for one in filled],
            y=[one.accuracy for one in filled],
            mode="lines+markers",
            line={"color": COLOURS[number % len(COLOURS)], "dash": DASHES[number // len(COLOURS)]},
            marker={"size": [6 + 14 * (one.samples / most) ** 0.5 for one in filled]},
            customdata=[[one.samples, f"{one.low:.1f}–{one.high:.1f}"] for one in filled],
            hovertemplate=(
                f"{name}<br>%{{customdata[0]}} samples with %{{customdata[1]}}: mean %{{x:.3f}}, correct %{{y:.3f}}"
                "<extra></extra>"
            ),
            **whiskers,
        )
    figure.update_layout(
        margin=MARGIN,
        height=420 + 20 * len(known),
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0},
    )
    figure.update_xaxes(title="probability of the predicted class", range=[0, 1.03])
    figure.update_yaxes(title="share correct", range=[0, 1.03])
    return figure


def _whiskers(bins: Sequence[Any]) -> dict[str, Any]:
    ends = [one.interval or (one.accuracy, one.accuracy) for one in bins]
    return {
        "type": "data",
        "symmetric": False,
        "array": [high - one.accuracy for one, (_, high) in zip(bins, ends, strict=True)],
        "arrayminus": [one.accuracy - low for one, (low, _) in zip(bins, ends, strict=True)],
    }


def _gaps(known: Sequence[tuple[str, Calibration]]) -> go.Figure:
    """Return a heat map of share correct minus mean probability: a row per run, the number of samples on each cell."""
    names = [f"{name}: ECE {found.ece:.3f}" for name, found in known]
    columns = [f"{number / BINS:.1f}–{(number + 1) / BINS:.1f}" for number in range(BINS)]
    gaps = [
        [
            None if one.accuracy is None or one.confidence is None else one.accuracy - one.confidence
            for one in found.bins
        ]
        for _, found in known
    ]
    counts = [[str(one.samples) if one.samples else "" for one in found.bins] for _, found in known]
    used = [column for column in range(BINS) if any(line[column] is not None for line in gaps)]
    columns, gaps = [columns[i] for i in used], [[line[i] for i in used] for line in gaps]
    counts = [[line[i] for i in used] for line in counts]
    most = max((abs(gap) for line in gaps for gap in line if gap is not None), default=0.0) or 0.01
    figure = go.Figure(
        go.Heatmap(
            z=gaps,
            x=columns,
            y=names,
            zmin=-most,
            zmax=most,
            colorscale=DIVERGING,
            colorbar={"title": {"text": "correct − probability", "font": {"size": 12}}},
            xgap=2,
            ygap=2,
            customdata=counts,
            hovertemplate="%{y}<br>%{x}: %{z:+.3f} (%{customdata} samples)<extra></extra>",
        )
    )
    places = [[None if gap is None else (gap / most + 1) / 2 for gap in line] for line in gaps]
    add_cell_texts(figure, columns, names, counts, places, diverging=True)
    figure.update_layout(margin=MARGIN, height=120 + 26 * len(names))
    figure.update_xaxes(
        type="category", side="top", showgrid=False, title="probability of the predicted class"
    )
    figure.update_yaxes(
        type="category", autorange="reversed", showgrid=False, automargin=True, title="run", dtick=1
    )
    return figure


def _areas_table(kind: Kind, runs: Sequence[Run], what: str) -> Table:
    rows: list[Sequence[Cell]] = []
    for run, own in zip(runs, curves_of_runs(runs), strict=True):
        if own.curves is None:
            rows.append([str(run), ALL, None, *[None for _ in SHOWN]])
            continue
        for scope, areas in [(ALL, own.curves.areas), *own.curves.per_database.items()]:
            cells = [areas[name].auc if kind == "roc" else areas[name].average_precision for name in SHOWN]
            rows.append(
                [
                    str(run),
                    scope,
                    areas[MACRO].samples,
                    *[None if cell.value is None else Estimate(cell.value, cell.interval) for cell in cells],
                ]
            )
    caption = (
        f"{what} The mean leaves out classes without samples, and classes that all samples have. {_intervals()} {POOLED} "
        f"{measured(runs)}"
    )
    columns = ["Run", "Samples of", "Samples", *[_class_name(name).capitalize() for name in SHOWN]]
    return Table(WORDS[kind].lower().replace(" ", "-"), caption, columns, rows)


TABLES = {
    "roc": (roc_table,),
    "precision-recall": (precision_recall_table,),
    "calibration": (calibration_table, reliability_table),
}
