"""What an import would change: for each row, whether it adds a marking, changes one, or leaves it as it is."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any, Literal, cast

from django.contrib.auth.models import User
from typing_extensions import TypedDict

from mer_platform.annotation.checks import check_order
from mer_platform.annotation.exchange.pairing import (
    Pair,
    content,
    differences,
    fields_for,
    merged_marks,
    pair_rows,
)
from mer_platform.annotation.exchange.placing import Placed, reject
from mer_platform.annotation.models import Annotation, Assignment, Consensus, ConsensusOrigin, Judgement
from mer_platform.clips.models import Clip
from mer_platform.projects.models import Project
from models_ml.formats.base import Marked
from models_ml.formats.report import ImportReport

ADD, CHANGE, SAME, KEEP = "add", "change", "same", "keep"
_BATCH = 500  # ids per query


class PlannedChange(TypedDict, total=False):
    """What an import would do with one row, as it is stored until it is confirmed and undone.

    ``action`` is what the row amounts to; ``choice`` is what will be done (add, change or keep), one of ``choices``.
    ``target`` is the marking that would change and ``revision`` its revision; ``seen`` are all markings in the same place at
    the time of the check: their ids, each with its revision or, of a consensus, the time of its decision. ``fields`` are
    those of the new marking, ``changed`` the [old, new] values of each that a change sets. ``made`` is what was done, so
    that it can be undone. ``record`` is the history in a lossless file. ``done_at`` is when the coder had marked the clip
    as done, as seen at the check and then when the row was imported; None if not. Checks by earlier versions have
    ``decided_by`` and ``decided_at`` of a consensus here, and in ``record``.
    """

    number: int
    action: Literal["add", "change", "same"]
    choice: str
    choices: list[str]
    agreed: bool
    shown: bool
    clip: int
    clip_name: str
    coder: int | None
    coder_name: str
    annotation: int | str | None
    target: int | None
    revision: int | None
    seen: list[list[int | str]]
    fields: dict[str, Any]
    changed: dict[str, list[Any]]
    older: bool
    done_at: str | None
    file: str
    row: int | None
    key: str
    record: dict[str, Any]
    origin: str
    made: dict[str, Any]
    decided_by: str
    decided_at: str


class Comparer:
    """Compares the placed rows of one file with what is marked in a project, clip by clip."""

    def __init__(self, project: Project, report: ImportReport) -> None:
        self._project, self._report = project, report
        self._keys: dict[str, Annotation] = {}

    def annotations(self, placed: Sequence[tuple[Placed, User]]) -> list[PlannedChange]:
        """Return one planned change per row of a coder, in the order of the file."""
        groups: defaultdict[tuple[int, int], list[Marked]] = defaultdict(list)
        clips: dict[int, Clip] = {}
        coders: dict[int, User] = {}
        for (clip, row), coder in placed:
            groups[clip.pk, coder.pk].append(row)
            clips[clip.pk], coders[coder.pk] = clip, coder
        own: defaultdict[tuple[int, int], list[Annotation]] = defaultdict(list)
        for annotation in Annotation.objects.filter(clip__project=self._project, coder__in=coders):
            own[annotation.clip_id, annotation.coder_id].append(annotation)
        self._keys = {str(a.key): a for a in _with_keys([row.key for (_, row), _ in placed if row.key])}
        self._done = done_times(clip__project=self._project, coder__in=list(coders))
        found: list[PlannedChange] = []
        for (clip_pk, coder_pk), rows in groups.items():
            found += self._coding(clips[clip_pk], coders[coder_pk], rows, own[clip_pk, coder_pk])
        return sorted(found, key=lambda c: (c["row"] or 0, c["clip_name"], c["coder_name"]))

    def consensus(self, placed: Sequence[Placed]) -> list[PlannedChange]:
        """Return one planned change per row of a consensus. Where a clip has a consensus, the default is to keep it."""
        groups: defaultdict[int, list[Marked]] = defaultdict(list)
        clips: dict[int, Clip] = {}
        for clip, row in placed:
            groups[clip.pk].append(row)
            clips[clip.pk] = clip
        existing: defaultdict[int, list[Consensus]] = defaultdict(list)
        judged: set[int] = set()
        for pks in _batches(list(clips)):
            judged |= set(Judgement.objects.filter(clip__in=pks).values_list("clip", flat=True))
            for agreed in Consensus.objects.filter(clip__in=pks):
                existing[agreed.clip_id].append(agreed)
        found: list[PlannedChange] = []
        for pk, rows in groups.items():
            changes = self.consensus_on(clips[pk], rows, existing[pk], judged=pk in judged)
            if (existing[pk] or pk in judged) and any(change["action"] != SAME for change in changes):
                for change in changes:
                    change["choice"] = KEEP
                message = f"{clips[pk]} has a different consensus here. It stays as it is unless you choose otherwise."
                self._report.warning("consensus-differs", message, **rows[0].where())
            found += changes
        return sorted(found, key=lambda c: (c["row"] or 0, c["clip_name"]))

    def _coding(
        self, clip: Clip, coder: User, rows: list[Marked], existing: list[Annotation]
    ) -> list[PlannedChange]:
        """Return the planned changes of one coder in one clip."""
        statements = [row for row in rows if not row.shown]
        rows = [row for row in rows if row.shown]
        keyed = sum(bool(row.key) for row in rows)
        pairs, rows = self._by_key(clip, coder, rows, existing)
        taken = {pair.stored.pk for pair in pairs if pair.stored}
        free = [annotation for annotation in existing if annotation.pk not in taken]
        pairs += pair_rows(self._without_repeats(rows), free)
        seen: list[list[int | str]] = [[annotation.pk, annotation.revision] for annotation in existing]
        place = {
            "clip": clip.pk, "clip_name": str(clip), "coder": coder.pk, "coder_name": coder.username, "agreed": False,
        }  # fmt: skip
        changes = [change for pair in pairs if (change := self._change(pair, seen, place))]
        for change in changes:
            change["annotation"] = change["target"] if change["action"] != ADD else None
            if len(changes) < keyed:  # one was refused, so the coder is not done with the others
                change["record"]["done_at"] = None
        if done_at := self._done.get((clip.pk, coder.pk)):
            self._keep_done(clip, coder, changes, done_at, nothing=not existing)
        for row in statements[:1]:
            if changes or existing:
                message = f"{coder.username} has marked expressions in {clip}, so it cannot show none. Delete one of both."
                reject(self._report, row, "none-and-some", message, "")
            else:
                same = (clip.pk, coder.pk) in self._done
                changes.append(_statement(row, place, same=same))
        return changes

    def _keep_done(
        self, clip: Clip, coder: User, changes: list[PlannedChange], done_at: str, *, nothing: bool
    ) -> None:
        """Keep a coding that is done as it is unless someone chooses otherwise, since its coder has stated it as a whole.

        ``nothing``: the coder has marked no expression, which states that the clip shows none.
        """
        differing = [change for change in changes if change["action"] != SAME]
        for change in differing:
            change["choice"], change["done_at"] = KEEP, done_at
        if differing:
            stated = f"{coder.username} states that {clip} shows no expression" if nothing else (
                f"{coder.username} has marked {clip} as done"
            )  # fmt: skip
            message = f"{stated}. It stays as it is unless you choose otherwise."
            first = differing[0]
            self._report.warning("clip-done", message, file=first["file"], row=first["row"], clip=clip.name)

    def consensus_on(
        self, clip: Clip, rows: list[Marked], existing: list[Consensus], *, judged: bool
    ) -> list[PlannedChange]:
        """Return the planned changes of one clip's consensus; ``judged``: a judge has decided on the clip."""
        place = {"clip": clip.pk, "clip_name": str(clip), "coder": None, "coder_name": "", "agreed": True}
        statements = [row for row in rows if not row.shown]
        rows = self._without_repeats([row for row in rows if row.shown])
        seen = seen_consensus(existing)
        changes = [c for pair in pair_rows(rows, existing) if (c := self._change(pair, seen, place))]
        if statements and (changes or existing):
            message = f"{clip} has a consensus, so it cannot show no expression. Delete one of both."
            reject(self._report, statements[0], "none-and-some", message, "")
        elif statements:
            changes.append(_statement(statements[0], place, same=judged))
        for change in changes:
            record = change.get("record") or {}
            change["origin"] = record.get("origin") or ConsensusOrigin.IMPORTED
            change["annotation"] = record.get("annotation")
        return changes

    def _by_key(
        self, clip: Clip, coder: User, rows: list[Marked], existing: list[Annotation]
    ) -> tuple[list[Pair], list[Marked]]:
        """Pair the rows whose key an annotation has, and return the other rows."""
        own = {str(annotation.key): annotation for annotation in existing}
        pairs, others = [], []
        taken: set[str] = set()
        for row in rows:
            known = self._keys.get(row.key)
            if row.key and row.key in taken:
                message = "Another annotation in this file has the same key."
                reject(self._report, row, "key-twice", message, "key")
            elif row.key in own:
                pairs.append(Pair(row, own[row.key]))
            elif known and known.deleted_at and known.coder_id == coder.pk and known.clip_id == clip.pk:
                message = (
                    f"{coder.username} deleted this annotation here. Restore it, then import the file again."
                )
                reject(self._report, row, "deleted-here", message, "key")
            else:
                others.append(row)
            taken.add(row.key)
        return pairs, others

    def _without_repeats(self, rows: list[Marked]) -> list[Marked]:
        kept: list[Marked] = []
        known: set[str] = set()
        for row in rows:
            text = content(row)
            if text in known and not row.key:
                message = "This row repeats an earlier row. It is imported once."
                self._report.info("duplicate-row", message, **row.where())
            else:
                kept.append(row)
            known.add(text)
        return kept

    def _change(self, pair: Pair, seen: list[list[int | str]], place: dict[str, Any]) -> PlannedChange | None:
        """Return what to do with a row; None if it cannot be done."""
        row, target = pair.row, pair.stored or pair.near
        changed = differences(row, target) if target else {}
        wrong = check_order(**merged_marks(row, target)) if target and changed else {}
        if wrong and pair.stored:
            name = next(iter(wrong))
            message = (
                f"The file does not state all marks of this expression, and those that it states do not fit the others "
                f"here: {wrong[name][0]} Add the missing marks to the file."
            )
            reject(self._report, row, "marks-contradict", message, name)
            return None
        if pair.stored:
            action = CHANGE if changed else SAME
            choices = [CHANGE, ADD, KEEP] if changed else [KEEP]
        else:
            action, choices = ADD, [ADD, *([CHANGE] if target and not wrong else []), KEEP]
        record = dict(row.record or {})
        current = getattr(target, "revision", 0)
        change: Any = {
            **place,
            "action": action,
            "choice": choices[0],
            "choices": choices,
            "shown": True,
            "target": target.pk if target and (pair.stored or not wrong) else None,
            "revision": current,
            "seen": seen,
            "fields": fields_for(row, Consensus if place["agreed"] else Annotation) if action != SAME else {},
            "changed": changed,
            "older": bool(pair.stored and changed and record.get("revision", current) < current),
            "file": row.file,
            "row": row.row,
            "key": row.key if row.key not in self._keys else "",
            "record": record,
        }
        return cast(PlannedChange, change)


def _statement(row: Marked, place: dict[str, Any], *, same: bool) -> PlannedChange:
    """Return what to do with the statement that a clip shows no expression."""
    return {
        **place,  # type: ignore[typeddict-item]
        "action": SAME if same else ADD,
        "choice": KEEP if same else ADD,
        "choices": [KEEP] if same else [ADD, KEEP],
        "shown": False,
        "target": None,
        "annotation": None,
        "revision": None,
        "seen": [],
        "fields": {},
        "changed": {},
        "older": False,
        "file": row.file,
        "row": row.row,
        "key": "",
        "record": dict(row.record or {}),
    }


def seen_consensus(existing: Iterable[Consensus]) -> list[list[int | str]]:
    """Return what identifies the state of a clip's consensus."""
    return sorted([agreed.pk, agreed.decided_at.isoformat()] for agreed in existing)


def done_times(**among: Any) -> dict[tuple[int, int | None], str]:
    """Return when clips were marked as done, by clip and coder; without annotations, the coder saw no expression."""
    done = Assignment.objects.filter(done_at__isnull=False, **among)
    return {
        (clip, coder): at.isoformat()
        for clip, coder, at in done.values_list("clip", "coder", "done_at")
        if at
    }


def _with_keys(keys: Sequence[str]) -> Iterable[Annotation]:
    """Return the annotations with these keys in all projects: a key is unique across projects."""
    for some in _batches(keys):
        yield from Annotation.everything.filter(key__in=some)


def _batches(ids: Sequence[Any]) -> Iterable[Sequence[Any]]:
    for start in range(0, len(ids), _BATCH):
        yield ids[start : start + _BATCH]
