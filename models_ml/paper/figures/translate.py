"""A Plotly figure as one of matplotlib: its panels, what is drawn on them, its legend and its notes."""

from collections.abc import Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from models_ml.paper.figures.axes import LINE, Axis, domain_of, set_grid, set_limits, set_ticks, set_title
from models_ml.paper.figures.heatmaps import add_colour_bar, draw_heat_map
from models_ml.paper.figures.notes import draw_notes, draw_shapes
from models_ml.paper.figures.parallel import draw_parallel
from models_ml.paper.figures.sizes import LARGEST_HEIGHT_MM, POINTS_PER_MM, POINTS_PER_PIXEL, TEXT, WIDTHS_MM
from models_ml.paper.figures.texts import text_width, wrapped
from models_ml.paper.figures.traces import Look, Panel, draw_bars, draw_scatter, looks, shown_in_legend
from models_ml.paper.figures.values import UnsupportedFigure, spec_of, text_of

PADDING = 3.0  # points around everything
LABEL_SHARE = {1: 0.42, 2: 0.34}  # of the width, which names on a vertical axis may take
DRAWN = ("bar", "scatter", "scattergl", "heatmap", "parcoords")


def translate(figure: Any, columns: int) -> Figure:
    """Return the figure for a width of one or two columns. Raises UnsupportedFigure if it has something else."""
    traces, layout = spec_of(figure)
    for trace in traces:
        if trace.get("type", "scatter") not in DRAWN:
            raise UnsupportedFigure(f"A trace of the type “{trace['type']}” cannot be drawn on paper.")
    if not traces:
        raise UnsupportedFigure("The figure has no data to draw.")
    return _Translation(traces, layout, columns).figure()


class _Translation:
    """The state of one translation."""

    def __init__(self, traces: list[dict[str, Any]], layout: dict[str, Any], columns: int) -> None:
        self.traces, self.layout, self.columns = traces, layout, columns
        self.width = WIDTHS_MM[columns] * POINTS_PER_MM
        self.looks = looks(traces)
        names = dict.fromkeys(
            name for trace in traces for name in (trace.get("xaxis", "x"), trace.get("yaxis", "y"))
        )
        self.axes = {name: Axis(name, layout.get(_key(name)) or {}, traces) for name in names}
        self.legend: list[tuple[Any, str]] = []
        self.scales: list[
            tuple[Panel, Any, float]
        ] = []  # panels with a heat map, the map, and the height in points

    def figure(self) -> Figure:
        self.entries = self._legend_names()
        height = self._height()
        figure = Figure(figsize=(self.width / 72, height / 72), layout="constrained")
        figure.get_layout_engine().set(w_pad=PADDING / 72, h_pad=PADDING / 72, hspace=0.04, wspace=0.04)  # type: ignore
        self.panels = self._panels(figure)
        sizes = self._sizes(height)
        for panel in self.panels:
            self._draw(figure, panel, *sizes[panel.axes])
        self._add_scales(figure)
        draw_shapes(self.panels, self.layout)
        draw_notes(self.panels, self.layout, {axes: width for axes, (width, _) in sizes.items()})
        self._add_legend(figure)
        return figure

    def _panels(self, figure: Figure) -> list[Panel]:
        """Place a pair of axes for each pair that traces use, in a grid that follows from the domains."""
        pairs = list(dict.fromkeys((t.get("xaxis", "x"), t.get("yaxis", "y")) for t in self.traces))
        across = _tracks([domain_of(self.axes[x]) for x, _ in pairs])
        down = _tracks([domain_of(self.axes[y]) for _, y in pairs])[::-1]
        grid = figure.add_gridspec(
            len(down),
            len(across),
            width_ratios=[b - a for a, b in across],
            height_ratios=[b - a for a, b in down],
        )
        made: dict[tuple[tuple[float, float], tuple[float, float]], Axes] = {}
        panels: list[Panel] = []
        for x, y in pairs:
            place = (domain_of(self.axes[x]), domain_of(self.axes[y]))
            if place in made:
                first = next(panel for panel in panels if panel.axes is made[place])
                axes = made[place].twinx() if first.x.name == x else made[place].twiny()
            else:
                rows, spans = _covered(down, place[1]), _covered(across, place[0])
                axes = made[place] = figure.add_subplot(grid[rows, spans])
            panels.append(Panel(axes, self.axes[x], self.axes[y]))
        return panels

    def _draw(self, figure: Figure, panel: Panel, width: float, height: float) -> None:
        own = [
            (trace, look)
            for trace, look in zip(self.traces, self.looks, strict=True)
            if (trace.get("xaxis", "x"), trace.get("yaxis", "y")) == (panel.x.name, panel.y.name)
        ]
        panel.axes.set_axisbelow(True)
        bars = [(trace, look) for trace, look in own if trace.get("type") == "bar"]
        if bars:
            shown = draw_bars(panel, bars, self.layout.get("barmode", "group"))
            for (trace, _), artist in zip(bars, shown, strict=True):
                self._remember(trace, artist)
        if own[0][0].get("type") == "parcoords":
            lines = draw_parallel(panel.axes, own[0][0], width)
            add_colour_bar(figure, [panel], lines, height)
            return
        scale = self._draw_others(panel, own, width)
        for axis, length in ((panel.x, width), (panel.y, height)):
            set_grid(panel.axes, axis)
            set_limits(panel.axes, axis)
            set_ticks(panel.axes, axis, length, self.width * LABEL_SHARE[self.columns])
            set_title(panel.axes, axis, length)
        if scale is not None:
            for spine in panel.axes.spines.values():
                spine.set_visible(False)
            panel.axes.grid(False)
            panel.axes.tick_params(length=0)
            self.scales.append((panel, scale, height))

    def _draw_others(self, panel: Panel, own: Sequence[tuple[dict[str, Any], Look]], width: float) -> Any:
        before, scale = None, None
        for trace, look in own:
            if trace.get("type") == "heatmap":
                scale = draw_heat_map(panel, trace, self.layout, width)
            elif trace.get("type", "scatter") in ("scatter", "scattergl"):
                shown, before = draw_scatter(panel, trace, look, before)
                if shown is not None:
                    self._remember(trace, shown)
        return scale

    def _add_scales(self, figure: Figure) -> None:
        """Draw the scales of heat maps: one for all panels if only one of them has a scale."""
        shown = [
            (panel, mesh, height)
            for panel, mesh, height in self.scales
            if getattr(mesh, "_mer_bar", None) is not None
        ]
        for panel, mesh, height in shown:
            of = [other for other, _, _ in self.scales] if len(shown) == 1 else [panel]
            add_colour_bar(figure, of, mesh, height)

    def _remember(self, trace: dict[str, Any], artist: Any) -> None:
        if shown_in_legend(trace):
            self.legend.append((artist, text_of(trace["name"])))

    def _legend_names(self) -> list[str]:
        names = [text_of(trace["name"]) for trace in self.traces if shown_in_legend(trace)]
        wanted = self.layout.get("showlegend")
        return names if (wanted or (wanted is None and len(self.traces) > 1)) else []

    def _legend_columns(self) -> tuple[int, list[str]]:
        """Return the number of columns of the legend, and its texts in lines."""
        names = [wrapped(name, self.width * 0.8, TEXT, 2) for name in self.entries]
        widest = max((text_width(line, TEXT) for name in names for line in name.split("\n")), default=0.0)
        room = self.width - 2 * PADDING
        return max(1, min(len(names), int(room // (widest + 2.9 * TEXT)))), names

    def _add_legend(self, figure: Figure) -> None:
        if not self.entries or not self.legend:
            return
        columns, names = self._legend_columns()
        spec = self.layout.get("legend") or {}
        below = float(spec.get("y", 1.0)) <= 0
        legend = figure.legend(
            [artist for artist, _ in self.legend], names, loc="outside lower center" if below else "outside upper center",
            ncols=columns, frameon=False, fontsize=TEXT, handlelength=2.0, handletextpad=0.5, columnspacing=1.2,
            labelspacing=0.3, borderaxespad=0.4, borderpad=0.3,
        )  # fmt: skip
        for text in legend.get_texts():
            text.set_parse_math(False)

    def _height(self) -> float:
        """Return the height in points: that of the page's chart, plus what long names and the legend need here."""
        pixels = float(self.layout.get("height") or 360)
        height = pixels * POINTS_PER_PIXEL * (0.92 if self.columns == 2 else 0.86)
        room = self.width * LABEL_SHARE[self.columns]
        rows = 0.0
        for axis in self.axes.values():
            if axis.letter == "y" and (labels := axis.labels()):
                lines = [wrapped(label, room, TEXT, 3).count("\n") + 1 for label in labels]
                low, high = domain_of(axis)
                rows = max(rows, len(labels) * (max(lines) * LINE + 1.5) / (high - low))
        if self.entries:
            columns, names = self._legend_columns()
            lines_high = -(-len(names) // columns) * max(name.count("\n") + 1 for name in names)
            height += max(0, lines_high - 1) * LINE
        return min(max(height, rows + 60), LARGEST_HEIGHT_MM * POINTS_PER_MM)

    def _sizes(self, height: float) -> dict[Axes, tuple[float, float]]:
        """Estimate the width and the height of each panel in points, before anything is laid out."""
        tracks = _tracks([domain_of(panel.x) for panel in self.panels])
        sides = dict.fromkeys(tracks, 0.0)
        for panel in self.panels:
            first = tracks[_covered(tracks, domain_of(panel.x))][0]
            sides[first] = max(sides[first], self._side(panel))
        inner = self.width - 2 * PADDING - sum(sides.values()) - (34 if self._has_scale() else 0)
        whole = sum(high - low for low, high in tracks)
        found = {}
        for panel in self.panels:
            (left, right), (bottom, top) = domain_of(panel.x), domain_of(panel.y)
            width = max(inner * min((right - left) / whole, 1.0), 30.0)
            found[panel.axes] = (width, max((height - 46) * (top - bottom), 30.0))
        return found

    def _side(self, panel: Panel) -> float:
        """Return what the names and the title of a vertical axis take, in points."""
        room = self.width * LABEL_SHARE[self.columns]
        lines = [line for label in panel.y.labels() for line in wrapped(label, room, TEXT).split("\n")]
        plain = 8.0 if panel.y.spec.get("showticklabels") is False else 22.0
        names = max((text_width(line, TEXT) for line in lines), default=plain)
        return names + (LINE + 4 if panel.y.title else 0) + 6

    def _has_scale(self) -> bool:
        """Return whether a heat map has a scale at its right."""
        maps = [
            trace
            for trace in self.traces
            if trace.get("type") == "heatmap" and trace.get("showscale") is not False
        ]
        return any((trace.get("colorbar") or {}).get("orientation") != "h" for trace in maps)


def _key(name: str) -> str:
    """Return the key of an axis in the layout: ``x2`` is ``xaxis2``."""
    return f"{name[0]}axis{name[1:]}"


def _tracks(domains: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """Return the domains that contain no other, in order: the columns or lines of a grid."""
    known = sorted(set(domains))
    return [a for a in known if not any(b != a and a[0] <= b[0] and b[1] <= a[1] for b in known)]


def _covered(tracks: Sequence[tuple[float, float]], domain: tuple[float, float]) -> slice:
    """Return which columns or lines a domain covers."""
    places = [
        n for n, (low, high) in enumerate(tracks) if low >= domain[0] - 1e-9 and high <= domain[1] + 1e-9
    ]
    return slice(places[0], places[-1] + 1)
