"""The files of figures: SVG and PDF with embedded fonts, and PNG. The same figure always gives the same bytes."""

import io
import logging
import warnings
from threading import Lock
from typing import Any

import matplotlib
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_pdf import FigureCanvasPdf
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

from models_ml.paper.figures.palette import INK, TOKENS
from models_ml.paper.figures.sizes import DOTS_PER_INCH, FORMATS, TEXT, WIDTHS_MM
from models_ml.paper.figures.svg_fonts import embed_font
from models_ml.paper.figures.texts import FONT
from models_ml.paper.figures.translate import translate
from models_ml.paper.figures.values import UnsupportedFigure

CREATOR = "MER Platform"
logging.getLogger("fontTools").setLevel(logging.ERROR)  # it reports each table that it cuts
_LOCK = Lock()  # matplotlib's settings and its fonts belong to the process
SETTINGS: Any = {
    "font.family": [FONT], "font.size": TEXT, "axes.labelsize": TEXT, "xtick.labelsize": TEXT, "ytick.labelsize": TEXT,
    "text.parse_math": False, "text.color": INK, "axes.labelcolor": INK, "axes.linewidth": 0.6, "axes.edgecolor": INK,
    "axes.spines.top": False, "axes.spines.right": False, "xtick.major.width": 0.6, "ytick.major.width": 0.6,
    "xtick.major.size": 2.5, "ytick.major.size": 2.5, "xtick.major.pad": 2, "ytick.major.pad": 2, "axes.labelpad": 3,
    "grid.color": TOKENS["--line"], "grid.linewidth": 0.4, "hatch.linewidth": 0.5, "axes.unicode_minus": True,
    "svg.fonttype": "none", "svg.hashsalt": CREATOR, "pdf.fonttype": 42, "pdf.compression": 6, "figure.facecolor": "#ffffff",
    "savefig.facecolor": "#ffffff", "lines.solid_capstyle": "butt", "axes.formatter.use_mathtext": False,
}  # fmt: skip


def render_file(figure: Any, form: str, columns: int, caption: str) -> bytes:
    """Return the figure as a file; ``models_ml.paper.figures.render`` describes it."""
    if form not in FORMATS:
        raise UnsupportedFigure(f"“{form}” is not a form of charts. Choose {', '.join(FORMATS)}.")
    if columns not in WIDTHS_MM:
        raise UnsupportedFigure(f"{columns} columns are not a width of figures. Choose 1 or 2.")
    with _LOCK, matplotlib.rc_context(), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing")  # of a script that the font does not have
        warnings.filterwarnings("error", "constrained_layout not applied")
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(SETTINGS)
        drawn = translate(figure, columns)
        try:
            return {"svg": _svg, "pdf": _pdf, "png": _png}[form](drawn, caption)
        except UserWarning:
            wider = "Choose two columns, or show less." if columns == 1 else "Show less."
            raise UnsupportedFigure(f"The chart does not fit on a page of a journal. {wider}") from None


def _svg(figure: Figure, caption: str) -> bytes:
    file = io.StringIO()
    metadata = {"Creator": CREATOR, "Description": caption, "Date": None}
    FigureCanvasSVG(figure).print_svg(file, metadata=metadata)
    return embed_font(file.getvalue()).encode()


def _pdf(figure: Figure, caption: str) -> bytes:
    file = io.BytesIO()
    metadata = {"Creator": CREATOR, "Producer": CREATOR, "Subject": caption, "CreationDate": None}
    FigureCanvasPdf(figure).print_pdf(file, metadata=metadata)
    return file.getvalue()


def _png(figure: Figure, caption: str) -> bytes:
    file = io.BytesIO()
    figure.dpi = DOTS_PER_INCH
    FigureCanvasAgg(figure).print_png(file, metadata={"Software": CREATOR, "Description": caption})
    return file.getvalue()
