"""The page on which a person says which column of a sheet holds what; imports of databases and of annotations show it."""

import json
from collections.abc import Callable, Sequence
from pathlib import PurePath
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from mer_platform.projects.column_maps import ColumnMapForm, chosen_worksheet
from models_ml.errors import InputError
from models_ml.formats.headers import Column
from models_ml.formats.mapping import ColumnMap
from models_ml.formats.sheet_columns import WorksheetColumns


def column_map_page(
    request: HttpRequest,
    name: str,
    found: Sequence[WorksheetColumns],
    known: ColumnMap | None,
    columns: Sequence[Column],
    *,
    back: str,
    discard: str = "",
    use: Callable[[ColumnMap], HttpResponse],
) -> HttpResponse:
    """Show the form, or answer a complete one with what ``use`` returns for the map; its InputError is shown.

    ``found`` are the worksheets of the sheet ``name``; ``columns`` are those of the reader; ``back`` and ``discard`` are
    the addresses that *Cancel* leads to and that deletes the upload.
    """
    number = request.POST.get("worksheet", request.GET.get("worksheet", ""))
    index = chosen_worksheet(found, number, known)
    form = ColumnMapForm(
        request.POST or None,
        request.FILES or None,
        worksheet=found[index],
        columns=columns,
        known=known,
    )
    if request.method == "POST" and form.is_valid() and form.made is not None:
        try:
            return use(form.made)
        except InputError as error:
            form.add_error(None, str(error))
    context = {
        "form": form,
        "name": name,
        "worksheets": list(enumerate(found)) if len(found) > 1 else [],
        "index": index,
        "worksheet": found[index],
        "known": known,
        "back": back,
        "discard": discard,
    }
    return render(request, "columns/page.html", context, status=422 if request.method == "POST" else 200)


def column_map_response(document: Any, sheet: str) -> HttpResponse:
    """Return a column map as a file to download."""
    content = json.dumps(document, ensure_ascii=False, indent=1)
    response = HttpResponse(content, content_type="application/json")
    response.headers["Content-Disposition"] = (
        f'attachment; filename="{_ascii(PurePath(sheet).stem)}-columns.json"'
    )
    return response


def _ascii(name: str) -> str:
    return "".join(c if c.isascii() and (c.isalnum() or c in "._-") else "-" for c in name) or "sheet"
