"""The figure of the differences between coders, as Plotly JSON for the page.

It is built as plain data: it uses the page's own colours (``var(--onset)``), which Plotly's Python library rejects.
"""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from mer_platform.annotation.agreement.comparisons import ClipComparison
from mer_platform.annotation.marks import MARKS

MAX_BINS = 41  # a wider distribution gets wider bins
NICE_STEPS = (1, 2, 5)
HEIGHT_PX = 320
MAX_COUNT_WITH_UNIT_TICKS = 6  # Plotly would label fractions of an expression below this


def differences(compared: Sequence[ClipComparison], unit: str) -> dict[str, Any]:
    """Return a histogram of the marks' differences (second coder minus first), one series per mark."""
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
    bins = f" (bins of {width})" if width > 1 else ""
    layout = {
        "barmode": "group",
        "height": HEIGHT_PX,
        "margin": {"l": 52, "r": 16, "t": 16, "b": 48},
        "legend": {"orientation": "h", "y": 1.14},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "xaxis": {"title": {"text": f"{unit}, second minus first{bins}"}},
        "yaxis": {
            "title": {"text": "expressions"},
            "rangemode": "tozero",
            "dtick": 1 if highest <= MAX_COUNT_WITH_UNIT_TICKS else None,
        },
    }
    return {"data": bars, "layout": layout}


def bin_width(values: Sequence[float], smallest: int) -> int:
    """Return the smallest of 1, 2, 5, 10, … times ``smallest`` with which the values need at most ``MAX_BINS`` bins.

    >>> bin_width([-3, 4], 1), bin_width([-90, 90], 1)
    (1, 5)
    """
    reach = max((abs(v) for v in values), default=0)
    width = smallest
    for power in range(12):
        for step in NICE_STEPS:
            width = smallest * step * 10**power
            if 2 * reach / width + 1 <= MAX_BINS:
                return width
    return width
