"""Taking in a clip: its bytes, stored unchanged, and the job that looks into it."""

import unicodedata
from collections.abc import Callable, Iterable
from pathlib import PurePath
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.files.base import File
from django.db import IntegrityError, transaction
from django.db.models import Q

from mer_platform.clips.models import Clip, Database, Subject
from mer_platform.jobs.models import Job
from mer_platform.storage import sha256_of, store_by_content
from mer_platform.web import actor

SUFFIXES = {".mp4", ".mov", ".avi", ".mkv", ".zip"}


class AlreadyThere(Exception):
    """The same bytes, or the same name, are in the project already."""

    def __init__(self, clip: Clip, what: str) -> None:
        super().__init__(f"{what} already in this project as {clip}.")
        self.clip = clip


def add_clip(
    database: Database,
    subject_name: str,
    file: File,
    user: Any,
    *,
    name: str = "",
    fps: float | None = None,
    ingest: bool = True,
) -> Clip:
    """Store the upload and queue its ingest (unless the caller does that itself).

    Raises ValidationError (by field) for what can be told before looking inside, AlreadyThere for a clip that is there.
    """
    original = PurePath(file.name or "clip").name
    suffix = PurePath(original).suffix.lower()
    _check_upload(suffix, file.size, subject_name, fps or database.fps)
    name = (name or PurePath(original).stem).strip()[:120]
    clip = Clip(
        project=database.project,
        name=name,
        sha256=sha256_of(file),
        original_name=original[:255],
        size=file.size,
        fps_given=(fps or database.fps) if suffix == ".zip" else None,
        uploaded_by=actor(user),
    )
    check_bytes_new(clip)
    clip.subject = subject_of(database, subject_name)
    check_name_new(clip)
    keep_bytes(clip, file, suffix)
    add_new(clip, queue_ingest if ingest else None)
    return clip


def check_bytes_new(clip: Clip) -> None:
    """Raise AlreadyThere if the project has a clip of the same bytes."""
    if there := Clip.objects.filter(project=clip.project, sha256=clip.sha256).first():
        raise AlreadyThere(there, f"The file “{clip.original_name}” is")


def check_name_new(clip: Clip) -> None:
    """Raise AlreadyThere if its subject has a clip of the same name."""
    if there := Clip.objects.filter(subject=clip.subject, name=clip.name).first():
        raise AlreadyThere(there, f"A clip named “{clip.name}” is")


def keep_bytes(clip: Clip, file: File, suffix: str) -> None:
    """Store a clip's bytes unchanged, under a name that says their content."""
    clip.file = store_by_content("clips", file, suffix, sha256=clip.sha256).name


def add_new(clip: Clip, then: Callable[[Clip], Any] | None = None) -> None:
    """Save a new clip, and do ``then`` in the same transaction. Raises AlreadyThere."""
    try:
        with transaction.atomic():
            clip.save()
            if then is not None:
                then(clip)
    except IntegrityError as error:  # two uploads of the same clip at the same moment
        same = Q(sha256=clip.sha256) | Q(subject=clip.subject, name=clip.name)
        there = Clip.objects.filter(same, project=clip.project).first()
        if there is None:
            raise
        raise AlreadyThere(there, f"The file “{clip.original_name}”, or a clip of its name, is") from error


def subject_of(database: Database, name: str) -> Subject:
    """The subject of this name, made if new. Raises ValidationError for a name that is another's but for its spelling.

    Two spellings of one person would be two folds, each trained on the other's face.
    """
    name = unicodedata.normalize("NFC", name.strip())
    if other := same_but_for_spelling(name, database.subjects.values_list("name", flat=True)):
        message = (
            f"This database has a subject “{other}”: use that spelling, or another name for another person."
        )
        raise ValidationError({"subject": message})
    return Subject.objects.get_or_create(database=database, name=name)[0]


def same_but_for_spelling(name: str, names: Iterable[str]) -> str:
    """Which of ``names`` differs from ``name`` only in case, blanks or width of its letters; empty if none does."""
    return next((other for other in names if other != name and _plain(other) == _plain(name)), "")


def _plain(name: str) -> str:
    return "".join(unicodedata.normalize("NFKC", name).casefold().split())


def queue_ingest(clip: Clip) -> Job:
    return Job.enqueue(
        "ingest", "ingest", clip.project_id, f"ingest:{clip.pk}", clip.group(), {"clip": clip.pk}
    )


def _check_upload(suffix: str, size: int, subject: str, fps: float | None) -> None:
    errors: dict[str, str] = {}
    if suffix not in SUFFIXES:
        errors["file"] = (
            f"A file ending in “{suffix or 'nothing'}” is not taken: upload mp4, mov, avi or mkv video, "
            "or a zip of frame images."
        )
    elif size == 0:
        errors["file"] = "The file is empty."
    elif size > settings.MAX_CLIP_BYTES:
        errors["file"] = f"The file has {size:,} bytes; the limit is {settings.MAX_CLIP_BYTES:,}."
    if not subject.strip():
        errors["subject"] = "Say whose face this is: evaluation holds out one subject at a time."
    elif len(subject.strip()) > 60:
        errors["subject"] = "A subject's name has at most 60 characters."
    if suffix == ".zip" and not fps:
        errors["fps"] = "Frame images do not say their rate: give frames per second."
    if errors:
        raise ValidationError(errors)
