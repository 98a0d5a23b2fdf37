"""Plotly figures of what the settings of an experiment do: means of values, and lines from settings to UF1."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import plotly.graph_objects as go

from mer_platform.experiments.figures import MARGIN, add_annotations
from mer_platform.experiments.sweeps.answer import Answer, Standing
from mer_platform.experiments.sweeps.effects import ShownEffects
from models_ml.evaluation.design import in_order
from models_ml.evaluation.effects import ValueEffect

_LONGEST = 24  # characters of a value on an axis
_BINS = 4  # groups of lines by UF1
_BAND = 0.82  # share of a value's part of its axis that its lines may use
_HEIGHT = 440
_BOTTOM, _SPAN = 0.04, 0.92  # the part of the axis of UF1 that has lines


def averaged(shown: ShownEffects) -> go.Figure:
    """Mean UF1 and UAR of each value of each setting with their 95% intervals, settings one below the other."""
    labels, places, at = [], [], 0.0
    rows = []
    for setting in shown.settings:
        labels.append(f"<b>{setting.effect.setting}</b>")
        places.append(at)
        for row in setting.rows:
            at += 1
            labels.append(_short(row.uf1.value))
            places.append(at)
            rows.append((at, setting.effect.setting, row))
        at += 1.4
    traces = [
        _means("UF1", "circle", [(y - 0.14, name, row.uf1) for y, name, row in rows]),
        _means("UAR", "diamond-open", [(y + 0.14, name, row.uar) for y, name, row in rows]),
    ]
    figure = go.Figure(traces)
    figure.update_yaxes(
        title="setting and value",
        tickvals=places,
        ticktext=labels,
        range=[at - 0.6, -0.7],
        showgrid=False,
        zeroline=False,
        automargin=True,
    )
    figure.update_xaxes(title="mean score, with 95% interval", side="top")
    figure.update_layout(
        margin={**MARGIN, "t": 64},
        height=120 + 24 * round(at + 1),
        legend={"orientation": "h", "y": -0.02, "yanchor": "top"},
    )
    return figure


def _means(name: str, symbol: str, rows: Sequence[tuple[float, str, ValueEffect]]) -> go.Scatter:
    return go.Scatter(
        name=name,
        x=[one.score for _, _, one in rows],
        y=[y for y, _, _ in rows],
        mode="markers",
        marker={"symbol": symbol, "size": 8},
        error_x={
            "type": "data",
            "symmetric": False,
            "array": [one.interval[1] - one.score for _, _, one in rows],
            "arrayminus": [one.score - one.interval[0] for _, _, one in rows],
            "thickness": 1,
            "width": 2,
        },
        customdata=[f"{setting} {one.value}" for _, setting, one in rows],
        hovertemplate=f"%{{customdata}}: mean {name} %{{x:.3f}}<extra></extra>",
    )


@dataclass(frozen=True)
class _Axis:
    """A setting's values, the height of each configuration's line on its axis, from 0 to 1, and the range of mean UF1."""

    title: str
    values: list[str]
    heights: list[float]
    range: float

    def ticks(self) -> dict[str, float]:
        """Return the height of each value's name."""
        return {_short(value): (i + 0.5) / len(self.values) for i, value in enumerate(self.values)}


def parallel(answer: Answer, chosen: Collection[int] | None = None) -> go.Figure:
    """One line per configuration, from its value of each setting to its UF1.

    The setting with the largest range of mean UF1 is next to UF1. ``chosen`` has ids of runs whose configurations are
    highlighted; None highlights all.
    """
    rows = answer.standings
    scores = [row.rank.score for row in rows]
    columns = {title: [answer.value(title, row.run) for row in rows] for title in answer.axes}
    axes = sorted(
        (_axis(title, values, scores) for title, values in columns.items()), key=lambda axis: axis.range
    )
    low, high = min(scores), max(scores)
    span = (high - low) or 1.0
    heights = [_BOTTOM + _SPAN * (score - low) / span for score in scores]
    # Without validation, which looks at each of 10,000 points several times.
    figure = go.Figure(_lines(rows, axes, heights, chosen), _validate=False)
    notes = [
        note for x, axis in enumerate(axes) for note in _axis_texts(x, axis.title, axis.ticks(), "right")
    ]
    shares = (0, 0.25, 0.5, 0.75, 1) if high > low else (0,)
    ticks = {f"{low + share * span:.3f}": _BOTTOM + _SPAN * share for share in shares}
    add_annotations(figure, [*notes, *_axis_texts(len(axes), "UF1", ticks, "left")])
    plain = {"showgrid": False, "zeroline": False, "showticklabels": False, "ticks": "", "showline": False}
    figure.update_xaxes(**plain, range=[-0.55, len(axes) + 0.4], fixedrange=True)
    figure.update_yaxes(**plain, range=[-0.02, 1.1], fixedrange=True)
    line = {
        "type": "line",
        "y0": 0,
        "y1": 1,
        "line": {"color": "var(--line-strong)", "width": 1},
        "layer": "below",
    }
    figure.update_layout(
        shapes=[{**line, "x0": x, "x1": x} for x in range(len(axes) + 1)],
        margin={"l": 8, "r": 8, "t": 8, "b": 8},
        height=_HEIGHT,
        hovermode="closest",
        dragmode="select",
        legend={"orientation": "h", "y": 0, "yanchor": "top", "traceorder": "normal"},
    )
    return figure


def _axis(title: str, values: Sequence[str], scores: Sequence[float]) -> _Axis:
    """Return a setting's axis. ``values`` are of the configurations, the best first: of equal ones, the best is on top.

    Numbers increase upwards; other values are in order of their mean score.
    """
    own: dict[str, list[float]] = {}
    for value, score in zip(values, scores, strict=True):
        own.setdefault(value, []).append(score)
    means = {value: sum(found) / len(found) for value, found in own.items()}
    known = in_order(sorted(means, key=lambda value: means[value]))
    heights = []
    seen: Counter[str] = Counter()
    for value in values:
        number = len(own[value])
        within = 0.5 if number == 1 else 1 - seen[value] / (number - 1)
        seen[value] += 1
        heights.append((known.index(value) + (1 - _BAND) / 2 + _BAND * within) / len(known))
    return _Axis(title, known, heights, max(means.values()) - min(means.values()))


def _lines(
    rows: Sequence[Standing],
    axes: Sequence[_Axis],
    heights: Sequence[float],
    chosen: Collection[int] | None,
) -> list[go.Scatter]:
    """Return the lines in groups: those that are not chosen, then by UF1, and the best by itself, on top."""
    low, high = min(row.rank.score for row in rows), max(row.rank.score for row in rows)
    width = (high - low) / _BINS or 1.0
    groups: dict[int, list[int]] = {}
    for i, row in enumerate(rows):
        by_score = min(_BINS - 1, int((row.rank.score - low) / width))
        other = chosen is not None and not any(run.pk in chosen for run in row.runs)
        groups.setdefault(-1 if other else _BINS if i == 0 else by_score, []).append(i)
    traces = []
    for group in sorted(groups):
        x: list[float | None] = []
        y: list[float | None] = []
        texts: list[str | None] = []
        ids: list[int | None] = []
        for i in groups[group]:
            x += [*range(len(axes) + 1), None]
            y += [*(axis.heights[i] for axis in axes), heights[i], None]
            row = rows[i]
            text = f"{row.label}: UF1 {row.rank.score:.3f} ({', '.join(f'#{run.pk}' for run in row.runs)})"
            texts += [*[text] * (len(axes) + 1), None]
            ids += [*[row.run.pk] * (len(axes) + 1), None]
        looks = _looks(group)
        traces.append(
            go.Scatter(
                _validate=False,
                name=_group_name(group, low, width),
                x=x,
                y=y,
                mode="lines+markers",
                marker={"size": 5, "color": looks["color"]},
                line={"color": looks["color"], "width": looks["width"]},
                opacity=looks["opacity"],
                text=texts,
                customdata=ids,
                hovertemplate="%{text}<extra></extra>",
            )
        )
    return traces


def _looks(group: int) -> Mapping[str, float | str]:
    if group < 0:
        return {"color": "var(--line)", "width": 1, "opacity": 0.7}
    if group == _BINS:
        return {"color": "var(--data-2)", "width": 3, "opacity": 1}
    return {"color": "var(--data-1)", "width": 1.5, "opacity": (0.25, 0.45, 0.7, 1)[group]}


def _group_name(group: int, low: float, width: float) -> str:
    if group < 0:
        return "other"
    if group == _BINS:
        return "the best"
    return f"UF1 {low + group * width:.3f}–{low + (group + 1) * width:.3f}"


def _axis_texts(x: int, title: str, ticks: Mapping[str, float], side: str) -> list[dict[str, Any]]:
    """Return the annotations of an axis: its title, and its ticks on the left (``side`` right) or on the right."""
    place = {
        "xanchor": side,
        "xshift": -8 if side == "right" else 8,
        "bgcolor": "var(--surface)",
        "opacity": 0.9,
    }
    return [
        {"x": x, "y": 1.02, "yanchor": "bottom", "text": f"<b>{title}</b>", "showarrow": False},
        *(
            {"x": x, "y": y, "text": text, "showarrow": False, "borderpad": 1, "font": {"size": 12}, **place}
            for text, y in ticks.items()
        ),
    ]


def _short(value: str) -> str:
    return value if len(value) <= _LONGEST else f"{value[: _LONGEST - 1]}…"
