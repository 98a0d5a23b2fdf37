"""The pages that delete clips, subjects, databases and projects with all that belongs to them."""

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.template.defaultfilters import filesizeformat
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from mer_platform.clips.models import Clip, Database, Subject
from mer_platform.deletion.confirming import Deletion, confirm
from mer_platform.deletion.contents import Contents, Target
from mer_platform.deletion.services import delete
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
    contents, name = Contents.of(target), str(target)
    whole_project = isinstance(target, Project)
    size = contents.bytes()
    computed = f"{f'Files of {filesizeformat(size)}, and all' if size else 'All'} that was computed from them: frames, "
    computed += (
        "thumbnails, flow, features, models and exports" if whole_project else "thumbnails, flow and features"
    )

    def do() -> str:
        delete(target, request.user)
        return f"{name} was deleted. Its files follow within a few minutes."

    kind = str(target._meta.verbose_name)
    deletion = Deletion(
        title=name,
        button=kind,
        trail=[(name, back)],
        intro=f"Deleting this {kind} removes all that belongs to it.",
        lines=[*contents.lines(request.user), computed],
        help="Files are removed within a few minutes. A file stays while a clip of another project has the same content.",
        refusal=contents.refusal(),
        name_to_type=target.name if isinstance(target, Project) else "",
        kind=kind,
    )
    return confirm(request, deletion, do, after)
