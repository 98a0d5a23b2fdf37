"""ELAN documents (EAF) as tiers of annotations with times; an annotation that is broken costs only itself.

Times are in milliseconds. Annotations without times of their own get them as in ELAN: a run of time slots without a value
divides the time between its neighbours on the tier evenly, and annotations that refer to a parent divide the parent's time.
Format: ELAN, Max Planck Institute for Psycholinguistics, EAF 2.7 to 3.0.
"""

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise
from pathlib import PurePosixPath
from urllib.parse import unquote
from xml.etree.ElementTree import Element, ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import fromstring

from models_ml.errors import InputError
from models_ml.video.filetypes import VIDEOS

_LARGEST = 64 << 20  # bytes of a file
_DEEPEST = 32  # tiers below tiers
# Of header's TIME_UNITS: how long a unit lasts, in milliseconds.
_UNITS = {"milliseconds": 1.0, "NTSC-frames": 1001 / 30, "PAL-frames": 40.0}

Interval = tuple[float, float]


@dataclass(frozen=True)
class ElanAnnotation:
    """An annotation with its start and end in milliseconds."""

    key: str
    start: float
    end: float
    text: str


@dataclass(frozen=True)
class Medium:
    """A linked file: its name without folder and ending, and the milliseconds that ELAN skips at its start."""

    name: str
    is_video: bool
    origin: float


@dataclass(frozen=True)
class Tier:
    """A tier; ``damaged`` says of each annotation that cannot be read why, by its id."""

    name: str
    annotator: str
    annotations: tuple[ElanAnnotation, ...]
    damaged: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class ElanDocument:
    """What a file contains. ``media`` are in the order in which they may be the annotated clip: videos first."""

    author: str
    properties: dict[str, str]
    media: tuple[Medium, ...]
    tiers: tuple[Tier, ...]


def parse(name: str, content: bytes) -> ElanDocument:
    """Parse an .eaf file, but only if it is XML without entities and without a document type.

    Raises InputError if it is not an ELAN document, or if it counts time in a unit that is not known.
    """
    if len(content) > _LARGEST:
        raise InputError(f"“{name}” is larger than {_LARGEST >> 20} MB, too large for a file of annotations.")
    try:
        root = fromstring(content, forbid_dtd=True)
    except DefusedXmlException as error:
        raise InputError(
            f"“{name}” declares XML entities, which ELAN files never do: it was not read."
        ) from error
    except ParseError as error:
        line, column = error.position
        raise InputError(
            f"“{name}” is not XML from line {line}, column {column + 1} on. Open it in ELAN and save it again."
        ) from error
    except (ValueError, LookupError) as error:
        raise InputError(
            f"“{name}” has an encoding that XML files do not have. Open it in ELAN and save it again as UTF-8."
        ) from error
    if root.tag != "ANNOTATION_DOCUMENT":
        raise InputError(f"“{name}” is not an ELAN file: its first element is <{root.tag}>.")
    header = root.find("HEADER")
    if header is None:
        raise InputError(
            f"“{name}” is incomplete or damaged: it has no header. Open it in ELAN and save it again."
        )
    unit = header.get("TIME_UNITS") or "milliseconds"
    if unit not in _UNITS:
        raise InputError(
            f"“{name}” counts time in “{unit}”. Its TIME_UNITS must be milliseconds, NTSC-frames or PAL-frames: save it "
            "again in ELAN."
        )
    return ElanDocument(
        author=root.get("AUTHOR") or "",
        properties={p.get("NAME", ""): p.text or "" for p in header.findall("PROPERTY")},
        media=tuple(sorted(_media(header, _UNITS[unit]), key=lambda medium: not medium.is_video)),
        tiers=tuple(_Tiers(root, _UNITS[unit]).read()),
    )


def _media(header: Element, unit: float) -> Iterator[Medium]:
    for found in header.findall("MEDIA_DESCRIPTOR"):
        path = unquote(found.get("MEDIA_URL") or found.get("RELATIVE_MEDIA_URL") or "").replace("\\", "/")
        if stem := PurePosixPath(path).stem:
            is_video = path.lower().endswith(VIDEOS) or (found.get("MIME_TYPE") or "").startswith("video/")
            yield Medium(stem, is_video, (_number(found.get("TIME_ORIGIN")) or 0.0) * unit)


def _number(text: str | None) -> float | None:
    """Return a whole number; None for other texts, also for more digits than a time has."""
    return float(text) if text and re.fullmatch(r"\s*[+-]?[0-9]{1,15}\s*", text) else None


class _Damaged(Exception):
    """Why an annotation has no times."""


@dataclass
class _Written:
    """An annotation as the file writes it: with time slots, or with its parent and the annotation before it."""

    key: str
    text: str
    slots: tuple[str, str] = ("", "")
    parent: str = ""
    previous: str = ""


@dataclass
class _WrittenTier:
    element: Element
    annotations: list[_Written] = field(default_factory=list)
    slots: dict[str, float] = field(
        default_factory=dict
    )  # those without a value that are between others on the tier


class _Tiers:
    """The tiers of a document while their annotations get times."""

    def __init__(self, root: Element, unit: float) -> None:
        self._order: dict[str, int] = {}
        self._values: dict[str, float] = {}
        for position, slot in enumerate(root.iterfind("TIME_ORDER/TIME_SLOT")):
            key = slot.get("TIME_SLOT_ID", "")
            self._order[key] = position
            value = _number(slot.get("TIME_VALUE"))
            if value is not None:
                self._values[key] = value * unit
        self._tiers = [_WrittenTier(element, list(_written(element))) for element in root.findall("TIER")]
        self._home = {a.key: (tier, a) for tier in self._tiers for a in tier.annotations}
        for tier in self._tiers:
            tier.slots = self._interpolated([a for a in tier.annotations if any(a.slots)])

    def read(self) -> Iterator[Tier]:
        for tier in self._tiers:
            sound, damaged = [], []
            for annotation in tier.annotations:
                try:
                    start, end = self._interval(tier, annotation)
                except _Damaged as error:
                    damaged.append((annotation.key, str(error)))
                else:
                    sound.append(ElanAnnotation(annotation.key, start, end, annotation.text))
            yield Tier(
                tier.element.get("TIER_ID", ""),
                tier.element.get("ANNOTATOR") or "",
                tuple(sound),
                tuple(damaged),
            )

    def _interpolated(self, annotations: Sequence[_Written]) -> dict[str, float]:
        """Return the times of the tier's time slots without a value that have neighbours with one on both sides."""
        used = {slot for a in annotations for slot in a.slots if slot in self._order}
        slots = sorted(used, key=self._order.__getitem__)
        known = [i for i, slot in enumerate(slots) if slot in self._values]
        found = {}
        for before, after in pairwise(known):
            start, end = self._values[slots[before]], self._values[slots[after]]
            for i in range(before + 1, after):
                found[slots[i]] = float(round(start + (end - start) * (i - before) / (after - before)))
        return found

    def _interval(self, tier: _WrittenTier, annotation: _Written, depth: int = 0) -> Interval:
        if annotation.parent:
            return self._part_of_parent(tier, annotation, depth)
        start, end = (self._time(tier, slot) for slot in annotation.slots)
        return start, end

    def _time(self, tier: _WrittenTier, slot: str) -> float:
        if slot in self._values:
            return self._values[slot]
        if slot in tier.slots:
            return tier.slots[slot]
        if not slot:
            raise _Damaged("names no time slot")
        if slot in self._order:
            raise _Damaged(f"has the time slot {slot}, which has no time and none on both sides")
        raise _Damaged(f"refers to the time slot {slot}, which the file does not have")

    def _part_of_parent(self, tier: _WrittenTier, annotation: _Written, depth: int) -> Interval:
        """Return the annotation's part of its parent's time; annotations on a tier with one parent have equal parts."""
        home = self._home.get(annotation.parent)
        if home is None or depth > _DEEPEST:
            raise _Damaged(f"refers to the annotation {annotation.parent}, which the file does not have")
        try:
            start, end = self._interval(*home, depth + 1)
        except _Damaged as error:
            raise _Damaged(f"refers to the annotation {annotation.parent}, which {error}") from error
        siblings = self._siblings[id(tier), annotation.parent]
        position, count = siblings[annotation.key], len(siblings)
        step = (end - start) / count
        return start + position * step, end if position == count - 1 else start + (position + 1) * step

    @cached_property
    def _siblings(self) -> dict[tuple[int, str], dict[str, int]]:
        """The positions of the annotations of each parent on each tier, where each names the one before it."""
        found: defaultdict[tuple[int, str], list[_Written]] = defaultdict(list)
        for tier in self._tiers:
            for annotation in tier.annotations:
                if annotation.parent:
                    found[id(tier), annotation.parent].append(annotation)
        return {key: _in_order(annotations) for key, annotations in found.items()}


def _in_order(annotations: Sequence[_Written]) -> dict[str, int]:
    after = {a.previous: a.key for a in annotations if a.previous}
    ordered: dict[str, int] = {}
    for first in (a.key for a in annotations if not a.previous):
        key: str | None = first
        while key is not None and key not in ordered:
            ordered[key] = len(ordered)
            key = after.get(key)
    for annotation in annotations:
        ordered.setdefault(annotation.key, len(ordered))
    return ordered


def _written(tier: Element) -> Iterator[_Written]:
    for number, holder in enumerate(tier.findall("ANNOTATION"), 1):
        for element in holder:
            key = element.get("ANNOTATION_ID") or f"number {number}"
            text = (element.findtext("ANNOTATION_VALUE") or "").strip()
            if element.tag == "ALIGNABLE_ANNOTATION":
                slots = (element.get("TIME_SLOT_REF1", ""), element.get("TIME_SLOT_REF2", ""))
                yield _Written(key, text, slots=slots)
            elif element.tag == "REF_ANNOTATION":
                parent = element.get("ANNOTATION_REF") or "without a name"
                yield _Written(key, text, parent=parent, previous=element.get("PREVIOUS_ANNOTATION") or "")
