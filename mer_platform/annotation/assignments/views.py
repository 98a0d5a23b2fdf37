"""Researchers' pages: assigning clips to coders, and withdrawing assignments."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST
from django.views.decorators.vary import vary_on_headers

from mer_platform.annotation.assignments import planning
from mer_platform.annotation.assignments.forms import AssignForm
from mer_platform.annotation.models import Assignment
from mer_platform.projects.access import get_project
from mer_platform.projects.models import Project, Role
from mer_platform.web import is_partial


@login_required
@require_http_methods(["GET", "POST"])
@vary_on_headers("HX-Request")
def assign(request: HttpRequest, slug: str) -> HttpResponse:
    """Show the form and the plan, and carry out the plan. An htmx request gets only the plan."""
    project = get_project(request, slug, Role.RESEARCHER)
    data = request.POST if request.method == "POST" else request.GET
    form = AssignForm(data, project=project) if data else _initial_form(project)
    plan = None
    if form.is_valid():
        try:
            if request.method == "POST" and not is_partial(request):
                made = planning.assign_clips(project, form.criteria(), request.user, data.get("digest", ""))
                messages.success(
                    request,
                    f"Assigned {_clips(made.clips)} to {len(made.per_coder)} coder{'s' * (len(made.per_coder) != 1)}.",
                )
                return redirect("coding", slug)
            plan = planning.plan_assignments(project, form.criteria(), request.user)
        except ValidationError as error:
            form.add_error(None, error)  # by field, if the error names fields
            plan = _possible_plan(project, form, request.user)
    context = {
        "form": form,
        "plan": plan,
        "rows": [(c, plan.per_coder[c.pk]) for c in form.cleaned_data["coders"]] if plan else [],
        "subjects_chosen": len(form["subjects"].value() or []),
    }
    if is_partial(request):
        return render(request, "annotation/assignments/_plan.html", context)
    status = 422 if request.method == "POST" else 200
    return render(request, "annotation/assignments/assign.html", context, status=status)


@login_required
@require_POST
def withdraw(request: HttpRequest, slug: str, coder: int) -> HttpResponse:
    """Withdraw the clips that a coder has not started."""
    project = get_project(request, slug, Role.RESEARCHER)
    assigned = Assignment.objects.filter(clip__project=project).values("coder")
    user = get_object_or_404(User, pk=coder, pk__in=assigned)
    count = planning.withdraw_assignments(project, user, request.user)
    if count:
        messages.success(request, f"Withdrew {_clips(count)} from {user}.")
    else:
        messages.info(request, f"Nothing was withdrawn: {user} has started every assigned clip.")
    return redirect("coding", slug)


def _clips(count: int) -> str:
    return "1 clip" if count == 1 else f"{count} clips"


def _initial_form(project: Project) -> AssignForm:
    """Return a form filled in with all coders and all clips, so that the page opens with a plan."""
    coders = planning.coders_of(project)
    fields = {name: f.initial for name, f in AssignForm.base_fields.items() if f.initial is not None}
    per_clip = min(2, len(coders)) or 1
    return AssignForm({**fields, "coders": [c.pk for c in coders], "per_clip": per_clip}, project=project)


def _possible_plan(project: Project, form: AssignForm, by: Any) -> planning.AssignmentPlan | None:
    """Return the plan that is possible now, to be shown next to the error."""
    try:
        known = "coders" in form.cleaned_data
        return planning.plan_assignments(project, form.criteria(), by) if known else None
    except (ValidationError, KeyError):
        return None
