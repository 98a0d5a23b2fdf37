"""Adding clips: their bytes are stored unchanged, and a job is queued that ingests them."""

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
from models_ml.video.filetypes import ARCHIVES, VIDEOS, VIDEOS_IN_WORDS

SUFFIXES = (*VIDEOS, *ARCHIVES)


class ClipExists(Exception):
    """The project has a clip with the same bytes or the same name."""

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
    """Store an uploaded clip and, unless the caller ingests it, queue its ingest.

    Raises
    ------
    ValidationError
        By field, for errors that are visible without opening the file.
    ClipExists
        If the project has the same clip.
    """
    original = PurePath(file.name or "clip").name
    suffix = PurePath(original).suffix.lower()
    fps = fps or database.default_fps(is_video=suffix != ".zip")
    _check_upload(suffix, file.size, subject_name, fps)
    name = (name or PurePath(original).stem).strip()[:120]
    clip = Clip(
        project=database.project,
        name=name,
        sha256=getattr(file, "sha256", "") or sha256_of(file),
        original_name=original[:255],
        size=file.size,
        fps_given=fps,
        uploaded_by=actor(user),
    )
    check_content_is_new(clip)
    clip.subject = get_or_create_subject(database, subject_name)
    check_name_is_new(clip)
    store_bytes(clip, file, suffix)
    save_new(clip, queue_ingest if ingest else None)
    return clip


def check_content_is_new(clip: Clip) -> None:
    """Raise ClipExists if the project has a clip with the same bytes."""
    if existing := Clip.objects.filter(project=clip.project, sha256=clip.sha256).order_by("pk").first():
        raise ClipExists(existing, f"The file “{clip.original_name}” is")


def check_name_is_new(clip: Clip) -> None:
    """Raise ClipExists if the subject has a clip with the same name."""
    if existing := Clip.objects.filter(subject=clip.subject, name=clip.name).order_by("pk").first():
        raise ClipExists(existing, f"A clip named “{clip.name}” is")


def store_bytes(clip: Clip, file: File, suffix: str) -> None:
    """Store a clip's bytes unchanged, under a name derived from their SHA-256."""
    clip.file = store_by_content("clips", file, suffix, sha256=clip.sha256).name


def save_new(clip: Clip, then: Callable[[Clip], Any] | None = None) -> None:
    """Save a new clip and call ``then`` in the same transaction. Raises ClipExists."""
    try:
        with transaction.atomic():
            clip.save()
            if then is not None:
                then(clip)
    except IntegrityError as error:  # another upload of the same clip won
        same = Q(sha256=clip.sha256) | Q(subject=clip.subject, name=clip.name)
        existing = Clip.objects.filter(same, project=clip.project).first()
        if existing is None:
            raise
        raise ClipExists(existing, f"The file “{clip.original_name}”, or a clip with its name, is") from error


def get_or_create_subject(database: Database, name: str) -> Subject:
    """Return the subject with this name.

    Raises ValidationError for another spelling of an existing name: two spellings of one person would become two folds,
    each trained on the other's face.
    """
    name = unicodedata.normalize("NFC", name.strip())
    if other := other_spelling(name, database.subjects.values_list("name", flat=True)):
        message = f"This database has a subject “{other}”. Use that spelling, or a different name for another person."
        raise ValidationError({"subject": message})
    return Subject.objects.get_or_create(database=database, name=name)[0]


def other_spelling(name: str, names: Iterable[str]) -> str:
    """Return which of ``names`` differs from ``name`` only in case, spaces or letter width; empty if none does."""
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
        kind = f"a file ending in “{suffix}”" if suffix else "a file without an ending"
        errors["file"] = f"Cannot read {kind}. Upload a video ({VIDEOS_IN_WORDS}), or a zip of frame images."
    elif size == 0:
        errors["file"] = "The file is empty."
    elif size > settings.MAX_CLIP_BYTES:
        errors["file"] = f"The file has {size:,} bytes, but the limit is {settings.MAX_CLIP_BYTES:,}."
    if not subject.strip():
        errors["subject"] = "State whose face this is: evaluation holds out one subject at a time."
    elif len(subject.strip()) > 60:
        errors["subject"] = "The name of a subject can have at most 60 characters."
    if suffix == ".zip" and not fps:
        errors["fps"] = "Frame images do not contain their rate. State the frames per second."
    if errors:
        raise ValidationError(errors)
