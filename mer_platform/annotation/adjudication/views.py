"""The judge's pages: the clips that wait, and all codings of one clip side by side."""

import json
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods

from mer_platform.annotation.adjudication.decisions import (
    TOLERANCE_FRAMES,
    Case,
    ExpressionGroup,
    decide,
    expression_groups,
    open_cases,
)
from mer_platform.annotation.adjudication.forms import MANUAL, NONE, DecisionForm
from mer_platform.annotation.agreement.comparisons import CodedClip, coded_clips
from mer_platform.annotation.blindness import is_blind
from mer_platform.annotation.marks import CODED_FIELDS, MARKS
from mer_platform.annotation.models import Consensus, ConsensusOrigin, ExpressionKind
from mer_platform.clips.models import Clip
from mer_platform.projects.access import get_project, row_id
from mer_platform.projects.models import Project, Role
from mer_platform.web import page_of

PAGE = 50
TIMELINE_WIDTH = 1000  # in units of the SVG's viewBox
TIMELINE_MARGIN = 0.12  # share of the expression's length that is shown before and after it


@login_required
@require_GET
def judge(request: HttpRequest, slug: str) -> HttpResponse:
    """List the clips that wait for a judge and why, the most serious disagreements first."""
    project = get_project(request, slug, Role.RESEARCHER)
    page = page_of(request, _open_cases(request, project), PAGE)
    coded = [item for item in coded_clips(project, request.user) if len(item.by_coder) > 1]
    context = {
        "page": page,
        "pages": page.paginator.get_elided_page_range(page.number, on_each_side=2, on_ends=1),
        "tolerance": _tolerance(request),
        "coded_twice": len(coded),
        "databases": project.databases.all(),
        "chosen": request.GET.get("database", ""),
        "query": _query(request),
    }
    return render(request, "annotation/adjudication/judge.html", context)


@login_required
@require_http_methods(["GET", "POST"])
def adjudicate(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """Show all codings of a clip on one timeline, and store the judge's decision.

    Form fields of the n-th expression are ``e<n>-choice``, ``e<n>-onset`` and so on; ``new-…`` are the fields of an
    expression that no coder marked.
    """
    project = get_project(request, slug, Role.RESEARCHER)
    clip = get_object_or_404(
        Clip.objects.select_related("subject__database"), pk=pk, project=project, state=Clip.State.READY
    )
    if is_blind(request.user, clip):
        raise PermissionDenied(
            "This clip is in your own queue. Finish coding it; then you can see the other coders’ marks."
        )
    coded = next(iter(coded_clips(project, request.user, clip=clip.pk)), CodedClip(clip, {}))
    consensus = list(clip.consensus.select_related("annotation__coder", "decided_by"))
    data = request.POST or None
    groups = expression_groups(coded)
    forms = [
        DecisionForm(data, prefix=f"e{n}", clip=clip, group=group, initial=_initial(group, consensus))
        for n, group in enumerate(groups)
    ]
    extra = DecisionForm(data, prefix="new", clip=clip, group=None, initial={"choice": NONE})
    failed = [
        form for form in [*forms, extra] if not form.is_valid()
    ]  # validates all, so that all show errors
    if request.method == "POST" and not failed:
        decisions = [form.decision for form in [*forms, extra]]
        decide(clip, [decision for decision in decisions if decision], request.user)
        messages.success(request, f"Decision on {clip.name} saved.")
        return _to_next(request, project)
    waiting = _open_cases(request, project)
    context = {
        "clip": clip,
        "coders": list(coded.by_coder),
        "pending": clip.assignments.filter(done_at__isnull=True).select_related("coder"),
        "consensus": consensus,
        "judgement": getattr(clip, "judgement", None),
        "cards": [_card(group, form, clip) for group, form in zip(groups, forms, strict=True)],
        "extra": extra,
        "extra_open": extra.is_bound and bool(extra.errors or extra["choice"].value() != NONE),
        "kinds": ExpressionKind.choices,
        "marks": MARKS,
        "waiting": len(waiting),
        "next": next((case.clip.pk for case in waiting if case.clip.pk != clip.pk), None),
        "reasons": next((case.reasons for case in waiting if case.clip.pk == clip.pk), []),
        "query": _query(request),
    }
    status = 422 if request.method == "POST" else 200
    return render(request, "annotation/adjudication/adjudicate.html", context, status=status)


def _open_cases(request: HttpRequest, project: Project) -> list[Case]:
    database = request.GET.get("database")
    return open_cases(project, request.user, _tolerance(request), row_id(database) if database else None)


def _tolerance(request: HttpRequest) -> int:
    """Return how many frames marks may be apart without a judge."""
    text = request.GET.get("tolerance", "")
    return min(row_id(text), 9999) if text.isdecimal() else TOLERANCE_FRAMES


def _query(request: HttpRequest) -> str:
    """Return the list's filters as a query for the links of its clips, so that the next clip is from the same list."""
    kept = {name: request.GET[name] for name in ("tolerance", "database") if request.GET.get(name)}
    return f"?{urlencode(kept)}" if kept else ""


def _to_next(request: HttpRequest, project: Project) -> HttpResponse:
    waiting = _open_cases(request, project)
    if not waiting:
        return redirect(f"{reverse('judge', args=[project.slug])}{_query(request)}")
    return redirect(f"{reverse('adjudicate', args=[project.slug, waiting[0].clip.pk])}{_query(request)}")


def _initial(group: ExpressionGroup, consensus: list[Consensus]) -> dict[str, Any]:
    """Return the initial values of an expression's form.

    An earlier decision is shown again. Otherwise the coders' common annotation is chosen if they all agree; if they
    differ, nothing is chosen.
    """
    annotations = list(group.by_coder.values())
    decided = [c for c in consensus if c.origin in (ConsensusOrigin.ADOPTED, ConsensusOrigin.ADJUDICATED)]
    agreed = next((c for c in decided if any(c.overlaps(a) for a in annotations)), None)
    if agreed is not None:
        adopted = next((a for a in annotations if a.pk == agreed.annotation_id), None)
        fields = {name: getattr(agreed, name) for name in CODED_FIELDS}
        return {**fields, "choice": str(adopted.pk) if adopted else MANUAL}
    average = {name: value for name, value in group.average.items() if value is not None}
    if group.differing_fields or group.missing:
        return average
    return {**average, "choice": str(annotations[0].pk)}


def _card(group: ExpressionGroup, form: DecisionForm, clip: Clip) -> dict[str, Any]:
    """Return what the page shows of one expression: a timeline with one row per coder, and the decision form."""
    annotations = list(group.by_coder.values())
    first = min(a.onset for a in annotations)  # type: ignore[type-var]
    last = max(a.offset for a in annotations)  # type: ignore[type-var]
    margin = max(2, round((last - first) * TIMELINE_MARGIN))  # type: ignore[operator]
    low, high = max(0, first - margin), min(clip.frame_count - 1, last + margin)  # type: ignore[operator]

    def x(frame: int) -> float:
        return round((frame - low) / max(high - low, 1) * TIMELINE_WIDTH, 1)

    def bar(marks: dict[str, int]) -> dict[str, float]:
        onset, offset = x(marks["onset"]), x(marks["offset"])
        return {"onset": onset, "apex": x(marks["apex"]), "offset": offset, "width": max(offset - onset, 1)}

    spreads = []
    for mark in MARKS:
        frames = [getattr(a, mark) for a in annotations]
        if min(frames) < max(frames):
            start = x(min(frames))
            spreads.append({"mark": mark, "x": start, "width": round(x(max(frames)) - start, 1)})
    rows = [
        {
            "key": number,
            "coder": name,
            "annotation": annotation,
            "bar": bar(annotation.frames()),
            "fill": _fill({field: getattr(annotation, field) for field in CODED_FIELDS}),
        }
        for number, (name, annotation) in enumerate(group.by_coder.items(), start=1)
    ]
    mean = group.average
    return {
        "group": group,
        "form": form,
        "rows": rows,
        "average": {**mean, "bar": bar(mean), "fill": _fill(mean)} if len(annotations) > 1 else None,
        "spreads": spreads,
        "low": low,
        "high": high,
    }


def _fill(values: dict[str, Any]) -> str:
    """Return the values that the page's script writes into the form when this choice is selected, as JSON."""
    return json.dumps({name: "" if values[name] is None else values[name] for name in CODED_FIELDS})
