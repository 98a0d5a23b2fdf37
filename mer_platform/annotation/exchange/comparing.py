"""What an import would change: which annotations it adds, changes, or leaves as they are."""

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

from django.contrib.auth.models import User

from mer_platform.annotation.exchange.resolving import ResolvedRow, reject
from mer_platform.annotation.marks import MARKS
from mer_platform.annotation.models import Annotation
from mer_platform.clips.models import Clip
from mer_platform.projects.models import Project
from models_ml.formats.action_units import canonical_if_readable
from models_ml.formats.report import ImportReport

ADD, CHANGE, SAME = "add", "change", "same"
Entry = dict[str, Any]  # as the import stores it, see ``_entry``
Pair = tuple[ResolvedRow, Annotation]


class Comparer:
    """Compares the rows of one file with the annotations of a project, coder by coder and clip by clip."""

    def __init__(self, project: Project, report: ImportReport) -> None:
        self._project, self._report = project, report

    def compare(self, resolved: Sequence[tuple[ResolvedRow, User]]) -> list[Entry]:
        """Return one entry per row, in the order of the file."""
        groups: defaultdict[tuple[int, int], list[ResolvedRow]] = defaultdict(list)
        coders: dict[int, User] = {}
        for row, coder in resolved:
            groups[row.clip.pk, coder.pk].append(row)
            coders[coder.pk] = coder
        own: defaultdict[tuple[int, int], list[Annotation]] = defaultdict(list)
        for annotation in Annotation.objects.filter(clip__project=self._project, coder__in=coders):
            own[annotation.clip_id, annotation.coder_id].append(annotation)
        keys = [row.marked.key for row, _ in resolved if row.marked.key]
        self._keys = {str(a.key): a for a in _with_keys(keys)}
        entries: list[Entry] = []
        for (clip, pk), rows in groups.items():
            entries += self._group(rows, own[clip, pk], coders[pk])
        return sorted(entries, key=lambda entry: (entry["row"] or 0, entry["clip_name"], entry["coder_name"]))

    def _group(self, rows: list[ResolvedRow], existing: list[Annotation], coder: User) -> list[Entry]:
        """Pair the rows of one coder in one clip with the coder's annotations, and return their entries."""
        seen = [[annotation.pk, annotation.revision] for annotation in existing]
        single = len(rows) == 1 and len(existing) == 1
        pairs, rows = self._by_key(rows, existing, coder)
        free = [a for a in existing if all(a is not annotation for _, annotation in pairs)]
        rows = self._without_repeats(rows)
        rows = _pair_overlapping(_pair_equal(rows, free, pairs), free, pairs)
        if single and rows and free and not (_complete(rows[0].fields) and free[0].complete):
            pairs.append((rows.pop(), free.pop()))  # one expression that was not finished in one of the two
        entries = [_entry(row, annotation, coder, seen) for row, annotation in pairs]
        return entries + [self._addition(row, coder, seen) for row in rows]

    def _by_key(
        self, rows: list[ResolvedRow], existing: list[Annotation], coder: User
    ) -> tuple[list[Pair], list[ResolvedRow]]:
        own = {str(annotation.key): annotation for annotation in existing}
        pairs, others = [], []
        taken: set[str] = set()
        for row in rows:
            known = self._keys.get(row.marked.key)
            if row.marked.key and row.marked.key in taken:
                message = "Another annotation in this file has the same key."
                reject(self._report, row.marked, "key-twice", message, "key")
            elif row.marked.key in own:
                pairs.append((row, own[row.marked.key]))
            elif known and known.deleted_at and known.coder_id == coder.pk and known.clip_id == row.clip.pk:
                message = (
                    f"{coder.username} deleted this annotation here. Restore it, then import the file again."
                )
                reject(self._report, row.marked, "deleted-here", message, "key")
            else:
                others.append(row)
            taken.add(row.marked.key)
        return pairs, others

    def _without_repeats(self, rows: list[ResolvedRow]) -> list[ResolvedRow]:
        kept: list[ResolvedRow] = []
        known: set[str] = set()
        for row in rows:
            content = _content(row.fields)
            if content in known and not row.marked.key:
                self._report.info(
                    "duplicate-row",
                    "This row repeats an earlier row. It is imported once.",
                    **row.marked.where(),
                )
            else:
                kept.append(row)
            known.add(content)
        return kept

    def _addition(self, row: ResolvedRow, coder: User, seen: list[list[int]]) -> Entry:
        """Return the entry of a new annotation. It gets the key and history of the file if the key is not in use."""
        free = bool(row.marked.key) and row.marked.key not in self._keys
        entry = _entry(row, None, coder, seen)
        return {**entry, "key": row.marked.key, "record": row.marked.record} if free else entry


def _with_keys(keys: list[str]) -> Iterable[Annotation]:
    """Return the annotations with these keys in all projects: a key is unique across projects."""
    for start in range(0, len(keys), 500):
        yield from Annotation.everything.filter(key__in=keys[start : start + 500])


def _pair_equal(rows: list[ResolvedRow], free: list[Annotation], pairs: list[Pair]) -> list[ResolvedRow]:
    """Pair rows with annotations of the same content, and return the other rows.

    Adds to ``pairs``, and removes what was paired from ``free``.
    """
    left: list[ResolvedRow] = []
    same: dict[str, list[Annotation]] = {}
    names: list[str] = []
    for row in rows:
        if sorted(row.fields) != names:
            names, same = sorted(row.fields), {}
            for annotation in free:
                values = {name: _value(annotation, name) for name in names}
                same.setdefault(_content(values), []).append(annotation)
        if found := same.get(_content(row.fields)):
            annotation = found.pop()
            pairs.append((row, annotation))
            free[:] = [other for other in free if other is not annotation]
        else:
            left.append(row)
    return left


def _pair_overlapping(
    rows: list[ResolvedRow], free: list[Annotation], pairs: list[Pair]
) -> list[ResolvedRow]:
    """Pair rows with annotations that share frames, the largest overlap first; otherwise as ``_pair_equal``."""
    scores = [(_overlap(row, a), i, j) for i, row in enumerate(rows) for j, a in enumerate(free)]
    used_rows: set[int] = set()
    used: set[int] = set()
    for score, i, j in sorted(scores, key=lambda s: -s[0]):
        if score > 0 and i not in used_rows and j not in used:
            pairs.append((rows[i], free[j]))
            used_rows.add(i)
            used.add(j)
    free[:] = [a for j, a in enumerate(free) if j not in used]
    return [row for i, row in enumerate(rows) if i not in used_rows]


def _overlap(row: ResolvedRow, annotation: Annotation) -> float:
    """Return the intersection over union of the frames. An incomplete marking spans the marks that it has."""
    ours = [row.fields[mark] for mark in MARKS if row.fields.get(mark) is not None]
    theirs = list(annotation.frames().values())
    if not ours or not theirs:
        return 0.0
    shared = min(max(ours), max(theirs)) - max(min(ours), min(theirs)) + 1
    return shared / (max(*ours, *theirs) - min(*ours, *theirs) + 1)


def _complete(fields: dict[str, Any]) -> bool:
    return all(fields.get(mark) is not None for mark in MARKS) and bool(fields.get("emotion"))


def _differences(row: ResolvedRow, annotation: Annotation) -> dict[str, list[Any]]:
    """Return [stored value, new value] of each field that the file states and that differs."""
    return {
        name: [getattr(annotation, name), new]
        for name, new in row.fields.items()
        if _value(annotation, name) != new
    }


def _value(annotation: Annotation, name: str) -> Any:
    """Return a field's value for comparison: action units in the form that rows have."""
    value = getattr(annotation, name)
    return canonical_if_readable(value) if name == "action_units" else value


def _content(fields: dict[str, Any]) -> str:
    return json.dumps(fields, sort_keys=True)


def _entry(row: ResolvedRow, annotation: Annotation | None, coder: User, seen: list[list[int]]) -> Entry:
    changed = _differences(row, annotation) if annotation else {}
    clip: Clip = row.clip
    record = row.marked.record or {}
    older = bool(annotation and changed and record.get("revision", annotation.revision) < annotation.revision)
    return {
        "action": ADD if annotation is None else CHANGE if changed else SAME,
        "clip": clip.pk,
        "clip_name": str(clip),
        "coder": coder.pk,
        "coder_name": coder.username,
        "annotation": annotation.pk if annotation else None,
        "revision": annotation.revision if annotation else None,
        "seen": [] if annotation else seen,
        "fields": row.fields if annotation is None or changed else {},
        "changed": changed,
        "older": older,
        "file": row.marked.file,
        "row": row.marked.row,
    }
