"""Pages that say what deleting runs or experiments removes, and delete them."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from mer_platform.deletion.run_contents import RunContents
from mer_platform.deletion.run_services import delete_runs
from mer_platform.deletion.services import CannotDelete
from mer_platform.experiments.managing.choosing import UnknownRows, posted_rows
from mer_platform.experiments.managing.views import MODELS
from mer_platform.experiments.models import Run
from mer_platform.projects.access import get_project
from mer_platform.projects.models import Role
from mer_platform.web import local_path


@login_required
@require_http_methods(["GET", "POST"])
def delete_one(request: HttpRequest, slug: str, pk: int, kind: str) -> HttpResponse:
    """Show what the deletion of a run or an experiment removes; a POST deletes it."""
    project = get_project(request, slug, Role.RESEARCHER)
    row = get_object_or_404(MODELS[kind]._default_manager.select_related("project"), pk=pk, project=project)
    after = reverse(f"{kind}s", args=[slug])
    if isinstance(row, Run) and Run.objects.filter(experiment=row.experiment_id).count() > 1:
        after = reverse("experiment", args=[slug, row.experiment_id])
    context = {
        "back": reverse(kind, args=[slug, pk]),
        "from": str(row),
        "title": str(row),
        "action": request.path,
    }
    return _page(request, RunContents.of([row]), context, after)


@login_required
@require_POST
def delete_many(request: HttpRequest, slug: str, kind: str) -> HttpResponse:
    """Show what the deletion of many removes. A POST with ``confirmed`` deletes them."""
    project = get_project(request, slug, Role.RESEARCHER)
    listed = reverse(f"{kind}s", args=[slug])
    back = local_path(request.POST.get("back", ""), listed)
    try:
        rows = posted_rows(MODELS[kind], request.POST, request.user, project)
    except UnknownRows as error:
        messages.error(request, str(error))
        return redirect(back)
    title = str(rows[0]) if len(rows) == 1 else f"{len(rows):,} {kind}s"
    context = {"back": back, "from": f"{kind.capitalize()}s", "title": title, "action": request.path}
    return _page(request, RunContents.of(rows), context, back)


def _page(request: HttpRequest, contents: RunContents, context: dict[str, Any], after: str) -> HttpResponse:
    refusal, status = contents.refusal(), 200
    if request.method == "POST" and request.POST.get("confirmed"):
        name = context["title"]
        try:
            contents = delete_runs(contents.asked, request.user)
        except CannotDelete as refused:
            refusal, status = str(refused), 409
        else:
            messages.success(request, _report(contents, name))
            return redirect(after)
    kind = str(contents.asked[0]._meta.verbose_name)
    return render(
        request,
        "deletion/confirm_runs.html",
        context
        | {
            "kind": kind,
            "several": len(contents.asked) > 1,
            "rows": contents.rows,
            "kept": contents.kept,
            "lines": [] if refusal else contents.lines(request.user),
            "bytes": 0 if refusal else contents.bytes(),
            "ids": ",".join(str(row.pk) for row in contents.asked),
            "refusal": refusal,
        },
        status=status,
    )


def _report(contents: RunContents, name: str) -> str:
    """Say what was deleted, and what was not and why."""
    if len(contents.asked) == 1:
        return f"{name[0].upper()}{name[1:]} was deleted. Its files follow within a few minutes."
    count, kind = len(contents.rows), contents.asked[0]._meta
    words = kind.verbose_name if count == 1 else kind.verbose_name_plural
    kept = " ".join(one.reason for one in contents.kept[:3])
    others = f" {len(contents.kept) - 3:,} more stay for the same reason." if len(contents.kept) > 3 else ""
    was = "was" if count == 1 else "were"
    return f"{count:,} {words} {was} deleted. Files follow within a few minutes. {kept}{others}".strip()
