"""Withdrawing a person from a project: rows in one transaction, files afterwards, and a certificate of both.

Unlike a deletion, a withdrawal also reaches frozen versions: tombstones with hash and label stay in place of the samples,
so that results can still be explained, under a pseudonym.
"""

import logging
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from django.db import IntegrityError, OperationalError, transaction
from django.utils import timezone

from mer_platform.clips.models import Subject
from mer_platform.deletion.services import ATTEMPTS, SETTLE_SECONDS, cancel_jobs, note_unused
from mer_platform.projects.models import AuditEvent, Project
from mer_platform.registry.models import ModelEvent, ModelVersion
from mer_platform.registry.stages import set_stage
from mer_platform.uploads.models import Upload
from mer_platform.web import actor
from mer_platform.withdrawals import ledger, stopping
from mer_platform.withdrawals.affected import Affected
from mer_platform.withdrawals.columns import replace_names
from mer_platform.withdrawals.erasing import (
    erase_imports,
    files_of,
    forget_answers,
    leave_tombstones,
    names_of,
)
from mer_platform.withdrawals.models import Withdrawal
from mer_platform.withdrawals.recognition import name_hash, new_pseudonym, new_salt
from mer_platform.withdrawals.words import Names

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Choices:
    """What the owner chooses about models and networks of folds, which hold no recording, but were trained on some."""

    retire_models: bool = False
    erase_weights: bool = False


def withdraw(
    subject: Subject, user: Any, choices: Choices | None = None, *, again: Withdrawal | None = None
) -> Withdrawal:
    """Erase a person from their project, and return the certificate.

    ``again``: a withdrawal that a restored backup does not know, which is applied once more under its pseudonym; it is not
    stored yet.
    """
    for attempt in range(1, ATTEMPTS + 1):
        try:
            with transaction.atomic():
                return _withdraw(subject, user, choices or Choices(), again)
        except (IntegrityError, OperationalError):  # a worker or a page has added a row in the meantime
            if attempt == ATTEMPTS:
                raise
    raise AssertionError("the last attempt returns or raises")


def _withdraw(subject: Subject, user: Any, choices: Choices, again: Withdrawal | None) -> Withdrawal:
    now = timezone.now()
    project = Project.objects.get(pk=subject.database.project_id)
    stopping.stop_runs(Affected(subject))
    list(Affected(subject).contents.clips.select_for_update().order_by("pk").values_list("pk", flat=True))
    affected = Affected(subject)  # with versions that were frozen while this waited for the locks
    withdrawal = again or _new(subject, user, now)
    names = names_of(affected, withdrawal.pseudonym)
    withdrawal.counts, withdrawal.contents = affected.counts(), _contents(affected)
    withdrawal.retired_models, withdrawal.erased_weights = choices.retire_models, choices.erase_weights
    withdrawal.pending = sorted(files_of(affected, weights=choices.erase_weights))
    has_running = affected.contents.has_running_jobs() or _has_running_jobs(project)
    _erase(affected, names, withdrawal, user, now)
    note_unused(withdrawal.pending, SETTLE_SECONDS if has_running else 0)
    withdrawal.save()
    AuditEvent.record(project, user, f"withdrew {names.pseudonym} (certificate {withdrawal.key})")
    transaction.on_commit(partial(ledger.keep, withdrawal))
    log.warning("%s withdrew %s from project %s", user or "upkeep", names.pseudonym, project.slug)
    return withdrawal


def _erase(affected: Affected, names: Names, withdrawal: Withdrawal, user: Any, now: datetime) -> None:
    """Erase the rows, in an order in which nothing that is still needed goes first."""
    project, subject, clips = affected.project, affected.subject, affected.contents.clips
    models = list(affected.models.select_related("project", "run"))
    runs_exist = bool(affected.version_ids)
    stopping.stop_features(affected)
    stopping.erase_exports(affected)
    stopping.erase_results(affected, weights=withdrawal.erased_weights)
    stopping.stop_imports(affected, user)
    cancel_jobs(affected.contents, user)
    stopping.erase_scores(affected)
    erase_imports(affected, names)
    Upload.objects.filter(pk__in=[upload.pk for upload in affected.uploads]).delete()
    if runs_exist:
        withdrawal.versions = leave_tombstones(affected, names, now)
        _flag(models, names, user, retire=withdrawal.retired_models)
    clips.delete()
    affected.contents.pictures.delete()
    Subject.objects.filter(pk=subject.pk).delete()
    withdrawal.counts["texts"] = replace_names(project, names)
    forget_answers(affected, names)


def _flag(models: list[ModelVersion], names: Names, user: Any, *, retire: bool) -> None:
    """Note in the history of models that they were trained on the person, and archive them if asked for."""
    reason = f"Trained on samples of {names.pseudonym}, who was withdrawn."
    for model in models:
        ModelEvent.record(model, user, ModelEvent.Kind.WITHDRAWN, after=names.pseudonym, reason=reason)
        if retire and model.is_ready:
            set_stage(model, ModelVersion.Stage.ARCHIVED, reason, user)


def _new(subject: Subject, user: Any, now: datetime) -> Withdrawal:
    database, salt = subject.database, new_salt()
    return Withdrawal(
        project_id=database.project_id,
        place=database.project.slug,
        database=database.name,
        pseudonym=new_pseudonym(),
        salt=salt,
        name_hash=name_hash(salt, database.name, subject.name),
        withdrawn_by=actor(user),
        withdrawn_at=now,
    )


def _contents(affected: Affected) -> list[str]:
    own = (affected.contents.clips, affected.contents.pictures)
    return sorted({sha256 for rows in own for sha256 in rows.values_list("sha256", flat=True)})


def _has_running_jobs(project: Project) -> bool:
    """Return whether a worker may still write a file of a job that was asked to stop."""
    return bool(project.jobs.filter(state="running", cancel_requested=True).exists())
