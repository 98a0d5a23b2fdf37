"""Answers of the addresses of charts: JSON for the page, or a file for a paper."""

from collections.abc import Iterable, Sequence

import plotly.graph_objects as go
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse

from mer_platform.experiments.figures import as_json
from mer_platform.experiments.models import Run
from mer_platform.experiments.paper.table_files import table_response
from mer_platform.experiments.tables import measured
from mer_platform.figure_files import figure_file, wants_file
from models_ml.paper.forms import WRITERS
from models_ml.paper.tables import Table


def figure_response(
    request: HttpRequest,
    figure: go.Figure,
    name: str,
    runs: Sequence[Run],
    caption: str,
    tables: Iterable[Table] = (),
    notes: Iterable[str] = (),
) -> HttpResponse:
    """Return a chart in the form that ``?format=`` and ``?columns=`` ask for; every address of a chart answers so.

    ``name`` is part of the file's name. ``caption`` says what the chart shows; the file's metadata continues with runs,
    version and protocol. ``tables`` and ``notes`` are shown below the chart; ``?format=csv`` gives the tables.
    """
    if not wants_file(request):
        return JsonResponse(as_json(figure, tables, notes))
    if request.GET["format"] in WRITERS:
        return table_response(request, list(tables), name)
    if not figure.data:
        raise Http404("This chart is empty: there is nothing to draw yet.")
    return figure_file(request, figure, name, f"{caption} {measured(runs)}".strip())
