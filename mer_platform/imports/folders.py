"""Which folders of the server and prefixes of the storage a project may read: those that an administrator assigned."""

from pathlib import PurePosixPath
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction

from mer_platform.imports.models import ImportFolder
from mer_platform.projects.models import AuditEvent, Project
from mer_platform.web import actor

STORAGE_ROOT = "import"
Place = ImportFolder.Place


def assigned(project: Project, place: str) -> list[str]:
    """Return the paths that the project may read, sorted."""
    return sorted(project.import_folders.filter(place=place).values_list("path", flat=True))


def not_assigned(project: Project, place: str, text: str) -> ValidationError:
    """Return the error for a path that the project may not read. It does not say whether there is such a path."""
    own = assigned(project, place)
    those = f"Its own: {', '.join(own)}." if own else "It has none."
    what = "folder" if place == Place.FOLDER else "prefix"
    return ValidationError(
        {
            "source": f"The {what} “{text}” is not assigned to this project. {those} An administrator assigns others "
            "under “Administration”."
        }
    )


def check_prefix(project: Project, prefix: str) -> str:
    """Return the prefix, which starts with ``import/``. Raises ValidationError if the project may not read it."""
    below = PurePosixPath(prefix).relative_to(STORAGE_ROOT)
    if not any(below.is_relative_to(own) for own in assigned(project, Place.STORAGE)):
        raise not_assigned(project, Place.STORAGE, prefix)
    return prefix


def checked_path(text: str) -> str:
    """Return a path as it is stored: relative, POSIX, “.” for the whole root. Raises ValidationError (field ``path``)."""
    parts = [part for part in PurePosixPath(text.strip().replace("\\", "/")).parts if part != "/"]
    if not text.strip() or ".." in parts or "\0" in text:
        raise ValidationError(
            {
                "path": f"The path must lead to a folder inside the import folder, not “{text}”. “.” is all of it."
            }
        )
    return str(PurePosixPath(*parts))


def assign(project: Project, place: str, text: str, by: Any) -> ImportFolder:
    """Let the project read a folder or prefix. It need not exist yet. Raises ValidationError by field."""
    path = checked_path(text)
    if place == Place.STORAGE and path.split("/")[0] == STORAGE_ROOT:
        path = str(PurePosixPath(path).relative_to(STORAGE_ROOT))
    with transaction.atomic():
        row, created = ImportFolder.objects.get_or_create(
            project=project, place=place, path=path, defaults={"created_by": actor(by)}
        )
        if not created:
            raise ValidationError({"path": f"“{path}” is already assigned to {project}."})
        AuditEvent.record(project, by, f"assigned the import {row.place} “{path}”")
    return row


def withdraw(row: ImportFolder, by: Any) -> None:
    """End that the project may read the folder. What it has imported stays."""
    with transaction.atomic():
        AuditEvent.record(row.project, by, f"withdrew the import {row.place} “{row.path}”")
        row.delete()
