"""The page that says what deleting a frozen version removes, and deletes it."""

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from mer_platform.composites.models import CompositeVersion
from mer_platform.deletion.confirming import Deletion, confirm
from mer_platform.deletion.version_services import delete_version, why_kept
from mer_platform.projects.access import get_project
from mer_platform.projects.models import Role


@login_required
@require_http_methods(["GET", "POST"])
def version_delete(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """Show what the deletion of a frozen version removes; a POST deletes it."""
    project = get_project(request, slug, Role.RESEARCHER)
    versions = CompositeVersion.objects.select_related("composite__project")
    version = get_object_or_404(versions, pk=pk, composite__project=project)
    name, listed, samples = str(version), reverse("composites", args=[slug]), version.samples.count()

    def do() -> str:
        delete_version(version, request.user)
        return f"{name} was deleted."

    deletion = Deletion(
        title=name,
        button="version",
        trail=[("Composites", listed), (name, reverse("version", args=[slug, pk]))],
        intro="Nothing was made from this version.",
        lines=[
            f"{samples:,} sample{'s' * (samples != 1)} of the version, with their labels",
            f"Its label map, its rules, and its hash {version.content_hash[:12]}",
        ],
        help=f"Clips and their annotations stay. The number {version.number} is not used again: the next version of "
        f"“{version.composite}” is v{version.composite.last_number + 1}.",
        refusal=why_kept(version),
    )
    return confirm(request, deletion, do, listed)
