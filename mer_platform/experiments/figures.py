"""What the Plotly figures of runs, experiments and comparisons share."""

import json
from typing import Any

import plotly.graph_objects as go

MARGIN = {"l": 60, "r": 16, "t": 16, "b": 48}


def as_json(figure: go.Figure) -> dict[str, Any]:
    """Return data and layout as JSON, without Plotly's template: the page sets fonts and colours."""
    figure.update_layout(template="none", paper_bgcolor="rgba(0,0,0,0)", plot_bgcolor="rgba(0,0,0,0)")
    return json.loads(figure.to_json())
