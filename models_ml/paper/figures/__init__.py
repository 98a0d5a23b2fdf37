"""Charts as a journal prints them: the Plotly figures of the pages, drawn again by matplotlib as SVG, PDF or PNG.

``render`` does all of it. It loads matplotlib on first use, so that a process that renders no figure does not pay for it.
"""

from models_ml.paper.figures.sizes import COLUMNS, FORMATS, WIDTHS_MM
from models_ml.paper.figures.values import UnsupportedFigure

__all__ = ["COLUMNS", "FORMATS", "WIDTHS_MM", "UnsupportedFigure", "render"]


def render(figure: object, form: str, columns: int = 1, caption: str = "") -> bytes:
    """Return a Plotly figure as the bytes of a file; the same figure always gives the same bytes.

    Parameters
    ----------
    figure
        A ``plotly.graph_objects.Figure``, or its data and layout as plain JSON.
    form
        One of ``FORMATS``.
    columns
        1 or 2: the width of one or two columns of a journal's page.
    caption
        Stored in the file's metadata, not drawn.

    Raises
    ------
    UnsupportedFigure
        If the figure has something that cannot be drawn here; it says what.
    """
    from models_ml.paper.figures.output import render_file

    return render_file(figure, form, columns, caption)
