"""Parallel coordinates: a vertical axis per setting, and a line per run."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.colors import Normalize

from models_ml.paper.figures.heatmaps import colour_map, limits_of
from models_ml.paper.figures.palette import INK
from models_ml.paper.figures.sizes import SMALLEST_TEXT, TEXT
from models_ml.paper.figures.texts import wrapped
from models_ml.paper.figures.values import colour_of, dig, listed, numbers, text_of

TICKS = 5  # on an axis of numbers
LIGHTEST = 0.25  # of the colour scale, so that no line is too faint


def draw_parallel(axes: Axes, trace: dict[str, Any], width: float) -> Any:
    """Draw one trace of parallel coordinates on axes ``width`` points wide. Returns the lines, for the colour scale."""
    dimensions = [d for d in trace.get("dimensions") or [] if d.get("visible") is not False]
    if not dimensions:
        return None
    pitch = width / max(len(dimensions) - 0.4, 1)
    scaled = np.stack([_scaled(dimension) for dimension in dimensions], axis=1)
    places = np.arange(len(dimensions), dtype=float)
    line = trace.get("line") or {}
    lines = LineCollection([np.column_stack([places, row]) for row in scaled], linewidths=0.7, zorder=2)
    _colour(lines, line, len(scaled))
    axes.add_collection(lines)
    for place, dimension in zip(places, dimensions, strict=True):
        axes.axvline(place, color=INK, linewidth=0.6, zorder=3)
        _ticks(axes, place, dimension, pitch)
    axes.set_xlim(-0.15, len(dimensions) - 1 + 0.75)
    axes.set_ylim(-0.04, 1.04)
    titles = [wrapped(text_of(d.get("label")), pitch - 4, TEXT, 4) for d in dimensions]
    axes.set_xticks(places, titles)
    axes.xaxis.tick_top()
    axes.tick_params(length=0)
    axes.yaxis.set_visible(False)
    axes.grid(False)
    for spine in axes.spines.values():
        spine.set_visible(False)
    return lines if line.get("showscale") else None


def _range(dimension: dict[str, Any]) -> tuple[float, float]:
    known = numbers(dimension.get("values"))
    known = known[~np.isnan(known)]
    given = listed(dimension.get("range"))
    low, high = given or ((known.min(), known.max()) if known.size else (0.0, 1.0))
    return (float(low), float(high)) if low != high else (float(low) - 0.5, float(high) + 0.5)


def _scaled(dimension: dict[str, Any]) -> np.ndarray:
    low, high = _range(dimension)
    return (numbers(dimension.get("values")) - low) / (high - low)


def _ticks(axes: Axes, place: float, dimension: dict[str, Any], pitch: float) -> None:
    low, high = _range(dimension)
    values = listed(dimension.get("tickvals"))
    texts = [text_of(text) for text in listed(dimension.get("ticktext"))]
    if not values:
        values = list(np.linspace(low, high, TICKS))
    if not texts:
        texts = [f"{value:.3g}" for value in values]
    for value, text in zip(values, texts, strict=False):
        height = (float(value) - low) / (high - low)
        axes.plot([place, place + 0.02], [height, height], color=INK, linewidth=0.6, zorder=3)
        label = axes.text(
            place + 0.035, height, wrapped(text, pitch - 6, SMALLEST_TEXT, 2), fontsize=SMALLEST_TEXT, va="center",
            ha="left", zorder=4, linespacing=0.95,
        )  # fmt: skip
        label.set_bbox({"facecolor": "#ffffff", "alpha": 0.8, "edgecolor": "none", "pad": 0.4})


def _colour(lines: LineCollection, spec: dict[str, Any], count: int) -> None:
    colour = spec.get("color")
    if colour is None or isinstance(colour, str):
        lines.set_color(colour_of(colour) if colour and "--data" not in colour else "#103f60")
        return
    values = numbers(colour)
    scale = colour_map(None, False)
    shades = scale(np.linspace(LIGHTEST, 1.0, 256))
    from matplotlib.colors import ListedColormap

    lines.set_cmap(ListedColormap(shades))
    lines.set_norm(Normalize(*limits_of(spec, values, "cmin", "cmax", "cmid")))
    lines.set_array(values)
    lines._mer_bar = dig(spec, "colorbar") or {}  # type: ignore[attr-defined]
