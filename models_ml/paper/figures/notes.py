"""Annotations and shapes: titles of panels, remarks, and lines for reference."""

from collections.abc import Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.patches import Rectangle
from matplotlib.transforms import ScaledTranslation, Transform, blended_transform_factory

from models_ml.paper.figures.axes import Axis, domain_of
from models_ml.paper.figures.heatmaps import is_cell_text
from models_ml.paper.figures.palette import INK
from models_ml.paper.figures.sizes import SMALLEST_TEXT, TEXT
from models_ml.paper.figures.texts import wrapped
from models_ml.paper.figures.traces import DASHES, POINTS_PER_PIXEL, Panel
from models_ml.paper.figures.values import UnsupportedFigure, colour_of, dig, text_of, weight_of

NEAR = 0.02  # of the figure's width or height
HORIZONTAL = {"left": "left", "right": "right", "center": "center"}
VERTICAL = {"top": "top", "bottom": "bottom", "middle": "center"}


def draw_notes(panels: Sequence[Panel], layout: dict[str, Any], widths: dict[Axes, float]) -> None:
    """Write all annotations that are not texts of cells, titles of panels within their widths in points."""
    for note in layout.get("annotations") or []:
        if is_cell_text(note) or not text_of(note.get("text")) or note.get("visible") is False:
            continue
        if (note.get("xref"), note.get("yref")) == ("paper", "paper"):
            _write_on_paper(panels, note, widths)
        else:
            _write_at_point(panels, note)


def _write_on_paper(panels: Sequence[Panel], note: dict[str, Any], widths: dict[Axes, float]) -> None:
    """Write the title of a panel above it, and anything else at its place in the panel that it is in."""
    x, y = float(note.get("x", 0.5)), float(note.get("y", 0.5))
    text = text_of(note.get("text"))
    for panel in panels:
        (left, right), (_, top) = domain_of(panel.x), domain_of(panel.y)
        if abs(y - top) > NEAR or note.get("yanchor") != "bottom":
            continue
        fits = wrapped(text.replace("\n", " "), widths[panel.axes], TEXT, 3)
        if note.get("xanchor") == "left" and abs(x - left) < NEAR:
            panel.axes.set_title(fits, fontsize=TEXT, loc="left")
            return
        if note.get("xanchor") != "left" and abs(x - (left + right) / 2) < NEAR:
            panel.axes.set_title(fits, fontsize=TEXT)
            return
    panel = panels[0]
    for other in panels:
        if _within(x, domain_of(other.x)) and _within(y, domain_of(other.y)):
            panel = other
    (left, right), (bottom, top) = domain_of(panel.x), domain_of(panel.y)
    place = ((x - left) / (right - left), (y - bottom) / (top - bottom))
    _write(panel.axes, note, text, place, panel.axes.transAxes)


def _within(value: float, domain: tuple[float, float]) -> bool:
    return domain[0] <= value <= domain[1]


def _write_at_point(panels: Sequence[Panel], note: dict[str, Any]) -> None:
    panel = _panel_of(panels, note)
    place = tuple(
        _place(axis, note.get(axis.letter), str(note.get(f"{axis.letter}ref", axis.letter)))
        for axis in (panel.x, panel.y)
    )
    text, transform = text_of(note.get("text")), _transform(panel, note)
    if note.get("showarrow", True):
        arrow = {"arrowstyle": "-", "linewidth": 0.5, "color": INK}
        offset = (float(note.get("ax", 0)) * 0.5, -float(note.get("ay", -20)) * 0.5)
        panel.axes.annotate(
            text, place, xycoords=transform, xytext=offset, textcoords="offset points", arrowprops=arrow,  # type: ignore
            fontsize=SMALLEST_TEXT, ha="center",
        )  # fmt: skip
        return
    _write(panel.axes, note, text, place, transform)  # type: ignore[arg-type]


def _write(
    axes: Axes, note: dict[str, Any], text: str, place: tuple[float, float], transform: Transform
) -> None:
    colour, under = dig(note, "font", "color"), note.get("bgcolor")
    shift = [float(note.get(name) or 0) * POINTS_PER_PIXEL / 72 for name in ("xshift", "yshift")]
    figure: Any = axes.get_figure()
    style: Any = {
        "transform": transform + ScaledTranslation(shift[0], shift[1], figure.dpi_scale_trans),
        "fontsize": SMALLEST_TEXT, "color": colour_of(colour) if colour else INK,
        "ha": HORIZONTAL.get(note.get("xanchor", "center"), "center"),
        "va": VERTICAL.get(note.get("yanchor", "middle"), "center"),
        "rotation": -float(note.get("textangle") or 0), "fontweight": weight_of(note.get("text")),
    }  # fmt: skip
    if under:
        style["bbox"] = {"facecolor": colour_of(under), "edgecolor": "none", "alpha": 0.85, "pad": 0.6}
    axes.text(*place, text, **style)


def draw_shapes(panels: Sequence[Panel], layout: dict[str, Any]) -> None:
    """Draw the lines and rectangles of the layout, for example the diagonal of a calibration chart."""
    for shape in layout.get("shapes") or []:
        panel = _panel_of(panels, shape)
        x0, y0, x1, y1 = (
            _place(axis, shape.get(f"{axis.letter}{end}"), str(shape.get(f"{axis.letter}ref", axis.letter)))
            for end in (0, 1)
            for axis in (panel.x, panel.y)
        )
        line, kind = shape.get("line") or {}, shape.get("type") or "rect"
        style: Any = {
            "color": colour_of(line.get("color") or "var(--ink-faint)"),
            "linewidth": max(0.5 * float(line.get("width", 2)), 0.4),
            "transform": _transform(panel, shape),
        }
        if kind == "line":
            dash = DASHES.get(line.get("dash", "solid"))
            style |= {
                "linestyle": (0, dash) if dash else "-",
                "scalex": False,
                "scaley": False,
                "zorder": 1.5,
            }
            panel.axes.plot([x0, x1], [y0, y1], **style)
        elif kind == "rect":
            fill, edge = shape.get("fillcolor"), style.pop("color")
            style |= {"edgecolor": edge if line.get("width", 2) else "none", "alpha": shape.get("opacity")}
            style |= {"facecolor": colour_of(fill) if fill else "none", "zorder": 0.5}
            panel.axes.add_patch(Rectangle((x0, y0), x1 - x0, y1 - y0, **style))
        else:
            raise UnsupportedFigure(f"A shape of the type “{kind}” cannot be drawn on paper.")


def _panel_of(panels: Sequence[Panel], placed: dict[str, Any]) -> Panel:
    x, y = (str(placed.get(f"{letter}ref", letter)).removesuffix(" domain") for letter in "xy")
    exact = [panel for panel in panels if (panel.x.name, panel.y.name) == (x, y)]
    either = [panel for panel in panels if x == panel.x.name or y == panel.y.name]
    return (exact or either or list(panels))[0]


def _place(axis: Axis, value: Any, reference: str) -> float:
    if reference == "paper" or reference.endswith(" domain"):
        return float(value)
    return axis.place_of_note(value)


def _transform(panel: Panel, placed: dict[str, Any]) -> Transform:
    """Return the transform of a place: data or a share of the panel, in each direction."""
    shares = [
        reference == "paper" or reference.endswith(" domain")
        for reference in (str(placed.get("xref", "x")), str(placed.get("yref", "y")))
    ]
    whole, data = panel.axes.transAxes, panel.axes.transData
    return blended_transform_factory(whole if shares[0] else data, whole if shares[1] else data)
