"""Making the planned changes of an import, in the caller's transaction."""

import uuid
from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.contrib.auth.models import User
from django.utils import timezone

from mer_platform.annotation.exchange.agreeing import apply_consensus
from mer_platform.annotation.exchange.comparing import ADD, CHANGE, PlannedChange
from mer_platform.annotation.exchange.finished import (
    apply_done,
    apply_nothing_shown,
    leaves_incomplete,
    not_done_since,
)
from mer_platform.annotation.exchange.models import AnnotationImport
from mer_platform.annotation.exchange.outcome import ImportOutcome, batches, keep_versions, time_of
from mer_platform.annotation.models import Annotation, AnnotationVersion
from mer_platform.clips.models import Clip
from mer_platform.projects.models import AuditEvent, Membership, Role
from mer_platform.web import actor

_MAX_CLIENT = 80  # characters


def apply_import(batch: AnnotationImport, user: Any) -> ImportOutcome:
    """Make the chosen changes, with a version for each annotation. The caller has locked ``batch``."""
    outcome = ImportOutcome()
    client = f"import: {batch.file_name}"[:_MAX_CLIENT]
    members = Membership.objects.filter(project=batch.project).select_related("user")
    coders = {m.user_id: m.user for m in members if Role(m.role).includes(Role.ANNOTATOR)}
    by_name = {m.user.username: m.user for m in members}
    wanted = [change for change in batch.entries if change["choice"] in (ADD, CHANGE)]
    allowed = not_done_since((c for c in wanted if _is_coder(c, coders, outcome)), outcome)
    additions = [change for change in allowed if change["choice"] == ADD and change["shown"]]
    _change([change for change in allowed if change["choice"] == CHANGE], user, client, outcome)
    _add(_unchanged(batch, additions, outcome), coders, by_name, user, client, outcome)
    apply_nothing_shown([change for change in allowed if not change["shown"]], user, outcome)
    apply_done(batch.entries, user, outcome)
    agreed = [change for change in batch.consensus if change["choice"] in (ADD, CHANGE)]
    apply_consensus(batch.project, agreed, by_name, user, outcome)
    batch.state, batch.confirmed_at = AnnotationImport.State.DONE, timezone.now()
    batch.conflicts, batch.content = outcome.conflicts, b""
    batch.save(update_fields=["state", "confirmed_at", "conflicts", "content", "entries", "consensus"])
    AuditEvent.record(batch.project, user, f"imported annotations from {batch.file_name[:80]}: {outcome}")
    return outcome


def _is_coder(change: PlannedChange, coders: dict[int, User], outcome: ImportOutcome) -> bool:
    if change["coder"] not in coders:
        outcome.skip(change, f"{change['coder_name']} is no longer an annotator in this project.")
    return change["coder"] in coders


def _unchanged(
    batch: AnnotationImport, additions: list[PlannedChange], outcome: ImportOutcome
) -> list[PlannedChange]:
    """Return the additions to codings that have not changed since the check, except by this import."""
    clips = {change["clip"] for change in additions}
    existing = set(Clip.objects.filter(project=batch.project).values_list("pk", flat=True))
    now: defaultdict[tuple[int, int | None], set[tuple[int, int]]] = defaultdict(set)
    for pks in batches(sorted(clips)):
        rows = Annotation.objects.filter(clip__in=pks).values_list("clip_id", "coder_id", "pk", "revision")
        for clip, coder, pk, revision in rows:
            now[clip, coder].add((pk, revision))
    changed = {c["target"]: c["made"]["revision"] for c in batch.entries if "made" in c}
    kept = []
    for change in additions:
        seen = {(pk, changed.get(pk, revision)) for pk, revision in change["seen"]}
        if change["clip"] not in existing:
            outcome.skip(change, "The clip was deleted after the check.")
        elif now[change["clip"], change["coder"]] != seen:
            outcome.skip(change, f"{change['coder_name']} changed the coding of this clip after the check.")
        else:
            kept.append(change)
    return kept


def _change(changes: list[PlannedChange], user: Any, client: str, outcome: ImportOutcome) -> None:
    for some in batches(changes):
        pks = [change["target"] for change in some]
        current = {a.pk: a for a in Annotation.objects.select_for_update().filter(pk__in=pks)}
        changed: list[Annotation] = []
        for change in some:
            annotation = current.get(change["target"])
            if annotation is None or annotation.revision != change["revision"]:
                event = "deleted" if annotation is None else "changed"
                outcome.skip(change, f"The annotation was {event} after the check.")
                continue
            for name, (_, new) in change["changed"].items():
                setattr(annotation, name, new)
            if leaves_incomplete(change, annotation, outcome):
                continue
            annotation.revision += 1
            annotation.save(update_fields=[*change["changed"], "revision", "updated_at"])
            changed.append(annotation)
            change["made"] = {"annotation": annotation.pk, "revision": annotation.revision}
            outcome.changed += 1
        keep_versions(changed, user, client)


def _add(
    additions: list[PlannedChange],
    coders: dict[int, User],
    by_name: dict[str, User],
    user: Any,
    client: str,
    outcome: ImportOutcome,
) -> None:
    for some in batches(additions):
        keys = [change["key"] for change in some if change["key"]]
        taken = {str(key) for key in Annotation.everything.filter(key__in=keys).values_list("key", flat=True)}
        made: list[tuple[Annotation, PlannedChange]] = []
        for change in some:
            if change["key"] in taken:
                outcome.skip(change, "An annotation with this key was created after the check.")
                continue
            revision = change["record"].get("revision", 1) if change["key"] else 1
            coder = coders[change["coder"] or 0]
            annotation = Annotation(
                clip_id=change["clip"], coder=coder, revision=revision, **change["fields"]
            )
            if change["key"]:
                annotation.key = uuid.UUID(change["key"])
            if not leaves_incomplete(change, annotation, outcome):
                made.append((annotation, change))
        Annotation.objects.bulk_create([annotation for annotation, _ in made])
        _keep_history(made, by_name, user, client)
        for annotation, change in made:
            change["made"] = {"annotation": annotation.pk, "revision": annotation.revision, "new": True}
        outcome.added += len(made)


def _keep_history(
    made: Sequence[tuple[Annotation, PlannedChange]], by_name: dict[str, User], user: Any, client: str
) -> None:
    """Store the times and versions that the file has, marked with the import; otherwise a version made by this import."""
    dated: list[Annotation] = []
    versions: list[AnnotationVersion] = []
    times: list[datetime | None] = []
    for annotation, change in made:
        record = change["record"] if change["key"] else {}
        if "created_at" in record:
            annotation.created_at = time_of(record["created_at"])
            annotation.updated_at = time_of(record["updated_at"])
            dated.append(annotation)
        for version in record.get("versions") or [None]:
            if version is None:
                content = annotation.content()
                versions.append(_version(annotation, annotation.revision, content, user, client))
                times.append(None)
            else:
                by = by_name.get(str(version["made_by"]))
                source = f"{version['client']}; {client}" if version["client"] != client else client
                versions.append(_version(annotation, version["revision"], version["content"], by, source))
                times.append(time_of(version["made_at"]))
    Annotation.everything.bulk_update(dated, ["created_at", "updated_at"])
    AnnotationVersion.objects.bulk_create(versions)
    timed = []
    for version, time in zip(versions, times, strict=True):
        if time:
            version.made_at = time
            timed.append(version)
    AnnotationVersion.objects.bulk_update(timed, ["made_at"])


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
