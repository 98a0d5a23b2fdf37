"""Values of Plotly figures in plain Python: texts, numbers, formats and colours."""

import html
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from models_ml.errors import InputError
from models_ml.paper.figures.palette import TOKENS

Spec = Mapping[str, Any]


class UnsupportedFigure(InputError):
    """A figure with something that cannot be drawn on paper."""


def spec_of(figure: Any) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Return the traces and the layout of a Plotly figure, or of the same as plain JSON, as dictionaries."""
    if isinstance(figure, Mapping):
        return list(figure["data"]), dict(figure["layout"])
    traces = [trace.to_plotly_json() for trace in figure.data]
    return [trace for trace in traces if trace.get("visible", True) is True], figure.layout.to_plotly_json()


def text_of(value: Any) -> str:
    r"""Return a text without Plotly's markup.

    >>> text_of("12<br><b>50%</b> &amp; more")
    '12\n50% & more'
    """
    if value is None:
        return ""
    lines = re.sub(r"<br\s*/?>", "\n", str(value))
    return html.unescape(re.sub(r"</?[a-zA-Z][^<>]*>", "", lines))


def weight_of(value: Any) -> str:
    """Return the weight of a text, which is bold if all of it is.

    >>> weight_of("<b>Learning rate</b>"), weight_of("0.001")
    ('bold', 'normal')
    """
    return "bold" if isinstance(value, str) and re.fullmatch(r"<b>.*</b>", value, re.DOTALL) else "normal"


def title_of(spec: Spec) -> str:
    """Return the text of ``title``, which Plotly keeps as a text or as an object."""
    title = spec.get("title")
    return text_of(title.get("text") if isinstance(title, Mapping) else title)


def listed(values: Any) -> list[Any]:
    """Return an array of Plotly, which may be a tuple, a NumPy array or missing, as a list.

    >>> listed(None), listed(np.array([1, 2]))
    ([], [1, 2])
    """
    if values is None:
        return []
    return values.tolist() if isinstance(values, np.ndarray) else list(values)


def numbers(values: Any) -> np.ndarray:
    """Return an array of floats; what is missing becomes NaN."""
    return np.array([np.nan if value is None else float(value) for value in listed(values)], dtype=float)


def per_point(value: Any, count: int) -> list[Any]:
    """Return a setting that may be one for all points or a list, as a list."""
    if isinstance(value, np.ndarray | list | tuple):
        return listed(value)
    return [value] * count


def formatter(tickformat: str) -> Callable[[float], str]:
    """Return the function that writes a number in one of d3's formats.

    >>> formatter(".0%")(0.25), formatter(".2f")(1.5), formatter("d")(3.0), formatter(".0e")(0.001)
    ('25%', '1.50', '3', '1e-03')
    """
    match = re.fullmatch(r"(\+?)(?:\.(\d+))?([%fdeg])", tickformat)
    if not match:
        raise UnsupportedFigure(f"The number format “{tickformat}” cannot be drawn on paper.")
    sign, digits, kind = match.groups()
    if kind == "d":
        return lambda value: f"{round(value):{sign}d}"
    return lambda value: f"{value:{sign}.{digits or 6}{kind}}".replace("-", "−" if kind != "e" else "-")


_TOKEN = re.compile(r"var\((--[\w-]+)\)")
_MARKS = ("--onset", "--apex", "--offset")
_RGB = re.compile(r"rgba?\(([^)]*)\)")


def series_number(colour: Any) -> int | None:
    """Return the number of a series colour, from 0: ``var(--data-1)`` is 0. None if the colour is another."""
    match = _TOKEN.fullmatch(colour) if isinstance(colour, str) else None
    if not match:
        return None
    name = match.group(1)
    if name in _MARKS:
        return _MARKS.index(name)
    return int(name.removeprefix("--data-")) - 1 if re.fullmatch(r"--data-\d+", name) else None


def colour_of(colour: Any) -> Any:
    """Return a colour of Plotly or a token of the pages as matplotlib takes it."""
    if not isinstance(colour, str):
        raise UnsupportedFigure(f"“{colour}” is not a colour.")
    if match := _TOKEN.fullmatch(colour):
        if match.group(1) not in TOKENS:
            raise UnsupportedFigure(f"The colour “{match.group(1)}” is unknown on paper.")
        return TOKENS[match.group(1)]
    if match := _RGB.fullmatch(colour):
        parts = [float(part.strip().rstrip("%")) for part in match.group(1).split(",")]
        return (*(part / 255 for part in parts[:3]), *parts[3:])
    return colour


def dig(spec: Spec, *path: str) -> Any:
    """Return a value in nested dictionaries, or None if it or one on the way is missing."""
    found: Any = spec
    for name in path:
        if not isinstance(found, Mapping):
            return None
        found = found.get(name)
    return found


def unknown_keys(spec: Spec, known: Sequence[str]) -> list[str]:
    """Return the keys of a dictionary that are not known, sorted."""
    return sorted(set(spec) - set(known))
