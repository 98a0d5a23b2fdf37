"""Pages of predictions that other code made: the upload, what would be stored, and the file to fill in."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from mer_platform.composites.models import CompositeVersion
from mer_platform.experiments.external import importing
from mer_platform.experiments.external.forms import ProtocolForm, UploadForm
from mer_platform.experiments.external.template import template_response
from mer_platform.experiments.models import ExternalRun, PredictionUpload
from mer_platform.projects.access import get_project
from mer_platform.projects.models import Role
from mer_platform.web import page_of
from models_ml.classes import CLASSES
from models_ml.errors import InputError
from models_ml.formats.problem_groups import group_problems, problems_csv

PAGE = 50


@login_required
@require_http_methods(["GET", "POST"])
def external_new(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """The form, and the check of an uploaded file."""
    version = _get_version(request, slug, pk)
    form = UploadForm(request.POST or None, request.FILES or None, version=version)
    if request.method == "POST" and form.is_valid():
        file = form.cleaned_data["file"]
        try:
            upload = importing.check_file(version, file.name, file.read(), form.cleaned_data, request.user)
        except InputError as error:
            form.add_error("file", str(error))
        except ValidationError as error:
            form.add_errors(error)
        else:
            return redirect("external-upload", slug, importing.keep(upload).pk)
    context = {
        "version": version,
        "form": form,
        "template_form": ProtocolForm(version=version, auto_id="id_template_%s"),
        "mark": ExternalRun.MARK,
        "tab": "runs",
    }
    return render(request, "experiments/external/new.html", context, status=422 if form.errors else 200)


@login_required
@require_GET
def external_upload(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """What would be stored, and what is wrong or odd."""
    upload = _get_upload(request, slug, pk)
    groups = group_problems(upload.problems)
    group = next((group for group in groups if group.key == request.GET.get("group")), None)
    rows_shown = bool(request.GET.get("rows"))
    grouped = bool(groups) and not (group or rows_shown)
    page = page_of(request, groups if grouped else group.problems if group else upload.problems, PAGE)
    predicted = [row[1] for row in upload.rows]
    context = {
        "upload": upload,
        "mark": ExternalRun.MARK,
        "classes": [(name, predicted.count(number)) for number, name in enumerate(CLASSES)],
        "subjects": len({(s.database, s.subject) for s in _predicted_samples(upload)}),
        "folds": len({row[3] for row in upload.rows if row[3]}),
        "with_probabilities": any(row[2] is not None for row in upload.rows),
        "same": ExternalRun.objects.filter(
            content_hash=upload.content_hash, run__version=upload.version
        ).first(),
        "errors": sum(problem["severity"] == "error" for problem in upload.problems),
        "grouped": grouped,
        "group": group,
        "rows_shown": rows_shown,
        "group_count": len(groups),
        "page": page,
        "pages": page.paginator.get_elided_page_range(page.number, on_each_side=2, on_ends=1),
        "tab": "runs",
    }
    return render(request, "experiments/external/upload.html", context)


@login_required
@require_GET
def external_problems(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """Download what is wrong or odd, or one group of it, as CSV."""
    upload = _get_upload(request, slug, pk)
    groups = group_problems(upload.problems)
    group = next((group for group in groups if group.key == request.GET.get("group")), None)
    headers = {"Content-Disposition": f'attachment; filename="predictions-{upload.pk}-problems.csv"'}
    text = problems_csv(group.problems if group else upload.problems)
    return HttpResponse(text, content_type="text/csv; charset=utf-8", headers=headers)


@login_required
@require_POST
def external_confirm(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """Make a run of the predictions."""
    upload = _get_upload(request, slug, pk)
    try:
        run, created = importing.store(upload, request.user)
    except ValidationError as error:
        messages.error(request, " ".join(error.messages))
        return redirect("external-upload", slug, pk)
    if created:
        messages.success(request, f"{run} was stored.")
    else:
        messages.info(request, f"The same predictions are already stored: {run}.")
    return redirect("run", slug, run.pk)


@login_required
@require_POST
def external_discard(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    upload = _get_upload(request, slug, pk)
    version = upload.version_id
    upload.delete()
    messages.success(request, f"“{upload}” was discarded. Nothing was stored.")
    return redirect("external-new", slug, version)


@login_required
@require_GET
def external_template(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """Download the file to fill in for the protocol in the address."""
    version = _get_version(request, slug, pk)
    asked = request.GET.copy()
    asked.setdefault("protocol", "loso")
    form = ProtocolForm(asked, version=version)
    if form.is_valid():
        try:
            _, folds = importing.declared_protocol(version, form.cleaned_data)
            return template_response(version, folds)
        except ValidationError as error:
            form.add_errors(error)
    sentences = [str(message) for errors in form.errors.values() for message in errors]
    return HttpResponseBadRequest(" ".join(sentences), content_type="text/plain; charset=utf-8")


def _predicted_samples(upload: PredictionUpload) -> list[importing.VersionSample]:
    samples = importing.samples_to_predict(upload.version)
    return [samples[row[0]] for row in upload.rows]


def _get_version(request: HttpRequest, slug: str, pk: int) -> CompositeVersion:
    project = get_project(request, slug, Role.RESEARCHER)
    versions = CompositeVersion.objects.filter(composite__project=project).select_related(
        "composite__project"
    )
    return get_object_or_404(versions, pk=pk)


def _get_upload(request: HttpRequest, slug: str, pk: int) -> PredictionUpload:
    project = get_project(request, slug, Role.RESEARCHER)
    uploads = PredictionUpload.objects.select_related("version__composite", "project", "created_by")
    return get_object_or_404(uploads, pk=pk, project=project)
