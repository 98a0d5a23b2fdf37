"""What follows a withdrawal: certificates are completed, the database's free space is overwritten, backups caught up."""

import logging
from contextlib import suppress

from django.core.files.storage import default_storage
from django.db import OperationalError, connection
from django.utils import timezone

from mer_platform.clips.models import Subject
from mer_platform.deletion.models import Removal
from mer_platform.projects.models import Project
from mer_platform.storage import stored_names
from mer_platform.withdrawals import ledger
from mer_platform.withdrawals.models import Withdrawal
from mer_platform.withdrawals.recognition import is_same
from mer_platform.withdrawals.services import Choices, withdraw

log = logging.getLogger(__name__)

_AT_ONCE = 500
_caught_up = False


def complete_withdrawals() -> None:
    """Note on certificates when the last file was removed, and overwrite what the database's free space still holds."""
    for withdrawal in Withdrawal.objects.filter(files_erased_at__isnull=True):
        _complete_files(withdrawal)
    unclean = Withdrawal.objects.filter(database_cleaned_at__isnull=True)
    if unclean.exists() and not connection.in_atomic_block and clean_database():
        unclean.update(database_cleaned_at=timezone.now())


def clean_database() -> bool:
    """Write the platform's database again without the bytes of deleted rows. Return False if others use it too much now."""
    with suppress(OperationalError), connection.cursor() as cursor:
        if connection.vendor != "sqlite":
            cursor.execute("VACUUM")
            return True
        cursor.execute("VACUUM")
        cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        row = cursor.fetchone()
        return row is None or row[0] == 0
    return False


def catch_up_once() -> None:
    """Apply the withdrawals of the list that this database does not know, once after the start of a process."""
    global _caught_up
    if not _caught_up:
        ledger.write_missing()
        catch_up()
        _caught_up = True


def catch_up() -> list[Withdrawal]:
    """Apply the withdrawals of the list that this database does not know, and return them.

    They are of people that a restored backup brought back.
    """
    known = {str(key) for key in Withdrawal.objects.values_list("key", flat=True)}
    return [_apply(entry) for entry in ledger.entries() if entry.key not in known]


def _apply(entry: ledger.Entry) -> Withdrawal:
    project = Project.objects.filter(slug=entry.project).first()
    withdrawal = entry.withdrawal(project)
    subject = _find(withdrawal, project) if project else None
    if subject is not None:
        choices = Choices(entry.retired_models, entry.erased_weights)
        return withdraw(subject, None, choices, again=withdrawal)
    now = timezone.now()
    withdrawal.files_erased_at = withdrawal.database_cleaned_at = now
    withdrawal.save()
    return withdrawal


def _find(withdrawal: Withdrawal, project: Project) -> Subject | None:
    """Return the subject who was withdrawn: by the name's hash, or by the content of a recording."""
    subjects = Subject.objects.filter(database__project=project).select_related("database__project")
    for subject in subjects.filter(database__name=withdrawal.database):
        if is_same(withdrawal, subject):
            return subject
    return subjects.filter(clips__sha256__in=withdrawal.contents).first()


def _complete_files(withdrawal: Withdrawal) -> None:
    pending = withdrawal.pending
    for start in range(0, len(pending), _AT_ONCE):
        if Removal.objects.filter(name__in=pending[start : start + _AT_ONCE]).exists():
            return
    shared = sum(_is_stored(entry) for entry in pending)
    withdrawal.files_shared, withdrawal.files_erased = shared, len(pending) - shared
    withdrawal.files_erased_at, withdrawal.pending = timezone.now(), []
    withdrawal.save(update_fields=["files_shared", "files_erased", "files_erased_at", "pending"])


def _is_stored(entry: str) -> bool:
    if not entry.endswith("*"):
        return default_storage.exists(entry)
    start = entry.removesuffix("*")
    return any(name.startswith(start) for name in stored_names(start.rpartition("/")[0]))
