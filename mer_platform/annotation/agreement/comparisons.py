"""The codings of a project, compared coder with coder: what the agreement page, its API and its CSV say."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from mer_platform.annotation.action_units import parse_action_units
from mer_platform.annotation.agreement.statistics import (
    MARKS,
    Difference,
    Expression,
    cohen_kappa,
    difference,
    group,
    kappa_interval,
    krippendorff_alpha,
    match,
    pairs_of,
    reliability,
)
from mer_platform.annotation.blindness import blind_clips
from mer_platform.annotation.models import Annotation, Assignment, Consensus
from mer_platform.clips.models import Clip
from mer_platform.projects.models import Project

UNITS = ("frames", "ms")


@dataclass(frozen=True)
class Coded:
    """A clip and what each of the coders who are done with it saw, by user name; an empty list: no expression."""

    clip: Clip
    by: dict[str, list[Expression]]


@dataclass(frozen=True)
class Compared:
    """Two coders' codings of one clip: expressions both saw, and those that one saw alone (with who)."""

    clip: Clip
    first: str
    second: str
    matched: list[tuple[Expression, Expression]]
    alone: list[tuple[str, Expression]]

    def differences(self, mark: str, unit: str = "frames") -> list[float]:
        """Second minus first, one an expression both saw. Milliseconds are at the clip's mean rate."""
        scale = 1.0 if unit == "frames" else 1000 / self.clip.rate if self.clip.rate else None
        if scale is None:
            return []
        return [(getattr(b, mark) - getattr(a, mark)) * scale for a, b in self.matched]

    @property
    def furthest(self) -> tuple[float, str]:
        """The largest difference of a mark, in frames, and whose it is."""
        found = [(abs(d), mark) for mark in MARKS for d in self.differences(mark)]
        return max(found, default=(0.0, ""), key=lambda item: item[0])

    @property
    def words_differ(self) -> list[tuple[str, str]]:
        return [(a.emotion, b.emotion) for a, b in self.matched if a.emotion != b.emotion]

    @property
    def unit_reliability(self) -> float | None:
        return reliability([(a.units, b.units) for a, b in self.matched])

    def severity(self) -> tuple[int, int, float, float]:
        """The larger, the worse: expressions seen by one alone, other emotions, marks apart (in seconds), other units."""
        frames, _ = self.furthest
        units = self.unit_reliability
        return (
            len(self.alone), len(self.words_differ), frames / (self.clip.rate or 1), 1 - (1 if units is None else units),
        )  # fmt: skip

    def reasons(self, tolerance: int = 0) -> list[str]:
        """In words, what the coders disagree on; marks count from more than ``tolerance`` frames."""
        found = [f"only {coder} sees the one at {e.onset}–{e.offset}" for coder, e in self.alone]
        found += [f"{a or 'no emotion'} / {b or 'no emotion'}" for a, b in self.words_differ]
        frames, mark = self.furthest
        if frames > tolerance:
            ms = f" ({frames * 1000 / self.clip.rate:.0f} ms)" if self.clip.rate else ""
            found.append(f"{mark} {frames:.0f} frame{'s' if frames != 1 else ''}{ms} apart")
        units = self.unit_reliability
        if units is not None and units < 1:
            found.append(f"action units R = {units:.2f}")
        return found


@dataclass(frozen=True)
class Report:
    """How well coders agree over some clips; ``None`` where a number is not defined. ``marks`` by mark, then by unit."""

    clips: int
    neither: int  # clips in which no coder sees an expression
    matched: int
    alone: int
    reliability: float | None
    kappa: float | None
    kappa_interval: tuple[float, float] | None
    alpha: float | None
    marks: dict[str, dict[str, Difference | None]]

    @property
    def seen_by_both(self) -> float | None:
        """Share of the two coders' expressions that the other one saw too: 2·matched / (2·matched + alone)."""
        both = 2 * self.matched
        return both / (both + self.alone) if both + self.alone else None

    def as_json(self) -> dict[str, Any]:
        return {**asdict(self), "seen_by_both": self.seen_by_both}


def coded_clips(
    project: Project, user: Any, database: int | None = None, clip: int | None = None
) -> list[Coded]:
    """The finished codings that this user may see, clip by clip; of one database or one clip, if its id is given.

    Where a clip was assigned, those of the coders who are done with it count; where it was not, those of every coder
    whose expressions in it are all complete.
    """
    clips = Clip.objects.filter(project=project, state=Clip.State.READY).exclude(pk__in=blind_clips(user))
    if database is not None:
        clips = clips.filter(subject__database=database)
    if clip is not None:
        clips = clips.filter(pk=clip)
    assigned: dict[int, dict[str, bool]] = defaultdict(dict)
    tasks = Assignment.objects.filter(clip__in=clips).values_list("clip", "coder__username", "done_at")
    for pk, coder, done_at in tasks:
        assigned[pk][coder] = done_at is not None
    marked: dict[int, dict[str, list[Annotation]]] = defaultdict(lambda: defaultdict(list))
    for annotation in Annotation.objects.filter(clip__in=clips).select_related("coder"):
        marked[annotation.clip_id][annotation.coder.username].append(annotation)
    found = []
    for row in clips.filter(pk__in=assigned.keys() | marked.keys()).select_related("subject__database"):
        there, states = marked.get(row.pk, {}), assigned.get(row.pk)
        done = [name for name, is_done in states.items() if is_done] if states else list(there)
        by = {
            name: [expression_of(a) for a in there.get(name, [])]
            for name in sorted(done)
            if all(a.complete for a in there.get(name, []))
        }
        if by:
            found.append(Coded(row, by))
    return found


def expression_of(marking: Annotation | Consensus) -> Expression:
    """A complete marking as the statistics see it: of action units, the numbers."""
    try:
        units = frozenset(unit.number for unit in parse_action_units(marking.action_units))
    except ValueError:  # written before they were checked
        units = frozenset()
    frames = marking.frames()
    return Expression(
        frames["onset"], frames["apex"], frames["offset"], marking.emotion, units, source=marking
    )


def compare(coded: Sequence[Coded]) -> list[Compared]:
    """Every two coders of every clip."""
    found = []
    for item in coded:
        for first, second in pairs_of(list(item.by)):
            a, b = item.by[first], item.by[second]
            pairs = match(a, b)
            both = [(a[i], b[j]) for i, j in pairs]
            alone = [(first, e) for i, e in enumerate(a) if i not in {i for i, _ in pairs}]
            alone += [(second, e) for j, e in enumerate(b) if j not in {j for _, j in pairs}]
            found.append(Compared(item.clip, first, second, both, alone))
    return found


def pair_report(compared: Sequence[Compared]) -> Report:
    """Of two coders, over the clips that both coded."""
    words = _words(compared)
    subjects = [c.clip.subject_id for c in compared for _ in c.matched]
    return Report(
        **_counted(compared),
        clips=len(compared),
        neither=sum(not c.matched and not c.alone for c in compared),
        kappa=cohen_kappa(words),
        kappa_interval=kappa_interval(words, subjects),
        alpha=krippendorff_alpha(words),
    )


def whole_report(coded: Sequence[Coded], compared: Sequence[Compared]) -> Report:
    """Of all coders, over the clips that at least two coded. κ is the mean of the pairs' (Light 1971)."""
    several = [item for item in coded if len(item.by) > 1]
    units = [[e.emotion for e in seen.values()] for item in several for seen in group(item.by)]
    kappas = [cohen_kappa(_words(items)) for items in by_pair(compared).values()]
    known = [kappa for kappa in kappas if kappa is not None]
    return Report(
        **_counted(compared),
        clips=len(several),
        neither=sum(not any(item.by.values()) for item in several),
        kappa=sum(known) / len(known) if known else None,
        kappa_interval=None,
        alpha=krippendorff_alpha(units),
    )


def by_pair(compared: Sequence[Compared]) -> dict[tuple[str, str], list[Compared]]:
    found: dict[tuple[str, str], list[Compared]] = defaultdict(list)
    for item in compared:
        found[item.first, item.second].append(item)
    return dict(sorted(found.items()))


def by_database(coded: Sequence[Coded]) -> dict[str, list[Coded]]:
    found: dict[str, list[Coded]] = defaultdict(list)
    for item in coded:
        found[item.clip.database.name].append(item)
    return dict(sorted(found.items()))


def worst(compared: Sequence[Compared], count: int = 20) -> list[Compared]:
    """The comparisons with the gravest disagreements, the worst first."""
    apart = [item for item in compared if item.reasons()]
    return sorted(apart, key=Compared.severity, reverse=True)[:count]


def _words(compared: Sequence[Compared]) -> list[tuple[str, str]]:
    return [(a.emotion, b.emotion) for c in compared for a, b in c.matched]


def _counted(compared: Sequence[Compared]) -> dict[str, Any]:
    marks = {
        mark: {unit: difference([d for c in compared for d in c.differences(mark, unit)]) for unit in UNITS}
        for mark in MARKS
    }
    return {
        "matched": sum(len(c.matched) for c in compared),
        "alone": sum(len(c.alone) for c in compared),
        "reliability": reliability([(a.units, b.units) for c in compared for a, b in c.matched]),
        "marks": marks,
    }
