"""Tables as the files that an address is asked for."""

from collections.abc import Sequence

from django.http import HttpRequest, HttpResponse
from django.utils.http import content_disposition_header

from models_ml.paper.forms import MEDIA_TYPES, WRITERS
from models_ml.paper.tables import Table


def table_response(request: HttpRequest, tables: Sequence[Table], name: str) -> HttpResponse:
    """Return tables as the file that ``?format=`` asks for: ``csv`` (the default), ``tex`` or ``md``; otherwise 400.

    CSV has one table: the first, or the one that ``?table=`` names. ``?inline=1`` shows the text, for copying.
    """
    form, chosen = request.GET.get("format") or "csv", request.GET.get("table")
    if form not in WRITERS:
        return _refused(f"“{form}” is not a format of tables. Choose {', '.join(WRITERS)}.")
    if chosen:
        tables = [table for table in tables if table.name == chosen]
    if not tables:
        return _refused("There is no such table here.", 404)
    text = "\n".join(WRITERS[form](table) for table in (tables[:1] if form == "csv" else tables))
    disposition = content_disposition_header("inline" not in request.GET, f"{name}.{form}") or ""
    return HttpResponse(text, content_type=MEDIA_TYPES[form], headers={"Content-Disposition": disposition})


def _refused(why: str, status: int = 400) -> HttpResponse:
    return HttpResponse(why, status=status, content_type="text/plain; charset=utf-8")
