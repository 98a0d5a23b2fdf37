"""Tables of results as files: of one run, and of a comparison."""

from collections.abc import Sequence

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_GET

from mer_platform.composites.blindness import why_scores_hidden
from mer_platform.experiments.comparison.comparing import choose_runs
from mer_platform.experiments.models import Run
from mer_platform.experiments.paper.table_files import table_response
from mer_platform.experiments.paper.tables import TABLES, tables_of
from mer_platform.projects.access import get_project
from models_ml.errors import InputError

EVERY = "all"


@login_required
@require_GET
def run_table(request: HttpRequest, slug: str, pk: int, name: str) -> HttpResponse:
    """One table of a run, or with the name ``all`` every one, as ``?format=csv``, ``tex`` or ``md``."""
    project = get_project(request, slug)
    runs = Run.objects.select_related("version__composite", "stored_results")
    run = get_object_or_404(runs, pk=pk, project=project)
    if not run.scored:
        raise Http404("This run has no scores yet.")
    if hidden := why_scores_hidden(request.user, run.version_id):
        raise PermissionDenied(hidden)
    return _answer(request, [run], name, f"run-{run.pk}-{name}")


@login_required
@require_GET
def compare_table(request: HttpRequest, slug: str, name: str) -> HttpResponse:
    """One table of the runs in ``?run=1&run=2…``, or with the name ``all`` every one."""
    project = get_project(request, slug)
    try:
        runs = choose_runs(Run.objects.filter(project=project), request.GET.getlist("run"), request.user)
    except InputError as error:
        raise Http404(str(error)) from error
    if not runs:
        raise Http404("There are no runs to compare.")
    return _answer(request, runs, name, f"compare-{name}")


def _answer(request: HttpRequest, runs: Sequence[Run], name: str, file: str) -> HttpResponse:
    if name == EVERY:
        return table_response(request, list(tables_of(runs).values()), file)
    if name not in TABLES:
        raise Http404(f"There is no table “{name}”. Choose {', '.join(TABLES)} or {EVERY}.")
    return table_response(request, [TABLES[name](runs)], file)
