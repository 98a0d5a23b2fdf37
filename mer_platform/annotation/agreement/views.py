"""How well coders agree: the page, its figure and its CSV."""

import csv
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_GET

from mer_platform.annotation.agreement import comparisons, figures
from mer_platform.annotation.agreement.comparisons import ClipComparison, CodedClip
from mer_platform.annotation.agreement.statistics import SeenExpression, overlap
from mer_platform.annotation.marks import MARKS
from mer_platform.clips.models import Database
from mer_platform.figure_files import figure_file, wants_file
from mer_platform.projects.access import get_project, row_id
from mer_platform.projects.models import Project, Role
from models_ml.formats.csv_text import guard_formula

CSV_COLUMNS = [
    "database", "subject", "clip", "clip_id", "fps", "first_coder", "second_coder", "seen_by", "overlap",
    *(f"{mark}_{which}" for mark in MARKS for which in ("first", "second")),
    *(f"{mark}_difference" for mark in MARKS), *(f"{mark}_difference_ms" for mark in MARKS),
    "emotion_first", "emotion_second", "action_units_first", "action_units_second",
]  # fmt: skip


@dataclass(frozen=True)
class AgreementSelection:
    """What the page shows: all coders or one pair, all databases or one."""

    coded: list[CodedClip]
    compared: list[ClipComparison]
    database: Database | None
    pair: tuple[str, str] | None

    @property
    def shown(self) -> list[ClipComparison]:
        return [c for c in self.compared if self.pair in (None, (c.first, c.second))]


@login_required
@require_GET
def agreement(request: HttpRequest, slug: str) -> HttpResponse:
    """Show the agreement of all coders, per pair and per database, and the worst clips of the selection."""
    project = get_project(request, slug, Role.RESEARCHER)
    selection = _selection(request, project)
    if selection.pair:
        summary = comparisons.summarise_pair(selection.shown)
    else:
        summary = comparisons.summarise_all(selection.coded, selection.compared)
    context = {
        "selection": selection,
        "summary": summary,
        "pairs": [
            (pair, comparisons.summarise_pair(items))
            for pair, items in comparisons.by_pair(selection.compared).items()
        ],
        "databases": [
            (name, coded[0].clip.database.pk, comparisons.summarise_all(coded, comparisons.compare(coded)))
            for name, coded in comparisons.by_database(selection.coded).items()
        ],
        "worst": comparisons.worst(selection.shown),
        "marks": MARKS,
        "coders": sorted({name for item in selection.coded for name in item.by_coder}),
    }
    return render(request, "annotation/agreement/agreement.html", context)


@login_required
@require_GET
def figure(request: HttpRequest, slug: str) -> HttpResponse:
    """Return the differences of the marks as a bar chart, in frames or (``?unit=ms``) in milliseconds."""
    project = get_project(request, slug, Role.RESEARCHER)
    unit = "ms" if request.GET.get("unit") == "ms" else "frames"
    drawn = figures.differences(_selection(request, project).shown, unit)
    if wants_file(request):
        what = f"Differences of marks between coders in {unit}, project {project}."
        return figure_file(request, drawn, f"agreement-{project.slug}-{unit}", what)
    return JsonResponse(drawn)


@login_required
@require_GET
def expressions_csv(request: HttpRequest, slug: str) -> HttpResponse:
    """Return each expression of each pair of coders as one row: the data behind all numbers of the page."""
    project = get_project(request, slug, Role.RESEARCHER)
    response = HttpResponse(content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="agreement-{project.slug}.csv"'
    writer = csv.DictWriter(response, CSV_COLUMNS)
    writer.writeheader()
    for item in _selection(request, project).shown:
        for a, b in item.matched:
            writer.writerow(_row(item, a, b))
        for coder, e in item.alone:
            writer.writerow(_row(item, e, None) if coder == item.first else _row(item, None, e))
    return response


def _selection(request: HttpRequest, project: Project) -> AgreementSelection:
    database = None
    if request.GET.get("database"):
        rows = Database.objects.filter(project=project)
        database = get_object_or_404(rows, pk=row_id(request.GET["database"]))
    coded = comparisons.coded_clips(project, request.user, database.pk if database else None)
    first, second = request.GET.get("first"), request.GET.get("second")
    pair = (first, second) if first and second else None
    return AgreementSelection(coded, comparisons.compare(coded), database, pair)


def _row(item: ClipComparison, a: SeenExpression | None, b: SeenExpression | None) -> dict[str, Any]:
    clip = item.clip
    row: dict[str, Any] = {
        "database": guard_formula(clip.database.name),
        "subject": guard_formula(clip.subject.name),
        "clip": guard_formula(clip.name),
        "clip_id": clip.pk,
        "fps": f"{clip.rate:g}",
        "first_coder": guard_formula(item.first),
        "second_coder": guard_formula(item.second),
        "seen_by": "both" if a and b else "first" if a else "second",
        "overlap": f"{overlap(a, b):.4f}" if a and b else "",
    }
    for which, expression in (("first", a), ("second", b)):
        if expression is None:
            continue
        row |= {f"{mark}_{which}": getattr(expression, mark) for mark in MARKS}
        row[f"emotion_{which}"] = guard_formula(expression.emotion)
        row[f"action_units_{which}"] = guard_formula(expression.marking.action_units)
    if a and b:
        for mark in MARKS:
            first, second = getattr(a, mark), getattr(b, mark)
            row[f"{mark}_difference"] = second - first
            row[f"{mark}_difference_ms"] = (
                round(item.clock.duration_ms(first, second), 3) if item.clock else ""
            )
    return row
