"""Heat maps: cells whose colour, and mostly also text, shows a value."""

import re
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.artist import Artist
from matplotlib.colors import Colormap, LinearSegmentedColormap, Normalize
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.ticker import FuncFormatter

from models_ml.paper.figures.palette import DIVERGING, INK, SEQUENTIAL, ink_on
from models_ml.paper.figures.sizes import SMALLEST_TEXT, TEXT
from models_ml.paper.figures.texts import text_width
from models_ml.paper.figures.traces import Panel
from models_ml.paper.figures.values import colour_of, dig, formatter, listed, text_of, title_of

_DIVERGING_NAMES = {"rdbu", "puor", "brbg", "piyg", "prgn", "rdylbu", "balance", "picnic", "tropic"}
_INK_ON = re.compile(r"var\(--ink-on(?:-diverging)?-([\d.]+)\)")
ABSENT = "#ffffff"  # cells without a value


def grid_of(values: Any) -> np.ndarray:
    """Return the cells as an array of floats, shape (lines, columns), with NaN where there is no value."""
    rows = [[np.nan if cell is None else float(cell) for cell in listed(row)] for row in listed(values)]
    return np.array(rows, dtype=float).reshape(len(rows), -1)


def colour_map(spec: Any, diverging: bool) -> Colormap:
    """Return the colours of a scale: our own for a named one, that of the figure for one with its own colours."""
    stops: Sequence[Any] = DIVERGING if diverging else SEQUENTIAL
    if isinstance(spec, str):
        stops = DIVERGING if spec.lower().removesuffix("_r") in _DIVERGING_NAMES else SEQUENTIAL
        return _evenly(stops[::-1] if spec.endswith("_r") and stops is SEQUENTIAL else stops)
    if spec:
        return LinearSegmentedColormap.from_list(
            "own", [(float(place), colour_of(colour)) for place, colour in spec], 256
        )
    return _evenly(stops)


def _evenly(stops: Sequence[Any]) -> Colormap:
    return LinearSegmentedColormap.from_list("paper", list(stops), 256)


def limits_of(
    spec: dict[str, Any], values: np.ndarray, low: str, high: str, middle: str
) -> tuple[float, float]:
    """Return the values at the ends of a colour scale."""
    known = values[~np.isnan(values)]
    ends = [float(known.min()), float(known.max())] if known.size else [0.0, 1.0]
    if (centre := spec.get(middle)) is not None:
        reach = max(abs(ends[0] - centre), abs(ends[1] - centre))
        ends = [centre - reach, centre + reach]
    ends = [float(spec.get(low, ends[0])), float(spec.get(high, ends[1]))]
    return (ends[0], ends[1]) if ends[0] < ends[1] else (ends[0] - 0.5, ends[0] + 0.5)


def draw_heat_map(panel: Panel, trace: dict[str, Any], layout: dict[str, Any], width: float) -> Artist:
    """Draw the cells, and their texts where they fit. ``width`` is that of the panel in points."""
    values = grid_of(trace.get("z"))
    lines, columns = values.shape
    axis = dig(layout, trace.get("coloraxis", "-")) or {}
    scale = {**trace, **{name: axis[name] for name in axis if name != "colorbar"}}
    scale = {
        {"cmin": "zmin", "cmax": "zmax", "cmid": "zmid"}.get(key, key): value for key, value in scale.items()
    }
    colours = colour_map(scale.get("colorscale"), scale.get("zmid") is not None)
    if scale.get("reversescale"):
        colours = colours.reversed()
    colours = colours.with_extremes(bad=ABSENT)
    norm_ends = limits_of(scale, values, "zmin", "zmax", "zmid")
    norm = Normalize(*norm_ends)
    gap = 0.8 if trace.get("xgap") or trace.get("ygap") else 0.0
    mesh = panel.axes.pcolormesh(
        _edges(panel.x.places(trace.get("x")), columns), _edges(panel.y.places(trace.get("y")), lines),
        np.ma.masked_invalid(values), cmap=colours, norm=norm, edgecolors="#ffffff" if gap else "none", linewidth=gap,
        rasterized=False, antialiased=bool(gap),
    )  # fmt: skip
    panel.axes.set_facecolor(ABSENT)
    if scale.get("zmid") is not None or _has_below(scale.get("colorscale")):
        _hatch_below(panel, trace, values, scale.get("zmid") or sum(norm_ends) / 2)
    texts = _texts(panel, trace, layout, values, colours, norm)
    fits = _write(panel, texts, width / max(columns, 1))
    if trace.get("showscale") is not False or not fits:
        mesh._mer_bar = dig(scale, "colorbar") or axis.get("colorbar") or {}  # type: ignore[attr-defined]
    return mesh


def _has_below(spec: Any) -> bool:
    return not isinstance(spec, str) and any(colour == "var(--below)" for _, colour in spec or ())


def _hatch_below(panel: Panel, trace: dict[str, Any], values: np.ndarray, middle: float) -> None:
    """Hatch the cells below the middle of a scale of differences: in grey, both of its ends are dark."""
    across = _edges(panel.x.places(trace.get("x")), values.shape[1])
    down = _edges(panel.y.places(trace.get("y")), values.shape[0])
    for i, j in zip(*np.nonzero(np.nan_to_num(values, nan=middle) < middle - 1e-12), strict=True):
        size = (across[j + 1] - across[j], down[i + 1] - down[i])
        style: Any = {"hatch": "////", "hatchcolor": "#00000055", "edgecolor": "none", "facecolor": "none"}
        panel.axes.add_patch(Rectangle((across[j], down[i]), *size, **style))


def _edges(places: np.ndarray, count: int) -> np.ndarray:
    """Return the limits of cells whose middles are given; cells are 0, 1, 2 … without any."""
    if len(places) != count:
        places = np.arange(count, dtype=float)
    if count == 1:
        return np.array([places[0] - 0.5, places[0] + 0.5])
    between = (places[1:] + places[:-1]) / 2
    first, last = places[0] - (between[0] - places[0]), places[-1] + (places[-1] - between[-1])
    return np.concatenate([[first], between, [last]])


Written = tuple[float, float, str, Any]  # x, y, text and colour


def _texts(
    panel: Panel,
    trace: dict[str, Any],
    layout: dict[str, Any],
    values: np.ndarray,
    colours: Colormap,
    norm: Normalize,
) -> list[Written]:
    """Return the texts of cells: annotations in the ink of cells, or the trace's own template."""
    found: list[Written] = []
    for note in layout.get("annotations") or []:
        if is_cell_text(note) and (note.get("xref", "x"), note.get("yref", "y")) == (
            panel.x.name,
            panel.y.name,
        ):
            share = float(_INK_ON.fullmatch(note["font"]["color"]).group(1))  # type: ignore[union-attr]
            place = (panel.x.place_of_note(note.get("x")), panel.y.place_of_note(note.get("y")))
            found.append((*place, text_of(note.get("text")), ink_on(colours(share))))
    if found or "text" not in (trace.get("texttemplate") or ""):
        return found
    x, y = panel.x.places(trace.get("x")), panel.y.places(trace.get("y"))
    rows = [listed(row) for row in listed(trace.get("text"))]
    return [
        (x[j], y[i], text_of(text), ink_on(colours(norm(values[i, j]))))
        for i, row in enumerate(rows)
        for j, text in enumerate(row)
        if not np.isnan(values[i, j])
    ]


def is_cell_text(note: dict[str, Any]) -> bool:
    """Return whether an annotation is the text of a cell of a heat map."""
    return _INK_ON.fullmatch(str(dig(note, "font", "color") or "")) is not None


def _write(panel: Panel, texts: Sequence[Written], room: float) -> bool:
    """Write texts on cells that are ``room`` points wide, or leave them out and return False if they do not fit."""
    if not texts:
        return True
    for size in (TEXT, SMALLEST_TEXT):
        lines = {line for _, _, text, _ in texts for line in text.split("\n")}
        if max(text_width(line, size) for line in lines) <= room - 1.5:
            for x, y, text, colour in texts:
                drawn = panel.axes.text(x, y, text, color=colour, fontsize=size, ha="center", va="center")
                drawn.set_in_layout(False)
                drawn.set_linespacing(1.05)
            return True
    return False


def add_colour_bar(figure: Figure, panels: Sequence[Panel], mesh: Any, length: float) -> None:
    """Draw the scale of a heat map next to all panels that share it, unless the figure turns it off."""
    spec = getattr(mesh, "_mer_bar", None)
    if spec is None:
        return
    place: dict[str, Any] = {
        "location": "right",
        "fraction": 0.05,
        "pad": 0.02,
        "aspect": max(8.0, length / 6),
    }
    if spec.get("orientation") == "h":
        place = {
            "location": "bottom",
            "fraction": 0.05,
            "pad": 0.02,
            "aspect": 24,
            "shrink": 0.6,
        }
    bar: Any = figure.colorbar(mesh, ax=[panel.axes for panel in panels], **place)
    bar.solids.set_rasterized(False)
    bar.solids.set_edgecolor("face")  # no seams between its steps
    bar.outline.set_visible(False)
    bar.ax.tick_params(length=2, width=0.5, labelsize=TEXT)
    ticks = listed(spec.get("tickvals"))
    if ticks:
        bar.set_ticks(ticks, labels=[text_of(t) for t in listed(spec.get("ticktext")) or ticks])
    if style := spec.get("tickformat"):
        write = formatter(style)
        (bar.ax.xaxis if spec.get("orientation") == "h" else bar.ax.yaxis).set_major_formatter(
            FuncFormatter(lambda value, _: write(value))
        )
    if title := title_of(spec):
        bar.set_label(title, fontsize=TEXT, color=INK)
