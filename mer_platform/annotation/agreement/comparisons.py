"""The codings of a project, compared between coders: the numbers behind the agreement page, its API and its CSV."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from mer_platform.annotation.agreement.statistics import (
    MarkDifferences,
    SeenExpression,
    coder_pairs,
    cohen_kappa,
    describe_differences,
    group_expressions,
    kappa_interval,
    krippendorff_alpha,
    match_expressions,
    reliability,
)
from mer_platform.annotation.blindness import blind_clips
from mer_platform.annotation.marks import MARKS
from mer_platform.annotation.models import Annotation, Assignment, Consensus
from mer_platform.clips.models import Clip
from mer_platform.clips.packindex import clock_of
from mer_platform.projects.models import Project
from models_ml.errors import InputError
from models_ml.formats.action_units import certain_numbers
from models_ml.video.clock import Clock

UNITS = ("frames", "ms")


@dataclass(frozen=True)
class CodedClip:
    """A clip and what each coder who is done with it saw, by username. An empty list means no expression."""

    clip: Clip
    by_coder: dict[str, list[SeenExpression]]


@dataclass(frozen=True)
class ClipComparison:
    """Two codings of one clip: the expressions that both coders saw, and those that one saw alone (with the coder)."""

    clip: Clip
    first: str
    second: str
    matched: list[tuple[SeenExpression, SeenExpression]]
    alone: list[tuple[str, SeenExpression]]

    def differences(self, mark: str, unit: str = "frames") -> list[float]:
        """Return second minus first of a mark, one value per matched expression.

        Milliseconds come from the clip's clock; the list is empty if the times of its frames are not known.
        """
        pairs = [(getattr(a, mark), getattr(b, mark)) for a, b in self.matched]
        if unit == "frames":
            return [float(second - first) for first, second in pairs]
        clock = self.clock
        return [clock.duration_ms(first, second) for first, second in pairs] if clock else []

    @property
    def clock(self) -> Clock | None:
        """When each frame was recorded; None if that is not known."""
        try:
            return clock_of(self.clip)
        except InputError:
            return None

    @property
    def largest_difference(self) -> tuple[float, str]:
        """The largest difference of a mark in frames, and the name of the mark."""
        return self._largest("frames")

    def _largest(self, unit: str) -> tuple[float, str]:
        found = [(abs(d), mark) for mark in MARKS for d in self.differences(mark, unit)]
        return max(found, default=(0.0, ""), key=lambda item: item[0])

    @property
    def differing_emotions(self) -> list[tuple[str, str]]:
        return [(a.emotion, b.emotion) for a, b in self.matched if a.emotion != b.emotion]

    @property
    def unit_reliability(self) -> float | None:
        return reliability([(a.action_units, b.action_units) for a, b in self.matched])

    def severity(self) -> tuple[int, int, float, float]:
        """Return how much the coders disagree; larger is worse.

        In this order: expressions seen by one coder alone, different emotions, distance of the marks in milliseconds, and
        different action units.
        """
        shared_units = self.unit_reliability
        return (
            len(self.alone),
            len(self.differing_emotions),
            self._largest("ms")[0],
            0 if shared_units is None else 1 - shared_units,
        )

    def reasons(self, tolerance: int = 0) -> list[str]:
        """Return what the coders disagree on, in words. Marks count if they are more than ``tolerance`` frames apart."""
        found = [f"only {coder} sees the expression at {e.onset}–{e.offset}" for coder, e in self.alone]
        found += [f"{a or 'no emotion'} / {b or 'no emotion'}" for a, b in self.differing_emotions]
        frames, mark = self.largest_difference
        if frames > tolerance:
            apart = max(map(abs, self.differences(mark, "ms")), default=None)
            ms = "" if apart is None else f" ({apart:.4g} ms)"
            found.append(f"{mark} {frames:.0f} frame{'s' if frames != 1 else ''}{ms} apart")
        shared_units = self.unit_reliability
        if shared_units is not None and shared_units < 1:
            found.append(f"action units R = {shared_units:.2f}")
        return found


@dataclass(frozen=True)
class AgreementSummary:
    """How well coders agree over some clips. A number is None if it is not defined.

    ``marks`` holds the differences by mark, then by unit.
    """

    clips: int
    neither: int  # clips in which no coder sees an expression
    matched: int
    alone: int
    reliability: float | None
    kappa: float | None
    kappa_interval: tuple[float, float] | None
    alpha: float | None
    marks: dict[str, dict[str, MarkDifferences | None]]

    @property
    def seen_by_both(self) -> float | None:
        """The share of the two coders' expressions that both saw: 2·matched / (2·matched + alone)."""
        both = 2 * self.matched
        return both / (both + self.alone) if both + self.alone else None

    def as_json(self) -> dict[str, Any]:
        return {**asdict(self), "seen_by_both": self.seen_by_both}


def coded_clips(
    project: Project, user: Any, database: int | None = None, clip: int | None = None
) -> list[CodedClip]:
    """Return the finished codings that this user may see, by clip; optionally of one database or one clip (by id).

    In an assigned clip, the codings of the coders who are done with it count. In a clip without assignments, each coding
    whose annotations are all complete counts.
    """
    clips = Clip.objects.filter(project=project, state=Clip.State.READY).exclude(pk__in=blind_clips(user))
    if database is not None:
        clips = clips.filter(subject__database=database)
    if clip is not None:
        clips = clips.filter(pk=clip)
    assigned: dict[int, dict[str, bool]] = defaultdict(dict)
    rows = Assignment.objects.filter(clip__in=clips).values_list("clip", "coder__username", "done_at")
    for pk, coder, done_at in rows:
        assigned[pk][coder] = done_at is not None
    annotated: dict[int, dict[str, list[Annotation]]] = defaultdict(lambda: defaultdict(list))
    for annotation in Annotation.objects.filter(clip__in=clips).select_related("coder"):
        annotated[annotation.clip_id][annotation.coder.username].append(annotation)
    found = []
    relevant = clips.filter(pk__in=assigned.keys() | annotated.keys())
    for row in relevant.select_related("subject__database"):
        annotations, states = annotated.get(row.pk, {}), assigned.get(row.pk)
        done = [name for name, is_done in states.items() if is_done] if states else list(annotations)
        by_coder = {
            name: [expression_of(a) for a in annotations.get(name, [])]
            for name in sorted(done)
            if all(a.complete for a in annotations.get(name, []))
        }
        if by_coder:
            found.append(CodedClip(row, by_coder))
    return found


def expression_of(marking: Annotation | Consensus) -> SeenExpression:
    """Return a complete marking in the form that the statistics use: with the numbers of the units it is sure of."""
    frames = marking.frames()
    return SeenExpression(
        frames["onset"],
        frames["apex"],
        frames["offset"],
        marking.emotion,
        certain_numbers(marking.action_units),
        marking=marking,
    )


def compare(coded: Sequence[CodedClip]) -> list[ClipComparison]:
    """Compare each pair of coders in each clip."""
    found = []
    for item in coded:
        for first, second in coder_pairs(list(item.by_coder)):
            a, b = item.by_coder[first], item.by_coder[second]
            pairs = match_expressions(a, b)
            both = [(a[i], b[j]) for i, j in pairs]
            alone = [(first, e) for i, e in enumerate(a) if i not in {i for i, _ in pairs}]
            alone += [(second, e) for j, e in enumerate(b) if j not in {j for _, j in pairs}]
            found.append(ClipComparison(item.clip, first, second, both, alone))
    return found


def summarise_pair(compared: Sequence[ClipComparison]) -> AgreementSummary:
    """Summarise the agreement of two coders over the clips that both coded."""
    emotions = _emotions(compared)
    subjects = [c.clip.subject_id for c in compared for _ in c.matched]
    return AgreementSummary(
        **_common_fields(compared),
        clips=len(compared),
        neither=sum(not c.matched and not c.alone for c in compared),
        kappa=cohen_kappa(emotions),
        kappa_interval=kappa_interval(emotions, subjects),
        alpha=krippendorff_alpha(emotions),
    )


def summarise_all(coded: Sequence[CodedClip], compared: Sequence[ClipComparison]) -> AgreementSummary:
    """Summarise the agreement of all coders over the clips that at least two coded.

    κ is the mean over the pairs of coders (Light 1971, "Measures of response agreement for qualitative data").
    """
    several = [item for item in coded if len(item.by_coder) > 1]
    units = [
        [e.emotion for e in seen.values()] for item in several for seen in group_expressions(item.by_coder)
    ]
    kappas = [cohen_kappa(_emotions(items)) for items in by_pair(compared).values()]
    known = [kappa for kappa in kappas if kappa is not None]
    return AgreementSummary(
        **_common_fields(compared),
        clips=len(several),
        neither=sum(not any(item.by_coder.values()) for item in several),
        kappa=sum(known) / len(known) if known else None,
        kappa_interval=None,
        alpha=krippendorff_alpha(units),
    )


def by_pair(compared: Sequence[ClipComparison]) -> dict[tuple[str, str], list[ClipComparison]]:
    found: dict[tuple[str, str], list[ClipComparison]] = defaultdict(list)
    for item in compared:
        found[item.first, item.second].append(item)
    return dict(sorted(found.items()))


def by_database(coded: Sequence[CodedClip]) -> dict[str, list[CodedClip]]:
    found: dict[str, list[CodedClip]] = defaultdict(list)
    for item in coded:
        found[item.clip.database.name].append(item)
    return dict(sorted(found.items()))


def worst(compared: Sequence[ClipComparison], count: int = 20) -> list[ClipComparison]:
    """Return the comparisons with the most serious disagreements, the worst first."""
    apart = [item for item in compared if item.reasons()]
    return sorted(apart, key=ClipComparison.severity, reverse=True)[:count]


def _emotions(compared: Sequence[ClipComparison]) -> list[tuple[str, str]]:
    return [(a.emotion, b.emotion) for c in compared for a, b in c.matched]


def _common_fields(compared: Sequence[ClipComparison]) -> dict[str, Any]:
    """Return the fields of a summary that are computed in one way for a pair and for all coders."""
    marks = {
        mark: {
            unit: describe_differences([d for c in compared for d in c.differences(mark, unit)])
            for unit in UNITS
        }
        for mark in MARKS
    }
    units = [(a.action_units, b.action_units) for c in compared for a, b in c.matched]
    return {
        "matched": sum(len(c.matched) for c in compared),
        "alone": sum(len(c.alone) for c in compared),
        "reliability": reliability(units),
        "marks": marks,
    }
