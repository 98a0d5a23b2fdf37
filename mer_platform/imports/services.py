"""The steps of an import: it is started, checked, confirmed with the accepted corrections, and imported in parts."""

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

from mer_platform.accounts.access import require_may
from mer_platform.annotation.exchange.models import MAX_RATE, MIN_RATE
from mer_platform.free_space import require_space
from mer_platform.imports.checking import layout_of, record
from mer_platform.imports.folders import check_prefix
from mer_platform.imports.models import Import, ImportItem, ImportProblem
from mer_platform.imports.planning import ImportPlan
from mer_platform.imports.sources import folder_within, import_root, prefix_within
from mer_platform.jobs.models import Claim, Job, JobCancelled
from mer_platform.projects.column_maps import remember
from mer_platform.projects.models import AuditEvent, Project
from mer_platform.storage import store_by_content
from mer_platform.web import actor
from models_ml.formats import LAYOUTS
from models_ml.formats.base import SHEET_SUFFIXES
from models_ml.formats.mapping import ColumnMap

State = Import.State
# Less than a second of work: small enough to share between workers, and to lose if a worker is killed.
FRAMES_PER_JOB = 300
# Endings of files that can be uploaded: coding sheets, and what a layout reads without a folder.
UPLOADS = {*SHEET_SUFFIXES, ".txt"}.union(*(layout.uploads for layout in LAYOUTS.values()))


@dataclass(frozen=True)
class ImportSource:
    """Where to read. ``text`` is the folder or prefix as typed; not used for an uploaded file."""

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
    columns: ColumnMap | None = None,
    frame_rate: float | None = None,
    enqueue: bool = True,
) -> Import:
    """Start an import with its check, which writes only the report.

    ``sheet`` is an uploaded coding sheet (for ``SourceType.FILE``: the imported file); ``sheet_path`` names a sheet in
    the tree instead. Without both, the layout searches the tree. ``columns`` says which column of the sheet is which.
    ``frame_rate`` is that at which annotations of a tool count frames if their file does not say so. Raises
    ValidationError by field, PermissionDenied where only administrators read import folders, and NoSpace if the disk is
    nearly full.
    """
    require_space()
    if columns is not None and not layout_of(layout).columns:
        raise ValidationError({"columns": f"A column map does not suit the layout “{layout}”."})
    layout_of(layout)
    if frame_rate is not None and not MIN_RATE <= frame_rate <= MAX_RATE:
        message = (
            f"The frame rate must be from {MIN_RATE} to {MAX_RATE:,} frames per second, not {frame_rate:g}."
        )
        raise ValidationError({"frame_rate": message})
    batch = Import(
        project=project,
        layout=layout,
        place=source.place,
        confined=source.confined,
        columns=columns.as_json() if columns is not None else None,
        frame_rate=frame_rate,
        created_by=actor(user),
    )
    if source.place == Import.SourceType.FILE:
        if sheet is None:
            raise ValidationError({"sheet": "Choose the file to import."})
        batch.source, batch.sheet_name = _keep_sheet(sheet)
    else:
        if source.confined:
            require_may(user, "imports_by")
        batch.source = _checked_source(source, project)
        batch.sheet = sheet_path
        if sheet is not None:
            batch.sheet, batch.sheet_name = _keep_sheet(sheet)
    with transaction.atomic():
        batch.save()
        if enqueue:
            _enqueue_check(batch, "check", confirm=False)
        AuditEvent.record(project, user, f"checked {batch.where} as {layout}")
    return batch


def start_with_columns(batch: Import, columns: ColumnMap, user: Any) -> Import:
    """Start the import of the same source again, with a map of the sheet's columns, which the project remembers."""
    with transaction.atomic():
        again = Import.objects.create(
            project=batch.project,
            layout=batch.layout,
            place=batch.place,
            source=batch.source,
            confined=batch.confined,
            sheet=batch.columns_sheet,
            sheet_name=batch.sheet_name,
            columns=columns.as_json(),
            created_by=actor(user),
        )
        remember(batch.project, columns, user)
        _enqueue_check(again, "check", confirm=False)
        AuditEvent.record(batch.project, user, f"checked {again.where} as {again.layout}, with a column map")
    return again


def confirm(batch: Import, accepted: list[str], user: Any) -> Import:
    """Import what was checked, with these corrections. Raises ValidationError if the import cannot be confirmed.

    An accepted correction changes what is read, so the tree is then read again. Raises NoSpace if the disk is nearly full.
    """
    require_space()
    with transaction.atomic():
        batch = Import.objects.select_for_update().get(pk=batch.pk)
        if batch.state != State.CHECKED:
            raise ValidationError(f"This import is {batch.state}. Only a checked import can be confirmed.")
        check_accepted(batch, accepted)
        changed = sorted(accepted) != sorted(batch.accepted)
        if not changed and not batch.items.filter(state=ImportItem.State.WAITING).exists():
            raise ValidationError("There is nothing to import. The report says why.")
        batch.accepted = [c["key"] for c in batch.corrections if c["key"] in accepted]
        batch.started_at = timezone.now()
        batch.state = State.CHECKING if changed else State.IMPORTING
        batch.save(update_fields=["accepted", "started_at", "state"])
        if changed:
            _enqueue_check(batch, "recheck", confirm=True)
        else:
            _enqueue_items(batch)
        AuditEvent.record(batch.project, user, f"started {batch} of {batch.where}")
    return batch


def check_accepted(batch: Import, accepted: list[str]) -> None:
    """Raise ValidationError for a key that is not the key of a proposed correction."""
    known = [correction["key"] for correction in batch.corrections]
    if unknown := [key for key in accepted if key not in known]:
        proposed = f"Proposed: {', '.join(known)}." if known else "No correction is proposed."
        raise ValidationError({"accepted": f"Correction “{unknown[0]}” not found. {proposed}"})


def cancel(batch: Import, user: Any) -> bool:
    """Cancel the import and return True; return False if it had already ended. Imported items stay."""
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


def finish_check(claim: Claim, pk: int, finding: Any, plan: ImportPlan, *, then_import: bool) -> None:
    """Write the report of a checked import and, if requested, start importing. Raises JobCancelled if the import ended."""
    with finishing(claim, pk) as batch:
        if batch.state != State.CHECKING:
            raise JobCancelled("the import ended while it was being checked")
        record(batch, finding, plan)
        if then_import:
            batch.state = State.IMPORTING
            batch.save(update_fields=["state"])
            _enqueue_items(batch)


@contextmanager
def finishing(claim: Claim, pk: int) -> Iterator[Import]:
    """Finish a job of an import in one transaction, and the import too if nothing else waits.

    The import's row is locked before the job's row, as everywhere. Raises LeaseLost.
    """
    with transaction.atomic():
        batch = Import.objects.select_for_update().get(pk=pk)
        with claim.commit() as job:
            yield batch
            claim.finish(job)
            finish_if_done(batch)


def finish_if_done(batch: Import) -> None:
    """Finish the import if no item waits. The caller has locked the import in a transaction."""
    if batch.state == State.IMPORTING and not batch.items.filter(state=ImportItem.State.WAITING).exists():
        batch.state, batch.finished_at = State.FINISHED, timezone.now()
        batch.save(update_fields=["state", "finished_at"])
        AuditEvent.record(
            batch.project, batch.created_by, f"imported {batch.counts()['done']} of {batch.where}"
        )


def add_problem(item: ImportItem, severity: str, code: str, message: str) -> None:
    """Add a problem that was found only while importing."""
    ImportProblem.objects.create(
        batch_id=item.batch_id,
        severity=severity,
        code=code,
        message=message,
        file=item.paths()[0][-1000:] if item.files else "",
        subject=item.subject,
        clip=item.name,
    )


def _enqueue_items(batch: Import) -> None:
    """Enqueue one job per few hundred frames, so that all workers share them."""
    share: list[int] = []
    frames = 0
    for item in batch.items.filter(state=ImportItem.State.WAITING):
        share.append(item.pk)
        frames += len(item.files)
        if frames >= FRAMES_PER_JOB:
            _enqueue(batch, "import", str(share[0]), {"items": share})
            share, frames = [], 0
    if share:
        _enqueue(batch, "import", str(share[0]), {"items": share})
    finish_if_done(batch)


def _enqueue_check(batch: Import, what: str, *, confirm: bool) -> None:
    # The check is short, and the import of another folder is not: no report waits behind 16,000 frames.
    _enqueue(batch, "import-check", what, {"confirm": confirm}, Job.INTERACTIVE)


def _enqueue(
    batch: Import, kind: str, what: str, payload: dict[str, Any], priority: int = Job.NORMAL
) -> None:
    Job.enqueue(
        kind,
        "ingest",
        batch.project_id,
        f"{batch.group}:{what}",
        batch.group,
        {"batch": batch.pk, **payload},
        priority=priority,
    )


def _checked_source(source: ImportSource, project: Project) -> str:
    if not source.text.strip():
        raise ValidationError({"source": "Enter the folder or prefix to import."})
    if source.place == Import.SourceType.STORAGE:
        return check_prefix(project, prefix_within(source.text))
    if source.confined:
        return str(folder_within(source.text, project).relative_to(import_root()))
    return source.text


def _keep_sheet(file: File) -> tuple[str, str]:
    """Store an uploaded sheet unchanged; return its name in the storage and its own name."""
    name = PurePath(file.name or "sheet").name[:255]
    suffix = PurePath(name).suffix.lower()
    if suffix not in UPLOADS:
        raise ValidationError(
            {"sheet": f"The file must end in {', '.join(sorted(UPLOADS))}, not in “{suffix or name}”."}
        )
    if file.size > settings.MAX_SHEET_BYTES:
        limit = settings.MAX_SHEET_BYTES
        raise ValidationError({"sheet": f"The file has {file.size:,} bytes. The limit is {limit:,} bytes."})
    if file.size == 0:
        raise ValidationError({"sheet": "The file is empty."})
    return store_by_content("sheets", file, suffix).name, name
