"""Importing a consensus: adding it to clips, changing it, and taking both back. The caller's transaction holds."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.contrib.auth.models import User

from mer_platform.annotation.exchange.comparing import ADD, PlannedChange, seen_consensus
from mer_platform.annotation.exchange.outcome import ImportOutcome, batches, time_of
from mer_platform.annotation.marks import CODED_FIELDS
from mer_platform.annotation.models import Annotation, Consensus, ConsensusOrigin, Judgement
from mer_platform.clips.models import Clip
from mer_platform.projects.models import Project
from mer_platform.web import actor


def add_consensus(clip: Clip, expressions: Iterable[Mapping[str, Any]], by: Any) -> None:
    """Add the coding of a database to a clip that has none. ``shown`` of an expression is False if the clip shows none."""
    for fields in expressions:
        _add(clip.pk, {"shown": fields.get("shown", True), "fields": dict(fields)}, {}, by)


def apply_consensus(
    project: Project,
    changes: Sequence[PlannedChange],
    by_name: Mapping[str, User],
    user: Any,
    outcome: ImportOutcome,
) -> None:
    """Make these changes, except in clips whose consensus has changed since the check."""
    by_clip: defaultdict[int, list[PlannedChange]] = defaultdict(list)
    for change in changes:
        by_clip[change["clip"]].append(change)
    for pks in batches(sorted(by_clip)):
        clips = Clip.objects.select_for_update().filter(project=project, pk__in=pks)
        found = set(clips.values_list("pk", flat=True))
        existing: defaultdict[int, list[Consensus]] = defaultdict(list)
        for agreed in Consensus.objects.filter(clip__in=pks):
            existing[agreed.clip_id].append(agreed)
        for pk in pks:
            same = all(c["seen"] == seen_consensus(existing[pk]) for c in by_clip[pk])
            changed: set[int | None] = set()
            for change in by_clip[pk]:
                if pk not in found or not same:
                    outcome.skip(change, "After the check, the clip got another consensus or was deleted.")
                elif change["choice"] == ADD:
                    _add(pk, change, by_name, user)
                    outcome.consensus += 1
                elif change["target"] in changed:
                    outcome.skip(change, "Another row of the file changed this consensus.")
                else:
                    changed.add(change["target"])
                    _change(change, existing[pk], by_name, user)
                    outcome.consensus += 1


def undo_consensus(changes: Iterable[PlannedChange], outcome: ImportOutcome) -> None:
    """Take back what an import did to consensus and judgements, except where it has changed since."""
    for change in changes:
        made = change["made"]
        if "consensus" in made:
            agreed = Consensus.objects.select_for_update().filter(pk=made["consensus"]).first()
            if agreed is None or agreed.decided_at != time_of(made["decided_at"]):
                outcome.skip(change, "The consensus has changed since the import.")
                continue
            if before := made.get("before"):
                fields = {**_still_there(before), "decided_at": time_of(before["decided_at"])}
                Consensus.objects.filter(pk=agreed.pk).update(**fields)
            else:
                agreed.delete()
        if "judgement" in made:
            judgement = Judgement.objects.select_for_update().filter(pk=made["judgement"]).first()
            if judgement is None or judgement.decided_at != time_of(made["judged_at"]):
                outcome.skip(change, "A judge has decided on this clip since the import.")
                continue
            judgement.delete()
        outcome.consensus += 1


def _still_there(before: Mapping[str, Any]) -> dict[str, Any]:
    """Return these fields of a consensus, without a decider or an annotation deleted since."""
    found = dict(before)
    for name, among in (("decided_by_id", User), ("annotation_id", Annotation)):
        if not among._default_manager.filter(pk=found[name]).exists():
            found[name] = None
    return found


def _add(clip: int, change: PlannedChange, by_name: Mapping[str, User], user: Any) -> None:
    record = change.get("record") or {}
    change["made"] = {}
    if change["shown"]:
        agreed = Consensus.objects.create(
            clip_id=clip, annotation=_annotation(clip, record), decided_by=_decider(record, by_name, user),
            origin=record.get("origin") or ConsensusOrigin.IMPORTED,
            **{name: change["fields"][name] for name in CODED_FIELDS if name in change["fields"]},
        )  # fmt: skip
        _keep_time(agreed, record)
        change["made"] |= {"consensus": agreed.pk, "decided_at": agreed.decided_at.isoformat()}
    judged = record.get("judgement") if change["shown"] else record
    if judged is not None:
        decider = {"decided_by": _decider(judged, by_name, user)}
        judgement, created = Judgement.objects.get_or_create(clip_id=clip, defaults=decider)
        if created:
            _keep_time(judgement, judged)
            change["made"] |= {"judgement": judgement.pk, "judged_at": judgement.decided_at.isoformat()}


def _change(
    change: PlannedChange, existing: Sequence[Consensus], by_name: Mapping[str, User], user: Any
) -> None:
    agreed = next(own for own in existing if own.pk == change["target"])
    names = (*change["changed"], "origin", "annotation_id", "decided_by_id")
    before = {name: getattr(agreed, name) for name in names}
    before["decided_at"] = agreed.decided_at.isoformat()
    record = change.get("record") or {}
    for name, (_, new) in change["changed"].items():
        setattr(agreed, name, new)
    agreed.origin = record.get("origin") or ConsensusOrigin.IMPORTED
    agreed.annotation = _annotation(change["clip"], record)
    agreed.decided_by = _decider(record, by_name, user)
    agreed.save()
    _keep_time(agreed, record)
    change["made"] = {
        "consensus": agreed.pk,
        "decided_at": agreed.decided_at.isoformat(),
        "before": before,
    }


def _decider(record: Mapping[str, Any], by_name: Mapping[str, User], user: Any) -> Any:
    """Return who decided: as a lossless file says, otherwise who imports it."""
    return by_name.get(str(record["decided_by"])) if "decided_by" in record else actor(user)


def _annotation(clip: int, record: Mapping[str, Any]) -> Annotation | None:
    key = record.get("annotation")
    return Annotation.objects.filter(key=key, clip=clip).first() if key else None


def _keep_time(decided: Consensus | Judgement, record: Mapping[str, Any]) -> None:
    """Set the time that a lossless file states; it is set by itself on each save."""
    if text := record.get("decided_at"):
        decided.decided_at = time_of(text)
        type(decided).objects.filter(pk=decided.pk).update(decided_at=decided.decided_at)
