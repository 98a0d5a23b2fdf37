import json
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render, resolve_url
from django.views.decorators.http import require_GET, require_http_methods, require_POST
from django.views.decorators.vary import vary_on_headers

from mer_platform.imports import services
from mer_platform.imports.blindness import hide_coding, visible_problems
from mer_platform.imports.folders import assigned
from mer_platform.imports.forms import ImportForm, ReportFilter
from mer_platform.imports.models import Import, ImportFolder, ImportItem
from mer_platform.imports.sources import columns_sheet, import_root, subfolders
from mer_platform.imports.summary import (
    as_json,
    by_code,
    by_database,
    by_severity,
    corrections,
    group_of,
    groups_of,
)
from mer_platform.jobs.models import Job
from mer_platform.projects.access import get_project
from mer_platform.projects.column_map_pages import column_map_page, column_map_response
from mer_platform.projects.column_maps import columns_to_map
from mer_platform.projects.models import Project, Role
from mer_platform.web import is_partial, page_of
from models_ml import formats
from models_ml.errors import InputError
from models_ml.formats.problem_groups import FIELDS, ProblemGroup, problems_csv

ROWS = 100
_TO_IMPORT = {
    ImportItem.ItemType.CLIP: "{n} clip{s}",
    ImportItem.ItemType.PICTURE: "{n} flow picture{s}",
    ImportItem.ItemType.MARKING: "annotations of {n} clip{s}",
}


@login_required
@require_GET
def import_list(request: HttpRequest, slug: str) -> HttpResponse:
    """List the project's imports, the latest first."""
    project = get_project(request, slug, Role.RESEARCHER)
    page = page_of(request, project.imports.select_related("created_by"), 50)
    rows = [(batch, _title(batch), batch.counts()) for batch in page]
    pages = page.paginator.get_elided_page_range(page.number, on_each_side=2, on_ends=1)
    return render(request, "imports/list.html", {"rows": rows, "page": page, "pages": pages})


@login_required
@require_http_methods(["GET", "POST"])
def import_new(request: HttpRequest, slug: str) -> HttpResponse:
    """Show the form that chooses a layout and a source; a POST starts the check."""
    project = get_project(request, slug, Role.RESEARCHER)
    form = ImportForm(request.POST or None, request.FILES or None, initial=_again(request, project))
    if request.method == "POST" and (batch := form.start(project, request.user)):
        return redirect("import", slug, batch.pk)
    context = {
        "form": form,
        "chosen": form["layout"].value(),
        "place": form["place"].value(),
        "layouts": formats.LAYOUTS.values(),
        "endings": ",".join(sorted(services.UPLOADS)),
        **_folder_context(form["source"].value() or "", project),
    }
    return render(request, "imports/new.html", context, status=422 if request.method == "POST" else 200)


@login_required
@require_GET
def folders(request: HttpRequest, slug: str) -> HttpResponse:
    """Show the field of the folder's name and the subfolders to choose from, for htmx."""
    project = get_project(request, slug, Role.RESEARCHER)
    return render(request, "imports/_folders.html", _folder_context(request.GET.get("path", ""), project))


@login_required
@require_GET
@vary_on_headers("HX-Request")
def import_page(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """Show the report; for htmx, only its progress or one of its two tables."""
    project = get_project(request, slug, Role.RESEARCHER)
    batch = get_object_or_404(Import.objects.select_related("created_by"), pk=pk, project=project)
    context = {
        "batch": batch,
        "title": _title(batch),
        "can_choose_columns": _can_choose_columns(batch),
        **_report_context(request, batch),
    }
    template = "imports/report.html"
    part = request.GET.get("part", "") if is_partial(request) else "all"
    if part in ("all", "problems"):  # not for the progress, which a page asks for every second
        context |= _problem_context(request, batch)
    if is_partial(request):
        template = {"problems": "imports/_problems.html", "items": "imports/_items.html"}.get(
            part, "imports/_live.html"
        )
        if part == "live" and request.GET.get("was") != batch.state:
            # The page shows findings only after the check, and results only after the import.
            response = HttpResponse()
            response["HX-Refresh"] = "true"
            return response
    return render(request, template, context)


@login_required
@require_GET
def report(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """Download the complete report as JSON."""
    project = get_project(request, slug, Role.RESEARCHER)
    batch = get_object_or_404(Import, pk=pk, project=project)
    content = json.dumps(as_json(batch, request.user), ensure_ascii=False, indent=1)
    name = f"import-{batch.pk}-{batch.layout}.json"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return HttpResponse(content, content_type="application/json", headers=headers)


@login_required
@require_GET
def problem_rows(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """Download the rows of the report that match the filters, one problem per line, as CSV."""
    project = get_project(request, slug, Role.RESEARCHER)
    batch = get_object_or_404(Import, pk=pk, project=project)
    problems, group = _filtered(request, batch)
    rows = problems.values(*FIELDS) if group is None else group.problems
    headers = {"Content-Disposition": f'attachment; filename="import-{batch.pk}-problems.csv"'}
    return HttpResponse(problems_csv(rows), content_type="text/csv; charset=utf-8", headers=headers)


@login_required
@require_http_methods(["GET", "POST"])
def import_columns(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """Show the columns of a sheet that no reader knows; a POST says which is which and starts the check again."""
    project = get_project(request, slug, Role.RESEARCHER)
    batch = get_object_or_404(Import, pk=pk, project=project)
    if not _can_choose_columns(batch):
        messages.error(
            request, "The columns of this import's sheet are known, or it was started on the server."
        )
        return redirect("import", slug, pk)
    try:
        sheet = columns_sheet(batch)
        found, known = columns_to_map(project, sheet)
    except InputError as error:
        messages.error(request, str(error))
        return redirect("import", slug, pk)
    return column_map_page(
        request,
        sheet.name,
        found,
        known,
        formats.LAYOUTS[batch.layout].columns,
        back=resolve_url("import", slug, pk),
        use=lambda columns: redirect(
            "import", slug, services.start_with_columns(batch, columns, request.user).pk
        ),
    )


@login_required
@require_GET
def column_map_file(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """Download the column map of an import, to use it for another sheet or in a script."""
    project = get_project(request, slug, Role.RESEARCHER)
    batch = get_object_or_404(Import, pk=pk, project=project, columns__isnull=False)
    return column_map_response(batch.columns, batch.sheet_name or batch.sheet)


@login_required
@require_POST
def import_confirm(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    project = get_project(request, slug, Role.RESEARCHER)
    batch = get_object_or_404(Import, pk=pk, project=project)
    try:
        services.confirm(batch, request.POST.getlist("accepted"), request.user)
    except ValidationError as error:
        messages.error(request, " ".join(error.messages))
    return redirect("import", slug, pk)


@login_required
@require_POST
def import_cancel(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    project = get_project(request, slug, Role.RESEARCHER)
    batch = get_object_or_404(Import, pk=pk, project=project)
    if services.cancel(batch, request.user):
        messages.success(request, "Import stopped. Items that are already imported stay.")
    else:
        messages.error(request, "This import has already ended.")
    return redirect("import", slug, pk)


def _can_choose_columns(batch: Import) -> bool:
    layout = formats.LAYOUTS.get(batch.layout)
    has_columns = layout is not None and bool(layout.columns)
    return batch.confined and has_columns and bool(batch.columns_sheet or batch.columns)


def _title(batch: Import) -> str:
    known = formats.LAYOUTS.get(batch.layout)
    return known.title if known else batch.layout


def _again(request: HttpRequest, project: Any) -> dict[str, Any]:
    """Return the choices of an earlier import, for ``?like=``, or a folder, for ``?source=``."""
    like = request.GET.get("like", "")
    batch = project.imports.filter(pk=like).first() if like.isdigit() else None
    if batch is None or not batch.confined:
        return {"source": request.GET.get("source", "")}
    source = "" if batch.place == Import.SourceType.FILE else batch.source
    return {"layout": batch.layout, "place": batch.place, "source": source}


def _folder_context(path: str, project: Project) -> dict[str, Any]:
    """Return a folder as the folder chooser shows it, or the import folder if the path is not a folder."""
    path = path.strip().strip("/")
    try:
        below = subfolders(path, project)
    except ValidationError:
        path = ""
        below = subfolders("", project) if import_root().is_dir() else []
    parts = path.split("/") if path and path != "." else []
    trail = [(part, "/".join(parts[: n + 1])) for n, part in enumerate(parts)]
    return {
        "folder": "/".join(parts),
        "trail": trail,
        "subfolders": [(name, "/".join([*parts, name])) for name in below],
        "import_root": import_root(),
        "prefixes": assigned(project, ImportFolder.Place.STORAGE),
    }


def _filters(request: HttpRequest) -> tuple[ReportFilter, dict[str, Any]]:
    chosen = ReportFilter(request.GET)
    return chosen, chosen.cleaned_data if chosen.is_valid() else {}


def _filtered(request: HttpRequest, batch: Import) -> tuple[Any, ProblemGroup | None]:
    """Return the problems that match severity and code, and the chosen group among them, if there is one."""
    _, fields = _filters(request)
    wanted = {name: fields[name] for name in ("severity", "code") if fields.get(name)}
    problems = visible_problems(request.user, batch).filter(**wanted)
    return problems, group_of(problems, fields["group"]) if fields.get("group") else None


def _problem_context(request: HttpRequest, batch: Import) -> dict[str, Any]:
    """Return what repeats, grouped; or the rows of one group, or all rows, if the request asks for them."""
    _, fields = _filters(request)
    problems, group = _filtered(request, batch)
    every = visible_problems(request.user, batch)
    as_rows = bool(fields.get("rows")) and group is None
    rows = group.problems if group is not None else problems if as_rows else []
    return {
        "codes": by_code(every.filter(severity=fields["severity"]) if fields.get("severity") else every),
        "code": fields.get("code", ""),
        "group": group,
        "rows_shown": as_rows,
        "problem_count": problems.count(),
        "problems": page_of(request, rows, ROWS),
        "groups": page_of(request, [] if group or as_rows else groups_of(problems), ROWS),
    }


def _report_context(request: HttpRequest, batch: Import) -> dict[str, Any]:
    chosen, fields = _filters(request)
    items = batch.items.all()
    if state := fields.get("state"):
        items = items.filter(state=state)
    counts = batch.counts()
    waiting = batch.items.filter(state=ImportItem.State.WAITING)
    page = page_of(request, items.select_related("clip", "picture"), ROWS, "items")
    hide_coding(request.user, page.object_list)
    return {
        "filter": chosen,
        "counts": counts,
        "ended": counts["total"] - counts["waiting"],
        "wanted": [
            words.format(n=n, s="" if n == 1 else "s")
            for kind, words in _TO_IMPORT.items()
            if (n := waiting.filter(kind=kind).count())
        ],
        "severities": by_severity(batch),
        "databases": by_database(batch),
        "corrections": corrections(batch),
        "items": page,
        "worked_on": Job.objects.filter(group=batch.group, attempt__gt=0).exists(),
    }
