"""The judge's pages: which clips wait, and all codings of one side by side, to be decided."""

from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods

from mer_platform.annotation.adjudication.decisions import TOLERANCE, Case, Group, cases, decide, groups_of
from mer_platform.annotation.adjudication.forms import DecisionForm
from mer_platform.annotation.agreement.comparisons import Coded, coded_clips
from mer_platform.annotation.agreement.statistics import MARKS
from mer_platform.annotation.blindness import is_blind
from mer_platform.annotation.models import Annotation, Consensus, Marking
from mer_platform.clips.models import Clip
from mer_platform.projects.access import get_project, row_id
from mer_platform.projects.models import Project, Role

PAGE = 50
WIDTH = 1000  # of a timeline's viewBox
MARGIN = 0.12  # of the expression, left free at both ends of its timeline


@login_required
@require_GET
def judge(request: HttpRequest, slug: str) -> HttpResponse:
    """The clips that wait for a judge, the gravest disagreement first, and why each waits."""
    project = get_project(request, slug, Role.RESEARCHER)
    waiting = _cases(request, project)
    page = Paginator(waiting, PAGE).get_page(request.GET.get("page"))
    coded = [item for item in coded_clips(project, request.user) if len(item.by) > 1]
    context = {
        "page": page,
        "pages": page.paginator.get_elided_page_range(page.number, on_each_side=2, on_ends=1),
        "tolerance": _tolerance(request),
        "coded": len(coded),
        "databases": project.databases.all(),
        "chosen": request.GET.get("database", ""),
        "query": _query(request),
    }
    return render(request, "annotation/adjudication/judge.html", context)


@login_required
@require_http_methods(["GET", "POST"])
def adjudicate(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """All codings of a clip on one timeline; the judge accepts one, takes the average, or sets anew.

    Form fields: for the n-th expression ``e<n>-choice`` and ``e<n>-onset`` …; ``new-…`` for one that no coder saw.
    """
    project = get_project(request, slug, Role.RESEARCHER)
    clip = get_object_or_404(
        Clip.objects.select_related("subject__database"), pk=pk, project=project, state=Clip.State.READY
    )
    if is_blind(request.user, clip):
        raise PermissionDenied(
            "This clip is in your own queue: code it first, then you see what the others marked."
        )
    coded = next(iter(coded_clips(project, request.user, clip=clip.pk)), Coded(clip, {}))
    consensus = list(clip.consensus.select_related("annotation__coder", "decided_by"))
    data = request.POST or None
    groups = groups_of(coded)
    forms = [
        DecisionForm(data, prefix=f"e{n}", clip=clip, group=group, initial=_initial(group, consensus))
        for n, group in enumerate(groups)
    ]
    extra = DecisionForm(data, prefix="new", clip=clip, group=None, initial={"choice": "none"})
    wrong = [form for form in [*forms, extra] if not form.is_valid()]  # all of them say what is wrong
    if request.method == "POST" and not wrong:
        decisions = [form.decision for form in [*forms, extra]]
        decide(clip, [decision for decision in decisions if decision], request.user)
        messages.success(request, f"{clip.name} is decided.")
        return _to_next(request, project)
    waiting = _cases(request, project)
    context = {
        "clip": clip,
        "coded": coded,
        "pending": clip.assignments.filter(done_at__isnull=True).select_related("coder"),
        "consensus": consensus,
        "judgement": getattr(clip, "judgement", None),
        "cards": [_card(group, form, clip) for group, form in zip(groups, forms, strict=True)],
        "extra": extra,
        "extra_open": extra.is_bound and bool(extra.errors or extra["choice"].value() != "none"),
        "kinds": Marking.Kind.choices,
        "marks": MARKS,
        "waiting": len(waiting),
        "next": next((case.clip.pk for case in waiting if case.clip.pk != clip.pk), None),
        "reasons": next((case.reasons for case in waiting if case.clip.pk == clip.pk), []),
        "query": _query(request),
    }
    status = 422 if request.method == "POST" else 200
    return render(request, "annotation/adjudication/adjudicate.html", context, status=status)


def _cases(request: HttpRequest, project: Project) -> list[Case]:
    database = request.GET.get("database")
    return cases(project, request.user, _tolerance(request), row_id(database) if database else None)


def _tolerance(request: HttpRequest) -> int:
    """Frames that marks may be apart without a judge."""
    return min(row_id(text), 9999) if (text := request.GET.get("tolerance", "")).isdecimal() else TOLERANCE


def _query(request: HttpRequest) -> str:
    """What was chosen on the list, for the links of its clips: the next one comes from the same list."""
    kept = {name: request.GET[name] for name in ("tolerance", "database") if request.GET.get(name)}
    return f"?{urlencode(kept)}" if kept else ""


def _to_next(request: HttpRequest, project: Project) -> HttpResponse:
    waiting = _cases(request, project)
    if not waiting:
        return redirect(f"{reverse('judge', args=[project.slug])}{_query(request)}")
    return redirect(f"{reverse('adjudicate', args=[project.slug, waiting[0].clip.pk])}{_query(request)}")


def _initial(group: Group, consensus: list[Consensus]) -> dict[str, Any]:
    """As it was decided before; else, where all coders say the same, that; else nothing: the judge decides."""
    decided = [c for c in consensus if c.origin in (Consensus.Origin.ADOPTED, Consensus.Origin.ADJUDICATED)]
    agreed = next((c for c in decided if any(c.overlaps(a) for a in group.by.values())), None)
    if agreed is not None:
        of_coder = next((a for a in group.by.values() if a.pk == agreed.annotation_id), None)
        fields = {name: getattr(agreed, name) for name in (*MARKS, "kind", "emotion", "action_units")}
        return {**fields, "choice": str(of_coder.pk) if of_coder else "anew"}
    average = {name: said for name, said in group.average.items() if said is not None}
    if group.differing or group.missing:
        return average
    return {**average, "choice": str(next(iter(group.by.values())).pk)}


def _card(group: Group, form: DecisionForm, clip: Clip) -> dict[str, Any]:
    """What the page shows of one expression: a timeline around it, a row a coder, and the decision."""
    markings = list(group.by.values())
    first = min(a.onset for a in markings)  # type: ignore[type-var]
    last = max(a.offset for a in markings)  # type: ignore[type-var]
    room = max(2, round((last - first) * MARGIN))  # type: ignore[operator]
    low, high = max(0, first - room), min(clip.frame_count - 1, last + room)  # type: ignore[operator]

    def x(frame: int) -> float:
        return round((frame - low) / max(high - low, 1) * WIDTH, 1)

    apart = []
    for mark in MARKS:
        frames = [getattr(a, mark) for a in markings]
        if min(frames) < max(frames):
            start = x(min(frames))
            apart.append({"mark": mark, "x": start, "width": round(x(max(frames)) - start, 1)})

    def bar(marks: dict[str, int]) -> dict[str, float]:
        onset, offset = x(marks["onset"]), x(marks["offset"])
        return {"onset": onset, "apex": x(marks["apex"]), "offset": offset, "width": max(offset - onset, 1)}

    rows = [
        _row(number, name, a, bar(a.frames())) for number, (name, a) in enumerate(group.by.items(), start=1)
    ]
    mean = group.average
    return {
        "group": group,
        "form": form,
        "rows": rows,
        "average": {**mean, "bar": bar(mean)} if len(markings) > 1 else None,
        "apart": apart,
        "low": low,
        "high": high,
    }


def _row(number: int, name: str, annotation: Annotation, bar: dict[str, float]) -> dict[str, Any]:
    return {"key": number, "coder": name, "marking": annotation, "bar": bar}
