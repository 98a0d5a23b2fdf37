from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods

from mer_platform.annotation.blindness import blind_clips, check_sees_all
from mer_platform.composites import document, document_import
from mer_platform.composites.blindness import hidden_clips, visible_counts, why_not_counted
from mer_platform.composites.caveats import caveats
from mer_platform.composites.diff import diff
from mer_platform.composites.forms import CompositeForm
from mer_platform.composites.labelmaps import PRESETS
from mer_platform.composites.models import CompositeVersion
from mer_platform.composites.rules import Rules
from mer_platform.composites.services import change
from mer_platform.composites.tables import by_subject
from mer_platform.projects.access import get_project, row_id
from mer_platform.projects.models import Project, Role
from mer_platform.web import page_of
from models_ml.classes import CLASSES

PAGE = 100
MAX_DOCUMENT_BYTES = 8 * 1024 * 1024


@login_required
@require_GET
def version_list(request: HttpRequest, slug: str) -> HttpResponse:
    project = get_project(request, slug)
    versions = list(_versions(project).select_related("frozen_by"))
    hidden = hidden_clips(request.user, [version.pk for version in versions])
    rows = [
        (version, visible_counts(request.user, version), why_not_counted(hidden.get(version.pk, 0)))
        for version in versions
    ]
    return render(request, "composites/list.html", {"rows": rows, "classes": CLASSES})


@login_required
@require_GET
def version_page(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """Show counts, label map and rules to all members; samples, warnings and list check to researchers."""
    project = get_project(request, slug)
    version = get_object_or_404(_versions(project), pk=pk)
    rules = Rules(**version.rules)
    samples = version.with_items()
    page = page_of(request, samples, PAGE)
    blind = set(blind_clips(request.user))
    counted = [sample for sample in samples if sample.clip_id not in blind]
    hidden = hidden_clips(request.user, [version.pk]).get(version.pk, 0)
    context = {
        "version": version,
        "counts": visible_counts(request.user, version),
        "not_counted": why_not_counted(hidden),
        "subjects": by_subject(counted),
        "classes": CLASSES,
        "rules": rules,
        "preset": PRESETS.get(version.preset, version.preset),
        "check": None if hidden else version.list_check,  # it states classes, clip by clip
        "caveats": caveats(samples, rules),
        "spotted": sum(sample.apex_from == "spotted" for sample in counted),
        "pictures": sum(sample.picture_id is not None for sample in samples),
        "others": _versions(project).exclude(pk=version.pk),
        "page": page,
        "pages": page.paginator.get_elided_page_range(page.number, on_each_side=2, on_ends=1),
        "blind": blind,
    }
    return render(request, "composites/version.html", context)


@login_required
@require_http_methods(["GET", "POST"])
def version_edit(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """Change the name and the description of the composite that a version belongs to."""
    project = get_project(request, slug, Role.RESEARCHER)
    version = get_object_or_404(_versions(project), pk=pk)
    composite = version.composite
    initial = {"name": composite.name, "description": composite.description}
    form = CompositeForm(request.POST or None, initial=initial)
    if request.method == "POST" and form.is_valid():
        try:
            change(composite, request.user, **form.cleaned_data)
        except ValidationError as error:
            form.add_error(None, error)
        else:
            messages.success(request, "Name and description saved.")
            return redirect("version", slug, pk)
    context = {"version": version, "form": form}
    return render(request, "composites/edit.html", context, status=422 if request.method == "POST" else 200)


@login_required
@require_GET
def version_diff(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """Show what changed from the version ``?against=`` to this one. Only researchers may see the marks."""
    project = get_project(request, slug, Role.RESEARCHER)
    check_sees_all(request.user, project)
    version = get_object_or_404(_versions(project), pk=pk)
    other = get_object_or_404(_versions(project), pk=row_id(request.GET.get("against")))
    rules = [_recipe(one) for one in (other, version)]
    context = {"version": version, "other": other, "diff": diff(other, version), "rules": rules}
    return render(request, "composites/diff.html", context)


@login_required
@require_GET
def version_json(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    project = get_project(request, slug, Role.RESEARCHER)
    check_sees_all(request.user, project)
    version = get_object_or_404(_versions(project), pk=pk)
    if refusal := version.refusal("export this version"):
        messages.error(request, refusal)
        return redirect("version", slug, pk)
    answer = JsonResponse(document.export(version), json_dumps_params={"indent": 1, "ensure_ascii": False})
    answer["Content-Disposition"] = f'attachment; filename="{document.file_name(version)}"'
    return answer


@login_required
@require_http_methods(["GET", "POST"])
def version_import(request: HttpRequest, slug: str) -> HttpResponse:
    """Compare another lab's document with the project; with the field ``do`` = import, freeze the identical version."""
    project = get_project(request, slug, Role.RESEARCHER)
    check_sees_all(request.user, project)  # the comparison states the marks here
    context: dict[str, Any] = {}
    if request.method == "POST":
        try:
            compared = document_import.compare(project, _document(request))
            if request.POST.get("do") == "import" and compared.complete:
                return _redirect_to_adopted(request, project, compared)
            context |= {"compared": compared, "text": compared.document.model_dump_json()}
        except ValidationError as error:
            context["errors"] = error.message_dict
    return render(request, "composites/import.html", context, status=422 if "errors" in context else 200)


def _redirect_to_adopted(
    request: HttpRequest, project: Project, compared: document_import.DocumentComparison
) -> HttpResponse:
    version = document_import.adopt(project, compared, request.user)
    digest = version.content_hash[:12]
    if compared.existing is not None:
        messages.info(
            request, f"The project already has this version: {version} has the same hash, {digest}."
        )
    else:
        messages.success(request, f"Frozen as {version}, with the content hash of the document, {digest}.")
    return redirect(reverse("version", args=[project.slug, version.pk]))


def _document(request: HttpRequest) -> document.Document:
    """Return the document in the chosen file, or, after a comparison, in the text that the page kept."""
    if text := request.POST.get("text"):
        return document.read(text)
    file = request.FILES.get("document")
    if file is None:
        raise ValidationError({"document": "Choose the file that the other lab exported."})
    if (file.size or 0) > MAX_DOCUMENT_BYTES:
        raise ValidationError(
            {
                "document": f"The file has more than {MAX_DOCUMENT_BYTES:,} bytes, too many for an exported version."
            }
        )
    return document.read(file.read())


def _recipe(version: CompositeVersion) -> list[str]:
    preset = [f"Follows {PRESETS.get(version.preset, version.preset)}"] if version.preset else []
    return [*preset, *Rules(**version.rules).described()]


def _versions(project: Project) -> Any:
    return CompositeVersion.objects.filter(composite__project=project).select_related("composite")
