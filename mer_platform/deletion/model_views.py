"""The page that says what deleting a model removes, and deletes it."""

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from mer_platform.deletion.confirming import Deletion, confirm
from mer_platform.deletion.model_services import delete_model, why_kept
from mer_platform.projects.access import get_project
from mer_platform.projects.models import Role
from mer_platform.registry.models import ModelVersion


@login_required
@require_http_methods(["GET", "POST"])
def model_delete(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """Show what the deletion of a model removes; a POST deletes it."""
    project = get_project(request, slug, Role.RESEARCHER)
    model = get_object_or_404(ModelVersion.objects.select_related("run"), pk=pk, project=project)
    listed, events = reverse("models", args=[slug]), model.events.count()

    def do() -> str:
        delete_model(model, request.user)
        return f"“{model.name}” deleted."

    deletion = Deletion(
        title=model.name,
        button="model",
        trail=[("Models", listed), (model.name, reverse("model", args=[slug, pk]))],
        intro="Programs that ask for this model get an error from then on.",
        lines=[
            "Its files: weights, ONNX and package",
            f"{events:,} line{'s' * (events != 1)} of its history, and what was written on its card",
            *(f"The alias @{alias.name}" for alias in model.aliases.all()),
        ],
        help="Its run stays with its scores, and can be made a model again." if model.run else "",
        refusal=why_kept(model),
    )
    return confirm(request, deletion, do, listed)
