"""The axes of Plotly on those of matplotlib: types, categories, ranges, ticks and titles."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, MultipleLocator, NullLocator

from models_ml.paper.figures.sizes import TEXT
from models_ml.paper.figures.texts import text_width, wrapped
from models_ml.paper.figures.values import (
    UnsupportedFigure,
    dig,
    formatter,
    listed,
    numbers,
    text_of,
    title_of,
    weight_of,
)

BAR_SHARE = 0.8  # of the room of a category
PITCH = 8.0  # points between two lines of tick labels that do not touch
LINE = 9.0  # the height of a line of text
NARROW_PITCH = 6.6  # the same without room for descenders, for names that stand upright


class Axis:
    """One axis of a figure. ``name`` is Plotly's: ``x``, ``y2``.

    categories : the names on it in their order, or None if it has numbers
    """

    def __init__(self, name: str, spec: dict[str, Any], traces: Sequence[dict[str, Any]]) -> None:
        self.name, self.spec, self.letter = name, spec, name[0]
        own = [trace for trace in traces if trace.get(f"{self.letter}axis", self.letter) == name]
        values = [value for trace in own for value in listed(trace.get(self.letter))]
        kind = spec.get("type") or ("category" if _are_names(values) else "linear")
        if kind not in ("category", "linear", "log"):
            raise UnsupportedFigure(f"An axis of the type “{kind}” cannot be drawn on paper.")
        self.kind = kind
        self.categories: list[str] | None = None
        if kind == "category":
            known = dict.fromkeys(text_of(v) for v in [*listed(spec.get("categoryarray")), *values])
            self.categories = list(known)

    @property
    def title(self) -> str:
        return title_of(self.spec)

    @property
    def hidden(self) -> bool:
        return self.spec.get("visible") is False

    @property
    def reversed(self) -> bool:
        limits = self.spec.get("range")
        return self.spec.get("autorange") == "reversed" or bool(limits and limits[0] > limits[1])

    def places(self, values: Any) -> np.ndarray:
        """Return where values are on this axis; categories are at 0, 1, 2 …"""
        if self.categories is None:
            return numbers(values)
        places = {name: place for place, name in enumerate(self.categories)}
        return np.array([self._place(value, places) for value in listed(values)], dtype=float)

    def place_of_note(self, value: Any) -> float:
        """Return where the text or shape at ``value`` is: on an axis of categories, a number is a position."""
        if isinstance(value, int | float):
            return float(value)
        return float(self.places([value])[0])

    def _place(self, value: Any, places: dict[str, int]) -> float:
        text = text_of(value)
        if text in places:
            return places[text]
        return float(value) if isinstance(value, int | float) else float("nan")

    def labels(self) -> list[str]:
        """Return all texts of the axis that the figure names itself: categories or tick texts."""
        if self.hidden or self.spec.get("showticklabels") is False:
            return []
        texts = listed(self.spec.get("ticktext"))
        return [text_of(text) for text in texts] if texts else list(self.categories or [])

    def weights(self) -> list[str]:
        """Return the weight of each of ``labels``."""
        return [weight_of(text) for text in listed(self.spec.get("ticktext")) or list(self.categories or [])]

    def ticks(self) -> np.ndarray | None:
        """Return the places of the texts of ``labels``, or None if the ticks follow from the numbers."""
        if (given := self.spec.get("tickvals")) is not None:
            return self.places(given)
        return None if self.categories is None else np.arange(len(self.categories), dtype=float)


def _are_names(values: Sequence[Any]) -> bool:
    """Return whether an axis without a type has categories: Plotly reads texts of digits as numbers."""
    texts = [value for value in values if isinstance(value, str)]
    return any(not _is_number(text) for text in texts)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def set_limits(axes: Axes, axis: Axis) -> None:
    """Set the range and the direction of an axis, after everything is drawn."""
    set_ends = axes.set_xlim if axis.letter == "x" else axes.set_ylim
    if axis.kind == "log":
        (axes.set_xscale if axis.letter == "x" else axes.set_yscale)("log")
    limits = listed(axis.spec.get("range"))
    if limits:
        set_ends(*(10**end if axis.kind == "log" else end for end in limits))
        return
    if axis.categories is not None:
        ends = (-0.5, max(len(axis.categories), 1) - 0.5)
        set_ends(*(reversed(ends) if axis.reversed else ends))
        return
    low, high = axes.get_xlim() if axis.letter == "x" else axes.get_ylim()
    if axis.spec.get("rangemode") == "tozero":
        low, high = min(low, 0.0) if low < 0 else 0.0, max(high, 0.0)
    set_ends(*((high, low) if axis.reversed else (low, high)))


def set_ticks(axes: Axes, axis: Axis, length: float, room: float) -> None:
    """Set ticks and their labels on an axis that is ``length`` points long; names on a vertical one take ``room``."""
    own = axes.xaxis if axis.letter == "x" else axes.yaxis
    own.set_minor_locator(NullLocator())
    if axis.hidden:
        own.set_visible(False)
        return
    if axis.spec.get("showline") is False:
        axes.spines["bottom" if axis.letter == "x" else "left"].set_visible(False)
    if axis.spec.get("ticks") == "":
        own.set_tick_params(length=0)
    places = axis.ticks()
    if places is not None:
        _set_names(own, axis, places, length, room)
    elif axis.kind == "linear":
        if step := axis.spec.get("dtick"):
            own.set_major_locator(MultipleLocator(float(step)))
        else:
            whole = axis.spec.get("tickformat") == "d"
            steps = [1, 2, 2.5, 5, 10]
            own.set_major_locator(
                MaxNLocator(nbins=max(2, min(6, int(length / 32))), integer=whole, steps=steps)
            )
        if style := axis.spec.get("tickformat"):
            write = formatter(style)
            own.set_major_formatter(FuncFormatter(lambda value, _: write(value)))
    if axis.spec.get("showticklabels") is False:
        own.set_ticklabels([]) if places is not None else own.set_tick_params(
            labelbottom=False, labelleft=False
        )
    if axis.letter == "x" and axis.spec.get("side") == "top":
        axes.xaxis.tick_top()
        axes.xaxis.set_label_position("top")
    if axis.letter == "y" and axis.spec.get("side") == "right":
        axes.yaxis.tick_right()
        axes.yaxis.set_label_position("right")


def _set_names(own: Any, axis: Axis, places: np.ndarray, length: float, room: float) -> None:
    """Write names at ticks: in lines where they fit, upright where they do not, and not all where even those touch."""
    texts = axis.labels() or [""] * len(places)
    if len(texts) < len(places):
        texts = [*texts, *[""] * (len(places) - len(texts))]
    pitch = length / max(len(places), 1)
    if axis.letter == "y":
        every = max(1, int(np.ceil(PITCH / max(pitch, 0.1))))
        shown = list(range(0, len(places), every))
        own.set_major_locator(FixedLocator(list(places[shown])))
        lines = min(max(int(pitch * every / LINE), 1), 3)
        own.set_ticklabels([wrapped(texts[i], room, TEXT, lines) for i in shown], linespacing=0.95)
        for label, i in zip(own.get_ticklabels(), shown, strict=True):
            label.set_fontweight(axis.weights()[i])
        return
    room = pitch - 3
    words = max((text_width(word, TEXT) for text in texts for word in text.split()), default=0.0)
    if words <= room:
        own.set_major_locator(FixedLocator(list(places)))
        own.set_ticklabels([wrapped(text, room, TEXT, 4) for text in texts])
        return
    every = max(1, int(np.ceil(NARROW_PITCH / max(pitch, 0.1))))
    shown = list(range(0, len(places), every))
    fits = pitch * every >= 2 * PITCH
    upright = [wrapped(texts[i], 90, TEXT, 2 if fits else 1) for i in shown]
    own.set_major_locator(FixedLocator(list(places[shown])))
    own.set_ticklabels(upright, rotation=90)


def set_title(axes: Axes, axis: Axis, length: float) -> None:
    """Write the title of an axis, in lines that fit its length."""
    if axis.hidden or not axis.title:
        return
    text = wrapped(axis.title, max(length, 60), TEXT, 3)
    (axes.set_xlabel if axis.letter == "x" else axes.set_ylabel)(text)


def set_grid(axes: Axes, axis: Axis) -> None:
    """Draw grid lines, as Plotly does unless the figure turns them off."""
    shown = axis.spec.get("showgrid") is not False and not axis.hidden and axis.categories is None
    axes.grid(shown, axis=axis.letter)  # type: ignore[arg-type]


def domain_of(axis: Axis) -> tuple[float, float]:
    """Return the part of the figure's width or height that the axis takes, from 0 to 1."""
    low, high = dig(axis.spec, "domain") or (0.0, 1.0)
    return float(low), float(high)
