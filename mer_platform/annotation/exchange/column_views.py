"""The page on which a person says which column of an uploaded sheet of annotations holds what."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, resolve_url
from django.views.decorators.http import require_GET, require_http_methods

from mer_platform.annotation.exchange.access import import_of
from mer_platform.annotation.exchange.models import AnnotationImport
from mer_platform.annotation.exchange.services import check_with_columns
from mer_platform.projects.column_map_pages import column_map_page, column_map_response
from mer_platform.projects.column_maps import columns_to_map
from models_ml.errors import InputError
from models_ml.formats.base import Sheet
from models_ml.formats.coding_sheet import MAPPED_COLUMNS
from models_ml.formats.mapping import ColumnMap

State = AnnotationImport.State


@login_required
@require_http_methods(["GET", "POST"])
def choose_columns(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """Show the columns of a sheet; a POST says which is which and compares the sheet with the project."""
    batch = import_of(request, slug, pk)
    back = "annotation-exchange" if batch.state == State.UNREAD else "annotation-file"
    where = [slug] if batch.state == State.UNREAD else [slug, pk]
    if not (batch.is_open and batch.is_sheet and batch.content):
        messages.error(request, "The columns of this file can no longer be chosen. Upload it again.")
        return redirect("annotation-file", slug, pk)
    try:
        found, known = columns_to_map(batch.project, Sheet(batch.file_name, bytes(batch.content)))
    except InputError as error:
        messages.error(request, str(error))
        return redirect(back, *where)

    def use(columns: ColumnMap) -> HttpResponse:
        try:
            check_with_columns(batch, request.user, columns)
        except ValidationError as error:
            messages.error(request, error.message)
        return redirect("annotation-file", slug, pk)

    return column_map_page(
        request,
        batch.file_name,
        found,
        known,
        MAPPED_COLUMNS,
        back=resolve_url(back, *where),
        discard=resolve_url("annotation-file-discard", slug, pk),
        use=use,
    )


@login_required
@require_GET
def column_map_file(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """Download the column map of an import, to use it for another sheet or in a script."""
    batch = import_of(request, slug, pk, columns__isnull=False)
    return column_map_response(batch.columns, batch.file_name)
