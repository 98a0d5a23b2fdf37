"""Queue ``ingest``, kind ``score-fetch``: make a clip of a path, or of an entry of an uploaded zip, to score it."""

import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import PurePosixPath
from typing import IO, BinaryIO, cast

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.files.base import File
from django.core.files.storage import default_storage
from django.db import transaction

from mer_platform.clips.models import Clip
from mer_platform.deletion.services import note_unused
from mer_platform.imports.folders import check_prefix
from mer_platform.imports.storage_trees import StorageTree
from mer_platform.jobs.models import Claim, JobCancelled
from mer_platform.projects.models import Project
from mer_platform.scoring.intake import (
    ARCHIVE,
    STORAGE,
    UNKNOWN_SUBJECT,
    clip_of,
    copy_entry,
    database_named,
    local_path_within,
)
from mer_platform.scoring.models import ScoringBatch, ScoringItem
from mer_platform.scoring.services import fail_items, item_has_clip, locked
from mer_platform.storage import local_copy, new_file
from models_ml.errors import InputError
from models_ml.formats.base import Tree
from models_ml.formats.clip_sources import clips_among, is_file
from models_ml.formats.folder_tree import FolderTree
from models_ml.outages import raise_outage
from models_ml.video.framezip import write_frame_zip
from workers.runner import handles
from workers.scoring import items_failed


@handles("score-fetch", failed=items_failed)
def fetch(claim: Claim) -> None:
    """Store the clip of an item and queue its ingest, after which it is scored."""
    batch = (
        ScoringBatch.objects.select_related("project", "created_by")
        .filter(pk=claim.job.payload["batch"])
        .first()
    )
    if batch is None:
        raise JobCancelled("the batch was deleted")
    waiting = batch.items.filter(
        pk__in=claim.job.payload["items"], state=ScoringItem.State.WAITING, clip=None
    )
    found = [(item, *_clip(batch, item)) for item in waiting]
    with transaction.atomic():
        clips = Clip.objects.select_for_update().in_bulk(
            [clip.pk for _, clip, _ in found if clip is not None]
        )
        now = locked(batch.pk)
        if now is None:
            raise JobCancelled("the batch was deleted")
        with claim.commit() as job:
            for item, clip, error in found:
                mine = now.items.filter(pk=item.pk)
                if clip is not None and clip.pk in clips:
                    item_has_clip(now, mine, clips[clip.pk])
                else:
                    reason = error or InputError("The clip was deleted while it was stored.", "clip_deleted")
                    fail_items(now, mine, reason.code or "file_not_usable", str(reason))
            claim.finish(job)
            if now.archive and not now.items.filter(clip=None, state=ScoringItem.State.WAITING).exists():
                note_unused([now.archive])


def _clip(batch: ScoringBatch, item: ScoringItem) -> tuple[Clip | None, InputError | None]:
    try:
        with _file(batch, item) as (file, name):
            database = database_named(batch.project, batch.database)
            given = {"name": item.name[:120], "subject": item.subject or UNKNOWN_SUBJECT, "fps": item.fps}
            return clip_of(database, File(file, name), batch.created_by, **given), None  # type: ignore[arg-type]
    except ValidationError as error:
        raise_outage(error)
        return None, InputError(" ".join(error.messages), "file_not_usable")
    except FileNotFoundError:
        return None, InputError("The uploaded file is no longer stored. Upload it again.", "file_missing")
    except InputError as error:
        raise_outage(error)
        return None, error


@contextmanager
def _file(batch: ScoringBatch, item: ScoringItem) -> Iterator[tuple[IO[bytes], str]]:
    """Yield the bytes of the clip, as they are stored, and a name for them."""
    source = PurePosixPath(item.source.removeprefix(STORAGE).removeprefix(ARCHIVE))
    suffix = source.suffix.lower() if is_file(item.source) else ".zip"
    with new_file(suffix) as file:
        if item.source.startswith(ARCHIVE):
            _unpack(batch.archive, str(source), file)
        else:
            _read(_tree(item.source, batch.project), file)
        file.flush()
        file.seek(0)
        yield file, f"{source.stem if is_file(item.source) else source.name or 'clip'}{suffix}"


def _unpack(stored: str, source: str, file: IO[bytes]) -> None:
    with local_copy(stored) as path, zipfile.ZipFile(path) as archive:
        if is_file(source):
            copy_entry(archive, source, file, settings.MAX_CLIP_BYTES)
            return
        frames = clips_among(info.filename for info in archive.infolist() if not info.is_dir()).get(
            source, []
        )
        write_frame_zip(file, ((PurePosixPath(name).name, _frame(archive, name)) for name in frames))  # type: ignore[arg-type]


def _frame(archive: zipfile.ZipFile, name: str) -> bytes:
    with new_file() as file:
        copy_entry(archive, name, file, settings.MAX_CLIP_BYTES)
        file.seek(0)
        return bytes(file.read())


def _tree(source: str, project: Project) -> Tree:
    """Return the folder or file of a path. Raises InputError if it does not exist, or is outside the import folder."""
    key = source.removeprefix(STORAGE)
    try:
        if not source.startswith(STORAGE):
            return FolderTree(local_path_within(source, project), source)
        check_prefix(project, key)
    except ValidationError as error:
        raise InputError(" ".join(error.messages), "file_missing") from error
    if is_file(key) and default_storage.exists(key):
        return _StoredFile(key)
    try:
        return StorageTree(key)
    except InputError as error:
        raise_outage(error)
        raise InputError(str(error), "file_missing") from error


class _StoredFile:
    """One key of the storage as a folder that contains nothing else."""

    quick = False

    def __init__(self, key: str) -> None:
        self.name, self._key = PurePosixPath(key).name, key

    def files(self) -> list[str]:
        return [self.name]

    def open(self, path: str) -> BinaryIO:
        return cast(BinaryIO, default_storage.open(self._key, "rb"))


def _read(tree: Tree, file: IO[bytes]) -> None:
    """Write the one clip of a folder: a video unchanged, frame images as the zip that the same images always give."""
    clips = {name: paths for name, paths in clips_among(tree.files()).items() if "/" not in paths[0]}
    if len(clips) != 1:
        what = "contains no video and no frame images" if not clips else "contains several clips"
        raise InputError(
            f"“{tree.name}” {what}. Name the video, or the folder with the frames of one clip.",
            "file_not_usable",
        )
    [(name, paths)] = clips.items()
    if is_file(name):
        _copy(tree, paths[0], file)
        return
    write_frame_zip(file, ((PurePosixPath(path).name, _bytes(tree, path)) for path in paths))  # type: ignore[arg-type]


def _copy(tree: Tree, path: str, file: IO[bytes]) -> None:
    left = settings.MAX_CLIP_BYTES
    with tree.open(path) as source:
        while chunk := source.read(1 << 20):
            left -= len(chunk)
            if left < 0:
                raise InputError(
                    f"“{path}” is larger than {settings.MAX_CLIP_BYTES:,} bytes, the limit for a clip.",
                    "too_large",
                )
            file.write(chunk)


def _bytes(tree: Tree, path: str) -> bytes:
    with tree.open(path) as source:
        return source.read()
