"""The figure of the coders' differences, as Plotly JSON for the page.

Plain data: its colours are the page's own (``var(--onset)``), which Plotly's Python library would refuse.
"""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from mer_platform.annotation.agreement.comparisons import Compared
from mer_platform.annotation.agreement.statistics import MARKS

BARS = 41  # at most; wider distributions get wider bars
NICE = (1, 2, 5)
HEIGHT = 320  # px
FEW = 6  # counts up to this are ticked one by one


def differences(compared: Sequence[Compared], unit: str) -> dict[str, Any]:
    """How many expressions lie how far apart (second coder minus first), a bar a bin and mark."""
    values = {mark: [d for c in compared for d in c.differences(mark, unit)] for mark in MARKS}
    width = bin_width([d for row in values.values() for d in row], 1 if unit == "frames" else 5)
    bars: list[dict[str, Any]] = []
    for mark, row in values.items():
        counts = Counter(round(d / width) * width for d in row)
        if not counts:
            continue
        bars.append(
            {
                "type": "bar",
                "name": mark.capitalize(),
                "x": sorted(counts),
                "y": [counts[at] for at in sorted(counts)],
                "marker": {"color": f"var(--{mark})"},
                "hovertemplate": "%{x} " + unit + ": %{y}",
            }
        )
    highest = max((count for bar in bars for count in bar["y"]), default=0)
    bins = f" (bars of {width})" if width > 1 else ""
    layout = {
        "barmode": "group",
        "height": HEIGHT,
        "margin": {"l": 52, "r": 16, "t": 16, "b": 48},
        "legend": {"orientation": "h", "y": 1.14},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "xaxis": {"title": {"text": f"{unit}, second minus first{bins}"}},
        "yaxis": {
            "title": {"text": "expressions"},
            "rangemode": "tozero",
            "dtick": 1 if highest <= FEW else None,
        },
    }
    return {"data": bars, "layout": layout}


def bin_width(values: Sequence[float], smallest: int) -> int:
    """The smallest of 1, 2, 5, 10, … (times ``smallest``) with which the values take no more than ``BARS`` bars.

    >>> bin_width([-3, 4], 1), bin_width([-90, 90], 1)
    (1, 5)
    """
    reach = max((abs(v) for v in values), default=0)
    width = smallest
    for power in range(12):
        for step in NICE:
            width = smallest * step * 10**power
            if 2 * reach / width + 1 <= BARS:
                return width
    return width
