from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from mer_platform.annotation.blindness import check_sees_all
from mer_platform.annotation.exchange.downloads import download
from mer_platform.annotation.exchange.models import AnnotationImport
from mer_platform.annotation.exchange.selection import SelectionForm
from mer_platform.annotation.exchange.services import check_file, confirm
from mer_platform.annotation.models import Annotation
from mer_platform.clips.models import Clip
from mer_platform.projects.access import get_project
from mer_platform.projects.models import Project, Role
from mer_platform.web import page_of
from models_ml.errors import InputError
from models_ml.formats import EXPORTS
from models_ml.formats.annotations import MAX_BYTES

PAGE = 50
MAX_LISTED = 20  # imports


class UploadForm(forms.Form):
    file = forms.FileField(allow_empty_file=True)
    coders = forms.ChoiceField(choices=AnnotationImport.Coders.choices, initial=AnnotationImport.Coders.NAMES)

    def clean_file(self) -> Any:
        file = self.cleaned_data["file"]
        if file.size > MAX_BYTES:
            raise forms.ValidationError(
                f"The file has {file.size:,} bytes, but the limit is {MAX_BYTES:,}. Import it in parts."
            )
        return file


@login_required
@require_http_methods(["GET", "POST"])
def exchange(request: HttpRequest, slug: str) -> HttpResponse:
    """Show the export form, the upload and the earlier imports, and check an uploaded file."""
    project = get_project(request, slug, Role.RESEARCHER)
    form = UploadForm(request.POST or None, request.FILES or None)
    if request.method == "POST":
        check_sees_all(request.user, project)  # the report shows stored annotations
    if request.method == "POST" and form.is_valid():
        file = form.cleaned_data["file"]
        try:
            batch = check_file(project, request.user, file.name, file.read(), form.cleaned_data["coders"])
        except InputError as error:
            form.add_error("file", str(error))
        else:
            return redirect("annotation-file", slug, batch.pk)
    return _page(request, project, form, SelectionForm(project=project))


@login_required
@require_GET
def export(request: HttpRequest, slug: str) -> HttpResponse:
    """Download the selected annotations in the selected format."""
    project = get_project(request, slug, Role.RESEARCHER)
    check_sees_all(request.user, project)
    form = SelectionForm(request.GET, project=project)
    kind = request.GET.get("format", "")
    if form.is_valid() and kind in EXPORTS:
        try:
            return download(project, form, kind)
        except InputError as error:
            form.add_error(None, str(error))
    elif kind not in EXPORTS:
        form.add_error(None, "Choose a format.")
    return _page(request, project, UploadForm(), form)


@login_required
@require_GET
def report(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """Show what a file would change, or has changed: rows with problems, changes side by side, additions."""
    project = get_project(request, slug, Role.RESEARCHER)
    check_sees_all(request.user, project)
    batch = get_object_or_404(AnnotationImport.objects.select_related("created_by"), pk=pk, project=project)
    lists = {
        "conflicts": batch.conflicts,
        "problems": batch.problems,
        "change": batch.of("change"),
        "add": batch.of("add"),
        "consensus": batch.consensus,
        "same": batch.of("same"),
    }
    done = batch.state == AnnotationImport.State.DONE
    titles = {
        "conflicts": "Skipped", "problems": "Problems",
        "change": "Changed" if done else "To change", "add": "Added" if done else "To add",
        "consensus": "Consensus", "same": "Unchanged",
    }  # fmt: skip
    shown = request.GET.get("show", "")
    if not lists.get(shown):
        shown = next((name for name, rows in lists.items() if rows), "problems")
    page = page_of(request, lists[shown], PAGE)
    context = {
        "batch": batch,
        "counts": batch.counts(),
        "tabs": [(name, titles[name], len(rows)) for name, rows in lists.items() if rows],
        "shown": shown,
        "who": "Origin" if shown == "consensus" else "Coder",
        "several": any(row.get("file", batch.file_name) != batch.file_name for row in page),
        "title": titles[shown],
        "page": page,
        "pages": page.paginator.get_elided_page_range(page.number, on_each_side=2, on_ends=1),
        "existing": set(
            Clip.objects.filter(pk__in={row["clip"] for row in page}).values_list("pk", flat=True)
        )
        if shown != "problems"
        else set(),
    }
    return render(request, "annotation/exchange/report.html", context)


@login_required
@require_POST
def confirm_import(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """Make the changes that the report shows."""
    project = get_project(request, slug, Role.RESEARCHER)
    batch = get_object_or_404(AnnotationImport, pk=pk, project=project)
    try:
        outcome = confirm(batch, request.user)
    except ValidationError as error:
        messages.error(request, error.message)
    else:
        counts = f"{outcome.added} added, {outcome.changed} changed"
        if outcome.conflicts:
            skipped = len(outcome.conflicts)
            messages.warning(request, f"{counts}, {skipped} skipped because they changed after the check.")
        else:
            messages.success(request, f"{counts}.")
    return redirect("annotation-file", slug, pk)


@login_required
@require_POST
def discard(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """Delete an import that was checked but not confirmed."""
    project = get_project(request, slug, Role.RESEARCHER)
    batch = get_object_or_404(AnnotationImport, pk=pk, project=project)
    if batch.state == AnnotationImport.State.CHECKED:
        batch.delete()
        messages.success(request, f"{batch.file_name} was discarded. Nothing was changed.")
        return redirect("annotation-exchange", slug)
    messages.error(request, "Cannot discard a confirmed import: it records where annotations came from.")
    return redirect("annotation-file", slug, pk)


def _page(
    request: HttpRequest, project: Project, upload: UploadForm, selection: SelectionForm
) -> HttpResponse:
    imports = project.annotation_imports.select_related("created_by").only(
        "file_name", "state", "created_at", "created_by__username", "project"
    )
    context = {
        "upload": upload,
        "selection": selection,
        "formats": EXPORTS.values(),
        "chosen": request.GET.get("format") or next(iter(EXPORTS)),
        "imports": imports[:MAX_LISTED],
        "annotations": Annotation.objects.filter(clip__project=project).count(),
        "max_bytes": MAX_BYTES,
    }
    return render(
        request,
        "annotation/exchange/page.html",
        context,
        status=422 if upload.errors or selection.errors else 200,
    )
