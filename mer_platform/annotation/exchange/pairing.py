"""Which stored marking a row of a file is about: the one with the same content, else the one on the same frames."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from mer_platform.annotation.marks import CODED_FIELDS, MARKS
from mer_platform.annotation.models import Annotation, Consensus
from models_ml.formats.action_units import canonical_if_readable
from models_ml.formats.base import Marked

LEAST_OVERLAP = 0.5  # below it, two spans share less than half of the frames that they cover together
Stored = Annotation | Consensus


@dataclass(frozen=True)
class Pair:
    """A row with the stored marking that it is about, or None.

    ``near`` is the marking that overlaps most, but too little to be about the same expression for certain.
    """

    row: Marked
    stored: Stored | None
    near: Stored | None = None


def pair_rows(rows: Sequence[Marked], stored: Sequence[Stored]) -> list[Pair]:
    """Pair the rows of one coder in one clip, in frame indices, with the coder's stored markings.

    Equal content pairs first. Of the others, those pair whose spans overlap by at least half (intersection over union of
    their frames), the largest overlap first. A marking with marks that are not set spans those that are.
    """
    partners = _equal(rows, stored)
    taken = {own.pk for own in partners.values()}
    free = [own for own in stored if own.pk not in taken]
    left = [i for i in range(len(rows)) if i not in partners]
    scores = [(overlap(rows[i].marks(), own.frames()), i, own) for i in left for own in free]
    for score, i, own in sorted(scores, key=lambda s: -s[0]):
        if score >= LEAST_OVERLAP and i not in partners and own.pk not in taken:
            partners[i] = own
            taken.add(own.pk)
    free = [own for own in free if own.pk not in taken]
    return [
        Pair(row, partners[i]) if i in partners else Pair(row, None, _nearest(row, free))
        for i, row in enumerate(rows)
    ]


def overlap(ours: Mapping[str, int], theirs: Mapping[str, int]) -> float:
    """Return the intersection over union of the frames that two markings span; 0 if they share none.

    >>> overlap({"onset": 10, "offset": 29}, {"onset": 20, "offset": 39})
    0.3333333333333333
    """
    if not ours or not theirs:
        return 0.0
    a, b = list(ours.values()), list(theirs.values())
    shared = min(max(a), max(b)) - max(min(a), min(b)) + 1
    return max(0.0, shared / (max(*a, *b) - min(*a, *b) + 1))


def differences(row: Marked, stored: Stored) -> dict[str, list[Any]]:
    """Return [stored value, new value] of each field that the file states and that differs."""
    return {
        name: [getattr(stored, name), new]
        for name, new in fields_for(row, type(stored)).items()
        if _value(stored, name) != new
    }


def fields_for(row: Marked, kind: type[Stored]) -> dict[str, Any]:
    """Return the fields that the row states and that such a marking has."""
    names = Annotation.FIELDS if kind is Annotation else CODED_FIELDS
    return {name: value for name, value in row.stated().items() if name in names}


def content(row: Marked) -> str:
    """Return what the row states, as a text for comparison."""
    return _text(row.stated())


def not_done(row: Marked) -> Marked:
    """Return the row without the statement that its coder was done with the clip."""
    return row if row.record is None else replace(row, record={**row.record, "done_at": None})


def merged_marks(row: Marked, stored: Stored) -> dict[str, int | None]:
    """Return the marks after a change: those that the row states, otherwise those that are stored."""
    stated = row.stated()
    return {mark: stated.get(mark, getattr(stored, mark)) for mark in MARKS}


def _equal(rows: Sequence[Marked], stored: Sequence[Stored]) -> dict[int, Stored]:
    """Return the stored marking that has the same content as a row, by the row's position."""
    if not stored:
        return {}
    found: dict[int, Stored] = {}
    free: dict[tuple[str, ...], dict[str, list[Stored]]] = {}  # by the fields that rows state, and by content
    taken: set[int] = set()
    # Those that state most come first: a row that states less could take the marking of one that states more.
    for i, row in sorted(enumerate(rows), key=lambda entry: len(entry[1].silent)):
        fields = fields_for(row, type(stored[0]))
        names = tuple(fields)
        if names not in free:
            free[names] = {}
            for own in stored:
                text = _text({name: _value(own, name) for name in names})
                free[names].setdefault(text, []).append(own)
        equal = next((own for own in free[names].get(_text(fields), ()) if own.pk not in taken), None)
        if equal is not None:
            found[i] = equal
            taken.add(equal.pk)
    return found


def _text(fields: Mapping[str, Any]) -> str:
    return json.dumps(fields, sort_keys=True)


def _nearest(row: Marked, free: Sequence[Stored]) -> Stored | None:
    scored = [(overlap(row.marks(), own.frames()), -own.pk, own) for own in free]
    return max((entry for entry in scored if entry[0] > 0), default=(0, 0, None))[2]


def _value(stored: Stored, name: str) -> Any:
    """Return a field's value for comparison: action units in the form that rows have."""
    value = getattr(stored, name)
    return canonical_if_readable(value) if name == "action_units" else value
