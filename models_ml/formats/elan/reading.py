"""ELAN (.eaf, Max Planck Institute for Psycholinguistics): expressions marked on tiers.

The name of a tier gives its role: "Emotion" (the annotation's text is the emotion), "Expression", "Expr" or "ME" (the text
is an emotion, micro or macro, or nothing), "Phase" (the texts are onset, apex, offset), a tier named onset, apex or offset
(any text), "AU" (the text is one or more units), a tier for one unit such as "AU4" or "AU10_L" (the text is the intensity,
or nothing), "Kind" or "Type" (micro or macro). The coder is what follows "@" in a tier's name (Emotion@anna) or the tier's
annotator, else the file's author. The clip is named after one of the files that the document links, or after the document.
Overlapping expressions of one coder are on several sets of tiers, distinguished by a number (Emotion #2@anna). Files that
this platform wrote name database, subject and clip in their properties.
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import PurePosixPath
from typing import Any

from models_ml.errors import InputError
from models_ml.formats.base import Finding, Marked, Sheet, Tree
from models_ml.formats.elan.document import ElanAnnotation, ElanDocument, Tier, parse
from models_ml.formats.elan.tier_names import TierName, read_tier_name
from models_ml.formats.report import ImportReport, listed
from models_ml.formats.spans import CONSENSUS, KINDS, MISSING, NO_EXPRESSION, PHASES, Span, combine, role_of
from models_ml.video.filetypes import is_litter

_LARGEST = 64 << 20  # bytes of a file
PROPERTY = "mer-platform:"  # before "database", "subject" and "clip"
_MARKS_ONLY = frozenset({"", "1", "x", "yes"})  # texts on a tier of expressions that only say: here


def read(tree: Tree, sheet: Sheet | None, accepted: frozenset[str]) -> Finding:
    """Read the annotations of each .eaf file in the tree, or of the file given as ``sheet``.

    Raises InputError if there is no such file, or if the only one cannot be read.
    """
    report = ImportReport()
    finding = Finding(problems=report.problems)
    paths = [p for p in tree.files() if p.lower().endswith(".eaf") and not is_litter(p)]
    if sheet is None and not paths:
        raise InputError(f"“{tree.name}” contains no ELAN file (.eaf).")
    for name in [sheet.name] if sheet else paths:
        try:
            document = parse(name, sheet.content if sheet else _content(tree, name))
        except InputError as error:
            if sheet or len(paths) == 1:
                raise
            report.error("file-unreadable", str(error), file=name)
            continue
        finding.annotations += _document(name, document, report)
    finding.annotations.sort(key=lambda m: (m.clip, m.coder, m.onset or 0))
    return finding


def _content(tree: Tree, path: str) -> bytes:
    with tree.open(path) as file:
        return file.read(_LARGEST + 1)


@dataclass
class _Lane:
    """One set of a coder's tiers; ``mentioned`` as in ``combine``. ``naming`` are the tiers that name emotions."""

    spans: list[Span] = field(default_factory=list)
    mentioned: set[str] = field(default_factory=set)
    naming: list[str] = field(default_factory=list)


def _document(name: str, document: ElanDocument, report: ImportReport) -> list[Marked]:
    source, origin = _source(name, document, report)
    lanes: defaultdict[tuple[str, str], _Lane] = defaultdict(_Lane)
    left_out, timed = [], []
    for tier in document.tiers:
        title, _, named = tier.name.partition("@")
        title, _, number = title.partition("#")
        meaning = read_tier_name(title)
        if meaning is None:
            left_out.append(tier.name)
            continue
        if meaning.unit and tier.annotations:
            timed.append(tier.name)
        for key, why in tier.damaged:
            message = f"The annotation {key} on the tier “{tier.name}” {why}: it is left out."
            report.warning("annotation-damaged", message, **source.where())
        lane = lanes[named or tier.annotator or document.author, number.strip()]
        spans = list(_spans(tier, meaning, origin, source, report))
        lane.spans += spans
        lane.mentioned |= _mentioned(spans)
        names = meaning.role == "emotion" or (meaning.role == "expression" and not meaning.word)
        if names and any(span.role == "emotion" for span in spans):
            lane.naming.append(tier.name)
    if left_out:
        message = f"Tiers that do not describe expressions were left out: {listed(left_out)}."
        report.info("tier-left-out", message, **source.where())
    if timed:
        message = (
            f"Tiers for one action unit have times of their own: {listed(timed)}. The platform stores which units an "
            "expression has, not when each of them starts and ends."
        )
        report.info("unit-times", message, **source.where())
    is_ours = f"{PROPERTY}clip" in document.properties
    found: list[Marked] = []
    for (coder, _), lane in sorted(lanes.items()):
        agreed = is_ours and coder == CONSENSUS
        own = replace(source, coder="" if agreed else coder, agreed=agreed)
        if len(lane.naming) > 1:
            message = (
                f"Several tiers name emotions and are read as one coding: {listed(lane.naming)}. If they are of several "
                "coders, put “@” and the coder's name at the end of each tier's name, for example Emotion@anna."
            )
            report.warning("coder-unclear", message, **source.where())
        found += combine(lane.spans, own, report, mentioned=frozenset(lane.mentioned))
    return found


def _source(name: str, document: ElanDocument, report: ImportReport) -> tuple[Marked, float]:
    """Return what all annotations of the document have in common, and the time that ELAN skips at the media's start."""
    stated = {key.removeprefix(PROPERTY): value for key, value in document.properties.items()}
    where: dict[str, Any] = {key: stated.get(key, "") for key in ("subject", "database")}
    origin = document.media[0].origin if document.media else 0.0
    if stated.get("clip"):
        return Marked(clip=stated["clip"], unit="ms", file=name, **where), origin
    names = [medium.name for medium in document.media if medium.origin == origin]
    first, *others = dict.fromkeys([*names, PurePosixPath(name).stem])
    if apart := [medium.name for medium in document.media if medium.origin != origin]:
        message = (
            f"Linked files that start at another time than “{first}” were left out: {listed(apart)}. The annotations are "
            f"those of “{first}”."
        )
        report.info("medium-left-out", message, file=name, clip=first)
    return Marked(clip=first, others=tuple(others), unit="ms", file=name, **where), origin


def _mentioned(spans: list[Span]) -> set[str]:
    """Return the fields that the spans of a tier state of each expression: it has none where they name none."""
    units = {"action_units" for span in spans if span.role == "unit"}
    return units | {"apex" for span in spans if span.role == "phase" and "apex" in span.word}


def _spans(
    tier: Tier, meaning: TierName, origin: float, source: Marked, report: ImportReport
) -> Iterator[Span]:
    """Yield the spans of a tier whose texts fit its role."""
    for annotation in tier.annotations:
        start, end = annotation.start + origin, annotation.end + origin
        word = annotation.text
        if meaning.role == "missing":
            words = [part.strip() for part in word.lower().split(",")]
            yield from (Span(start, end, part, "missing") for part in words if part in MISSING)
        elif meaning.role == "phase":
            word = meaning.word or word.lower()
            if word in PHASES:
                yield Span(start, end, word, "phase")
            else:
                message = f"“{annotation.text}” is not a phase (onset, apex, offset): it is left out."
                report.warning("phase-unknown", message, **source.where())
        elif meaning.role == "kind":
            if word.lower().startswith(KINDS):
                yield Span(start, end, word.lower(), "kind")
            else:
                message = f"“{word}” is neither micro nor macro: it is left out."
                report.warning("kind-unknown", message, **source.where())
        elif meaning.role == "unit":
            if word := _unit(tier, meaning, annotation, source, report):
                yield Span(start, end, word, "unit")
        else:
            yield from _expression(meaning, start, end, word)


def _expression(meaning: TierName, start: float, end: float, word: str) -> Iterator[Span]:
    if word.lower() == NO_EXPRESSION:
        yield Span(start, end, word, "nothing")
        return
    is_kind = role_of(word) == "kind"
    if is_kind or meaning.word:
        yield Span(start, end, word.lower() if is_kind else meaning.word, "kind")
    if role_of(word) == "expression" or (
        meaning.role == "expression" and (is_kind or word.lower() in _MARKS_ONLY)
    ):
        word = ""
    if not is_kind or meaning.role == "expression":
        yield Span(start, end, word, meaning.role)


def _unit(
    tier: Tier, meaning: TierName, annotation: ElanAnnotation, source: Marked, report: ImportReport
) -> str:
    """Return the action units of an annotation: its text, or the tier's unit with the text as its intensity."""
    text = annotation.text
    if not meaning.unit:
        return text
    if text.upper() in ("A", "B", "C", "D", "E"):
        return f"{meaning.unit}{text.upper()}"
    if role_of(text) == "unit" and not text.isdigit():
        return text
    if text:
        message = (
            f"“{text}” (annotation {annotation.key} on the tier “{tier.name}”) is not an intensity from A to E: the unit is "
            "read without one."
        )
        report.warning("intensity-unknown", message, **source.where())
    return meaning.unit
