"""What researchers do with runs and experiments to find them again: name, tag, note, star and archive.

Each function takes rows of one kind and one project, changes all of them or none, and records what was done in one line of
the project's activity. It returns the rows that it has changed; the others were so already.
"""

from collections.abc import Iterable, Sequence
from typing import Any, TypeVar

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from mer_platform.experiments.managing.tags import find_or_create, tag_words
from mer_platform.experiments.managing.texts import (
    MOST_TAGS,
    clean_name,
    clean_note,
    clean_tags,
    note_version,
)
from mer_platform.experiments.models import Experiment, Managed, Run, Tag
from mer_platform.projects.models import AuditEvent

Row = TypeVar("Row", Run, Experiment)


class NoteChanged(Exception):
    """Someone has changed the note since it was read. ``note`` is the current one."""

    def __init__(self, row: Run | Experiment) -> None:
        super().__init__(
            f"The note on {row} was changed since you opened it. Read the current note, and add to it."
        )
        self.note: str = row.notes


def rename(row: Row, name: str, user: Any) -> list[Row]:
    """Give a run or experiment another name. Raises ValidationError for a name that is empty, or too long.

    The only run of an experiment shares its name with the experiment.
    """
    name = clean_name(name)
    with transaction.atomic():
        current = _lock(row)
        if current.name == name:
            return []
        before = str(current)
        type(row)._default_manager.filter(pk=row.pk).update(name=name)
        _rename_twin(current, name)
        row.name = name
        AuditEvent.record(row.project, user, f"renamed {_kind(row)}{before} to “{name}”")
    return [row]


def write_note(row: Row, note: str, seen: str, user: Any) -> list[Row]:
    """Replace the note. ``seen`` is the ``note_version`` of the note that the writer has read.

    Raises NoteChanged if the current note is another one, unless it is empty, and ValidationError for a note that is too
    long.
    """
    note = clean_note(note)
    with transaction.atomic():
        current = _lock(row)
        if current.notes == note:
            row.notes = note
            return []
        if current.notes and seen != note_version(current.notes):
            raise NoteChanged(current)
        type(row)._default_manager.filter(pk=row.pk).update(notes=note)
        row.notes = note
        AuditEvent.record(row.project, user, f"{'wrote' if note else 'removed'} the note on {_listed([row])}")
    return [row]


def star(rows: Sequence[Row], user: Any, starred: bool = True) -> list[Row]:
    """Star the rows, or remove their stars. All members of the project see the same stars."""
    with transaction.atomic():
        changed = [row for row in _locked(rows) if row.starred != starred]
        _update(changed, starred=starred)
        _record(changed, user, "starred" if starred else "removed the star of")
    return changed


def tag(rows: Sequence[Row], names: Iterable[str], user: Any) -> list[Row]:
    """Put tags on the rows; new ones are created. Raises ValidationError for a tag that cannot be, or too many."""
    names = clean_tags(names)
    with transaction.atomic():
        changed = _add_tags(_locked(rows), names)
        _record(changed, user, f"put the tag{'s' if len(names) > 1 else ''} {tag_words(names)} on")
    return changed


def untag(rows: Sequence[Row], names: Iterable[str], user: Any) -> list[Row]:
    """Remove tags from the rows. The tags themselves stay, to be used again."""
    names = clean_tags(names)
    with transaction.atomic():
        changed = _remove_tags(_locked(rows), names)
        _record(changed, user, f"removed the tag{'s' if len(names) > 1 else ''} {tag_words(names)} from")
    return changed


def set_tags(row: Row, names: Iterable[str], user: Any) -> list[Row]:
    """Give a row these tags and no others."""
    wanted = {name.casefold(): name for name in clean_tags(names)}
    with transaction.atomic():
        rows = _locked([row])
        known = {found.name.casefold(): found.name for found in row.tags.all()}
        removed = _remove_tags(rows, [known[key] for key in known.keys() - wanted.keys()])
        added = _add_tags(rows, [name for key, name in wanted.items() if key not in known])
        if removed or added:
            words = f"to {tag_words(list(wanted.values()))}" if wanted else "to none"
            AuditEvent.record(row.project, user, f"set the tags of {_listed([row])} {words}")
    return [row] if removed or added else []


def archive(rows: Sequence[Row], user: Any) -> list[Row]:
    """Leave the rows out of lists, an experiment with its runs. Nothing is deleted or stopped, and links keep working."""
    now = timezone.now()
    with transaction.atomic():
        changed = [row for row in _locked(rows) if row.archived_at is None]
        _update(changed, archived_at=now)
        if changed and isinstance(changed[0], Experiment):
            # With the same time, by which restoring the experiment finds them.
            Run.objects.filter(experiment__in=changed, archived_at=None).update(archived_at=now)
        _record(changed, user, "archived")
    return changed


def restore(rows: Sequence[Row], user: Any) -> list[Row]:
    """List archived rows again, an experiment with the runs that were archived with it."""
    with transaction.atomic():
        changed = [row for row in _locked(rows) if row.archived_at is not None]
        if changed and isinstance(changed[0], Experiment):
            together = Q()
            for row in changed:
                together |= Q(experiment=row.pk, archived_at=row.archived_at)
            Run.objects.filter(together).update(archived_at=None)
        _update(changed, archived_at=None)
        _record(changed, user, "restored")
    return changed


def _lock(row: Row) -> Row:
    found = _locked([row])
    if not found:
        raise ValidationError(f"{row} was deleted in the meantime.")
    return found[0]


def _locked(rows: Sequence[Row]) -> list[Row]:
    """Lock the rows, and return them as they are now. Rows that were deleted since are left out."""
    if not rows:
        return []
    found = type(rows[0])._default_manager.filter(pk__in=[row.pk for row in rows])
    return list(found.select_for_update(of=("self",)).select_related("project").order_by("pk"))


def _update(rows: Sequence[Row], **values: Any) -> None:
    if rows:
        type(rows[0])._default_manager.filter(pk__in=[row.pk for row in rows]).update(**values)
    for row in rows:
        for field, value in values.items():
            setattr(row, field, value)


def _rename_twin(row: Run | Experiment, name: str) -> None:
    """Rename the experiment of a single run with the run, or the run with the experiment."""
    experiment_id = row.experiment_id if isinstance(row, Run) else row.pk
    runs = Run.objects.filter(experiment=experiment_id)
    if runs.count() == 1:
        runs.update(name=name)
        Experiment.objects.filter(pk=experiment_id).update(name=name)


def _add_tags(rows: Sequence[Row], names: Sequence[str]) -> list[Row]:
    if not rows or not names:
        return []
    tags = find_or_create(rows[0].project, names)
    links, field = _links(rows[0])
    known: dict[int, set[int]] = {row.pk: set() for row in rows}
    for row_id, tag_id in links.filter(**{f"{field}__in": known}).values_list(field, "tag_id"):
        known[row_id].add(tag_id)
    wanted = {found.pk for found in tags}
    changed = [row for row in rows if wanted - known[row.pk]]
    full = [row for row in changed if len(wanted | known[row.pk]) > MOST_TAGS]
    if full:
        raise ValidationError(
            f"{_listed(full).capitalize()} would have more than {MOST_TAGS} tags. Remove some first."
        )
    links.model._default_manager.bulk_create(
        links.model(**{field: row.pk, "tag_id": tag_id})
        for row in changed
        for tag_id in sorted(wanted - known[row.pk])
    )
    return changed


def _remove_tags(rows: Sequence[Row], names: Sequence[str]) -> list[Row]:
    if not rows or not names:
        return []
    links, field = _links(rows[0])
    wanted = {name.casefold() for name in names}
    tags = [
        found for found in Tag.objects.filter(project=rows[0].project_id) if found.name.casefold() in wanted
    ]
    found = links.filter(tag__in=tags, **{f"{field}__in": [row.pk for row in rows]})
    had = set(found.values_list(field, flat=True))
    found.delete()
    return [row for row in rows if row.pk in had]


def _links(row: Managed) -> tuple[Any, str]:
    """Return the rows that connect tags with rows of this kind, and the name of the column of the latter."""
    return type(row).tags.through._default_manager.all(), f"{row._meta.model_name}_id"


def _record(rows: Sequence[Row], user: Any, what: str) -> None:
    if rows:
        AuditEvent.record(rows[0].project, user, f"{what} {_listed(rows)}")


def _kind(row: Run | Experiment) -> str:
    return "run " if isinstance(row, Run) else ""  # the text of an experiment says that it is one


def _listed(rows: Sequence[Run | Experiment]) -> str:
    """Return one row by its name, several by their number."""
    if len(rows) == 1:
        return f"{_kind(rows[0])}{rows[0]}"
    return f"{len(rows):,} {rows[0]._meta.verbose_name_plural}"
