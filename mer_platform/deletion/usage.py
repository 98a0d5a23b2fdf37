"""How much each project stores, by kind of file; and the orphans, which no project has."""

from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta

from django.core.files.storage import default_storage
from django.db import transaction
from django.utils import timezone

from mer_platform.deletion.contents import Contents
from mer_platform.deletion.kinds import KINDS, FileKind, Holdings
from mer_platform.deletion.models import StorageUse
from mer_platform.deletion.scan import Found
from mer_platform.projects.models import Project
from mer_platform.storage import stored_names

COUNTED_EVERY = timedelta(hours=24)


def count_project(project: Project) -> list[StorageUse]:
    """Count the stored files of a project by kind, and keep the result. A file that two projects share counts in both."""
    holdings = Contents.of(project).holdings()
    return _keep(project, [_use(kind, holdings) for kind in KINDS.values()])


def count_orphans(found: dict[str, Found]) -> list[StorageUse]:
    """Keep what a scan found of files that no row refers to."""
    uses = [
        StorageUse(kind=folder, files=len(kind.orphans), bytes=kind.orphan_bytes)
        for folder, kind in found.items()
    ]
    return _keep(None, uses)


def count_next() -> bool:
    """Count one project whose count is missing or old. Return whether there was one; upkeep calls this each round.

    A remote storage is counted by the command only: each file would be a request.
    """
    if not _is_local():
        return False
    until = timezone.now() - COUNTED_EVERY
    recent = StorageUse.objects.filter(counted_at__gt=until, project__isnull=False).values("project")
    project = Project.objects.exclude(pk__in=recent).order_by("pk").first()
    if project is not None:
        count_project(project)
    return project is not None


def _keep(project: Project | None, uses: list[StorageUse]) -> list[StorageUse]:
    for use in uses:
        use.project = project
    with transaction.atomic():
        StorageUse.objects.filter(project=project).delete()
        return StorageUse.objects.bulk_create(uses)


def _use(kind: FileKind, holdings: Holdings) -> StorageUse:
    files = size = 0
    for entry in {needed.entry for needed in kind.needed(holdings)}:
        for name in _names(entry):
            with suppress(FileNotFoundError):
                size += default_storage.size(name)
                files += 1
    return StorageUse(kind=kind.folder, files=files, bytes=size)


def _names(entry: str) -> Iterator[str]:
    if not entry.endswith("*"):
        yield entry
        return
    start = entry.removesuffix("*")
    yield from (name for name in stored_names(start.rpartition("/")[0]) if name.startswith(start))


def _is_local() -> bool:
    try:
        return bool(default_storage.path(""))
    except NotImplementedError:
        return False
