"""Queue ``ingest``, kinds ``import-check`` and ``import``: check an import, then import its items one by one."""

import logging
import os
import time
from collections.abc import Callable, Iterator
from pathlib import PurePosixPath
from typing import IO

from django.core.exceptions import ValidationError
from django.core.files.base import ContentFile
from django.db import DatabaseError, InterfaceError

from mer_platform.annotation.exchange.agreeing import add_consensus
from mer_platform.annotation.models import Judgement
from mer_platform.annotation.spotting import intervals_without_apex, queue_spotting
from mer_platform.clips.models import Clip, Database, FlowPicture, Subject
from mer_platform.clips.services import (
    ClipExists,
    check_content_is_new,
    check_name_is_new,
    get_or_create_subject,
    save_new,
    store_bytes,
)
from mer_platform.imports import checking, services
from mer_platform.imports.models import Import, ImportItem
from mer_platform.imports.sources import open_tree
from mer_platform.jobs.models import Claim, Job, JobCancelled, LeaseLost
from mer_platform.storage import new_file, sha256_of, store_by_content
from models_ml.errors import InputError
from models_ml.formats.base import Tree
from models_ml.motion.flow_pictures import picture_features
from models_ml.outages import raise_outage
from models_ml.video.frames import Limits
from models_ml.video.framezip import write_frame_zip
from models_ml.video.imagefile import read_header
from workers.ingest import clip_fields, decode_clip
from workers.runner import handles

log = logging.getLogger(__name__)
State, ItemType = ImportItem.State, ImportItem.ItemType
_PROGRESS_SECONDS = 1.0  # between two reports


def import_failed(job: Job, reason: str) -> None:
    services.fail(job.payload["batch"], reason)


def items_failed(job: Job, reason: str) -> None:
    """End the job's waiting items as failed; the rest of the import continues."""
    batch = Import.objects.select_for_update().get(pk=job.payload["batch"])
    items = batch.items.filter(pk__in=job.payload["items"], state=State.WAITING)
    items.update(state=State.FAILED, reason=reason)
    services.finish_if_done(batch)


@handles("import-check", failed=import_failed)
def check_source(claim: Claim) -> None:
    """Read folder and sheet, and write the report; with ``confirm``, continue with the import."""
    batch = _active(claim)
    finding, plan = checking.read(batch)
    claim.check()
    services.finish_check(claim, batch.pk, finding, plan, then_import=claim.job.payload["confirm"])


@handles("import", failed=items_failed)
def import_items(claim: Claim) -> None:
    """Import and commit each item by itself; an item that cannot be imported records why, and does not stop the others."""
    batch = _active(claim)
    tree = open_tree(batch)
    wanted = claim.job.payload["items"]
    reported = -_PROGRESS_SECONDS
    for done, item in enumerate(batch.items.filter(pk__in=wanted)):
        claim.check()
        if item.state != State.WAITING:  # done by an earlier attempt
            continue
        if time.monotonic() - reported >= _PROGRESS_SECONDS:
            reported = time.monotonic()
            claim.progress(done, len(wanted))
        item.batch = batch
        _import(claim, item, tree)
    with services.finishing(claim, batch.pk):
        pass


def _import(claim: Claim, item: ImportItem, tree: Tree) -> None:
    try:
        _IMPORTERS[item.kind](claim, item, tree)
    except ClipExists as existing:
        with claim.commit():
            item.end(State.EXISTS, str(existing), clip=existing.clip)
            if (existing.clip.subject.name, existing.clip.name) != (item.subject, item.name):
                services.add_problem(
                    item, "warning", "same-bytes", f"{item}: {existing} It is not imported again."
                )
    except (DatabaseError, InterfaceError, LeaseLost, JobCancelled):
        raise
    except (InputError, ValidationError, OSError) as error:
        raise_outage(error)
        reason = " ".join(error.messages) if isinstance(error, ValidationError) else str(error)
        _record_failure(claim, item, "unusable", reason)
    except Exception as error:
        raise_outage(error)
        log.exception("import item %s failed", item.pk)
        _record_failure(claim, item, "internal", f"Internal error ({type(error).__name__}: {error}).")


def _record_failure(claim: Claim, item: ImportItem, code: str, reason: str) -> None:
    with claim.commit():
        item.end(State.FAILED, reason)
        services.add_problem(item, "error", code, f"{item}: {reason}")


def _import_clip(claim: Claim, item: ImportItem, tree: Tree) -> None:
    """Store the clip, decode each frame, and save it with its markings; or save nothing."""
    suffix = PurePosixPath(item.files[0]).suffix.lower() if item.is_video else ".zip"
    with new_file(suffix) as file:
        _write_bytes(file, item, tree)
        file.flush()
        clip = Clip(
            project=item.batch.project,
            name=item.name,
            sha256=sha256_of(file),
            original_name=(item.files[0] if item.is_video else f"{item.name}.zip")[:255],
            size=file.seek(0, 2),
            fps_given=item.fps,
            uploaded_by=item.batch.created_by,
        )
        check_content_is_new(clip)
        result = decode_clip(clip, file.path, lambda _frames: claim.check())
        _check_within(item, result.frame_count)
        store_bytes(clip, file, suffix)
    for name, value in clip_fields(result).items():
        setattr(clip, name, value)
    with claim.commit():
        clip.subject = _subject(item)
        check_name_is_new(clip)
        save_new(clip, lambda saved: add_consensus(saved, item.expressions, item.batch.created_by))
        lacks_apex = any(expression["apex"] is None for expression in item.expressions)
        if clip.face_frames and lacks_apex and intervals_without_apex(clip):
            queue_spotting(clip)  # SMIC codes no apex: datasets use the spotted one
        item.end(State.DONE, clip=clip)


def _write_bytes(file: IO[bytes], item: ImportItem, tree: Tree) -> None:
    """Write the bytes to store: a video unchanged, frame images as the zip that the same images always give."""
    if not item.is_video:
        write_frame_zip(file, _frames(item, tree))  # type: ignore[arg-type]
        return
    with tree.open(item.paths()[0]) as video:
        while chunk := video.read(1 << 20):
            file.write(chunk)


def _frames(item: ImportItem, tree: Tree) -> Iterator[tuple[str, bytes]]:
    for name, path in zip(item.files, item.paths(), strict=True):
        yield PurePosixPath(name).name, _read_image(tree, path)


def _read_image(tree: Tree, path: str) -> bytes:
    most = Limits().max_image_bytes
    with tree.open(path) as file:
        size = file.seek(0, os.SEEK_END)
        if size > most:
            raise InputError(f"“{path}” is larger than {most // 2**20} MB, which is the limit for an image.")
        file.seek(0)
        return file.read(size)  # the size that was checked, if the file has grown


def _check_within(item: ImportItem, frames: int) -> None:
    """Raise InputError for a mark beyond the last frame; the length of a video is known only now."""
    for expression in item.expressions:
        for name in ("onset", "apex", "offset"):
            if (index := expression[name]) is not None and index >= frames:
                raise InputError(
                    f"The {name} is frame {index + 1}, but the clip has only {frames} frames. Fix the sheet, or check "
                    "that the file is the complete clip."
                )


def _import_picture(claim: Claim, item: ImportItem, tree: Tree) -> None:
    path = item.paths()[0]
    content = _read_image(tree, path)
    picture_features(content, 8)  # raises InputError if this is not a flow picture
    header = read_header(content)
    if header is None or header.format != "png":
        raise InputError(f"“{path}” is not a PNG image.")
    stored = store_by_content("pictures", ContentFile(content), ".png")
    fields = {
        "emotion": item.emotion,
        "sha256": stored.sha256,
        "file": stored.name,
        "width": header.width,
        "height": header.height,
    }
    with claim.commit():
        if Clip.objects.filter(subject__database__name=item.database, project=item.batch.project).exists():
            raise InputError(
                f"{item.database} has clips now: flow pictures of the same expressions would count twice."
            )
        picture, created = FlowPicture.objects.get_or_create(
            subject=_subject(item), name=item.name, defaults=fields
        )
        item.end(State.DONE if created else State.EXISTS, picture=picture)


def _import_marking(claim: Claim, item: ImportItem, tree: Tree) -> None:
    with claim.commit():
        clip = Clip.objects.select_for_update().filter(pk=item.clip_id or 0).first()
        if clip is None:
            raise InputError("The clip was deleted after the check.")
        if clip.consensus.exists() or Judgement.objects.filter(clip=clip).exists():
            raise InputError("The clip was marked after the check; its marks are not changed.")
        add_consensus(clip, item.expressions, item.batch.created_by)
        item.end(State.DONE)


_IMPORTERS: dict[str, Callable[[Claim, ImportItem, Tree], None]] = {
    ItemType.CLIP: _import_clip,
    ItemType.PICTURE: _import_picture,
    ItemType.MARKING: _import_marking,
}


def _subject(item: ImportItem) -> Subject:
    """Return the item's subject in its database; create both if new, and add new emotions to the database."""
    batch = item.batch
    emotions = batch.emotions.get(item.database, [])
    rate = batch.rates.get(item.database) or item.fps
    database, created = Database.objects.get_or_create(
        project=batch.project, name=item.database, defaults={"fps": rate, "emotions": emotions}
    )
    if not created and (new := [emotion for emotion in emotions if emotion not in database.emotions]):
        database.emotions = [*database.emotions, *new]
        database.save(update_fields=["emotions"])
    return get_or_create_subject(database, item.subject)


def _active(claim: Claim) -> Import:
    batch = (
        Import.objects.select_related("project", "created_by").filter(pk=claim.job.payload["batch"]).first()
    )
    if batch is None or not batch.active:
        raise JobCancelled("the import is no longer running")
    return batch
