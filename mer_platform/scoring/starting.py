"""The page that starts a batch: with clips of the project, or with new files."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST
from django.views.decorators.vary import vary_on_headers
from rest_framework.exceptions import ValidationError as ApiValidationError

from mer_platform.annotation.blindness import blind_clips
from mer_platform.composites.models import Sample
from mer_platform.projects.access import get_project, row_id
from mer_platform.projects.models import Project, Role
from mer_platform.registry.models import ModelVersion
from mer_platform.scoring.clip_choice import MARKED, ClipChoice, databases_with_clips
from mer_platform.scoring.forms import BatchForm
from mer_platform.scoring.requests import MOST, MOST_FILES, UploadBatchSerializer
from mer_platform.scoring.services import WantedClip, start_batch
from mer_platform.scoring.wanted import Wanted
from mer_platform.web import is_partial, page_of

ROWS = 50


@login_required
@require_http_methods(["GET", "POST"])
@vary_on_headers("HX-Request")
def batch_new(request: HttpRequest, slug: str) -> HttpResponse:
    """Show the form; a POST starts the batch. An htmx request gets the list of matching clips only."""
    project = get_project(request, slug, Role.RESEARCHER)
    asked = request.POST if request.method == "POST" else request.GET
    choice = ClipChoice.of(asked)
    clips = choice.clips(project, request.user).order_by(
        "subject__database__name", "subject__name", "name", "pk"
    )
    context = {"choice": choice, "marked_choices": MARKED.items(), **_clip_list(request, clips)}
    if is_partial(request):
        return render(request, "scoring/_choose.html", context)
    models = usable_models(project)
    initial = {"model": row_id(request.GET.get("model")), "priority": 0}
    form = BatchForm(request.POST or None, models=models, initial=initial)
    if request.method == "POST" and form.is_valid():
        picked = [row_id(pk) for pk in request.POST.getlist("clip")]
        wanted = clips if request.POST.get("scope") == "matching" else clips.filter(pk__in=picked)
        try:
            batch = start_batch(
                form.cleaned_data["model"],
                _checked(wanted),
                request.user,
                form.cleaned_data["leave_out_training"],
                **form.batch_fields(),
            )
        except ValidationError as error:
            form.add_error(None, ValidationError(error.messages))
        else:
            return redirect("batch", slug, batch.pk)
    context |= {
        "form": form,
        "models": models,
        "other_models": not models and ModelVersion.objects.filter(project=project).exists(),
        "databases": databases_with_clips(project),
        "picked": {row_id(pk) for pk in [*asked.getlist("clip"), *asked.getlist("only")]},
        "most_files": MOST_FILES,
    }
    return render(request, "scoring/new.html", context, status=422 if request.method == "POST" else 200)


@login_required
@require_POST
def batch_files(request: HttpRequest, slug: str) -> HttpResponse:
    """Store uploaded files as clips, and score them."""
    project = get_project(request, slug, Role.RESEARCHER)
    form = BatchForm(request.POST, models=usable_models(project))
    files = [file for file in request.FILES.getlist("files") if file]
    try:
        if not form.is_valid():
            raise ValidationError([error for errors in form.errors.values() for error in errors])
        if not files:
            raise ValidationError("Choose at least one file.")
        batch = _from_files(project, form, files, request)
    except (ValidationError, ApiValidationError) as error:
        for line in _lines(error):
            messages.error(request, line)
        return redirect("batch-new", slug)
    return redirect("batch", slug, batch.pk)


def usable_models(project: Project) -> QuerySet[ModelVersion]:
    """Return the models that can score clips, the one in production first."""
    found = ModelVersion.objects.filter(project=project).offered().select_related("run")
    pictures = {"run__version__samples__apex_from": Sample.ApexFrom.PICTURE}
    of_pictures = ModelVersion.objects.filter(project=project, **pictures)
    return found.exclude(pk__in=of_pictures.values("pk")).order_by("-stage", "-pk")


def _from_files(project: Project, form: BatchForm, files: list[Any], request: HttpRequest) -> Any:
    model = form.cleaned_data["model"]
    fields_of_form = (("database", "new_database"), ("fps", "fps"))
    given = {name: text for name, own in fields_of_form if (text := request.POST.get(own, "").strip())}
    serializer = UploadBatchSerializer(
        data={**given, "model": model.pk, "files": files}, context={"request": request}
    )
    serializer.is_valid(raise_exception=True)
    fields = serializer.validated_data
    wanted = Wanted(project, request.user, fields).clips()
    with transaction.atomic():
        return start_batch(
            model,
            wanted,
            request.user,
            form.cleaned_data["leave_out_training"],
            database=fields.get("database", ""),
            **form.batch_fields(),
        )


def _checked(clips: QuerySet[Any]) -> list[WantedClip]:
    """Return the clips as they are wanted. Raises ValidationError for none, or too many."""
    count = clips.count()
    if not count:
        raise ValidationError("Choose at least one clip.")
    if count > MOST:
        raise ValidationError(
            f"A batch has at most {MOST:,} clips, and {count:,} match. Choose fewer databases, or search for a part of them."
        )
    return [WantedClip(clip) for clip in clips]


def _clip_list(request: HttpRequest, clips: QuerySet[Any]) -> dict[str, Any]:
    page = page_of(request, clips, ROWS)
    return {
        "page": page,
        "pages": page.paginator.get_elided_page_range(page.number, on_each_side=1, on_ends=1),
        "blind": set(blind_clips(request.user)),
        "most": MOST,
    }


def _lines(error: ValidationError | ApiValidationError) -> list[str]:
    """Return the problems as sentences."""
    if isinstance(error, ValidationError):
        return error.messages
    found: list[str] = []

    def collect(part: Any) -> None:
        if isinstance(part, dict):
            for value in part.values():
                collect(value)
        elif isinstance(part, list):
            for value in part:
                collect(value)
        elif str(part) not in found:
            found.append(str(part))

    collect(error.detail)
    return found[:10]
