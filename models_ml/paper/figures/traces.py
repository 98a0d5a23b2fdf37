"""Bars, points and lines of Plotly drawn by matplotlib."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.container import BarContainer

from models_ml.paper.figures.axes import BAR_SHARE, Axis
from models_ml.paper.figures.palette import INK, MARKERS, Series, ink_on, series
from models_ml.paper.figures.sizes import SMALLEST_TEXT
from models_ml.paper.figures.values import (
    UnsupportedFigure,
    colour_of,
    dig,
    listed,
    numbers,
    per_point,
    series_number,
    text_of,
)

POINTS_PER_PIXEL = 0.5  # of line widths and markers
SYMBOLS = {
    "circle": "o", "square": "s", "diamond": "D", "triangle-up": "^", "triangle-down": "v", "cross": "P", "x": "X",
    "star": "*", "circle-open": "o", "square-open": "s", "diamond-open": "D", "line-ns": "|", "line-ew": "_",
    "line-ns-open": "|", "line-ew-open": "_", "triangle-left": "<", "triangle-right": ">",
}  # fmt: skip
DASHES: dict[str, tuple[float, ...]] = {
    "solid": (), "dot": (1, 1.5), "dash": (4, 1.5), "longdash": (7, 2), "dashdot": (5, 1.2, 1, 1.2),
    "longdashdot": (8, 1.5, 1, 1.5),
}  # fmt: skip


@dataclass(frozen=True)
class Look:
    """How a trace looks: as one of several series, with the colours that the figure itself sets, if any."""

    series: Series
    numbered: bool  # whether the figure leaves its colour to the series

    def fill(self, colour: Any) -> Any:
        return self.series.fill if self._of_series(colour) else colour_of(colour)

    def line(self, colour: Any) -> Any:
        return self.series.line if self._of_series(colour) else colour_of(colour)

    @staticmethod
    def _of_series(colour: Any) -> bool:
        return colour is None or series_number(colour) is not None


def looks(traces: Sequence[dict[str, Any]]) -> list[Look]:
    """Return the look of each trace. A trace without a colour of its own takes the next one, as in Plotly."""
    places: list[int | None] = []
    taken = 0
    for trace in traces:
        named = [
            colour
            for path in (("marker", "color"), ("line", "color"), ("fillcolor",))
            if isinstance(colour := dig(trace, *path), str)
        ]
        known = [place for colour in named if (place := series_number(colour)) is not None]
        if known:
            places.append(known[0])
        elif named:
            places.append(None)
        else:
            places.append(taken)
            taken += 1
    count = max((place for place in places if place is not None), default=0) + 1
    return [Look(series(place or 0, count), place is not None) for place in places]


@dataclass(frozen=True)
class Panel:
    """A pair of axes with what is drawn on it."""

    axes: Axes
    x: Axis
    y: Axis


def errors_of(trace: dict[str, Any], letter: str) -> np.ndarray | None:
    """Return the whiskers of a trace as matplotlib takes them, shape (2, N): below and above; None without any."""
    spec = trace.get(f"error_{letter}") or {}
    if spec.get("visible") is False or spec.get("array") is None:
        return None
    above = numbers(spec["array"])
    below = numbers(spec["arrayminus"]) if spec.get("symmetric") is False and "arrayminus" in spec else above
    return np.maximum(np.nan_to_num(np.stack([below, above])), 0.0)


def draw_bars(
    panel: Panel, traces: Sequence[tuple[dict[str, Any], Look]], mode: str
) -> list[Artist | BarContainer]:
    """Draw the bars of one panel: in groups, stacked, or over each other. Returns what the legend shows, one per trace."""
    upright = traces[0][0].get("orientation", "v") != "h"
    along, across = (panel.x, panel.y) if upright else (panel.y, panel.x)
    groups = len(traces) if mode == "group" else 1
    places = [along.places(trace.get(along.letter)) for trace, _ in traces]
    room = BAR_SHARE * _step(places)
    bases: dict[float, float] = {}
    shown: list[Artist | BarContainer] = []
    for number, ((trace, look), own) in enumerate(zip(traces, places, strict=True)):
        values = across.places(trace.get(across.letter))
        width = room / groups
        shift = (number - (groups - 1) / 2) * width if mode == "group" else 0.0
        base = np.nan_to_num(numbers(per_point(trace.get("base", 0.0), len(own))))
        if mode in ("stack", "relative"):
            base = np.array([bases.get(place, 0.0) for place in own])
            for place, value in zip(own, np.nan_to_num(values), strict=True):
                bases[place] = bases.get(place, 0.0) + value
        bars = _bars(panel.axes, upright, own + shift, values, width * 0.94, base, trace, look)
        _whiskers(panel.axes, trace, across.letter, (own + shift, base + values), upright)
        shown.append(bars)
    return shown


def _step(places: Sequence[np.ndarray]) -> float:
    """Return the smallest distance of two places, 1 if there is only one."""
    known = np.unique(np.concatenate(places)) if places else np.array([])
    known = known[~np.isnan(known)]
    return float(np.diff(known).min()) if len(known) > 1 else 1.0


def _bars(
    axes: Axes,
    upright: bool,
    places: np.ndarray,
    values: np.ndarray,
    width: float,
    base: np.ndarray,
    trace: dict[str, Any],
    look: Look,
) -> BarContainer:
    colours = [look.fill(c) for c in per_point(dig(trace, "marker", "color"), len(places))]
    known = ~np.isnan(values)
    style: dict[str, Any] = {
        "color": [c for c, ok in zip(colours, known, strict=True) if ok] or look.series.fill,
        "edgecolor": INK, "linewidth": 0.4, "alpha": trace.get("opacity"),
    }  # fmt: skip
    if look.numbered and look.series.hatch:
        style |= {"hatch": look.series.hatch, "hatchcolor": ink_on(look.series.fill)}
    if upright:
        return axes.bar(places[known], values[known], width, bottom=base[known], **style)
    return axes.barh(places[known], values[known], width, left=base[known], **style)


def _whiskers(
    axes: Axes, trace: dict[str, Any], letter: str, points: tuple[np.ndarray, np.ndarray], upright: bool
) -> None:
    errors = errors_of(trace, letter)
    if errors is None:
        return
    places, ends = points
    known = ~np.isnan(ends) & (errors.sum(axis=0) > 0)
    style: dict[str, Any] = {"fmt": "none", "ecolor": INK, "elinewidth": 0.6, "capsize": 1.2, "capthick": 0.6}
    # A white rim keeps whiskers visible on dark bars.
    rim = {**style, "ecolor": "#ffffff", "elinewidth": 1.6, "capthick": 1.6, "capsize": 1.7}
    for number, kind in enumerate((rim, style)):
        if upright:
            axes.errorbar(places[known], ends[known], yerr=errors[:, known], zorder=3 + number, **kind)
        else:
            axes.errorbar(ends[known], places[known], xerr=errors[:, known], zorder=3 + number, **kind)


def draw_scatter(panel: Panel, trace: dict[str, Any], look: Look, before: Any) -> tuple[Artist | None, Any]:
    """Draw points and lines. ``before`` are the points of the previous trace, to which an area may reach.

    Returns what the legend shows, and this trace's points.
    """
    x, y = panel.x.places(trace.get("x")), panel.y.places(trace.get("y"))
    mode = trace.get("mode", "lines")
    _area(panel.axes, trace, look, (x, y), before)
    shown: Artist | None = None
    if "lines" in mode and dig(trace, "line", "width") != 0:
        shown = _line(panel.axes, trace, look, x, y, "markers" in mode)
    elif "markers" in mode:
        shown = _points(panel.axes, trace, look, x, y)
    for letter in "xy":
        _point_whiskers(panel.axes, trace, letter, x, y, look)
    if "text" in mode:
        for place_x, place_y, text in zip(x, y, per_point(trace.get("text"), len(x)), strict=True):
            panel.axes.text(place_x, place_y, text_of(text), fontsize=SMALLEST_TEXT, ha="center", va="bottom")
    return shown, (x, y)


def _line(
    axes: Axes, trace: dict[str, Any], look: Look, x: np.ndarray, y: np.ndarray, marked: bool
) -> Artist:
    spec = trace.get("line") or {}
    dash = spec.get("dash")
    if dash is not None and dash not in DASHES:
        raise UnsupportedFigure(f"A line of the kind “{dash}” cannot be drawn on paper.")
    pattern = DASHES[dash] if dash is not None else look.series.dash if look.numbered else ()
    colour = look.line(spec.get("color") or _single(dig(trace, "marker", "color")))
    width = max(POINTS_PER_PIXEL * float(spec.get("width", 2)), 0.4)
    steps = {"hv": "steps-post", "vh": "steps-pre", "hvh": "steps-mid"}.get(spec.get("shape", ""), "default")
    size = POINTS_PER_PIXEL * float(_single(dig(trace, "marker", "size")) or 6)
    drawn = axes.plot(
        x, y, color=colour, linewidth=width, alpha=trace.get("opacity"), drawstyle=steps,
        linestyle=(0, pattern) if pattern else "-", marker=_marker(trace, look) if marked else "", markersize=size,
        markeredgecolor=INK, markeredgewidth=0.4,
    )  # fmt: skip
    return drawn[0]


def _points(axes: Axes, trace: dict[str, Any], look: Look, x: np.ndarray, y: np.ndarray) -> Artist:
    spec = trace.get("marker") or {}
    colours = spec.get("color")
    sizes = [max(POINTS_PER_PIXEL * float(size), 2.0) ** 2 for size in per_point(spec.get("size", 7), len(x))]
    style: dict[str, Any] = {
        "marker": _marker(trace, look),
        "s": sizes,
        "alpha": trace.get("opacity"),
        "zorder": 4,
    }
    if str(spec.get("symbol", "")).endswith("-open"):
        return axes.scatter(
            x, y, facecolors="none", edgecolors=[look.line(_single(colours))], linewidths=0.8, **style
        )
    given = [look.fill(c) for c in per_point(colours, len(x))]
    return axes.scatter(x, y, color=given, edgecolors=INK, linewidths=0.4, **style)


def _single(value: Any) -> Any:
    """Return a setting of all points, or None if each point has its own."""
    return None if isinstance(value, list | tuple | np.ndarray) else value


def _marker(trace: dict[str, Any], look: Look) -> str:
    symbol = _single(dig(trace, "marker", "symbol"))
    if symbol is None:
        return look.series.marker if look.numbered else MARKERS[0]
    if symbol not in SYMBOLS:
        raise UnsupportedFigure(f"A marker of the kind “{symbol}” cannot be drawn on paper.")
    return SYMBOLS[symbol]


def _point_whiskers(
    axes: Axes, trace: dict[str, Any], letter: str, x: np.ndarray, y: np.ndarray, look: Look
) -> None:
    errors = errors_of(trace, letter)
    if errors is None:
        return
    known = ~np.isnan(x) & ~np.isnan(y)
    given = dig(trace, f"error_{letter}", "color")
    colour = INK if given is None else look.line(given)
    whiskers: Any = {f"{letter}err": errors[:, known]}
    axes.errorbar(
        x[known], y[known], fmt="none", ecolor=colour, elinewidth=0.6, capsize=1.2, capthick=0.6, zorder=3,
        alpha=trace.get("opacity"), **whiskers,
    )  # fmt: skip


def _area(axes: Axes, trace: dict[str, Any], look: Look, points: Any, before: Any) -> None:
    """Fill the area that a trace bounds."""
    fill = trace.get("fill")
    if fill in (None, "none"):
        return
    x, y = points
    style = {"color": look.fill(trace.get("fillcolor")), "linewidth": 0, "zorder": 1}
    if trace.get("fillcolor") is None:
        style["alpha"] = 0.25
    if fill == "tozeroy":
        axes.fill_between(x, y, 0.0, **style)
    elif fill == "toself":
        axes.fill(x, y, **style)
    elif fill == "tonexty" and before is not None:
        axes.fill(np.concatenate([x, before[0][::-1]]), np.concatenate([y, before[1][::-1]]), **style)
    else:
        raise UnsupportedFigure(f"An area of the kind “{fill}” cannot be drawn on paper.")


def shown_in_legend(trace: dict[str, Any]) -> bool:
    """Return whether a trace has an entry in the legend."""
    return (
        trace.get("showlegend") is not False
        and bool(text_of(trace.get("name")))
        and bool(listed(trace.get("y")) or listed(trace.get("x")))
    )
