"""Charts as files for a paper: ``?format=svg`` (or ``pdf``, ``png``) and ``&columns=1`` (or 2) on the address of a chart."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils.http import content_disposition_header

from models_ml.paper.figures import COLUMNS, FORMATS, UnsupportedFigure, render

JSON = "json"  # what the page draws


def wants_file(request: HttpRequest) -> bool:
    """Return whether the request asks for something else than the JSON that the page draws."""
    return (request.GET.get("format") or JSON) != JSON


def figure_file(request: HttpRequest, figure: Any, name: str, caption: str) -> HttpResponse:
    """Return a Plotly figure as the file that the request asks for, or 400 with a sentence if there is no such file.

    ``?inline=1`` shows it in the browser instead of downloading it. ``caption`` goes into the file's metadata.
    """
    form, columns = request.GET.get("format", ""), request.GET.get("columns") or "1"
    if form not in FORMATS:
        return _refused(f"“{form}” is not a format of charts. Choose {', '.join(FORMATS)} or {JSON}.")
    if columns not in map(str, COLUMNS):
        return _refused(f"“{columns}” is not a width of charts. Give 1 or 2 columns.")
    try:
        content = render(figure, form, int(columns), caption)
    except UnsupportedFigure as error:
        return _refused(str(error))
    width = "1-column" if columns == "1" else "2-columns"
    disposition = content_disposition_header("inline" not in request.GET, f"{name}-{width}.{form}")
    return HttpResponse(
        content, content_type=FORMATS[form], headers={"Content-Disposition": disposition or ""}
    )


def _refused(why: str) -> HttpResponse:
    return HttpResponse(why, status=400, content_type="text/plain; charset=utf-8")
