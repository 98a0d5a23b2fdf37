from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from mer_platform.annotation.blindness import check_sees_all, seen_by
from mer_platform.annotation.exchange.access import import_of
from mer_platform.annotation.exchange.coders import annotators
from mer_platform.annotation.exchange.downloads import download
from mer_platform.annotation.exchange.models import MAX_RATE, MIN_RATE, AnnotationImport
from mer_platform.annotation.exchange.outcome import ImportOutcome
from mer_platform.annotation.exchange.selection import SelectionForm
from mer_platform.annotation.exchange.services import (
    check_again,
    check_file,
    choose,
    confirm,
    row_number,
    undo,
)
from mer_platform.annotation.models import Annotation
from mer_platform.clips.models import Clip
from mer_platform.projects.access import get_project
from mer_platform.projects.models import Project, Role
from mer_platform.web import is_partial, page_of
from models_ml.errors import InputError
from models_ml.formats import EXPORTS
from models_ml.formats.annotations import MAX_BYTES
from models_ml.formats.problem_groups import ProblemGroup, group_problems, problems_csv

PAGE = 50
MAX_LISTED = 20  # imports


class UploadForm(forms.Form):
    file = forms.FileField(allow_empty_file=True)
    coders = forms.ChoiceField(choices=AnnotationImport.Coders.choices, initial=AnnotationImport.Coders.NAMES)

    frame_rate = forms.FloatField(required=False, min_value=MIN_RATE, max_value=MAX_RATE)

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
            rate = form.cleaned_data["frame_rate"]
            coders = form.cleaned_data["coders"]
            batch = check_file(
                project, request.user, file.name, file.read(), coders, frame_rate=rate, keep_unread=True
            )
        except InputError as error:
            form.add_error("file", str(error))
        else:
            unread = batch.state == AnnotationImport.State.UNREAD
            return redirect("annotation-file-columns" if unread else "annotation-file", slug, batch.pk)
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
    batch = import_of(request, slug, pk)
    if batch.state == AnnotationImport.State.UNREAD:
        return redirect("annotation-file-columns", slug, pk)
    lists = {
        "conflicts": batch.conflicts,
        "problems": batch.problems,
        "change": batch.of("change"),
        "add": batch.of("add"),
        "consensus": batch.consensus,
        "same": batch.of("same"),
    }
    done = batch.state != AnnotationImport.State.CHECKED
    titles = {
        "conflicts": "Skipped", "problems": "Problems",
        "change": "Changed" if done else "To change", "add": "Added" if done else "To add",
        "consensus": "Consensus", "same": "Unchanged",
    }  # fmt: skip
    shown = request.GET.get("show", "")
    if not lists.get(shown):
        shown = next((name for name, rows in lists.items() if rows), "problems")
    groups, group = _problem_groups(request, batch) if shown == "problems" else ([], None)
    rows_shown = bool(request.GET.get("rows"))
    grouped = bool(groups) and not (group or rows_shown)
    page = page_of(request, groups if grouped else group.problems if group else lists[shown], PAGE)
    context = {
        "batch": batch,
        "counts": batch.counts(),
        "chosen": batch.chosen(),
        "members": sorted(annotators(batch.project)),
        "asks_rate": any(problem["code"].startswith("rate-") for problem in batch.problems),
        "tabs": [(name, titles[name], len(rows)) for name, rows in lists.items() if rows],
        "shown": shown,
        "who": "Origin" if shown == "consensus" else "Coder",
        "several": not grouped and any(row.get("file", batch.file_name) != batch.file_name for row in page),
        "grouped": grouped,
        "group": group,
        "rows_shown": rows_shown,
        "group_count": len(groups),
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
@require_GET
def problem_rows(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """Download the problems of a file, or of one group of them, as CSV."""
    batch = import_of(request, slug, pk)
    _, group = _problem_groups(request, batch)
    headers = {"Content-Disposition": f'attachment; filename="annotation-import-{batch.pk}-problems.csv"'}
    text = problems_csv(group.problems if group else batch.problems)
    return HttpResponse(text, content_type="text/csv; charset=utf-8", headers=headers)


@login_required
@require_POST
def choose_rows(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """Store what to do with rows; for htmx, answer with the card that sums it up."""
    batch = import_of(request, slug, pk)
    try:
        batch = choose(batch, _choices(request), request.POST.get("all", ""))
    except ValidationError as error:
        messages.error(request, " ".join(error.messages))
    if is_partial(request):
        context = {"batch": batch, "counts": batch.counts(), "chosen": batch.chosen()}
        return render(request, "annotation/exchange/_confirm.html", context)
    back = request.POST.get("back", "")
    return redirect(f"{reverse('annotation-file', args=(slug, pk))}?{urlencode({'show': back})}")


@login_required
@require_POST
def compare_again(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """Compare the file again, with the chosen members for the names in it."""
    batch = import_of(request, slug, pk)
    named = {entry["name"]: request.POST.get(f"member-{n}", "") for n, entry in enumerate(batch.names)}
    try:
        members = {name: member for name, member in named.items() if member}
        check_again(batch, request.user, members, _rate(request))
    except InputError as error:
        messages.error(request, str(error))
    except ValidationError as error:
        messages.error(request, " ".join(error.messages))
    return redirect("annotation-file", slug, pk)


@login_required
@require_POST
def confirm_import(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """Make the changes that the report shows, with the choices of the rows on the page."""
    batch = import_of(request, slug, pk)
    try:
        with transaction.atomic():
            if choices := _choices(request):
                choose(batch, choices)
            outcome = confirm(batch, request.user)
    except ValidationError as error:
        messages.error(request, " ".join(error.messages))
    else:
        _say(request, outcome, f"{outcome}.", "because they changed after the check")
    return redirect("annotation-file", slug, pk)


@login_required
@require_POST
def undo_whole(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """Take back a whole import."""
    batch = import_of(request, slug, pk)
    try:
        outcome = undo(batch, request.user)
    except ValidationError as error:
        messages.error(request, error.message)
    else:
        text = f"{batch.file_name} was undone: {outcome.added} removed, {outcome.changed} changed back"
        text += f", {outcome.consensus} consensus taken back." if outcome.consensus else "."
        _say(request, outcome, text, "because they changed after the import")
    return redirect("annotation-file", slug, pk)


def _problem_groups(
    request: HttpRequest, batch: AnnotationImport
) -> tuple[list[ProblemGroup], ProblemGroup | None]:
    """Return the problems grouped by what they say, and the group that the request asks for, if it does."""
    groups = group_problems(batch.problems)
    return groups, next((group for group in groups if group.key == request.GET.get("group")), None)


def _rate(request: HttpRequest) -> float | None:
    """Return the frame rate in the form. Raises ValidationError if it is not one."""
    field = forms.FloatField(required=False, min_value=MIN_RATE, max_value=MAX_RATE, label="Frame rate")
    rate: float | None = field.clean(request.POST.get("frame_rate", ""))
    return rate


def _say(request: HttpRequest, outcome: ImportOutcome, text: str, why: str) -> None:
    if outcome.conflicts:
        messages.warning(request, f"{text} {len(outcome.conflicts)} skipped {why}.")
    else:
        messages.success(request, text)


def _choices(request: HttpRequest) -> dict[int, str]:
    """Return the choices in the form by the number of the row. Raises ValidationError for what is not one."""
    prefix = "choice-"
    return {
        row_number(name.removeprefix(prefix)): str(value)
        for name, value in request.POST.items()
        if name.startswith(prefix)
    }


@login_required
@require_POST
def discard(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """Delete an import that was not confirmed."""
    batch = import_of(request, slug, pk)
    if batch.is_open:
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
        "annotations": seen_by(request.user, Annotation.objects.filter(clip__project=project)).count(),
        "max_bytes": MAX_BYTES,
    }
    return render(
        request,
        "annotation/exchange/page.html",
        context,
        status=422 if upload.errors or selection.errors else 200,
    )
