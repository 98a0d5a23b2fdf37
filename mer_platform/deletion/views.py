from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from mer_platform.clips.models import Clip, Database, Subject
from mer_platform.deletion.contents import Contents, Target
from mer_platform.deletion.services import CannotDelete, delete
from mer_platform.projects.access import get_project
from mer_platform.projects.models import Project, Role


@login_required
@require_http_methods(["GET", "POST"])
def clip_delete(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    project = get_project(request, slug, Role.RESEARCHER)
    clip = get_object_or_404(Clip, pk=pk, project=project)
    return _confirm(request, clip, back=reverse("clip", args=[slug, pk]), after=reverse("clips", args=[slug]))


@login_required
@require_http_methods(["GET", "POST"])
def subject_delete(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    project = get_project(request, slug, Role.RESEARCHER)
    subject = get_object_or_404(Subject, pk=pk, database__project=project)
    database = reverse("database", args=[slug, subject.database_id])
    return _confirm(request, subject, back=database, after=database)


@login_required
@require_http_methods(["GET", "POST"])
def database_delete(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    project = get_project(request, slug, Role.RESEARCHER)
    database = get_object_or_404(Database, pk=pk, project=project)
    return _confirm(
        request, database, back=reverse("database", args=[slug, pk]), after=reverse("clips", args=[slug])
    )


@login_required
@require_http_methods(["GET", "POST"])
def project_delete(request: HttpRequest, slug: str) -> HttpResponse:
    project = get_project(request, slug, Role.OWNER)
    return _confirm(request, project, back=reverse("members", args=[slug]), after=reverse("home"))


def _confirm(request: HttpRequest, target: Target, *, back: str, after: str) -> HttpResponse:
    """Show what the deletion removes; a POST deletes it. The name of a project must be typed."""
    contents = Contents.of(target)
    error, status = contents.refusal(), 200
    typed = request.POST.get("name", "").strip()
    wrong_name = ""
    if request.method == "POST":
        if isinstance(target, Project) and typed != target.name:
            wrong_name, status = f"Type the name of the project, “{target.name}”, to delete it.", 422
        else:
            name = str(target)
            try:
                delete(target, request.user)
            except CannotDelete as refused:
                error, status = str(refused), 409
            else:
                messages.success(request, f"{name} was deleted. Its files follow within a few minutes.")
                return redirect(after)
    context = {
        "target": target,
        "kind": target._meta.verbose_name,
        "lines": contents.lines(request.user),
        "bytes": contents.bytes(),
        "refusal": error,
        "wrong_name": wrong_name,
        "typed": typed,
        "by_name": isinstance(target, Project),
        "back": back,
    }
    return render(request, "deletion/confirm.html", context, status=status)
