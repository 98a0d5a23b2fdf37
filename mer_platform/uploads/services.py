"""Creating uploads, adding bytes to them, and using them.

A process can be killed at any point. A part is on the disk before a row refers to it, and the row of the upload only
advances together with the row of the part, from the offset at which the part starts. So an upload never has a gap: bytes
that no row refers to are sent again.
"""

import base64
import binascii
import hashlib
import os
import re
import uuid
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from pathlib import PurePath
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.files.storage import default_storage
from django.db import IntegrityError, transaction
from django.db.models import Sum
from django.utils import timezone

from mer_platform.projects.models import Project
from mer_platform.rest.errors import Conflict
from mer_platform.storage import NewFile, new_file, new_path, stored_names
from mer_platform.uploads.errors import ChecksumMismatch, Gone, TooLarge
from mer_platform.uploads.models import Upload, UploadPart
from models_ml.video.filetypes import ARCHIVES, VIDEOS, VIDEOS_IN_WORDS

KEPT = timedelta(hours=24)  # after the last bytes
MOST_PART_BYTES = 32 * 1024**2  # one request must not keep a thread of the web server busy for long
MOST_PARTS = 10_000
MOST_OPEN = 10_000  # of one user
OPEN_FILES = 20  # of the largest size, may be under way for one user
MODELS = (".safetensors",)  # a package of a model is a zip
ALGORITHMS = {"sha1": hashlib.sha1, "sha256": hashlib.sha256}
_PIECE = 1 << 18
_AT_ONCE = 200


def create(project: Project, user: Any, size: int, metadata: str) -> Upload:
    """Make room for a file. ``metadata`` is the header ``Upload-Metadata``.

    Raises
    ------
    ValidationError
        If no name of a clip or a model is given, or the file is empty.
    TooLarge
        If the file is larger than a clip may be.
    Conflict
        If the user has too many uploads under way.
    """
    facts = read_metadata(metadata)
    filename = PurePath(facts.get("filename", "")).name
    suffix = PurePath(filename).suffix.lower()
    if suffix not in (*VIDEOS, *ARCHIVES, *MODELS):
        what = (
            f"“{filename}” is not the name of a clip or a model"
            if filename
            else "The name of the file is missing"
        )
        raise ValidationError(
            {
                "filename": f"{what}. Send a video ({VIDEOS_IN_WORDS}), a zip of frame images, or a model (package.zip or "
                "model.safetensors), with its name."
            }
        )
    if len(filename) > 255:
        raise ValidationError({"filename": "The name of a file can have at most 255 characters."})
    sha256 = facts.get("sha256", "").lower()
    if sha256 and not re.fullmatch("[0-9a-f]{64}", sha256):
        raise ValidationError({"sha256": "A SHA-256 has 64 hexadecimal digits."})
    if size == 0:
        raise ValidationError({"Upload-Length": "The file is empty."})
    if size > settings.MAX_CLIP_BYTES:
        raise TooLarge(f"The file has {size:,} bytes, but the limit is {settings.MAX_CLIP_BYTES:,}.")
    _check_room(user, size)
    return Upload.objects.create(
        project=project,
        created_by=user,
        filename=filename,
        size=size,
        sha256=sha256,
        metadata=metadata,
        expires_at=timezone.now() + KEPT,
    )


def _check_room(user: Any, size: int) -> None:
    mine = Upload.objects.filter(created_by=user, state__in=Upload.OPEN, expires_at__gt=timezone.now())
    most = OPEN_FILES * settings.MAX_CLIP_BYTES
    held = mine.aggregate(total=Sum("size"))["total"] or 0
    if mine.count() >= MOST_OPEN or held + size > most:
        raise Conflict(
            f"You have uploads of {held:,} bytes under way; at most {MOST_OPEN:,} uploads and {most:,} bytes are allowed. "
            "Use or delete some of them first.",
            code="too_many_uploads",
        )


def read_metadata(text: str) -> dict[str, str]:
    """Return the pairs of the header ``Upload-Metadata``: keys, and values in Base64. Raises ValidationError."""
    found: dict[str, str] = {}
    for pair in filter(None, (pair.strip() for pair in text.split(","))):
        key, _, value = pair.partition(" ")
        try:
            decoded = base64.b64decode(value.strip(), validate=True).decode()
        except (binascii.Error, UnicodeDecodeError) as error:
            raise ValidationError(
                {"Upload-Metadata": f"The value of “{key}” must be UTF-8 text in Base64."}
            ) from error
        if key in found:
            raise ValidationError({"Upload-Metadata": f"“{key}” stands twice."})
        if "\0" in decoded:
            raise ValidationError({"Upload-Metadata": f"The value of “{key}” contains a NUL character."})
        found[key] = decoded
    return found


def append(
    upload: Upload, start: int, length: int, read: Callable[[int], bytes], checksum: tuple[str, bytes] | None
) -> Upload:
    """Add up to ``length`` bytes that start at ``start``, and return the upload as it is afterwards.

    If the sender stops early, what has arrived is kept, unless a checksum was to prove that it is all.

    Raises
    ------
    Gone
        If the upload was used or deleted, or has expired.
    Conflict
        If the upload does not end at ``start``.
    TooLarge
        If the bytes would go beyond the end of the file, or are too many for one request.
    ChecksumMismatch
        If the bytes are not those of the checksum; they are not kept.
    """
    _check_start(upload, start)
    if start + length > upload.size:
        raise TooLarge(
            f"The file has {upload.size:,} bytes: after the first {start:,}, only {upload.size - start:,} are missing."
        )
    if length > MOST_PART_BYTES:
        raise TooLarge(f"One request can carry at most {MOST_PART_BYTES:,} bytes. Send the file in parts.")
    if length == 0:
        return upload
    name = f"{upload.folder}/{start:014}-{uuid.uuid4().hex[:12]}.part"
    with new_file(".part") as file:
        received, digest = _receive(file, length, read, checksum[0] if checksum else "")
        if checksum and (received < length or digest != checksum[1]):
            raise ChecksumMismatch()
        if received == 0:
            return upload
        file.flush()
        os.fsync(file.fileno())
        default_storage.save(name, file)
    try:
        return _advance(upload, start, received, name)
    except BaseException:
        default_storage.delete(name)
        raise


def _check_start(upload: Upload, start: int) -> None:
    if upload.is_gone():
        raise Gone()
    if start != upload.offset:
        raise Conflict(
            f"{upload.offset:,} bytes of this file have arrived, so the next part starts there, not at {start:,}.",
            code="wrong_offset",
            offset=upload.offset,
        )


def _receive(file: NewFile, length: int, read: Callable[[int], bytes], algorithm: str) -> tuple[int, bytes]:
    digest = ALGORITHMS[algorithm]() if algorithm else None
    received = 0
    while received < length:
        try:
            piece = read(min(_PIECE, length - received))
        except OSError:  # the connection broke
            break
        if not piece:
            break
        file.write(piece)
        if digest:
            digest.update(piece)
        received += len(piece)
    return received, digest.digest() if digest else b""


def _advance(upload: Upload, start: int, size: int, name: str) -> Upload:
    """Let the upload end after a stored part. Raises Conflict if it no longer ends where the part starts."""
    end, until = start + size, timezone.now() + KEPT
    state = Upload.State.COMPLETE if end == upload.size else Upload.State.RECEIVING
    try:
        with transaction.atomic():
            moved = Upload.objects.filter(pk=upload.pk, offset=start, state=Upload.State.RECEIVING).update(
                offset=end, state=state, expires_at=until
            )
            if moved and UploadPart.objects.filter(upload=upload).count() >= MOST_PARTS:
                raise TooLarge(
                    f"A file can be sent in at most {MOST_PARTS:,} parts. Start again with larger ones."
                )
            if moved:
                UploadPart.objects.create(upload=upload, start=start, size=size, file=name)
    except IntegrityError as error:  # the upload was removed, or its project
        raise Gone() from error
    current = Upload.objects.filter(pk=upload.pk).first()
    if current is None:
        raise Gone()
    if not moved:
        _check_start(current, start)
        raise Gone()
    return current


class TakenUpload(NewFile):
    """A complete upload as one file, which exists until it is closed. Storing it copies nothing."""

    def close(self) -> None:
        super().close()
        self.path.unlink(missing_ok=True)


def take(upload_id: Any, user: Any, project: Project | None = None) -> TakenUpload:
    """Return a complete upload of the user as a file, with its name and SHA-256. Close it, or use it in a ``with`` block.

    The upload stays until ``spend`` is called, so that a request that fails afterwards can be sent again.

    Raises
    ------
    ValidationError
        If the user has no such upload in the project, or it is incomplete, was used, has expired or is damaged.
    """
    upload = _complete(upload_id, user, project)
    path = new_path(".upload")
    digest = hashlib.sha256()
    try:
        with path.open("x+b") as file:
            for part in upload.parts.all():
                if part.start != file.tell():
                    break
                with default_storage.open(part.file) as stored:
                    while piece := stored.read(1 << 20):
                        digest.update(piece)
                        file.write(piece)
            whole = file.tell() == upload.size
    except FileNotFoundError:
        whole = False
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    sha256 = digest.hexdigest()
    if not whole or upload.sha256 not in ("", sha256):
        path.unlink(missing_ok=True)
        why = (
            "its SHA-256 is not the one that was announced"
            if whole
            else "parts of it are missing from the storage"
        )
        raise ValidationError(
            {"upload": f"The upload of “{upload}” is damaged: {why}. Delete it, and upload the file again."}
        )
    taken = TakenUpload(path.open("r+b"), path)
    taken.name, taken.sha256 = upload.filename, sha256
    return taken


def _complete(upload_id: Any, user: Any, project: Project | None) -> Upload:
    found = Upload.objects.filter(pk=upload_id, created_by=user)
    if project is not None:
        found = found.filter(project=project)
    upload = found.first()
    if upload is None:
        where = "" if project is None else f" in the project “{project}”"
        problem = f"You have no upload {upload_id}{where}."
    elif upload.is_gone():
        problem = f"The upload of “{upload}” {why_gone(upload)}. Upload the file again."
    elif upload.state != Upload.State.COMPLETE:
        problem = f"Only {upload.offset:,} of the {upload.size:,} bytes of “{upload}” have arrived. Send the rest first."
    else:
        return upload
    raise ValidationError({"upload": problem})


def spend(upload_id: Any, user: Any) -> None:
    """Record that an upload was used. Its bytes are removed after the current transaction."""
    _end(Upload.objects.filter(created_by=user, pk=upload_id), Upload.State.USED)


def discard(upload: Upload) -> None:
    """Delete an upload. Its bytes are removed after the current transaction. Raises Gone."""
    if upload.is_gone():
        raise Gone()
    _end(Upload.objects.filter(pk=upload.pk), Upload.State.DELETED)


def _end(rows: Any, state: Upload.State) -> None:
    """End uploads. Their rows remain for a day, so that a late request learns what happened."""
    ended = list(rows.filter(state__in=Upload.OPEN))
    until = timezone.now() + KEPT
    Upload.objects.filter(pk__in=[upload.pk for upload in ended]).update(state=state, expires_at=until)
    for upload in ended:
        transaction.on_commit(lambda upload=upload: remove_bytes(upload))  # type: ignore[misc]


def why_gone(upload: Upload) -> str:
    """Return why an upload can no longer be used, as the end of a sentence."""
    words = {Upload.State.USED: "was used already", Upload.State.DELETED: "was deleted"}
    return words.get(Upload.State(upload.state), "has expired")


def remove_bytes(upload: Upload) -> None:
    """Remove the parts of an upload from the storage, also those that no row refers to."""
    for name in list(stored_names(upload.folder)):
        default_storage.delete(name)
    with suppress(OSError):  # a request stores a part right now, and will remove it
        default_storage.delete(upload.folder)
    UploadPart.objects.filter(upload=upload).delete()


def remove_expired() -> int:
    """Remove uploads whose time is over, first their bytes and then their rows. Return their number."""
    due = list(Upload.objects.filter(expires_at__lte=timezone.now()).order_by("expires_at")[:_AT_ONCE])
    for upload in due:
        same = Upload.objects.filter(pk=upload.pk, expires_at=upload.expires_at)
        if same.update(state=Upload.State.DELETED):  # no bytes arrived at the last moment, and none can now
            remove_bytes(upload)
            same.delete()
    return len(due)
