"""Pages of researchers: assigning clips to coders, and taking them back."""

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
    """Choose clips and coders, look at the counts, confirm. Asked by htmx, only the counts."""
    project = get_project(request, slug, Role.RESEARCHER)
    data = request.POST if request.method == "POST" else request.GET
    form = AssignForm(data, project=project) if data else _suggested(project)
    plan = None
    if form.is_valid():
        try:
            if request.method == "POST" and not is_partial(request):
                made = planning.assign(project, form.wish(), request.user, data.get("digest", ""))
                messages.success(
                    request, f"{made.clips} clips were assigned to {len(made.per_coder)} coders."
                )
                return redirect("coding", slug)
            plan = planning.plan(project, form.wish())
        except ValidationError as error:
            form.add_error(None, error)  # by field, where the error says which
            plan = _planned(project, form)
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
    """Take back what a coder has not begun."""
    project = get_project(request, slug, Role.RESEARCHER)
    having = Assignment.objects.filter(clip__project=project).values("coder")
    user = get_object_or_404(User, pk=coder, pk__in=having)
    count = planning.withdraw(project, user, request.user)
    if count:
        messages.success(request, f"{count} clips were taken back from {user}.")
    else:
        messages.info(request, f"{user} has begun every clip; nothing was taken back.")
    return redirect("coding", slug)


def _suggested(project: Project) -> AssignForm:
    """The form as it first comes, checked like one that was filled in: all coders, all clips."""
    coders = planning.coders_of(project)
    fields = {name: f.initial for name, f in AssignForm.base_fields.items() if f.initial is not None}
    per_clip = min(2, len(coders)) or 1
    return AssignForm({**fields, "coders": [c.pk for c in coders], "per_clip": per_clip}, project=project)


def _planned(project: Project, form: AssignForm) -> planning.Plan | None:
    """The plan that is possible now, beside what was wrong with the one asked for."""
    try:
        return planning.plan(project, form.wish()) if "coders" in form.cleaned_data else None
    except (ValidationError, KeyError):
        return None
