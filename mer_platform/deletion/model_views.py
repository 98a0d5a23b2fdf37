"""The page that says what deleting a model removes, and deletes it."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods

from mer_platform.deletion.model_services import delete_model, why_kept
from mer_platform.deletion.services import CannotDelete
from mer_platform.projects.access import get_project
from mer_platform.projects.models import Role
from mer_platform.registry.models import ModelVersion


@login_required
@require_http_methods(["GET", "POST"])
def model_delete(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """Show what the deletion of a model removes; a POST deletes it."""
    project = get_project(request, slug, Role.RESEARCHER)
    model = get_object_or_404(ModelVersion.objects.select_related("run"), pk=pk, project=project)
    refusal = why_kept(model)
    if request.method == "POST" and not refusal:
        try:
            delete_model(model, request.user)
            messages.success(request, f"“{model.name}” deleted.")
            return redirect("models", slug)
        except CannotDelete as error:
            refusal = str(error)
    context = {
        "model": model,
        "refusal": refusal,
        "aliases": [alias.name for alias in model.aliases.all()],
        "events": model.events.count(),
    }
    status = 409 if refusal and request.method == "POST" else 200
    return render(request, "deletion/model.html", context, status=status)
