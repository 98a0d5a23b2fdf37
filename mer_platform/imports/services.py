"""The life of an import: started, checked, confirmed with the corrections accepted, taken in piece by piece."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.files.base import File
from django.db import transaction
from django.utils import timezone

from mer_platform.imports.checking import layout_of, record
from mer_platform.imports.models import Import, ImportItem, ImportProblem
from mer_platform.imports.planning import ImportPlan
from mer_platform.imports.sources import folder_within, import_root, prefix_within
from mer_platform.jobs.models import Claim, Job, JobCancelled
from mer_platform.projects.models import AuditEvent, Project
from mer_platform.storage import store_by_content
from models_ml.formats import LAYOUTS

State = Import.State
FRAMES_A_JOB = (
    300  # under a second of work: small enough to share among workers, and to lose with a killed one
)
# Endings of files that can be uploaded: coding sheets, and what a layout reads without a folder.
UPLOADS = {".xlsx", ".xls", ".csv", ".tsv", ".txt"}.union(*(layout.uploads for layout in LAYOUTS.values()))


@dataclass(frozen=True)
class ImportSource:
    """Where to read. ``text`` is what somebody typed: a folder or a prefix; unused for an uploaded file."""

    place: Import.SourceType
    text: str = ""
    confined: bool = True


def start(
    project: Project,
    layout: str,
    source: ImportSource,
    sheet: File | None,
    user: Any,
    *,
    sheet_path: str = "",
    enqueue: bool = True,
) -> Import:
    """Begin an import with its check, which writes nothing but the report.

    ``sheet`` is an uploaded coding sheet (for ``SourceType.FILE``: the imported file), ``sheet_path`` names one in the
    tree instead; without either the layout looks for it. Raises ValidationError by field.
    """
    layout_of(layout)
    batch = Import(
        project=project,
        layout=layout,
        place=source.place,
        confined=source.confined,
        created_by=user if user and user.pk else None,
    )
    if source.place == Import.SourceType.FILE:
        if sheet is None:
            raise ValidationError({"sheet": "Choose the file to import."})
        batch.source, batch.sheet_name = _keep_sheet(sheet)
    else:
        batch.source = _source(source)
        batch.sheet = sheet_path
        if sheet is not None:
            batch.sheet, batch.sheet_name = _keep_sheet(sheet)
    with transaction.atomic():
        batch.save()
        if enqueue:
            _enqueue(batch, "import-check", "check", {"confirm": False})
        AuditEvent.record(project, user, f"checked {batch.where} as {layout}")
    return batch


def confirm(batch: Import, accepted: list[str], user: Any) -> Import:
    """Import what was checked, with these corrections. Raises ValidationError where that cannot be.

    Accepting a correction changes what is read, so the tree is then read once more.
    """
    with transaction.atomic():
        batch = Import.objects.select_for_update().get(pk=batch.pk)
        if batch.state != State.CHECKED:
            raise ValidationError(f"This import is {batch.state}: only one that is checked can be confirmed.")
        check_accepted(batch, accepted)
        changed = sorted(accepted) != sorted(batch.accepted)
        if not changed and not batch.items.filter(state=ImportItem.State.WAITING).exists():
            raise ValidationError("There is nothing to import: see the report.")
        batch.accepted = [c["key"] for c in batch.corrections if c["key"] in accepted]
        batch.started_at = timezone.now()
        batch.state = State.CHECKING if changed else State.IMPORTING
        batch.save(update_fields=["accepted", "started_at", "state"])
        if changed:
            _enqueue(batch, "import-check", "recheck", {"confirm": True})
        else:
            _share_out(batch)
        AuditEvent.record(batch.project, user, f"began {batch} of {batch.where}")
    return batch


def check_accepted(batch: Import, accepted: list[str]) -> None:
    """Raise ValidationError for a key that is no proposed correction's."""
    known = [correction["key"] for correction in batch.corrections]
    if unknown := [key for key in accepted if key not in known]:
        there = f"; there are: {', '.join(known)}" if known else ": none is proposed"
        raise ValidationError({"accepted": f"There is no correction “{unknown[0]}”{there}."})


def cancel(batch: Import, user: Any) -> bool:
    """Stop: what is imported stays, the rest does not come. False if it had ended already."""
    with transaction.atomic():
        stoppable = [*Import.ACTIVE, State.CHECKED]
        changed = Import.objects.filter(pk=batch.pk, state__in=stoppable).update(
            state=State.CANCELLED, finished_at=timezone.now()
        )
        if changed:
            Job.cancel_group(batch.group)
            AuditEvent.record(batch.project, user, f"cancelled {batch} of {batch.where}")
    return bool(changed)


def fail(pk: int, reason: str) -> None:
    """End an import that cannot be read, with the reason."""
    changed = Import.objects.filter(pk=pk, state__in=Import.ACTIVE).update(
        state=State.FAILED, problem=reason, finished_at=timezone.now()
    )
    if changed:
        Job.cancel_group(f"import:{pk}")


def checked(claim: Claim, pk: int, finding: Any, plan: ImportPlan, *, go_on: bool) -> None:
    """A worker has checked the import: write the report, and go on importing if that was asked for. Raises JobCancelled."""
    with finishing(claim, pk) as batch:
        if batch.state != State.CHECKING:
            raise JobCancelled("the import was ended while it was checked")
        record(batch, finding, plan)
        if go_on:
            batch.state = State.IMPORTING
            batch.save(update_fields=["state"])
            _share_out(batch)


@contextmanager
def finishing(claim: Claim, pk: int) -> Iterator[Import]:
    """End a job of an import, and the import with it if that was the last one, in one transaction.

    The import's row is locked before the job's, as everywhere. Raises LeaseLost.
    """
    with transaction.atomic():
        batch = Import.objects.select_for_update().get(pk=pk)
        with claim.commit() as job:
            yield batch
            claim.finish(job)
            finish_if_done(batch)


def finish_if_done(batch: Import) -> None:
    """Inside a transaction that has locked the import: finished once nothing waits."""
    if batch.state == State.IMPORTING and not batch.items.filter(state=ImportItem.State.WAITING).exists():
        batch.state, batch.finished_at = State.FINISHED, timezone.now()
        batch.save(update_fields=["state", "finished_at"])
        AuditEvent.record(
            batch.project, batch.created_by, f"imported {batch.counts()['done']} of {batch.where}"
        )


def report(item: ImportItem, severity: str, code: str, message: str) -> None:
    """A problem that shows itself only while importing."""
    ImportProblem.objects.create(
        batch_id=item.batch_id,
        severity=severity,
        code=code,
        message=message,
        file=item.paths()[0][-1000:] if item.files else "",
        subject=item.subject,
        clip=item.name,
    )


def _share_out(batch: Import) -> None:
    """A job for every few hundred frames, so that all workers share them."""
    share: list[int] = []
    frames = 0
    for item in batch.items.filter(state=ImportItem.State.WAITING):
        share.append(item.pk)
        frames += len(item.files)
        if frames >= FRAMES_A_JOB:
            _enqueue(batch, "import", str(share[0]), {"items": share})
            share, frames = [], 0
    if share:
        _enqueue(batch, "import", str(share[0]), {"items": share})
    finish_if_done(batch)


def _enqueue(batch: Import, kind: str, what: str, payload: dict[str, Any]) -> None:
    Job.enqueue(
        kind,
        "ingest",
        batch.project_id,
        f"{batch.group}:{what}",
        batch.group,
        {"batch": batch.pk, **payload},
    )


def _source(source: ImportSource) -> str:
    if not source.text.strip():
        raise ValidationError({"source": "Say which folder or prefix to import."})
    if source.place == Import.SourceType.STORAGE:
        return prefix_within(source.text)
    if source.confined:
        return str(folder_within(source.text).relative_to(import_root()))
    return source.text


def _keep_sheet(file: File) -> tuple[str, str]:
    """Store an uploaded sheet unchanged; its stored name, and its own."""
    name = PurePath(file.name or "sheet").name[:255]
    suffix = PurePath(name).suffix.lower()
    if suffix not in UPLOADS:
        raise ValidationError(
            {
                "sheet": f"A file ending in “{suffix or 'nothing'}” is not taken: give one of {', '.join(sorted(UPLOADS))}."
            }
        )
    if file.size > settings.MAX_SHEET_BYTES:
        limit = settings.MAX_SHEET_BYTES
        raise ValidationError({"sheet": f"The file has {file.size:,} bytes; the limit is {limit:,}."})
    if file.size == 0:
        raise ValidationError({"sheet": "The file is empty."})
    return store_by_content("sheets", file, suffix).name, name
