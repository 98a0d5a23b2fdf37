from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods
from django.views.decorators.vary import vary_on_headers

from mer_platform.composites.models import CompositeVersion
from mer_platform.exports.forms import ExportForm
from mer_platform.exports.services import start_export
from mer_platform.projects.access import get_project
from mer_platform.projects.models import Role
from mer_platform.web import is_partial


@login_required
@require_http_methods(["GET", "POST"])
@vary_on_headers("HX-Request")
def version_export(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """Show the exports of a version and the form of a feature export; for htmx, only the list of exports."""
    project = get_project(request, slug, Role.RESEARCHER)
    versions = CompositeVersion.objects.select_related("composite__project")
    version = get_object_or_404(versions, pk=pk, composite__project=project)
    if is_partial(request):
        return render(request, "exports/_made.html", {"version": version})
    form = ExportForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            start_export(version, form.config, form.cleaned_data["format"], request.user)
        except ValidationError as error:
            form.add_error(None, error)
        else:
            return redirect("version-export", slug, pk)
    pictures = version.samples.filter(picture__isnull=False).count()
    context = {"version": version, "form": form, "pictures": pictures, "samples": version.samples.count()}
    return render(request, "exports/version.html", context, status=422 if form.errors else 200)
