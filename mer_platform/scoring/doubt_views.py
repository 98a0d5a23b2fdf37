"""The page that sends doubtful clips of a batch to coders, and what it says about the labels that this saves."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_http_methods
from django.views.decorators.vary import vary_on_headers

from mer_platform.annotation.assignments.planning import coders_of
from mer_platform.projects.access import get_project
from mer_platform.projects.models import Role
from mer_platform.scoring.doubt import (
    DoubtPlan,
    Measure,
    assign_doubtful,
    doubtful,
    measures_of,
    plan_doubtful,
)
from mer_platform.scoring.forms import DoubtForm
from mer_platform.scoring.models import ScoringBatch
from mer_platform.scoring.saved_labels import saved_labels
from mer_platform.web import is_partial

FIRST = 50  # clips that the form offers
SHOWN = 8  # clips that the plan names


@login_required
@require_http_methods(["GET", "POST"])
@vary_on_headers("HX-Request")
def batch_doubt(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """Show the form and the plan, and carry out the plan. An htmx request gets the plan only."""
    project = get_project(request, slug, Role.RESEARCHER)
    found = ScoringBatch.objects.select_related("project", "model__run")
    batch = get_object_or_404(found, pk=pk, project=project)
    known = measures_of(batch)
    data: Any = request.POST if request.method == "POST" else request.GET
    form = DoubtForm(data if data else _initial(batch, known), batch=batch)
    plan = None
    if known and form.is_valid():
        try:
            if request.method == "POST" and not is_partial(request):
                made = assign_doubtful(batch, form.criteria(), request.user, data.get("digest", ""))
                messages.success(
                    request,
                    f"Assigned {made.clips:,} clip{'s' * (made.clips != 1)}, the most doubtful first.",
                )
                return redirect("coding", slug)
            plan = plan_doubtful(batch, form.criteria(), request.user)
        except ValidationError as error:
            form.add_error(None, error)
            plan = _possible(batch, form, request.user)
    context = {
        "batch": batch,
        "form": form,
        "known": known,
        "plan": plan,
        "rows": [(coder, plan.per_coder[coder.pk]) for coder in form.cleaned_data["coders"]] if plan else [],
        "first": _first(batch, form, plan),
        "measure": Measure(form.cleaned_data["measure"]) if plan else None,
    }
    if is_partial(request):
        return render(request, "scoring/_doubt_plan.html", context)
    return render(request, "scoring/doubt.html", context, status=422 if request.method == "POST" else 200)


@login_required
@require_GET
def batch_saved(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """Show the simulation, a part that the page loads afterwards: it takes up to a second."""
    project = get_project(request, slug, Role.RESEARCHER)
    batch = get_object_or_404(
        ScoringBatch.objects.select_related("model__run__version"), pk=pk, project=project
    )
    saved = saved_labels(batch.model, request.user)
    rows = []
    if saved.simulation is not None:
        names = {"entropy": "Entropy", "margin": "Margin"}
        rows = [(names[name], saving) for name, saving in saved.simulation.savings.items()]
    return render(request, "scoring/_saved.html", {"batch": batch, "saved": saved, "rows": rows})


def _initial(batch: ScoringBatch, known: list[Measure]) -> dict[str, Any]:
    """Return a form filled in, so that the page opens with a plan."""
    return {
        "measure": known[0].value if known else "",
        "number": FIRST,
        "per_clip": 1,
        "coders": [coder.pk for coder in coders_of(batch.project)],
    }


def _possible(batch: ScoringBatch, form: DoubtForm, user: Any) -> DoubtPlan | None:
    """Return the plan that is possible now, to be shown next to the error."""
    try:
        return plan_doubtful(batch, form.criteria(), user)
    except (ValidationError, KeyError):
        return None


def _first(batch: ScoringBatch, form: DoubtForm, plan: DoubtPlan | None) -> list[tuple[Any, float]]:
    """Return the first planned clips in their order, each with its measure."""
    if plan is None or not plan.entries:
        return []
    measure = Measure(form.cleaned_data["measure"])
    clips = list(dict.fromkeys(clip for clip, _ in plan.entries))[:SHOWN]
    items = doubtful(batch, measure).filter(clip__in=clips).select_related("clip__subject__database")
    by_clip: dict[int, Any] = {}
    for item in items:
        if item.clip_id is not None:
            by_clip.setdefault(item.clip_id, item)
    return [(by_clip[clip], getattr(by_clip[clip], measure.value)) for clip in clips]
