"""The published list of the MEGC2019 composite (442 samples), and the comparison of samples with it."""

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
    """One entry of the list, as it is spelled there."""

    database: str
    subject: str
    clip: str
    label: str


@cache
def published() -> dict[Key, Published]:
    """Return the entries by their normalised names (database, subject, clip)."""
    with LIST.open(newline="", encoding="utf-8") as file:
        entries = [Published(**row) for row in csv.DictReader(file)]
    return {(e.database, subject_key(e.subject), clip_key(e.subject, e.clip)): e for e in entries}


def list_key(database: str, subject: str, clip: str) -> Key | None:
    """Return the normalised names of a clip; None for a database that is not in the list."""
    key = database_key(database)
    return (key, subject_key(subject), clip_key(subject, clip)) if key else None


@dataclass(frozen=True)
class ExcludedItem:
    """An item of a listed database that the draft leaves out. ``label``: the class that the map gives its emotion."""

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
    """Compare the samples with the list, with one part per database.

    ``missing``: listed, but not among the samples, with the reason. ``extra``: not listed, although its emotion has a
    class; it is left out. ``differ``: the list has another class than the map; the list's class is used.
    """
    found = {key: _ListMatch() for key in TITLES}
    for name in map(str, databases):
        if key := database_key(name):
            found[key].names.add(name)
    for sample in samples:
        names = list_key(sample.database, sample.subject, sample.name)
        if names is None or names not in published():
            continue
        part = found[names[0]]
        part.there.add(names)
        mapped = label_map.get(sample.database, {}).get(sample.emotion)
        if mapped != sample.label:
            part.differ.append(
                {**_names_of(sample), "emotion": sample.emotion, "mapped": mapped, "label": sample.label}
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
    absent = "clip not found" if found.names else f"none of the chosen databases is {TITLES[key]}"
    entries = {names: entry for names, entry in published().items() if names[0] == key}
    extra = [entry for entry in own if entry.label is not None and entry.key not in entries]
    return {
        "database": key,
        "title": TITLES[key],
        "names": sorted(found.names),
        "published": len(entries),
        "there": len(found.there),
        "missing": [
            {"subject": e.subject, "clip": e.clip, "label": e.label, "reason": why.get(names, absent)}
            for names, e in entries.items()
            if names not in found.there
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


def _names_of(sample: Sample) -> dict[str, str]:
    return {"database": sample.database, "subject": sample.subject, "clip": sample.name}
