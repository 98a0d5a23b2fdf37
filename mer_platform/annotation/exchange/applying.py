"""Making the changes of a checked import, in the caller's transaction."""

import uuid
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.contrib.auth.models import User
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from mer_platform.annotation.exchange.comparing import ADD, CHANGE, Entry
from mer_platform.annotation.exchange.models import AnnotationImport
from mer_platform.annotation.models import Annotation, AnnotationVersion, Consensus
from mer_platform.clips.models import Clip
from mer_platform.projects.models import AuditEvent, Membership, Role
from mer_platform.web import actor

_BATCH = 400  # rows per query
_MAX_CLIENT = 80  # characters


@dataclass
class ImportOutcome:
    """How many annotations were added and changed, and what was skipped because it has changed since the check."""

    added: int = 0
    changed: int = 0
    consensus: int = 0
    conflicts: list[dict[str, Any]] = field(default_factory=list)


def apply_import(batch: AnnotationImport, user: Any) -> ImportOutcome:
    """Add and change annotations as the entries state, with a version for each. The caller has locked ``batch``."""
    outcome = ImportOutcome()
    client = f"import: {batch.file_name}"[:_MAX_CLIENT]
    members = Membership.objects.filter(project=batch.project).select_related("user")
    coders = {m.user_id: m.user for m in members if Role(m.role).includes(Role.ANNOTATOR)}
    by_name = {m.user.username: m.user for m in members}
    wanted = [entry for entry in batch.entries if entry["action"] in (ADD, CHANGE)]
    allowed = [entry for entry in wanted if _is_coder(entry, coders, outcome)]
    changes = [entry for entry in allowed if entry["action"] == CHANGE]
    additions = _unchanged(batch, [entry for entry in allowed if entry["action"] == ADD], outcome)
    _change(changes, user, client, outcome)
    _add(additions, coders, by_name, user, client, outcome)
    _add_consensus(batch, by_name, outcome)
    batch.state, batch.confirmed_at = AnnotationImport.State.DONE, timezone.now()
    batch.conflicts = outcome.conflicts
    batch.save(update_fields=["state", "confirmed_at", "conflicts"])
    summary = (
        f"imported annotations from {batch.file_name[:80]}: {outcome.added} added, {outcome.changed} changed"
    )
    summary += f", {outcome.consensus} consensus" if outcome.consensus else ""
    summary += f", {len(outcome.conflicts)} skipped" if outcome.conflicts else ""
    AuditEvent.record(batch.project, user, summary)
    return outcome


def _is_coder(entry: Entry, coders: dict[int, User], outcome: ImportOutcome) -> bool:
    if entry["coder"] not in coders:
        _skip(outcome, entry, f"{entry['coder_name']} is no longer an annotator in this project.")
    return entry["coder"] in coders


def _unchanged(batch: AnnotationImport, additions: list[Entry], outcome: ImportOutcome) -> list[Entry]:
    """Return the additions to codings that have not changed since the check."""
    clips = {entry["clip"] for entry in additions}
    existing = set(Clip.objects.filter(project=batch.project).values_list("pk", flat=True))
    now: defaultdict[tuple[int, int], set[tuple[int, int]]] = defaultdict(set)
    for pks in _batches(sorted(clips)):
        rows = Annotation.objects.filter(clip__in=pks).values_list("clip_id", "coder_id", "pk", "revision")
        for clip, coder, pk, revision in rows:
            now[clip, coder].add((pk, revision))
    kept = []
    for entry in additions:
        if entry["clip"] not in existing:
            _skip(outcome, entry, "The clip was deleted after the check.")
        elif now[entry["clip"], entry["coder"]] != {(pk, revision) for pk, revision in entry["seen"]}:
            _skip(outcome, entry, f"{entry['coder_name']} changed the coding of this clip after the check.")
        else:
            kept.append(entry)
    return kept


def _change(changes: list[Entry], user: Any, client: str, outcome: ImportOutcome) -> None:
    for entries in _batches(changes):
        pks = [entry["annotation"] for entry in entries]
        current = {a.pk: a for a in Annotation.objects.select_for_update().filter(pk__in=pks)}
        for entry in entries:
            annotation = current.get(entry["annotation"])
            if annotation is None or annotation.revision != entry["revision"]:
                event = "deleted" if annotation is None else "changed"
                _skip(outcome, entry, f"The annotation was {event} after the check.")
                continue
            for name, value in entry["fields"].items():
                setattr(annotation, name, value)
            annotation.revision += 1
            annotation.save(update_fields=[*entry["fields"], "revision", "updated_at"])
            annotation.keep_version(user, client)
            outcome.changed += 1


def _add(
    additions: list[Entry],
    coders: dict[int, User],
    by_name: dict[str, User],
    user: Any,
    client: str,
    outcome: ImportOutcome,
) -> None:
    for entries in _batches(additions):
        keys = [entry["key"] for entry in entries if entry.get("key")]
        taken = {str(key) for key in Annotation.everything.filter(key__in=keys).values_list("key", flat=True)}
        made: list[tuple[Annotation, dict[str, Any]]] = []
        for entry in entries:
            key = entry.get("key")
            if key in taken:
                _skip(outcome, entry, "An annotation with this key was created after the check.")
                continue
            record = entry.get("record") or {}
            annotation = Annotation(
                clip_id=entry["clip"], coder=coders[entry["coder"]], revision=record.get("revision", 1), **entry["fields"]
            )  # fmt: skip
            if key:
                annotation.key = uuid.UUID(key)
            made.append((annotation, record))
        Annotation.objects.bulk_create([annotation for annotation, _ in made])
        _keep_times(made)
        _keep_versions(made, by_name, user, client)
        outcome.added += len(made)


def _keep_times(made: Sequence[tuple[Annotation, dict[str, Any]]]) -> None:
    recorded = [(annotation, record) for annotation, record in made if record]
    for annotation, record in recorded:
        annotation.created_at = _time(record["created_at"])
        annotation.updated_at = _time(record["updated_at"])
    Annotation.everything.bulk_update(
        [annotation for annotation, _ in recorded], ["created_at", "updated_at"]
    )


def _keep_versions(
    made: Sequence[tuple[Annotation, dict[str, Any]]], by_name: dict[str, User], user: Any, client: str
) -> None:
    """Store the versions that the file has, marked with the import; without any, store one made by this import."""
    versions: list[AnnotationVersion] = []
    times: list[datetime | None] = []
    for annotation, record in made:
        for version in record.get("versions") or [None]:
            if version is None:
                content = annotation.content()
                versions.append(_version(annotation, annotation.revision, content, user, client))
                times.append(None)
            else:
                by = by_name.get(str(version["made_by"]))
                source = f"{version['client']}; {client}" if version["client"] != client else client
                versions.append(_version(annotation, version["revision"], version["content"], by, source))
                times.append(_time(version["made_at"]))
    AnnotationVersion.objects.bulk_create(versions)
    dated = []
    for version, time in zip(versions, times, strict=True):
        if time:
            version.made_at = time
            dated.append(version)
    AnnotationVersion.objects.bulk_update(dated, ["made_at"])


def _version(
    annotation: Annotation, revision: int, content: Any, user: Any, client: str
) -> AnnotationVersion:
    return AnnotationVersion(
        annotation=annotation,
        revision=revision,
        content=content,
        made_by=actor(user),
        client=client[:_MAX_CLIENT],
    )


def _add_consensus(batch: AnnotationImport, by_name: dict[str, User], outcome: ImportOutcome) -> None:
    """Add the consensus of clips that still have none."""
    free: set[int] = set()
    for pks in _batches(sorted({entry["clip"] for entry in batch.consensus})):
        clips = Clip.objects.select_for_update().filter(project=batch.project, pk__in=pks)
        free |= set(clips.values_list("pk", flat=True))
        free -= set(Consensus.objects.filter(clip__in=pks).values_list("clip_id", flat=True))
    for entry in batch.consensus:
        if entry["clip"] not in free:
            message = "After the check, the clip got a consensus or was deleted."
            _skip(outcome, {**entry, "coder_name": ""}, message)
            continue
        key = entry["annotation"]
        annotation = Annotation.objects.filter(key=key, clip=entry["clip"]).first() if key else None
        consensus = Consensus.objects.create(
            clip_id=entry["clip"], annotation=annotation, origin=entry["origin"],
            decided_by=by_name.get(str(entry["decided_by"])), **entry["fields"],
        )  # fmt: skip
        Consensus.objects.filter(pk=consensus.pk).update(decided_at=_time(entry["decided_at"]))
        outcome.consensus += 1


def _skip(outcome: ImportOutcome, entry: Entry, why: str) -> None:
    shown = {name: entry[name] for name in ("clip", "clip_name", "coder_name", "row")}
    outcome.conflicts.append({**shown, "why": why})


def _time(text: str) -> datetime:
    time = parse_datetime(text)
    if time is None:
        raise ValueError(f"{text!r} is not a time")  # not reached: ``lossless.read`` has checked all times
    return time if timezone.is_aware(time) else timezone.make_aware(time)


def _batches(items: Sequence[Any]) -> Iterator[list[Any]]:
    for start in range(0, len(items), _BATCH):
        yield list(items[start : start + _BATCH])
