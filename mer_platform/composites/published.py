"""The published list of the MEGC2019 composite (442 samples), and how a draft compares with it."""

import csv
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from mer_platform.clips.models import Database
from mer_platform.composites.labelmaps import MEGC2019, LabelMap
from mer_platform.composites.models import Sample
from mer_platform.composites.names import clip_key, database_key, subject_key

LIST = Path(__file__).parent / "data" / "megc2019.csv"
TITLES = {"casme2": "CASME II", "smic": "SMIC", "samm": "SAMM"}

Key = tuple[str, str, str]


@dataclass(frozen=True)
class Published:
    """One line of the list, as it is spelled there."""

    database: str
    subject: str
    clip: str
    label: str


@cache
def published() -> dict[Key, Published]:
    """The list by its normalised names: (database, subject, clip)."""
    with LIST.open(newline="", encoding="utf-8") as file:
        entries = [Published(**row) for row in csv.DictReader(file)]
    return {(e.database, subject_key(e.subject), clip_key(e.subject, e.clip)): e for e in entries}


def list_key(database: str, subject: str, clip: str) -> Key | None:
    """Where to look in the list; None for a database that it does not cover."""
    key = database_key(database)
    return (key, subject_key(subject), clip_key(subject, clip)) if key else None


@dataclass(frozen=True)
class ExcludedItem:
    """Something of a listed database that the draft leaves out. ``label``: what the map makes of its emotion."""

    key: Key
    database: str
    subject: str
    clip: str
    emotion: str
    label: str | None
    reason: str


@dataclass
class _ListMatch:
    names: set[str] = field(default_factory=set)
    there: set[Key] = field(default_factory=set)
    differ: list[dict[str, Any]] = field(default_factory=list)


def check(
    databases: Iterable[Database | str],
    samples: Iterable[Sample],
    label_map: LabelMap,
    left_out: Iterable[ExcludedItem] = (),
) -> dict[str, Any]:
    """How the samples compare with the list, a part a database.

    ``missing``: listed and not in, with the reason if something of that name is there. ``extra``: not listed, while its
    emotion has a class; left out. ``differ``: listed under another class than the map gives; the list's is used.
    """
    found = {key: _ListMatch() for key in TITLES}
    for name in map(str, databases):
        if key := database_key(name):
            found[key].names.add(name)
    for sample in samples:
        place = list_key(sample.database, sample.subject, sample.name)
        if place is None or place not in published():
            continue
        part = found[place[0]]
        part.there.add(place)
        mapped = label_map.get(sample.database, {}).get(sample.emotion)
        if mapped != sample.label:
            part.differ.append(
                {**_place(sample), "emotion": sample.emotion, "mapped": mapped, "label": sample.label}
            )
    out = list(left_out)
    parts = [_part(key, part, out) for key, part in found.items()]
    there = sum(part["there"] for part in parts)
    complete = there == len(published())
    return {
        "list": MEGC2019,
        "published": len(published()),
        "there": there,
        "complete": complete,
        "agrees": complete and not any(part["extra"] or part["differ"] for part in parts),
        "databases": parts,
    }


def _part(key: str, found: _ListMatch, left_out: list[ExcludedItem]) -> dict[str, Any]:
    own = [entry for entry in left_out if entry.key[0] == key]
    why = {entry.key: entry.reason for entry in own}
    absent = "there is no such clip" if found.names else f"no database chosen is {TITLES[key]}"
    entries = {place: entry for place, entry in published().items() if place[0] == key}
    extra = [entry for entry in own if entry.label is not None and entry.key not in entries]
    return {
        "database": key,
        "title": TITLES[key],
        "names": sorted(found.names),
        "published": len(entries),
        "there": len(found.there),
        "missing": [
            {"subject": e.subject, "clip": e.clip, "label": e.label, "reason": why.get(place, absent)}
            for place, e in entries.items()
            if place not in found.there
        ],
        "extra": [
            {
                "database": e.database,
                "subject": e.subject,
                "clip": e.clip,
                "emotion": e.emotion,
                "label": e.label,
            }
            for e in extra
        ],
        "differ": found.differ,
    }


def _place(sample: Sample) -> dict[str, str]:
    return {"database": sample.database, "subject": sample.subject, "clip": sample.name}
