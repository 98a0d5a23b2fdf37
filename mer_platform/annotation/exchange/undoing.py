"""Undoing a whole import: what it added is removed, what it changed gets its previous values."""

import uuid
from collections.abc import Iterable
from typing import Any

from django.utils import timezone

from mer_platform.annotation.exchange.agreeing import undo_consensus
from mer_platform.annotation.exchange.comparing import PlannedChange
from mer_platform.annotation.exchange.finished import locked_done_times, undo_done
from mer_platform.annotation.exchange.models import AnnotationImport
from mer_platform.annotation.exchange.outcome import ImportOutcome, batches, keep_versions
from mer_platform.annotation.models import Annotation
from mer_platform.projects.models import AuditEvent


def undo_import(batch: AnnotationImport, user: Any) -> ImportOutcome:
    """Take back what the import did; what has changed since is skipped and listed. The caller has locked ``batch``.

    An annotation that the import added is deleted, with its history; its key becomes free, so that the same file can be
    imported again. A coding whose coder has marked the clip as done since stays as it is: without its annotations, it would
    state that the clip shows no expression.
    """
    outcome = ImportOutcome()
    client = f"undo of import: {batch.file_name}"[:80]
    made = [change for change in batch.entries if change.get("made")]
    for change in made:
        if "assignment" in change["made"]:
            undo_done(change, outcome)
    _undo_annotations([change for change in made if "annotation" in change["made"]], user, client, outcome)
    undo_consensus([change for change in batch.consensus if change.get("made")], outcome)
    batch.state, batch.undone_at = AnnotationImport.State.UNDONE, timezone.now()
    batch.conflicts = outcome.conflicts
    batch.save(update_fields=["state", "undone_at", "conflicts"])
    AuditEvent.record(
        batch.project, user, f"undid the import of annotations from {batch.file_name[:80]}: {outcome}"
    )
    return outcome


def _undo_annotations(
    changes: Iterable[PlannedChange], user: Any, client: str, outcome: ImportOutcome
) -> None:
    for some in batches(list(changes)):
        pks = [change["made"]["annotation"] for change in some]
        done = locked_done_times(some)
        current = {a.pk: a for a in Annotation.objects.select_for_update().filter(pk__in=pks)}
        undone: list[Annotation] = []
        for change in some:
            annotation = current.get(change["made"]["annotation"])
            if annotation is None or annotation.revision != change["made"]["revision"]:
                event = "deleted" if annotation is None else "changed"
                outcome.skip(change, f"The annotation was {event} after the import.")
                continue
            done_at = done.get((change["clip"], change["coder"]))
            if done_at and done_at != change.get("done_at"):
                who = change["coder_name"]
                outcome.skip(
                    change,
                    f"{who} has marked the clip as done since the import. Reopen it to take this back by hand.",
                )
                continue
            annotation.revision += 1
            if change["made"].get("new"):
                annotation.deleted_at, annotation.key = timezone.now(), uuid.uuid4()
                outcome.added += 1
            else:
                for name, (old, _) in change["changed"].items():
                    setattr(annotation, name, old)
                outcome.changed += 1
            names = ("deleted_at", "key") if change["made"].get("new") else change["changed"]
            annotation.save(update_fields=[*names, "revision", "updated_at"])
            undone.append(annotation)
        keep_versions(undone, user, client)
