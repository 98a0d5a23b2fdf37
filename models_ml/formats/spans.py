"""Labelled spans of time, as annotation tools store them, combined into annotations of expressions.

A span is an expression (its word is an emotion), a phase of an expression (onset, apex, offset), an action unit, or a kind
(micro, macro). An expression lasts from the start to the end of its span. Phases within it are more exact: the onset is the
start of an onset span, the apex is the middle of an apex span, the offset is the end of an offset span. If no span names an
emotion, each sequence of phases from an onset on is an expression without emotion.

Two kinds of words express an incomplete annotation exactly: a phase "onset-apex" or "apex-offset" starts and ends at marks,
and "no onset", "no apex", "no offset" and "no emotion" state that a mark or word is missing that a span cannot leave out.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import isfinite
from typing import Literal

from models_ml.formats.action_units import are_units, import_units
from models_ml.formats.base import Marked
from models_ml.formats.report import ImportReport

Role = Literal["emotion", "phase", "unit", "kind", "missing"]
PHASES = ("onset", "apex", "offset", "onset-apex", "apex-offset")
MISSING = ("no onset", "no apex", "no offset")
NO_EMOTION = "no emotion"
CONSENSUS = "consensus"  # the coder of a consensus, in files that only have coders
_KINDS = {"micro": "micro", "macro": "macro"}


@dataclass(frozen=True)
class Span:
    """Start and end, in the tool's unit, both inclusive. ``role`` comes from the tool, else from the word."""

    start: float
    end: float
    word: str
    role: Role


def role_of(word: str) -> Role:
    """Return the role that a label has by its word.

    >>> [role_of(w) for w in ("Apex", "AU12+25", "R14B", "micro-expression", "happiness")]
    ['phase', 'unit', 'unit', 'kind', 'emotion']
    """
    plain = word.strip().lower()
    if plain in PHASES:
        return "phase"
    if plain in MISSING:
        return "missing"
    if plain.split("-")[0].split(" ")[0] in _KINDS:
        return "kind"
    return "unit" if are_units(plain) else "emotion"


def combine(spans: Sequence[Span], source: Marked, report: ImportReport, emotion: str = "") -> list[Marked]:
    """Return the expressions in the spans of one coder in one clip; ``emotion`` is a label of the clip as a whole.

    ``source`` states the clip, the coder, the unit of the spans, and where they stand.
    """
    sound = _split_into_marks([span for span in spans if _is_sound(span, source, report)])
    expressions = sorted((s for s in sound if s.role == "emotion"), key=lambda s: s.start)
    phases = sorted((s for s in sound if s.role == "phase"), key=lambda s: s.start)
    others = [s for s in sound if s.role in ("unit", "kind", "missing")]
    if not expressions:
        return [
            _annotation(_covering(phases_of_one, emotion), phases_of_one, others, source, report)
            for phases_of_one in _sequences(phases)
        ]
    found = []
    for expression in expressions:
        inside = [p for p in phases if _overlap(p, expression)]
        found.append(_annotation(expression, inside, others, source, report))
    for phase in phases:
        if not any(_overlap(phase, expression) for expression in expressions):
            report.warning(
                "phase-alone",
                f"The {phase.word.lower()} at {phase.start:g} is not inside an expression: it is left out.",
                **source.where(),
            )
    return found


def _is_sound(span: Span, source: Marked, report: ImportReport) -> bool:
    if span.end >= span.start >= 0 and isfinite(span.end):
        return True
    report.error(
        "offset-before-onset",
        f"“{span.word}” ends ({span.end:g}) before it starts ({span.start:g}), or starts before the clip: it is not "
        "imported.",
        **source.where(),
    )
    return False


def _split_into_marks(spans: Sequence[Span]) -> list[Span]:
    """Return the spans with each span from mark to mark ("onset-apex") split into the two marks."""
    found: dict[Span, None] = {}
    for span in spans:
        first, _, second = span.word.strip().lower().partition("-") if span.role == "phase" else ("", "", "")
        if second:
            found[Span(span.start, span.start, first, "phase")] = None
            found[Span(span.end, span.end, second, "phase")] = None
        else:
            found[span] = None
    return list(found)


def _sequences(phases: Sequence[Span]) -> list[list[Span]]:
    """Return the phases as sequences that start at each onset."""
    sequences: list[list[Span]] = []
    for phase in phases:
        if not sequences or phase.word.lower() == "onset":
            sequences.append([])
        sequences[-1].append(phase)
    return sequences


def _covering(phases: Sequence[Span], emotion: str) -> Span:
    return Span(phases[0].start, max(phase.end for phase in phases), emotion, "emotion")


def _annotation(
    expression: Span, phases: Sequence[Span], others: Sequence[Span], source: Marked, report: ImportReport
) -> Marked:
    onset = _one("onset", phases, source, report)
    apex = _one("apex", phases, source, report)
    offset = _one("offset", phases, source, report)
    units = [s.word.strip() for s in others if s.role == "unit" and _overlap(s, expression)]
    kinds = {
        _KINDS[s.word.strip().lower()[:5]] for s in others if s.role == "kind" and _overlap(s, expression)
    }
    if len(kinds) > 1:
        report.warning(
            "kind-unknown",
            f"The expression at {expression.start:g} is labelled micro and macro: it is imported as micro.",
            **source.where(),
        )
    missing = {s.word.strip().lower() for s in others if s.role == "missing" and _overlap(s, expression)}
    written = "" if expression.word.strip().lower() == NO_EMOTION else expression.word.strip()
    if not expression.word.strip():
        report.warning(
            "emotion-missing",
            f"The expression at {expression.start:g} has no emotion: it is imported without one.",
            **source.where(),
        )
    return replace(
        source,
        onset=None if "no onset" in missing else onset.start if onset else expression.start,
        apex=_middle(apex, source.unit) if apex else None,
        offset=None if "no offset" in missing else offset.end if offset else expression.end,
        emotion=written,
        action_units=import_units("+".join(units), report, **source.where()),
        kind="macro" if kinds == {"macro"} else "micro",
    )


def _one(name: str, phases: Sequence[Span], source: Marked, report: ImportReport) -> Span | None:
    found = [phase for phase in phases if phase.word.lower() == name]
    if len(found) > 1:
        starts = " and ".join(f"{phase.start:g}" for phase in found)
        report.warning(
            "phase-twice",
            f"An expression has {len(found)} marks of its {name} ({starts}): none of them is imported.",
            **source.where(),
        )
        return None
    return found[0] if found else None


def _middle(span: Span, unit: str) -> float:
    middle = (span.start + span.end) / 2
    return float(int(middle)) if unit == "frame" else middle


def _overlap(a: Span, b: Span) -> bool:
    return a.start <= b.end and b.start <= a.end
