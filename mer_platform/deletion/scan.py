"""Comparing the storage with the rows: files that no row refers to (orphans), and rows whose file is missing."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from django.core.files.storage import default_storage

from mer_platform.deletion.kinds import KINDS, FileKind, Holdings
from mer_platform.deletion.services import is_young
from mer_platform.storage import stored_names

UNFINISHED = ".unfinished"  # files being written; upkeep removes those of killed workers


@dataclass(frozen=True)
class Orphan:
    """A stored file that no row refers to, with its size in bytes."""

    name: str
    size: int
    young: bool  # it may belong to an upload or a job that has not saved its row yet


@dataclass(frozen=True)
class Missing:
    """A file that a row needs, and that is not stored."""

    name: str
    by: str


@dataclass
class Found:
    """What a scan found among the files of one kind."""

    title: str
    files: int = 0
    unknown: int = 0  # files that the platform did not name; never removed
    orphans: list[Orphan] = field(default_factory=list)
    missing: list[Missing] = field(default_factory=list)

    @property
    def removable(self) -> list[Orphan]:
        return [orphan for orphan in self.orphans if not orphan.young]

    @property
    def orphan_bytes(self) -> int:
        return sum(orphan.size for orphan in self.orphans)


def scan(young_hours: float) -> dict[str, Found]:
    """Return what is wrong, by folder. Files are listed before rows, so that a file stored in between is not an orphan.

    Parameters
    ----------
    young_hours
        An orphan written less than so many hours ago is marked as young.
    """
    stored = {folder: list(stored_names(folder)) for folder in KINDS}
    rows = Holdings.everything()
    found = {kind.folder: _compare(kind, stored[kind.folder], rows, young_hours) for kind in KINDS.values()}
    found[UNFINISHED] = _unfinished(stored, young_hours)
    return found


def remove(orphans: list[Orphan], young_hours: float) -> Iterator[Orphan]:
    """Remove orphans and yield each removed one. A file that an upload has found since the scan is young, and stays."""
    for orphan in orphans:
        if not is_young(orphan.name, young_hours * 3600):
            default_storage.delete(orphan.name)
            yield orphan


def _compare(kind: FileKind, stored: list[str], rows: Holdings, young_hours: float) -> Found:
    found = Found(kind.title)
    wanted = {needed.entry: needed.by for needed in kind.needed(rows)}
    for name in stored:
        if _is_part(name):
            continue
        found.files += 1
        if (entry := kind.entry(name)) in wanted or name in wanted:
            continue
        if entry is None:
            found.unknown += 1
        else:
            found.orphans.append(_orphan(name, young_hours))
    there = set(stored)
    for name, by in wanted.items():
        if by and name not in there and not default_storage.exists(name):
            found.missing.append(Missing(name, by))
    if found.missing:  # rows that were deleted since then need no file
        current = {needed.entry for needed in kind.needed(rows)}
        found.missing = [gap for gap in found.missing if gap.name in current]
    return found


def _unfinished(stored: dict[str, list[str]], young_hours: float) -> Found:
    """Return the files that were never completed: parts next to their target, and new files that were not stored."""
    names = [name for inside in stored.values() for name in inside if _is_part(name)]
    names += stored_names(UNFINISHED)
    orphans = [_orphan(name, young_hours) for name in names]
    return Found("unfinished files", len(names), orphans=orphans)


def _is_part(name: str) -> bool:
    last = PurePosixPath(name).name
    return last.startswith(".") and last.endswith(".part")


def _orphan(name: str, young_hours: float) -> Orphan:
    try:
        return Orphan(name, default_storage.size(name), is_young(name, young_hours * 3600))
    except FileNotFoundError:  # removed since the listing
        return Orphan(name, 0, young=True)
