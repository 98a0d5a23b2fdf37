"""Pages of a version's motion features: what training sees of each sample, and which samples are outliers."""

from statistics import median
from typing import Any

from django.contrib.auth.decorators import login_required
from django.core.files.storage import default_storage
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_GET, require_http_methods
from django.views.decorators.vary import vary_on_headers

from mer_platform.annotation.blindness import check_sees_all
from mer_platform.composites.models import CompositeVersion
from mer_platform.configurations.display import features_in_words
from mer_platform.features.choices import Choice, choices_for
from mer_platform.features.models import FeatureSet
from mer_platform.features.services import request_features
from mer_platform.projects.access import get_project
from mer_platform.projects.models import Role
from mer_platform.web import is_partial, page_of

PAGE = 60
CLIP_PARTS = ("onset", "apex", "u", "v", "strain", "flow")
PICTURE_PARTS = ("u", "v", "strain", "flow")  # a flow picture has no frames


@login_required
@require_http_methods(["GET", "POST"])
@vary_on_headers("HX-Request")
def features_page(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """Outliers and all samples under one configuration, once computed. htmx gets only the progress.

    ``config`` is the hash of one of the choices; a POST computes its features.
    """
    version = _version(request, slug, pk)
    choices = choices_for(version)
    config_hash = request.POST.get("config") or request.GET.get("config")
    chosen = next((c for c in choices if c.key == config_hash), None) or _latest(choices)
    if request.method == "POST":
        request_features(version, chosen.config, request.user)
        return redirect(f"{reverse('features', args=[slug, pk])}?config={chosen.key}")
    features = chosen.features
    context: dict[str, Any] = {"version": version, "choices": choices, "chosen": chosen, "features": features}
    if features is not None:
        context["progress"] = features.progress()
    if is_partial(request) and features is not None:
        response = render(request, "features/_progress.html", context)
        if not features.active:
            response["HX-Refresh"] = "true"
        return response
    if features is not None and features.state == FeatureSet.State.READY:
        context.update(_overview(request, version, features))
    return render(request, "features/features.html", context)


@login_required
@require_GET
def sample_page(request: HttpRequest, slug: str, pk: int, set_pk: int, index: int) -> HttpResponse:
    """One sample: the aligned frames, the channels, and its measures next to the median of the set."""
    version = _version(request, slug, pk)
    features = _ready(version, set_pk)
    sample = get_object_or_404(version.samples.select_related("clip"), index=index)
    order = list(version.samples.order_by("index").values_list("index", flat=True))
    here = order.index(index)
    outlier = next((o for o in features.summary["outliers"] if o["index"] == index), None)
    context = {
        "version": version,
        "features": features,
        "label": features_in_words(features.settings),
        "sample": sample,
        "position": here + 1,
        "total": len(order),
        "previous": order[here - 1] if here else None,
        "next": order[here + 1] if here + 1 < len(order) else None,
        "problem": features.problems.get(str(index), ""),
        "outlier": outlier,
        "parts": PICTURE_PARTS if sample.picture_id else CLIP_PARTS,
        "scale": features.summary["scales"]["picture" if sample.picture_id else "clip"],
        "measures": _measures(features, index),
    }
    return render(request, "features/sample.html", context)


@login_required
@require_GET
@cache_control(private=True, immutable=True, max_age=31_536_000)
def image(request: HttpRequest, slug: str, pk: int, set_pk: int, index: str, part: str) -> HttpResponseBase:
    """An image made by the worker; ``legend``/``wheel`` is the colour wheel. A URL always means the same image."""
    version = _version(request, slug, pk)
    features = get_object_or_404(FeatureSet, pk=set_pk, version=version)
    return image_response(features, index, part)


def image_response(features: FeatureSet, index: str, part: str) -> HttpResponseBase:
    """Return the stored image. Raises Http404 if there is none, or not yet."""
    known = part in CLIP_PARTS and index.isdecimal()
    name = features.image_name(index, part)
    if not (known or (index, part) == ("legend", "wheel")) or not default_storage.exists(name):
        raise Http404("This image does not exist, or is not computed yet.")
    return FileResponse(default_storage.open(name), content_type="image/png")


def _version(request: HttpRequest, slug: str, pk: int) -> CompositeVersion:
    # Samples show the annotations of others, and coding is blind.
    project = get_project(request, slug, Role.RESEARCHER)
    check_sees_all(request.user, project)
    versions = CompositeVersion.objects.select_related("composite__project")
    return get_object_or_404(versions, pk=pk, composite__project=project)


def _latest(choices: list[Choice]) -> Choice:
    """Return the choice computed last, or the default."""
    computed = [choice for choice in choices if choice.features is not None]
    return max(computed, key=lambda c: c.features.pk if c.features else 0) if computed else choices[0]


def _ready(version: CompositeVersion, pk: int) -> FeatureSet:
    features = get_object_or_404(FeatureSet, pk=pk, version=version)
    if features.state != FeatureSet.State.READY:
        raise Http404("These features are not computed yet.")
    return features


def _overview(request: HttpRequest, version: CompositeVersion, features: FeatureSet) -> dict[str, Any]:
    samples = list(version.samples.order_by("index"))
    outliers = {row["index"]: row for row in features.summary["outliers"]}
    show_all = request.GET.get("show") == "all"
    by_index = {sample.index: sample for sample in samples}
    shown = samples if show_all else [by_index[index] for index in outliers]
    rows = [
        (sample, outliers.get(sample.index), features.problems.get(str(sample.index))) for sample in shown
    ]
    page = page_of(request, rows, PAGE)
    return {
        "show_all": show_all,
        "page": page,
        "pages": page.paginator.get_elided_page_range(page.number, on_each_side=2, on_ends=1),
        "total": len(samples),
        "unusual": len(outliers),
    }


def _measures(features: FeatureSet, index: int) -> list[dict[str, Any]]:
    """Return each measure of the sample, its median in the set, and the share of the set below it."""
    everyone = features.summary["measures"]
    own = everyone.get(str(index))
    if own is None:
        return []
    rows = []
    for column in features.summary["columns"]:
        values = [measures[column["name"]] for measures in everyone.values()]
        value = own[column["name"]]
        rows.append(
            {
                **column,
                "value": f"{value:.3g}",
                "usual": f"{median(values):.3g}",
                "share": round(100 * sum(other < value for other in values) / len(values)),
            }
        )
    return rows
