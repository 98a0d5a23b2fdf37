"""Plotly figures of what the settings of an experiment do: means of values, and lines from settings to UF1."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import plotly.graph_objects as go

from mer_platform.experiments.figures import MARGIN
from mer_platform.experiments.sweeps.answer import Answer, Standing
from mer_platform.experiments.sweeps.effects import ShownEffects
from models_ml.evaluation.design import in_order
from models_ml.evaluation.effects import ValueEffect

_LONGEST = 24  # characters of a value on an axis
_BINS = 4  # groups of lines by UF1
_BAND = 0.82  # share of a value's part of its axis that its lines may use
_HEIGHT = 440


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
    """A setting's values, and the height of each configuration's line on its axis, from 0 to 1."""

    title: str
    values: list[str]
    heights: list[float]

    def height_of(self, value: str) -> float:
        return (self.values.index(value) + 0.5) / len(self.values)


def parallel(answer: Answer, only: tuple[str, str] | None = None) -> go.Figure:
    """One line per configuration, from its value of each setting to its UF1; ``only`` is the value to highlight."""
    rows = answer.standings
    columns = {title: [values[row.rank.index] for row in rows] for title, values in answer.columns.items()}
    axes = [_axis(title, values) for title, values in columns.items()]
    scores = [row.rank.score for row in rows]
    low, high = min(scores), max(scores)
    span = (high - low) or 1.0
    heights = [0.04 + 0.92 * (score - low) / span for score in scores]
    chosen = [True] * len(rows) if only is None else [value == only[1] for value in columns[only[0]]]
    figure = go.Figure(_lines(rows, axes, heights, chosen))
    for x, axis in enumerate(axes):
        _draw_axis(
            figure, x, axis.title, {_short(value): axis.height_of(value) for value in axis.values}, "right"
        )
    ticks = {
        f"{low + share * span:.3f}": 0.04 + 0.92 * share
        for share in ((0, 0.25, 0.5, 0.75, 1) if high > low else (0,))
    }
    _draw_axis(figure, len(axes), "UF1", ticks, "left")
    plain = {"showgrid": False, "zeroline": False, "showticklabels": False, "ticks": "", "showline": False}
    figure.update_xaxes(**plain, range=[-0.55, len(axes) + 0.4])
    figure.update_yaxes(**plain, range=[-0.02, 1.1])
    figure.update_layout(
        margin={"l": 8, "r": 8, "t": 8, "b": 8},
        height=_HEIGHT,
        hovermode="closest",
        legend={"orientation": "h", "y": 0, "yanchor": "top", "traceorder": "normal"},
    )
    return figure


def _axis(title: str, values: Sequence[str]) -> _Axis:
    """Return a setting's axis. ``values`` are of the configurations, the best first: of equal ones, the best is on top."""
    known = in_order(values)
    heights = []
    seen: dict[str, int] = {}
    for value in values:
        place, number = seen.get(value, 0), list(values).count(value)
        seen[value] = place + 1
        within = 0.5 if number == 1 else 1 - place / (number - 1)
        heights.append((known.index(value) + (1 - _BAND) / 2 + _BAND * within) / len(known))
    return _Axis(title, known, heights)


def _lines(
    rows: Sequence[Standing], axes: Sequence[_Axis], heights: Sequence[float], chosen: Sequence[bool]
) -> list[go.Scatter]:
    """Return the lines in groups: those that are not chosen, then by UF1, and the best by itself, on top."""
    low, high = min(row.rank.score for row in rows), max(row.rank.score for row in rows)
    width = (high - low) / _BINS or 1.0
    groups: dict[int, list[int]] = {}
    for i, row in enumerate(rows):
        bin_ = min(_BINS - 1, int((row.rank.score - low) / width))
        groups.setdefault(-1 if not chosen[i] else _BINS if i == 0 else bin_, []).append(i)
    traces = []
    for group in sorted(groups):
        x: list[float | None] = []
        y: list[float | None] = []
        texts: list[str | None] = []
        for i in groups[group]:
            x += [*range(len(axes) + 1), None]
            y += [*(axis.heights[i] for axis in axes), heights[i], None]
            row = rows[i]
            text = f"{row.label}: UF1 {row.rank.score:.3f} ({', '.join(f'#{run.pk}' for run in row.runs)})"
            texts += [*[text] * (len(axes) + 1), None]
        looks = _looks(group)
        traces.append(
            go.Scatter(
                name=_group_name(group, low, width),
                x=x,
                y=y,
                mode="lines+markers",
                marker={"size": 5, "color": looks["color"]},
                line={"color": looks["color"], "width": looks["width"]},
                opacity=looks["opacity"],
                text=texts,
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


def _draw_axis(figure: go.Figure, x: int, title: str, ticks: Mapping[str, float], side: str) -> None:
    figure.add_shape(
        type="line", x0=x, x1=x, y0=0, y1=1, line={"color": "var(--line-strong)", "width": 1}, layer="below"
    )
    figure.add_annotation(x=x, y=1.02, yanchor="bottom", text=f"<b>{title}</b>", showarrow=False)
    for text, y in ticks.items():
        figure.add_annotation(
            x=x, y=y, text=text, showarrow=False, xanchor=side, xshift=-8 if side == "right" else 8,
            bgcolor="var(--surface)", opacity=0.9, borderpad=1, font={"size": 12},
        )  # fmt: skip


def _short(value: str) -> str:
    return value if len(value) <= _LONGEST else f"{value[: _LONGEST - 1]}…"
