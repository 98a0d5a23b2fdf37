"""The pages of errors as images: the samples that runs get wrong or disagree on."""

from typing import Any

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.cache import get_conditional_response
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_GET, require_POST
from django.views.decorators.vary import vary_on_headers

from mer_platform.composites.blindness import why_scores_hidden
from mer_platform.experiments.comparison.comparing import MAX_COMPARED, query_of
from mer_platform.experiments.gallery.asking import SORTS, Answer, answer_to
from mer_platform.experiments.gallery.cards import cards_of, full_cards, sample_address
from mer_platform.experiments.gallery.images import FIELDS, TITLES, Images, images_for
from mer_platform.features.models import FeatureSet
from mer_platform.features.services import request_features
from mer_platform.features.views import image_response
from mer_platform.projects.access import get_project
from mer_platform.projects.models import Role
from mer_platform.web import is_partial, page_of
from models_ml.errors import InputError

PAGE = 24


@login_required
@require_GET
@vary_on_headers("HX-Request", "HX-Target")
def gallery_page(request: HttpRequest, slug: str) -> HttpResponse:
    """The samples that runs get wrong, disagree on, or all get right, as images. ``asking`` describes the address."""
    project = get_project(request, slug, Role.RESEARCHER)  # it shows faces, and the labels of others
    try:
        answer = answer_to(request.GET, project, request.user)
    except InputError as error:
        context = {"problem": str(error), "most": MAX_COMPARED}
        return render(request, "experiments/gallery/gallery.html", context, status=422)
    if answer is None:
        return render(request, "experiments/gallery/gallery.html", {"most": MAX_COMPARED})
    images = images_for(answer.reference, answer.question.features)
    if is_partial(request) and request.htmx.target == "feature-progress":  # type: ignore[attr-defined]
        return _progress(request, images)
    page = page_of(request, answer.indices, PAGE)
    context = {
        **_about(answer),
        "images": images,
        "page": page,
        "pages": page.paginator.get_elided_page_range(page.number, on_each_side=2, on_ends=1),
        "cards": cards_of(answer, list(page.object_list), images, project),
        "filters": [
            (name, title, answer.options(name))
            for name, title in (
                ("true", "True class"),
                ("predicted", "Predicted class"),
                ("database", "Database"),
                ("subject", "Subject"),
            )
        ],
        "kinds": [(option, answer.with_kind(option.value)) for option in answer.options("kind")],
        "sorts": SORTS,
    }
    if images.features is not None and images.features.active:
        context |= {"features": images.features, "progress": images.features.progress()}
    template = "_answer.html" if is_partial(request) else "gallery.html"
    return render(request, f"experiments/gallery/{template}", context)


def _progress(request: HttpRequest, images: Images) -> HttpResponse:
    """Answer with the progress of the images, and let the browser load the page again once they are there."""
    response = render(
        request,
        "features/_progress.html",
        {
            "version": images.version,
            "features": images.features,
            "progress": images.features.progress() if images.features else {},
            "progress_url": request.get_full_path(),
        },
    )
    if images.features is None or not images.features.active:
        response["HX-Refresh"] = "true"
    return response


@login_required
@require_GET
@vary_on_headers("HX-Request")
def sample_page(request: HttpRequest, slug: str, index: int) -> HttpResponse:
    """One sample with larger images and the probabilities of all runs. The page's script gets only the view."""
    project = get_project(request, slug, Role.RESEARCHER)
    try:
        answer = answer_to(request.GET, project, request.user)
    except InputError as error:
        raise Http404(str(error)) from error
    if answer is None or not 0 <= index < len(answer.outcomes.samples):
        raise Http404("This sample does not exist, or no runs are given.")
    images = images_for(answer.reference, answer.question.features)
    order = answer.indices
    here = order.index(index) if index in order else None
    context = {
        **_about(answer),
        "images": images,
        "partial": is_partial(request),
        "card": full_cards(answer, [index], images, project)[0],
        "position": None if here is None else here + 1,
        "total": len(order),
        "page_number": None if here is None else here // PAGE + 1,
        "previous": sample_address(answer, order[here - 1], project) if here else "",
        "next": sample_address(answer, order[here + 1], project)
        if here is not None and here + 1 < len(order)
        else "",
    }
    template = "_sample.html" if is_partial(request) else "sample.html"
    return render(request, f"experiments/gallery/{template}", context)


@login_required
@require_POST
def compute_images(request: HttpRequest, slug: str) -> HttpResponse:
    """Have the images of the features computed that the first run in ``run=`` used, then return to the gallery."""
    project = get_project(request, slug, Role.RESEARCHER)
    query = QueryDict(request.POST.get("query", ""))
    try:
        answer = answer_to(query, project, request.user)
    except InputError as error:
        raise Http404(str(error)) from error
    if answer is None:
        raise Http404("No runs are given.")
    images = images_for(answer.reference)
    request_features(images.version, images.config, request.user)
    return redirect(f"{reverse('gallery', args=[slug])}?{query.urlencode()}")


@login_required
@require_GET
@cache_control(private=True, immutable=True, max_age=31_536_000)
def image(request: HttpRequest, slug: str, set_pk: int, index: int, part: str) -> HttpResponseBase:
    """An image that a worker drew. An address always means the same image, so browsers may keep it, and no one else."""
    project = get_project(request, slug, Role.RESEARCHER)
    sets = FeatureSet.objects.defer("summary", "problems").select_related("version__composite")
    features = get_object_or_404(sets, pk=set_pk, version__composite__project=project)
    if hidden := why_scores_hidden(request.user, features.version_id):
        raise PermissionDenied(hidden)
    if part not in TITLES:
        raise Http404("This image does not exist.")
    etag = f'"{features.pk}-{index}-{part}"'
    if unchanged := get_conditional_response(request, etag=etag):
        return unchanged
    response = image_response(features, str(index), part)
    response["ETag"] = etag
    return response


def _about(answer: Answer) -> dict[str, Any]:
    """Return what both pages show of the runs and of the question."""
    runs = list(answer.outcomes.runs)
    return {
        "runs": runs,
        "version": answer.outcomes.version,
        "question": answer.question,
        "reference": answer.reference,
        "several": len(runs) > 1,
        "protocols": list(dict.fromkeys(run.protocol for run in runs)),
        "query": answer.question.query(runs),
        "api": f"{reverse('run-errors', args=[runs[0].pk])}?{answer.question.query(runs)}",
        "runs_query": query_of(runs),
        "fields": FIELDS,
    }
