"""What an import would do to the annotations that are there: add, change, or leave as they are."""

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

from django.contrib.auth.models import User

from mer_platform.annotation.action_units import canonical
from mer_platform.annotation.exchange.placing import Placed, refuse
from mer_platform.annotation.exchange.rows import MARKS
from mer_platform.annotation.models import Annotation
from mer_platform.clips.models import Clip
from mer_platform.projects.models import Project
from models_ml.formats.report import ImportReport

ADD, CHANGE, SAME = "add", "change", "same"
Entry = dict[str, Any]  # as the import keeps it, see ``_entry``


class Comparer:
    """Compares the rows of one file with the annotations of a project, coder by coder and clip by clip."""

    def __init__(self, project: Project, report: ImportReport) -> None:
        self._project, self._report = project, report

    def compare(self, placed: Sequence[tuple[Placed, User]]) -> list[Entry]:
        """An entry a row, in the order of the file's rows."""
        groups: defaultdict[tuple[int, int], list[Placed]] = defaultdict(list)
        coders: dict[int, User] = {}
        for row, coder in placed:
            groups[row.clip.pk, coder.pk].append(row)
            coders[coder.pk] = coder
        own: defaultdict[tuple[int, int], list[Annotation]] = defaultdict(list)
        for annotation in Annotation.objects.filter(clip__project=self._project, coder__in=coders):
            own[annotation.clip_id, annotation.coder_id].append(annotation)
        keys = [row.row.key for row, _ in placed if row.row.key]
        self._keys = {str(a.key): a for a in _with_keys(keys)}
        entries: list[Entry] = []
        for (clip, pk), rows in groups.items():
            entries += self._group(rows, own[clip, pk], coders[pk])
        return sorted(entries, key=lambda entry: (entry["row"] or 0, entry["clip_name"], entry["coder_name"]))

    def _group(self, rows: list[Placed], there: list[Annotation], coder: User) -> list[Entry]:
        """The rows of one coder in one clip, each with the annotation it is."""
        seen = [[annotation.pk, annotation.revision] for annotation in there]
        alone = len(rows) == 1 and len(there) == 1
        pairs, rows = self._by_key(rows, there, coder)
        free = [a for a in there if all(a is not annotation for _, annotation in pairs)]
        rows = self._once(rows)
        rows = _pair_overlapping(_pair_equal(rows, free, pairs), free, pairs)
        if alone and rows and free and not (_complete(rows[0].fields) and free[0].complete):
            pairs.append((rows.pop(), free.pop()))  # one unfinished expression, coded on
        entries = [_entry(row, annotation, coder, seen) for row, annotation in pairs]
        return entries + [self._addition(row, coder, seen) for row in rows]

    def _by_key(
        self, rows: list[Placed], there: list[Annotation], coder: User
    ) -> tuple[list[tuple[Placed, Annotation]], list[Placed]]:
        own = {str(annotation.key): annotation for annotation in there}
        pairs, others = [], []
        taken: set[str] = set()
        for row in rows:
            known = self._keys.get(row.row.key)
            if row.row.key and row.row.key in taken:
                refuse(
                    self._report, row.row, "key-twice", "The file has two annotations with this key.", "key"
                )
            elif row.row.key in own:
                pairs.append((row, own[row.row.key]))
            elif known and known.deleted_at and known.coder_id == coder.pk and known.clip_id == row.clip.pk:
                message = (
                    f"{coder.username} has deleted this annotation here. Restore it first, or leave it so."
                )
                refuse(self._report, row.row, "deleted-here", message, "key")
            else:
                others.append(row)
            taken.add(row.row.key)
        return pairs, others

    def _once(self, rows: list[Placed]) -> list[Placed]:
        """The rows without those that say again what one before them says."""
        kept: list[Placed] = []
        said: set[str] = set()
        for row in rows:
            content = _content(row.fields)
            if content in said and not row.row.key:
                self._report.info(
                    "duplicate-row", "The row repeats another one: it is taken once.", file=row.row.file,
                    row=row.row.row, clip=row.row.clip, subject=row.row.subject,
                )  # fmt: skip
            else:
                kept.append(row)
            said.add(content)
        return kept

    def _addition(self, row: Placed, coder: User, seen: list[list[int]]) -> Entry:
        """A new annotation; with the key and history of the file, if the key is not somebody's already."""
        free = bool(row.row.key) and row.row.key not in self._keys
        entry = _entry(row, None, coder, seen)
        return {**entry, "key": row.row.key, "record": row.row.record} if free else entry


def _with_keys(keys: list[str]) -> Iterable[Annotation]:
    """Annotations of any project with these keys: a key is unique everywhere."""
    for start in range(0, len(keys), 500):
        yield from Annotation.everything.filter(key__in=keys[start : start + 500])


def _pair_equal(
    rows: list[Placed], free: list[Annotation], pairs: list[tuple[Placed, Annotation]]
) -> list[Placed]:
    """Pair rows with annotations that say the same; gives the rows left over, and takes what was paired from ``free``."""
    left: list[Placed] = []
    same: dict[str, list[Annotation]] = {}
    names: list[str] = []
    for row in rows:
        if sorted(row.fields) != names:
            names, same = sorted(row.fields), {}
            for annotation in free:
                said = {name: _said(annotation, name) for name in names}
                same.setdefault(_content(said), []).append(annotation)
        if found := same.get(_content(row.fields)):
            annotation = found.pop()
            pairs.append((row, annotation))
            free[:] = [other for other in free if other is not annotation]
        else:
            left.append(row)
    return left


def _pair_overlapping(
    rows: list[Placed], free: list[Annotation], pairs: list[tuple[Placed, Annotation]]
) -> list[Placed]:
    """Pair rows with annotations that share frames, those that share most first; otherwise as ``_pair_equal``."""
    scores = [(_overlapping(row, a), i, j) for i, row in enumerate(rows) for j, a in enumerate(free)]
    used_rows: set[int] = set()
    used: set[int] = set()
    for score, i, j in sorted(scores, key=lambda s: -s[0]):
        if score > 0 and i not in used_rows and j not in used:
            pairs.append((rows[i], free[j]))
            used_rows.add(i)
            used.add(j)
    free[:] = [a for j, a in enumerate(free) if j not in used]
    return [row for i, row in enumerate(rows) if i not in used_rows]


def _overlapping(row: Placed, annotation: Annotation) -> float:
    """Frames that both mark, of those that either does; an unfinished marking spans the marks it has."""
    here = [row.fields[mark] for mark in MARKS if row.fields[mark] is not None]
    there = list(annotation.frames().values())
    if not here or not there:
        return 0.0
    both = min(max(here), max(there)) - max(min(here), min(there)) + 1
    return both / (max(*here, *there) - min(*here, *there) + 1)


def _complete(fields: dict[str, Any]) -> bool:
    return all(fields[mark] is not None for mark in MARKS) and bool(fields["emotion"])


def _differences(row: Placed, annotation: Annotation) -> dict[str, list[Any]]:
    """Old and new of each field that the file says and that is not as it is here."""
    return {
        name: [getattr(annotation, name), new]
        for name, new in row.fields.items()
        if _said(annotation, name) != new
    }


def _said(annotation: Annotation, name: str) -> Any:
    """A field, action units in the order and form in which rows have them."""
    value = getattr(annotation, name)
    try:
        return canonical(value) if name == "action_units" else value
    except ValueError:
        return value


def _content(fields: dict[str, Any]) -> str:
    return json.dumps(fields, sort_keys=True)


def _entry(row: Placed, annotation: Annotation | None, coder: User, seen: list[list[int]]) -> Entry:
    changed = _differences(row, annotation) if annotation else {}
    clip: Clip = row.clip
    record = row.row.record or {}
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
        "file": row.row.file,
        "row": row.row.row,
    }
