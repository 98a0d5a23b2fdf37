"""Labelled spans of time, as annotation tools store them, combined into annotations of expressions.

A span is an emotion, a phase of an expression (onset, apex, offset), an action unit, a kind (micro, macro), or an expression
whose emotion another span names. An expression lasts from the start to the end of the span that names its emotion, or of the
expression's own span around it. Phases within it are more exact: the onset is the start of an onset span, the apex is the
middle of an apex span or the moment at which an onset span and an offset span meet, the offset is the end of an offset span.
If no span names an emotion, each sequence of phases from an onset on is an expression without emotion; without phases, each
span of a kind; without those, the spans of action units that overlap are one expression together.

Words express an incomplete annotation exactly: a phase "onset-apex" or "apex-offset" starts and ends at marks, and "no
onset", "no apex", "no offset", "no emotion" and "no action units" state that something is missing. Without such a word, an
expression says nothing about what no span names: see ``Marked.silent``. "No expression" states that the clip shows none.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import isfinite
from typing import Literal

from models_ml.formats.action_units import are_units, import_units
from models_ml.formats.base import FIELDS, Marked, no_expression
from models_ml.formats.report import ImportReport, listed

Role = Literal["expression", "emotion", "phase", "unit", "kind", "missing", "nothing", "unlabelled"]
PHASES = ("onset", "apex", "offset", "onset-apex", "apex-offset")
NO_UNITS = "no action units"
MISSING = ("no onset", "no apex", "no offset", NO_UNITS)
NO_EMOTION = "no emotion"
NO_EXPRESSION = "no expression"
CONSENSUS = "consensus"  # the coder of a consensus, in files that only have coders
KINDS = ("micro", "macro")
_WHOLE = frozenset({"expression", "expr", "facial expression", "me", "fe"})  # labels that name no emotion
_MEETING = 1.0  # milliseconds or frames between two phases that adjoin


@dataclass(frozen=True)
class Span:
    """Start and end, in the tool's unit, both inclusive. ``role`` comes from the tool, else from the word."""

    start: float
    end: float
    word: str
    role: Role


def role_of(word: str) -> Role:
    """Return the role that a label has by its word.

    >>> [role_of(w) for w in ("Apex", "AU12+25", "R14B", "micro-expression", "Expression", "happiness")]
    ['phase', 'unit', 'unit', 'kind', 'expression', 'emotion']
    """
    plain = word.strip().lower()
    if plain in PHASES:
        return "phase"
    if plain in MISSING:
        return "missing"
    if plain == NO_EXPRESSION:
        return "nothing"
    if plain in _WHOLE:
        return "expression"
    if plain.startswith(KINDS):
        return "kind"
    return "unit" if are_units(plain) else "emotion"


def combine(
    spans: Sequence[Span],
    source: Marked,
    report: ImportReport,
    emotion: str = "",
    mentioned: frozenset[str] = frozenset(),
) -> list[Marked]:
    """Return the expressions in the spans of one coder in one clip; ``emotion`` is a label of the clip as a whole.

    ``source`` states the clip, the coder, the unit of the spans, and where they stand. ``mentioned`` are the fields that the
    file states for each of the expressions: it has none where no span names them.
    """
    sound = _split_into_marks([span for span in spans if _is_sound(span, source, report)])
    expressions = _expressions(sound, emotion)
    phases = [span for span in sound if span.role == "phase"]
    others = [span for span in sound if span.role in ("unit", "kind", "missing")]
    if any(span.role == "nothing" for span in sound):
        if not expressions:
            return [no_expression(source)]
        report.warning(
            "expression-contradicted",
            f"“{NO_EXPRESSION}” contradicts {len(expressions)} marked expressions: it is left out.",
            **source.where(),
        )
    found = []
    for expression in expressions:
        inside = [phase for phase in phases if _overlap(phase, expression)]
        found.append(_annotation(expression, inside, others, source, report, mentioned))
    _report_outsiders([*phases, *others], expressions, source, report)
    return found


def _is_sound(span: Span, source: Marked, report: ImportReport) -> bool:
    first = 1 if source.unit == "frame" else 0
    if span.end >= span.start >= first and isfinite(span.end):
        return True
    report.error(
        "offset-before-onset",
        f"“{span.word}” ends ({span.end:g}) before it starts ({span.start:g}), or starts before the clip, whose first "
        f"{'frame is' if first else 'moment is'} {first}: it is not imported.",
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


def _expressions(spans: Sequence[Span], emotion: str) -> list[Span]:
    """Return the span of each expression, with its emotion as the word, in the order of time."""
    labels = [span for span in spans if span.role == "emotion"]
    emotions = list(labels)
    for whole in (span for span in spans if span.role == "expression"):
        named = [span for span in labels if _overlap(span, whole)]
        if not named:
            emotions.append(whole if labels or whole.word else replace(whole, word=emotion))
        elif len(named) == 1:  # its own span is exact, while its emotion can be a label somewhere in it
            emotions = [span for span in emotions if span != named[0]]
            emotions.append(replace(whole, word=named[0].word or whole.word))
    if not emotions:
        phases = [span for span in spans if span.role == "phase"]
        kinds = [span for span in spans if span.role == "kind"]
        units = [span for span in spans if span.role == "unit"]
        groups = _sequences(phases) or [[kind] for kind in kinds] or _overlapping(units)
        emotions = [_covering(group, emotion) for group in groups]
    worded = {(span.start, span.end) for span in emotions if span.word.strip()}
    distinct = {
        (s.start, s.end, s.word.strip()): s
        for s in emotions
        if s.word.strip() or (s.start, s.end) not in worded
    }
    return sorted(distinct.values(), key=lambda span: (span.start, span.end))


def _sequences(phases: Sequence[Span]) -> list[list[Span]]:
    """Return the phases as sequences that start at each onset."""
    sequences: list[list[Span]] = []
    for phase in sorted(phases, key=lambda span: span.start):
        if not sequences or phase.word.lower() == "onset":
            sequences.append([])
        sequences[-1].append(phase)
    return sequences


def _overlapping(units: Sequence[Span]) -> list[list[Span]]:
    """Return the spans in groups that overlap, directly or by others of the group."""
    groups: list[list[Span]] = []
    for unit in sorted(units, key=lambda span: span.start):
        if groups and unit.start <= max(span.end for span in groups[-1]):
            groups[-1].append(unit)
        else:
            groups.append([unit])
    return groups


def _covering(spans: Sequence[Span], emotion: str) -> Span:
    return Span(min(s.start for s in spans), max(s.end for s in spans), emotion, "emotion")


def _report_outsiders(
    spans: Sequence[Span], expressions: Sequence[Span], source: Marked, report: ImportReport
) -> None:
    outside = [span for span in spans if not any(_overlap(span, expression) for expression in expressions)]
    for kind in (span for span in outside if span.role == "kind"):
        report.warning(
            "kind-alone",
            f"“{kind.word}” at {kind.start:g} is not at an expression: it is left out. Name the emotion of the expression "
            "there, as for the others, to import it.",
            **source.where(),
        )
    for phase in (span for span in outside if span.role == "phase"):
        report.warning(
            "phase-alone",
            f"The {phase.word.lower()} at {phase.start:g} is not inside an expression: it is left out.",
            **source.where(),
        )
    if units := [f"{span.word} at {span.start:g}" for span in outside if span.role == "unit"]:
        report.warning(
            "unit-alone",
            f"Action units that are not inside an expression are left out: {listed(units)}.",
            **source.where(),
        )


def _annotation(
    expression: Span,
    phases: Sequence[Span],
    others: Sequence[Span],
    source: Marked,
    report: ImportReport,
    mentioned: frozenset[str],
) -> Marked:
    inside = [span for span in others if _overlap(span, expression)]
    missing = {span.word.strip().lower() for span in inside if span.role == "missing"}
    units = [span.word.strip() for span in inside if span.role == "unit"]
    kinds = {span.word.strip().lower()[:5] for span in inside if span.role == "kind"}
    onset, offset = (_one(name, phases, source, report) for name in ("onset", "offset"))
    apex = _one("apex", phases, source, report)
    if apex is None and not any(phase.word.lower() == "apex" for phase in phases):
        apex = _meeting(onset, offset)
    emotion = expression.word.strip()
    if not emotion:
        message = f"The expression at {expression.start:g} has no emotion: it is imported without one."
        report.warning("emotion-missing", message, **source.where())
    if len(kinds) > 1:
        message = f"The expression at {expression.start:g} is labelled micro and macro: its kind is left out."
        report.warning("kind-unknown", message, **source.where())
    stated = {"onset", "offset"} | {
        name
        for name, is_stated in (
            ("apex", apex or "no apex" in missing or ("apex" in mentioned and not _has_two("apex", phases))),
            ("emotion", emotion),
            ("action_units", units or NO_UNITS in missing or "action_units" in mentioned),
            ("kind", len(kinds) == 1),
        )
        if is_stated
    }
    return replace(
        source,
        onset=None if "no onset" in missing else onset.start if onset else expression.start,
        apex=None if "no apex" in missing or not apex else _middle(apex, source.unit),
        offset=None if "no offset" in missing else offset.end if offset else expression.end,
        emotion="" if emotion.lower() == NO_EMOTION else emotion,
        action_units=import_units("+".join(units), report, **source.where()),
        kind="macro" if kinds == {"macro"} else "micro",
        silent=frozenset(FIELDS) - stated,
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


def _has_two(name: str, phases: Sequence[Span]) -> bool:
    return sum(phase.word.lower() == name for phase in phases) > 1


def _meeting(onset: Span | None, offset: Span | None) -> Span | None:
    """Return the moment at which the rise of an expression ends and its fall starts, if the two adjoin."""
    if onset is None or offset is None or onset.start == onset.end or offset.start == offset.end:
        return None
    return Span(onset.end, onset.end, "apex", "phase") if abs(offset.start - onset.end) <= _MEETING else None


def _middle(span: Span, unit: str) -> float:
    middle = (span.start + span.end) / 2
    return float(int(middle)) if unit == "frame" else middle


def _overlap(a: Span, b: Span) -> bool:
    """Return whether two spans share more than the moment at which one ends and the other starts."""
    shared = min(a.end, b.end) - max(a.start, b.start)
    return shared > 0 or (shared == 0 and (a.start == a.end or b.start == b.end))
