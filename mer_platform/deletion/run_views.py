"""Pages that say what deleting runs or experiments removes, and delete them."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.defaultfilters import filesizeformat
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from mer_platform.deletion.confirming import Deletion, confirm
from mer_platform.deletion.run_contents import RunContents
from mer_platform.deletion.run_services import delete_runs
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
    return _page(request, RunContents.of([row]), (str(row), reverse(kind, args=[slug, pk])), after)


@login_required
@require_POST
def delete_many(request: HttpRequest, slug: str, kind: str) -> HttpResponse:
    """Show what the deletion of many removes. A POST with ``confirmed`` deletes them."""
    project = get_project(request, slug, Role.RESEARCHER)
    back = local_path(request.POST.get("back", ""), reverse(f"{kind}s", args=[slug]))
    try:
        rows = posted_rows(MODELS[kind], request.POST, request.user, project)
    except UnknownRows as error:
        messages.error(request, str(error))
        return redirect(back)
    return _page(request, RunContents.of(rows), (f"{kind.capitalize()}s", back), back)


def _page(request: HttpRequest, contents: RunContents, back: tuple[str, str], after: str) -> HttpResponse:
    """Show what goes and what stays of the rows; a POST with ``confirmed`` deletes."""
    several, refusal = len(contents.asked) > 1, contents.refusal()
    kind = str(contents.asked[0]._meta.verbose_name)
    title = f"{len(contents.asked):,} {kind}s" if several else str(contents.asked[0])
    them = "them" if several else "it"

    def do() -> str:
        return _report(delete_runs(contents.asked, request.user), title)

    deletion = Deletion(
        title=title,
        button=f"{len(contents.rows):,} {kind}s" if len(contents.rows) > 1 else kind,
        trail=[back],
        intro=f"All that belongs to {them} goes too.",
        lines=[] if refusal else _lines(contents, request),
        help=f"Active jobs stop. Files are removed within a few minutes. To keep {them} out of lists only, archive {them} "
        "instead.",
        refusal=refusal,
        kept=[one.reason for one in contents.kept],
        names=[str(row) for row in contents.rows] if several else [],
        fields={"ids": ",".join(str(row.pk) for row in contents.asked), "back": back[1], "confirmed": "yes"},
    )
    confirmed = request.method == "POST" and bool(request.POST.get("confirmed"))
    return confirm(request, deletion, do, after, confirmed=confirmed)


def _lines(contents: RunContents, request: HttpRequest) -> list[str]:
    size = contents.bytes()
    files = [f"Files of {filesizeformat(size)}"] if size else []
    return [*contents.lines(request.user), *files, "Motion features that nothing else needs"]


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
