"""Attributions drawn on the outline of a face, and by its regions."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from mer_platform.experiments.attribution.choosing import Chosen, maps_of
from mer_platform.experiments.figures import DIVERGING
from mer_platform.experiments.models import Prediction
from models_ml.attribution.face import LANDMARKS, LINES, OUTSIDE, REGION_NAMES, expected_regions
from models_ml.attribution.results import KINDS
from models_ml.attribution.summary import MeanMap
from models_ml.classes import CLASSES
from models_ml.paper.tables import Estimate

PANEL = 250  # px of a face, with its title
NARROW = 175  # px of one of two faces side by side on a phone
PANEL_TITLES = {"all": "all motion", "u": "horizontal (u)", "v": "vertical (v)", "strain": "strain"}
BAR = 34  # px of a region
ABOVE = 64  # px for the legend and the titles above the regions
BELOW = 56
BAR_OF_COLOURS = {
    "title": {"text": "percentage points", "side": "right", "font": {"size": 12}},
    "lenmode": "pixels",
    "len": PANEL - 10,
    "y": 1,
    "yanchor": "top",
}
POINTS = 100  # percentage points per unit of probability


def faces(chosen: Chosen) -> go.Figure:
    """The mean map of each class, over all samples and in each database, on the outline of a face."""
    means = [mean for mean in chosen.summary.means if mean.target == chosen.target]
    k = KINDS.index(chosen.kind)
    panels = [
        (_title(mean), mean.maps[k] * POINTS)
        for label in CLASSES
        for mean in _in_order(means, label, chosen.summary.databases)
    ]
    row = 1 + len(chosen.summary.databases)
    columns = row if 2 < row <= chosen.columns else chosen.columns  # one class per line, if that fits
    # Few samples have large means. So the scale is that of all databases together; stronger colours are cut off.
    reach = max((float(np.abs(m.maps[k]).max()) * POINTS for m in means if not m.database), default=0.0)
    return _panels(panels, chosen, columns, reach or 1.0)


def sample(chosen: Chosen, prediction: Prediction) -> go.Figure:
    """The maps of one sample for the chosen class: all of the motion, u, v and strain."""
    found = maps_of(chosen.attribution)
    label = prediction.predicted if chosen.target == "predicted" else prediction.sample.label
    rows = [row for row in found.rows_of(prediction.sample.index) if CLASSES[found.targets[row]] == label]
    if not rows:
        return go.Figure()
    maps = found.maps[rows[0]].astype(np.float64) * POINTS
    order = ("all", "u", "v", "strain")
    panels = [(PANEL_TITLES[kind], maps[KINDS.index(kind)]) for kind in order]
    return _panels(panels, chosen, chosen.columns, float(np.abs(maps).max()) or 1.0)


def regions(chosen: Chosen) -> go.Figure:
    """The share of each region of the face in attribution and motion, by class, with 95% intervals."""
    rows = {r.label: r for r in chosen.summary.regions if (r.target, r.kind) == (chosen.target, chosen.kind)}
    if not rows or not chosen.place.fits:
        return go.Figure()
    shown = [label for label in CLASSES if label in rows]
    columns = min(chosen.columns, len(shown))
    lines = -(-len(shown) // columns)
    plot = lines * (len(REGION_NAMES) * BAR + BELOW)
    most = 1.05 * max(_furthest(own) for row in rows.values() for own in row.estimates.values())
    figure = go.Figure()
    notes = []
    for i, label in enumerate(shown):
        row = rows[label]
        x, y = _domains(i, columns, lines, gap=(0.5, 0.3))
        number = "" if i == 0 else str(i + 1)
        names = [_marked(name, label) for name in REGION_NAMES]
        attribution = [row.estimates[name]["attribution"] for name in REGION_NAMES]
        axes = {"xaxis": f"x{number}", "yaxis": f"y{number}"}
        figure.add_bar(
            name="attribution",
            x=[100 * e.value for e in attribution],
            y=names,
            orientation="h",
            marker={"color": "var(--data-1)"},
            error_x={
                "type": "data",
                "symmetric": False,
                "array": [100 * (e.interval[1] - e.value) if e.interval else 0 for e in attribution],
                "arrayminus": [100 * (e.value - e.interval[0]) if e.interval else 0 for e in attribution],
            },
            showlegend=i == 0,
            hovertemplate=f"{label}, %{{y}}: %{{x:.1f}}%<extra>attribution</extra>",
            **axes,
        )
        figure.add_scatter(
            name="motion",
            x=[100 * row.estimates[name]["motion"].value for name in REGION_NAMES],
            y=names,
            mode="markers",
            marker={"symbol": "diamond", "size": 9, "color": "var(--data-2)"},
            showlegend=i == 0,
            hovertemplate=f"{label}, %{{y}}: %{{x:.1f}}%<extra>motion</extra>",
            **axes,
        )
        last = i + columns >= len(shown)
        figure.update_layout({
            f"xaxis{number}": {"domain": x, "anchor": f"y{number}", "range": [0, most],
                               "title": "share of attribution or motion (%)" if last else None},
            f"yaxis{number}": {"domain": y, "anchor": f"x{number}", "autorange": "reversed", "showgrid": False},
        })  # fmt: skip
        notes.append(_heading(f"{label}, {row.samples} sample{'s' * (row.samples != 1)}", x, y))
    figure.update_layout(
        annotations=notes,
        height=plot + ABOVE + BELOW,
        margin={"l": 150, "r": 16, "t": ABOVE, "b": BELOW},
        legend={"orientation": "h", "y": 1 + 28 / plot, "yanchor": "bottom", "x": 0},
        bargap=0.35,
    )
    return figure


def _furthest(own: Mapping[str, Estimate]) -> float:
    """Return where the marks of a region end, in per cent."""
    attribution, motion = own["attribution"], own["motion"]
    return 100 * max(attribution.value, motion.value, *(attribution.interval or ()))


def _marked(region: str, label: str) -> str:
    """Return the name of a region, with a mark where action units of the class's emotions move the skin."""
    return f"{region} *" if region in expected_regions(label) else region


def _in_order(means: Sequence[MeanMap], label: str, databases: Sequence[str]) -> list[MeanMap]:
    own = {mean.database: mean for mean in means if mean.label == label}
    names = ["", *databases] if len(databases) > 1 else [""]  # one database is all of them
    return [own[name] for name in names if name in own]


def _title(mean: MeanMap) -> str:
    return f"{mean.label}, {mean.database or 'all'} ({mean.samples})"


def _panels(
    panels: Sequence[tuple[str, NDArray[np.floating]]], chosen: Chosen, columns: int, reach: float
) -> go.Figure:
    """Draw maps side by side, with the outline of a face where it fits."""
    if not panels:
        return go.Figure()
    columns = min(columns, len(panels))
    lines = -(-len(panels) // columns)
    traces: list[Any] = []
    narrow = columns <= 2 < len(panels) and not chosen.printed
    top = 44 if narrow else 28
    layout: dict[str, Any] = {
        "height": lines * (NARROW if narrow else PANEL) + top + 8,
        "margin": {"l": 8, "r": 8, "t": top, "b": 8},
    }
    notes = []
    for i, (title, values) in enumerate(panels):
        number = "" if i == 0 else str(i + 1)
        axes = {"xaxis": f"x{number}", "yaxis": f"y{number}"}
        x, y = _domains(i, columns, lines, gap=(0.04, 0.3 if narrow else 0.16))
        traces.append(_heat_map(title, values, chosen.summary.cell, reach, scale=i == columns - 1) | axes)
        if chosen.place.fits:
            traces.append(_outline() | axes)
        plain = {"visible": False, "constrain": "domain"}
        layout[f"xaxis{number}"] = {"domain": x, "anchor": f"y{number}", "range": [0, 1], **plain}
        layout[f"yaxis{number}"] = {"domain": y, "anchor": f"x{number}", "range": [1, 0], **plain}
        layout[f"yaxis{number}"]["scaleanchor"] = f"x{number}"
        notes.append(_heading(title.replace(", ", "<br>") if narrow else title, x, y))
    # At once: each call of Plotly's own methods checks the whole figure again.
    return go.Figure(traces, layout | {"annotations": notes})


def _heat_map(
    title: str, values: NDArray[np.floating], cell: float, reach: float, scale: bool
) -> dict[str, Any]:
    places = [round((c + 0.5) * cell, 4) for c in range(values.shape[0])]
    return {
        "type": "heatmap",
        "name": title,
        "x": places,
        "y": places,
        "z": _rounded(values),
        "zmin": -reach,
        "zmax": reach,
        "zmid": 0,
        "colorscale": DIVERGING,
        "showscale": scale,
        "colorbar": BAR_OF_COLOURS if scale else None,
        "hovertemplate": f"%{{z:.2g}} percentage points<extra>{title}</extra>",
    }


def _outline() -> dict[str, Any]:
    """Return the outline of the standard face as one line with gaps."""
    xs: list[float | None] = []
    ys: list[float | None] = []
    for line in LINES:
        xs += [float(LANDMARKS[point, 0]) for point in line] + [None]
        ys += [float(LANDMARKS[point, 1]) for point in line] + [None]
    return {
        "type": "scatter",
        "name": "outline of a face",
        "x": xs,
        "y": ys,
        "mode": "lines",
        "line": {"width": 1.5, "color": "var(--ink-muted)"},
        "hoverinfo": "skip",
        "showlegend": False,
    }


def _domains(i: int, columns: int, lines: int, gap: tuple[float, float]) -> tuple[list[float], list[float]]:
    """Return the parts of width and height of panel ``i``, row by row; gaps are shares of a panel."""
    column, line = i % columns, i // columns
    across, down = 1 / (columns + gap[0] * (columns - 1)), 1 / (lines + gap[1] * (lines - 1))
    left, top = column * across * (1 + gap[0]), 1 - line * down * (1 + gap[1])
    return [round(left, 4), round(min(left + across, 1), 4)], [round(max(top - down, 0), 4), round(top, 4)]


def _heading(text: str, x: Sequence[float], y: Sequence[float]) -> dict[str, Any]:
    return {
        "text": text, "xref": "paper", "yref": "paper", "x": (x[0] + x[1]) / 2, "y": y[1], "xanchor": "center",
        "yanchor": "bottom", "showarrow": False,
    }  # fmt: skip


def _rounded(values: NDArray[np.floating]) -> list[list[float]]:
    """Three digits are more than a colour shows, and a third of the bytes."""
    return [[float(f"{value:.3g}") for value in row] for row in values]


def strongest_region(values: NDArray[np.floating], weights: NDArray[np.float64], sign: int) -> str:
    """Return the region of the face with the largest part of what speaks for (1) or against (-1) the class."""
    part = np.clip(sign * values, 0, None)
    within = (part * weights[:OUTSIDE]).sum(axis=(1, 2))
    return REGION_NAMES[int(within.argmax())] if within.max() > 0 else "–"
