from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.db.models import Count
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods, require_POST
from django.views.decorators.vary import vary_on_headers

from mer_platform.clips.forms import DatabaseForm, PictureFilter
from mer_platform.clips.models import Clip, Database, FlowPicture, Subject
from mer_platform.clips.rates import correct_rate, parse_rate
from mer_platform.clips.services import SUFFIXES
from mer_platform.clips.turning import TURNS, BeingIngested, request_turn
from mer_platform.projects.access import get_project
from mer_platform.projects.models import AuditEvent, Role
from mer_platform.web import is_partial, page_of
from models_ml.video.filetypes import IMAGES_IN_WORDS, VIDEOS_IN_WORDS

PAGE = 48


@login_required
@require_GET
@vary_on_headers("HX-Request")
def picture_list(request: HttpRequest, slug: str) -> HttpResponse:
    """List the flow pictures that match the filters. An htmx request gets only the list.

    Flow pictures show emotions, so only researchers see them.
    """
    project = get_project(request, slug, Role.RESEARCHER)
    form = PictureFilter(request.GET, project=project)
    everything = FlowPicture.objects.filter(subject__database__project=project)
    page = page_of(request, form.apply(everything.select_related("subject__database")), PAGE)
    context = {
        "filter": form,
        "page": page,
        "pages": page.paginator.get_elided_page_range(page.number, on_each_side=2, on_ends=1),
        "pictures": everything.count(),
        "total": Clip.objects.filter(project=project).count(),
        "databases": project.databases.all(),
    }
    template = "clips/_pictures.html" if is_partial(request) else "clips/pictures.html"
    return render(request, template, context)


@login_required
@require_GET
def upload(request: HttpRequest, slug: str) -> HttpResponse:
    """Show the upload form. Its files go to the API, one request per file."""
    project = get_project(request, slug, Role.RESEARCHER)
    context = {
        "databases": project.databases.all(),
        "subjects": Subject.objects.filter(database__project=project).select_related("database"),
        "chosen": request.GET.get("database", ""),
        "max_bytes": settings.MAX_CLIP_BYTES,
        "suffixes": ",".join(SUFFIXES),
        "videos": VIDEOS_IN_WORDS,
        "images": IMAGES_IN_WORDS,
    }
    return render(request, "clips/upload.html", context)


@login_required
@require_POST
def clip_rate(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """Correct the recording rate of a clip."""
    project = get_project(request, slug, Role.RESEARCHER)
    clip = get_object_or_404(Clip.objects.select_related("subject__database"), pk=pk, project=project)
    try:
        changed = correct_rate(clip, parse_rate(request.POST.get("fps", "")), request.user)
    except ValidationError as error:
        messages.error(request, " ".join(error.messages))
    else:
        text = (
            "was corrected. Motion curve and suggestions are being computed again."
            if changed
            else "is unchanged."
        )
        messages.success(request, f"The recording rate of {clip} {text}")
    return redirect("clip", slug, pk)


@login_required
@require_POST
def clip_turn(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """Turn the frames of a clip clockwise."""
    project = get_project(request, slug, Role.RESEARCHER)
    clip = get_object_or_404(Clip.objects.select_related("subject__database"), pk=pk, project=project)
    degrees = request.POST.get("degrees", "")
    try:
        request_turn(clip, int(degrees) if degrees in {str(turn) for turn in TURNS} else 0, request.user)
    except (ValidationError, BeingIngested) as error:
        messages.error(
            request, " ".join(error.messages) if isinstance(error, ValidationError) else str(error)
        )
    else:
        messages.success(
            request, f"{clip} is being turned by {degrees}° clockwise. Marks stay on their frames."
        )
    return redirect("clip", slug, pk)


@login_required
@require_http_methods(["GET", "POST"])
def database_edit(request: HttpRequest, slug: str, pk: int | None = None) -> HttpResponse:
    """Create a database, or change its name, frame rate and emotions."""
    project = get_project(request, slug, Role.RESEARCHER)
    database = get_object_or_404(Database, pk=pk, project=project) if pk else Database(project=project)
    form = DatabaseForm(request.POST or None, instance=database)
    if request.method == "POST" and form.is_valid():
        form.save()
        AuditEvent.record(project, request.user, f"{'changed' if pk else 'created'} the database {database}")
        if pk:
            messages.success(request, f"{database} was saved.")
            return redirect("clips", slug)
        return redirect(f"{reverse('upload', args=[slug])}?database={database.pk}")
    subjects = Subject.objects.filter(database_id=pk or 0).annotate(
        clips_count=Count("clips", distinct=True), pictures_count=Count("pictures", distinct=True)
    )
    context = {"form": form, "database": database, "subjects": subjects}
    return render(request, "clips/database.html", context)
