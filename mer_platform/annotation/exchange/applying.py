"""Doing what the check of an import showed, inside the caller's transaction."""

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

_AT_A_TIME = 400
_CLIENT = 80  # characters


@dataclass
class Applied:
    """What was done: numbers of annotations, and what was not done because it was changed meanwhile."""

    added: int = 0
    changed: int = 0
    consensus: int = 0
    conflicts: list[dict[str, Any]] = field(default_factory=list)


def apply(batch: AnnotationImport, user: Any) -> Applied:
    """Add and change annotations as the entries say, with a version each; ``batch`` is locked, and done afterwards."""
    done = Applied()
    client = f"import: {batch.file_name}"[:_CLIENT]
    members = Membership.objects.filter(project=batch.project).select_related("user")
    coders = {m.user_id: m.user for m in members if Role(m.role).includes(Role.ANNOTATOR)}
    by_name = {m.user.username: m.user for m in members}
    wanted = [entry for entry in batch.entries if entry["action"] in (ADD, CHANGE)]
    sound = [entry for entry in wanted if _is_coder(entry, coders, done)]
    changes = [entry for entry in sound if entry["action"] == CHANGE]
    additions = _unchanged(batch, [entry for entry in sound if entry["action"] == ADD], done)
    _change(changes, user, client, done)
    _add(batch, additions, coders, by_name, user, client, done)
    _agree(batch, by_name, done)
    batch.state, batch.confirmed_at = AnnotationImport.State.DONE, timezone.now()
    batch.conflicts = done.conflicts
    batch.save(update_fields=["state", "confirmed_at", "conflicts"])
    said = f"imported annotations from {batch.file_name[:80]}: {done.added} added, {done.changed} changed"
    said += f", {done.consensus} consensus" if done.consensus else ""
    AuditEvent.record(
        batch.project, user, f"{said}{f', {len(done.conflicts)} left' if done.conflicts else ''}"
    )
    return done


def _is_coder(entry: Entry, coders: dict[int, User], done: Applied) -> bool:
    if entry["coder"] not in coders:
        _leave(done, entry, f"{entry['coder_name']} codes in this project no more.")
    return entry["coder"] in coders


def _unchanged(batch: AnnotationImport, additions: list[Entry], done: Applied) -> list[Entry]:
    """The additions to clips in which their coder has changed nothing since the check."""
    clips = {entry["clip"] for entry in additions}
    here = set(Clip.objects.filter(project=batch.project).values_list("pk", flat=True))
    now: defaultdict[tuple[int, int], set[tuple[int, int]]] = defaultdict(set)
    for pks in _batches(sorted(clips)):
        rows = Annotation.objects.filter(clip__in=pks).values_list("clip_id", "coder_id", "pk", "revision")
        for clip, coder, pk, revision in rows:
            now[clip, coder].add((pk, revision))
    kept = []
    for entry in additions:
        if entry["clip"] not in here:
            _leave(done, entry, "The clip was deleted meanwhile.")
        elif now[entry["clip"], entry["coder"]] != {(pk, revision) for pk, revision in entry["seen"]}:
            _leave(done, entry, f"{entry['coder_name']} has changed the coding of this clip meanwhile.")
        else:
            kept.append(entry)
    return kept


def _change(changes: list[Entry], user: Any, client: str, done: Applied) -> None:
    for entries in _batches(changes):
        pks = [entry["annotation"] for entry in entries]
        current = {a.pk: a for a in Annotation.objects.select_for_update().filter(pk__in=pks)}
        for entry in entries:
            annotation = current.get(entry["annotation"])
            if annotation is None or annotation.revision != entry["revision"]:
                what = "deleted" if annotation is None else "changed"
                _leave(done, entry, f"The annotation was {what} meanwhile.")
                continue
            for name, value in entry["fields"].items():
                setattr(annotation, name, value)
            annotation.revision += 1
            annotation.save(update_fields=[*entry["fields"], "revision", "updated_at"])
            annotation.keep_version(user, client)
            done.changed += 1


def _add(
    batch: AnnotationImport,
    additions: list[Entry],
    coders: dict[int, User],
    by_name: dict[str, User],
    user: Any,
    client: str,
    done: Applied,
) -> None:
    for entries in _batches(additions):
        keys = [entry["key"] for entry in entries if entry.get("key")]
        taken = {str(key) for key in Annotation.everything.filter(key__in=keys).values_list("key", flat=True)}
        made: list[tuple[Annotation, dict[str, Any]]] = []
        for entry in entries:
            key = entry.get("key")
            if key in taken:
                _leave(done, entry, "An annotation with its key was made meanwhile.")
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
        done.added += len(made)


def _keep_times(made: Sequence[tuple[Annotation, dict[str, Any]]]) -> None:
    known = [annotation for annotation, record in made if record]
    for annotation, record in made:
        if record:
            annotation.created_at, annotation.updated_at = (
                _time(record["created_at"]),
                _time(record["updated_at"]),
            )
    Annotation.everything.bulk_update(known, ["created_at", "updated_at"])


def _keep_versions(
    made: Sequence[tuple[Annotation, dict[str, Any]]], by_name: dict[str, User], user: Any, client: str
) -> None:
    """The versions of the file, marked as come from it; where it has none, one that this import made."""
    versions: list[AnnotationVersion] = []
    times: list[datetime | None] = []
    for annotation, record in made:
        for version in record.get("versions") or [None]:
            if version is None:
                kept = annotation.content()
                versions.append(_version(annotation, annotation.revision, kept, user, client))
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
    made_by = actor(user)
    return AnnotationVersion(
        annotation=annotation, revision=revision, content=content, made_by=made_by, client=client[:_CLIENT]
    )


def _agree(batch: AnnotationImport, by_name: dict[str, User], done: Applied) -> None:
    """The consensus of clips that still have none."""
    free: set[int] = set()
    for pks in _batches(sorted({entry["clip"] for entry in batch.consensus})):
        clips = Clip.objects.select_for_update().filter(project=batch.project, pk__in=pks)
        free |= set(clips.values_list("pk", flat=True))
        free -= set(Consensus.objects.filter(clip__in=pks).values_list("clip_id", flat=True))
    for entry in batch.consensus:
        if entry["clip"] not in free:
            _leave(done, {**entry, "coder_name": ""}, "The clip has a consensus by now, or was deleted.")
            continue
        key = entry["annotation"]
        annotation = Annotation.objects.filter(key=key, clip=entry["clip"]).first() if key else None
        consensus = Consensus.objects.create(
            clip_id=entry["clip"], annotation=annotation, origin=entry["origin"],
            decided_by=by_name.get(str(entry["decided_by"])), **entry["fields"],
        )  # fmt: skip
        Consensus.objects.filter(pk=consensus.pk).update(decided_at=_time(entry["decided_at"]))
        done.consensus += 1


def _leave(done: Applied, entry: Entry, why: str) -> None:
    place = {name: entry[name] for name in ("clip", "clip_name", "coder_name", "row")}
    done.conflicts.append({**place, "why": why})


def _time(text: str) -> datetime:
    time = parse_datetime(text)
    if time is None:
        raise ValueError(f"{text!r} is no time")  # ``lossless.read`` lets none through
    return time if timezone.is_aware(time) else timezone.make_aware(time)


def _batches(items: Sequence[Any]) -> Iterator[list[Any]]:
    for start in range(0, len(items), _AT_A_TIME):
        yield list(items[start : start + _AT_A_TIME])
