"""The page of a run's attributions: what its networks saw in the samples that they were not trained on."""

from collections.abc import Callable
from typing import Any

import plotly.graph_objects as go
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_POST
from django.views.decorators.vary import vary_on_headers

from mer_platform.composites.blindness import why_scores_hidden
from mer_platform.experiments.attribution import figures, services, tables
from mer_platform.experiments.attribution.choosing import (
    KIND_TITLES,
    TARGET_TITLES,
    Attributed,
    Chosen,
    predictions_of,
    sample_of,
)
from mer_platform.experiments.models import Attribution, FoldWeights, Run
from mer_platform.experiments.models.weights import retention_in_words
from mer_platform.experiments.paper.captions import caption_of
from mer_platform.experiments.paper.figures import figure_response
from mer_platform.experiments.tables import shown
from mer_platform.projects.access import get_project
from mer_platform.projects.models import Role
from mer_platform.web import is_partial
from models_ml.attribution.config import TITLES, AttributionConfig
from models_ml.errors import InputError
from models_ml.paper.tables import Table

ABOUT = {
    "occlusion": "How much the probability of the class falls when the motion in a patch is removed. For any network.",
    "gradients": "Gradients summed from no motion to the sample. The sum of a map is the difference that the motion makes.",
}
FIGURES: dict[str, Callable[[Chosen], go.Figure]] = {"faces": figures.faces, "regions": figures.regions}
TABLES: dict[str, Callable[[Chosen], Table]] = {"faces": tables.faces_table, "regions": tables.regions_table}


@login_required
@require_GET
@vary_on_headers("HX-Request", "HX-Target")
def attribution_page(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """Methods with their progress, then mean maps, regions and one sample. htmx gets the part that it names."""
    run = _get_run(request, slug, pk)
    attributed = Attributed(run)
    hidden = why_scores_hidden(request.user, run.version_id)
    context: dict[str, Any] = {"run": run, "active": attributed.waiting, "hidden": hidden}
    target = request.htmx.target if is_partial(request) else ""  # type: ignore[attr-defined]
    if target != "attribution-results":
        kept, size = FoldWeights.objects.filter(fold__run=run).totals()
        context |= {"kept": kept, "kept_bytes": size, "retention": retention_in_words()}
        refused = services.why_not(run)
        context["methods"] = [
            {
                "name": name,
                "title": title,
                "about": ABOUT[name],
                "found": attributed.latest.get(name),
                "refused": refused or services.why_not_by(run, name),
            }
            for name, title in TITLES.items()
        ]
    if target == "attribution-methods":
        response = render(request, "experiments/attribution/_methods.html", context)
        if not attributed.waiting:
            response["HX-Refresh"] = "true"
        return response
    chosen = None if hidden else attributed.choose(request.GET)
    if chosen is not None:
        context |= _shown(request, attributed, chosen)
    if target == "attribution-results":
        return render(request, "experiments/attribution/_results.html", context)
    return render(request, "experiments/attribution/page.html", context)


@login_required
@require_GET
def attribution_figure(request: HttpRequest, slug: str, pk: int, name: str) -> HttpResponse:
    """A figure of ``FIGURES`` with its table, or the maps of the sample ``?sample=``."""
    run = _get_run(request, slug, pk, Role.RESEARCHER if name == "sample" else Role.VIEWER)
    if hidden := why_scores_hidden(request.user, run.version_id):
        raise PermissionDenied(hidden)
    chosen = Attributed(run).choose(request.GET)
    if chosen is None or (name != "sample" and name not in FIGURES):
        raise Http404("This figure does not exist, or the attribution is not computed yet.")
    about = f"attribution-{run.pk}-{chosen.attribution.method}-{name}"
    if name in FIGURES:
        draw, table = FIGURES[name], TABLES[name](chosen)
        caption = f"{caption_of(draw)} {chosen.about}"
        return figure_response(request, draw(chosen), about, [run], caption, [table])
    prediction = sample_of(predictions_of(run), request.GET.get("sample"))
    if prediction is None:
        raise Http404("This run has no predictions.")
    try:
        figure = figures.sample(chosen, prediction)
    except FileNotFoundError:
        raise Http404("The file with the maps of this run is missing from the storage.") from None
    caption = f"{caption_of(figures.sample)} {chosen.about} Sample {prediction.sample}."
    return figure_response(request, figure, f"{about}-{prediction.sample.index}", [run], caption)


@login_required
@require_POST
def attribution_start(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """Request the attribution by ``method``."""
    run = _get_run(request, slug, pk, Role.RESEARCHER)
    method = request.POST.get("method", "")
    if method not in TITLES:
        messages.error(request, "Choose a method: occlusion or integrated gradients.")
        return redirect("attribution", slug, pk)
    try:
        found, queued = services.request(
            run, AttributionConfig.model_validate({"method": method}), request.user
        )
    except InputError as error:
        messages.error(request, str(error))
    else:
        done = "requested" if queued else f"{found.get_state_display()} already"
        messages.success(request, f"{found.title}: {done}.")
    return redirect("attribution", slug, pk)


@login_required
@require_POST
def attribution_cancel(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """Cancel the attribution by ``method``."""
    run = _get_run(request, slug, pk, Role.RESEARCHER)
    waiting = run.attributions.filter(
        state=Attribution.State.WAITING, config__method=request.POST.get("method", "")
    )
    stopped = [found for found in waiting if services.cancel(found, request.user)]
    if stopped:
        messages.success(request, f"{stopped[0].title} cancelled. What is done is kept for the next request.")
    else:
        messages.error(request, "There is nothing to cancel: no worker computes this attribution.")
    return redirect("attribution", slug, pk)


def _shown(request: HttpRequest, attributed: Attributed, chosen: Chosen) -> dict[str, Any]:
    may_see_labels = request.role.includes(Role.RESEARCHER)  # type: ignore[attr-defined]
    query = f"method={chosen.attribution.method}&target={chosen.target}&kind={chosen.kind}"
    shown_parts: dict[str, Any] = {
        "chosen": chosen,
        "query": query,
        "choices": [
            (
                "method",
                "Method",
                [(n, t) for n, t in TITLES.items() if n in attributed.done],
                chosen.attribution.method,
            ),
            ("target", "Explains", list(TARGET_TITLES.items()), chosen.target),
            ("kind", "Motion", list(KIND_TITLES.items()), chosen.kind),
        ],
        "regions": shown(tables.regions_table(chosen)),
        "numeric": (1, 2, 5, 6, 7, 8, 9),  # its columns of numbers
    }
    rows = predictions_of(chosen.run) if may_see_labels else []
    prediction = sample_of(rows, request.GET.get("sample"))
    if prediction is not None:
        shown_parts |= {"prediction": prediction, "predictions": rows}
    return shown_parts


def _get_run(request: HttpRequest, slug: str, pk: int, role: Role = Role.VIEWER) -> Run:
    project = get_project(request, slug, role)
    runs = Run.objects.select_related("version__composite", "experiment", "external")
    return get_object_or_404(runs, pk=pk, project=project)
