"""Filters of the pages of experiments, and what pages of lower apps show of experiments.

Lower apps must not import this one, so their templates use its tags.
"""

from typing import Any

from django import template
from django.db.models import QuerySet
from django.urls import reverse
from django.utils.html import format_html

from mer_platform.clips.models import Clip
from mer_platform.composites.models import CompositeVersion
from mer_platform.experiments.durations import duration_in_words
from mer_platform.experiments.gallery.note import note_on_clip
from mer_platform.experiments.leaderboard.board import Board
from mer_platform.experiments.leaderboard.page import short_context
from mer_platform.experiments.leaderboard.query import BoardQuery
from mer_platform.experiments.managing.forms import FORMS
from mer_platform.experiments.models import Experiment, Run
from mer_platform.experiments.sweeps.run_form import RunForm
from models_ml.evaluation.uncertainty import Interval

register = template.Library()
register.filter("duration", duration_in_words)


@register.filter
def interval(ends: Interval | None, between: str = "–") -> str:
    """Return an interval as text; where there is none, say why."""
    if ends is None:
        why = "There are fewer than two subjects for it, or the class is never predicted."
        return format_html('<span title="{}">no interval</span>', why)
    low, high = ends
    return f"{low:.3f}{between}{high:.3f}"


@register.filter
def p_value(p: float) -> str:
    return "p < 0.001" if p < 0.001 else f"p = {p:.3f}"


@register.inclusion_tag("experiments/leaderboard/_short.html", takes_context=True)
def runs_of_version(context: template.Context, version: CompositeVersion) -> dict[str, Any]:
    """Show the best runs on a composite version."""
    return _leaderboard(
        context, version.runs.all(), BoardQuery(version=(version.pk,)), "Runs on this version"
    )


@register.inclusion_tag("experiments/leaderboard/_short.html", takes_context=True)
def runs_of_experiment(context: template.Context, experiment: Experiment) -> dict[str, Any]:
    """Show the best runs of an experiment."""
    query = BoardQuery(experiment=(experiment.pk,), archived="any")
    return _leaderboard(context, experiment.runs.all(), query, "Runs")


@register.inclusion_tag("experiments/leaderboard/_short.html", takes_context=True)
def latest_runs(context: template.Context, runs: QuerySet[Run]) -> dict[str, Any]:
    """Show the latest of these runs of the project."""
    latest = runs.filter(archived_at=None).order_by("-pk").values("pk")[:LATEST]
    query = BoardQuery(ordering="-created", columns=("uf1", "version", "state", "created"))
    return _leaderboard(
        context, Run.objects.filter(pk__in=[row["pk"] for row in latest]), query, "Latest runs"
    )


LATEST = 5


def _leaderboard(
    context: template.Context, runs: QuerySet[Run], query: BoardQuery, title: str
) -> dict[str, Any]:
    project = context["project"]
    board = Board(project, context["request"].user, query, runs)
    return {**short_context(board, query), "title": title, "project": project, "request": context["request"]}


@register.inclusion_tag("experiments/runs/_train_with_defaults.html", takes_context=True)
def train_with_defaults(context: template.Context, version: CompositeVersion) -> dict[str, Any]:
    """Show the button that launches a run of the default configuration on a composite version."""
    form = RunForm(versions=CompositeVersion.objects.filter(pk=version.pk), initial={"version": version.pk})
    return {"project": context["project"], "csrf_token": context["csrf_token"], "form": form}


@register.inclusion_tag("experiments/gallery/_note.html", takes_context=True)
def prediction_note(context: template.Context, clip: Clip) -> dict[str, Any]:
    """Show on a clip's page what runs predicted of it, to a researcher who comes from the gallery."""
    request = context["request"]
    note = note_on_clip(clip, request.GET, request.user) if context["can_research"] else None
    return {"project": context["project"], "request": request, "note": note}


@register.simple_tag
def manage_urls(row: Run | Experiment) -> dict[str, str]:
    """Return the addresses of what can be done with a run or an experiment, by name."""
    kind, slug = str(row._meta.model_name), row.project.slug
    one = {name: reverse(f"{kind}-{name}", args=[slug, row.pk]) for name in (*FORMS, "delete")}
    return one | {
        "page": reverse(kind, args=[slug, row.pk]),
        "manage": reverse(f"manage-{kind}", args=[slug, row.pk]),
        "list": reverse(f"{kind}s", args=[slug]),
    }
