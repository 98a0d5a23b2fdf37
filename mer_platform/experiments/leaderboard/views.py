"""The page of runs: a leaderboard whose whole state is in its address."""

from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET
from django.views.decorators.vary import vary_on_headers

from mer_platform.experiments.leaderboard import board as boards
from mer_platform.experiments.leaderboard.actions import address_of
from mer_platform.experiments.leaderboard.board import Board
from mer_platform.experiments.leaderboard.page import board_context, choices
from mer_platform.experiments.leaderboard.query import ARCHIVED, is_form, read_query
from mer_platform.experiments.leaderboard.tables import leaderboard_tables
from mer_platform.experiments.models import Run, SavedView
from mer_platform.experiments.paper.table_files import table_response
from mer_platform.projects.access import get_project
from mer_platform.web import is_partial


@login_required
@require_GET
@vary_on_headers("HX-Request")
def run_list(request: HttpRequest, slug: str) -> HttpResponse:
    """The leaderboard of the project's runs. htmx gets only the table, and the address that it belongs to."""
    project = get_project(request, slug)
    views = list(SavedView.objects.filter(project=project))
    if not request.GET and (view := next((own for own in views if own.is_default), None)):
        return redirect(address_of(view, slug))
    board = Board(project, request.user, read_query(request.GET))
    parameters = QueryDict(board.query.address()[1:], mutable=True)
    number = request.GET.get("page")
    if is_form(request.GET) and not board.problems:
        return redirect(f"{request.path}?{parameters.urlencode()}")
    page = board.page(number, boards.PAGE_SIZE)
    if page.number > 1:
        parameters["page"] = str(page.number)
    request.GET = parameters  # type: ignore[assignment]  # links to other pages are made of it
    context: dict[str, Any] = board_context(board, page, views)
    if is_partial(request):
        response = render(request, "experiments/leaderboard/_board.html", context)
        response["HX-Replace-Url"] = f"{request.path}?{parameters.urlencode()}"
        return response
    context |= {
        "choices": choices(board),
        "archived_choices": ARCHIVED.items(),
        "any_runs": bool(board.rows) or Run.objects.filter(project=project).exists(),
        "has_versions": bool(board.versions),
    }
    return render(request, "experiments/leaderboard/runs.html", context)


@login_required
@require_GET
def run_list_table(request: HttpRequest, slug: str) -> HttpResponse:
    """The first lines of the leaderboard as ``?format=csv``, ``tex`` or ``md``, with the parameters of the page."""
    project = get_project(request, slug)
    board = Board(project, request.user, read_query(request.GET))
    return table_response(request, leaderboard_tables(board), f"{project.slug}-runs")
