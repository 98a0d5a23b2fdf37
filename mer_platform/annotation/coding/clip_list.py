"""The list of clips with the state of their annotations, and the button that starts the spotter."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db.models import Count
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_POST
from django.views.decorators.vary import vary_on_headers

from mer_platform.annotation import spotting
from mer_platform.annotation.coding.forms import AnnotatedClipFilter
from mer_platform.clips.models import Clip, FlowPicture
from mer_platform.jobs.models import Job
from mer_platform.projects.access import get_project
from mer_platform.projects.models import Role
from mer_platform.web import is_partial, page_of

PAGE = 48


@login_required
@require_GET
@vary_on_headers("HX-Request")
def clip_list(request: HttpRequest, slug: str) -> HttpResponse:
    """List the clips that match the filters. An htmx request gets only the list, which reloads while clips arrive."""
    project = get_project(request, slug)
    form = AnnotatedClipFilter(request.GET, project=project, user=request.user)
    all_clips = Clip.objects.filter(project=project)
    clips = form.apply(all_clips.select_related("subject__database"))
    page = page_of(request, clips, PAGE)
    states = dict(all_clips.order_by().values_list("state").annotate(count=Count("pk")))
    context = {
        "filter": form,
        "page": page,
        "pages": page.paginator.get_elided_page_range(page.number, on_each_side=2, on_ends=1),
        "processing": states.get(Clip.State.PROCESSING, 0),
        "arriving": Job.open_in(project, "ingest").exists(),
        "spotting": spotting.count_waiting(project),
        "total": sum(states.values()),
        "pictures": FlowPicture.objects.filter(subject__database__project=project).count(),
        "databases": project.databases.all(),
    }
    template = "annotation/coding/_clips.html" if is_partial(request) else "annotation/coding/clips.html"
    return render(request, template, context)


@login_required
@require_POST
def spot(request: HttpRequest, slug: str) -> HttpResponse:
    """Queue the spotter for all clips in which it can find something."""
    project = get_project(request, slug, Role.RESEARCHER)
    queued = len(spotting.queue_project(project))
    if queued:
        messages.success(request, f"Spotting expressions in {queued} clip{'s' * (queued > 1)}.")
    else:
        messages.info(
            request, "Nothing to spot: each clip has been searched, or has a consensus with an apex."
        )
    return redirect("clips", slug)
