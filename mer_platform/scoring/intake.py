"""Clips that come with a request to score them: uploaded, in a zip, or at a path below the import folder.

They are stored and read as any other clip. A clip that the project has already is used, and not stored twice.
"""

import re
import zipfile
import zlib
from pathlib import Path, PurePosixPath
from typing import IO, Any

from django.core.exceptions import ValidationError
from django.core.files.base import File

from mer_platform.clips.models import Clip, Database
from mer_platform.clips.services import ClipExists, add_clip
from mer_platform.imports.folders import Place, check_prefix, not_assigned
from mer_platform.imports.sources import import_root, is_assigned, prefix_within
from mer_platform.projects.models import Project
from mer_platform.storage import sha256_of, store_by_content
from models_ml.errors import InputError
from models_ml.formats.clip_sources import clips_among

DATABASE = "Scoring uploads"  # where clips go if the request names no database
UNKNOWN_SUBJECT = "unknown"  # whose face a clip shows if the request does not say
STORAGE = "storage:"  # a path that starts so is a key below import/ in the platform's storage
ARCHIVE = "archive:"  # an item whose source starts so is an entry of the request's zip
MOST_ENTRIES = 1_000_000  # of a zip
_DAMAGE = (zipfile.BadZipFile, zlib.error, RuntimeError, NotImplementedError, ValueError, OSError, EOFError)


def database_named(project: Project, name: str) -> Database:
    """Return the project's database of this name, created if there is none."""
    return Database.objects.get_or_create(project=project, name=name or DATABASE)[0]


def clip_of(
    database: Database, file: File, user: Any, *, name: str = "", subject: str = "", fps: float | None = None
) -> Clip:
    """Store a file as a clip and queue its ingest, or return the clip of the project with the same bytes.

    A name that another clip of the subject has gets a part of the hash at its end. Raises ValidationError by field.
    """
    subject = subject or UNKNOWN_SUBJECT
    try:
        return add_clip(database, subject, file, user, name=name, fps=fps)
    except ClipExists as error:
        file.seek(0)
        digest = sha256_of(file)
        if error.clip.sha256 == digest:
            return error.clip
    stem = name or PurePosixPath(file.name or "clip").stem
    try:
        return add_clip(database, subject, file, user, name=f"{stem[:110]} {digest[:8]}", fps=fps)
    except ClipExists as error:  # another request has just stored the same clip
        return error.clip


def store_archive(file: File) -> tuple[str, dict[str, list[str]]]:
    """Store an uploaded zip of clips, and return its stored name and the files of each clip.

    Raises ValidationError (field ``archive``) if it is not a zip, or contains no clip.
    """
    try:
        with zipfile.ZipFile(file) as archive:
            names = [info.filename for info in archive.infolist() if not info.is_dir()]
    except _DAMAGE as error:
        raise ValidationError(
            {"archive": f"Cannot read “{file.name}”: it is damaged or not a zip. Zip the clips again."}
        ) from error
    if len(names) > MOST_ENTRIES:
        raise ValidationError({"archive": f"The zip has more than {MOST_ENTRIES:,} files. Send it in parts."})
    if leading_out := [name for name in names if not _is_plain(name)]:
        shown = ", ".join(f"“{name[:100]}”" for name in leading_out[:5])
        more = f" and {len(leading_out) - 5:,} more" if len(leading_out) > 5 else ""
        raise ValidationError(
            {
                "archive": f"“{file.name}” has files whose paths lead out of it or are absolute: {shown}{more}. Nothing was "
                "stored. Zip the folder of the clips itself."
            }
        )
    clips = clips_among(names)
    if not clips:
        raise ValidationError(
            {"archive": f"“{file.name}” contains no video and no folder with frame images."}
        )
    file.seek(0)
    return store_by_content("scoring-uploads", file, ".zip").name, clips


def _is_plain(name: str) -> bool:
    parts = PurePosixPath(name.replace("\\", "/")).parts
    return ".." not in parts and parts[:1] != ("/",) and not re.match(r"[A-Za-z]:", name) and "\0" not in name


def checked_path(text: str, project: Project) -> str:
    """Return the path of a clip that a researcher named: below the import folder, or with ``storage:`` in front a key.

    Raises ValidationError if it leads out of the import folder or the folders of the project, also through a link, or does
    not exist. Keys of the storage are looked up by the worker.
    """
    if text.startswith(STORAGE):
        return STORAGE + check_prefix(project, prefix_within(text.removeprefix(STORAGE)))
    path = local_path_within(text, project)
    return path.relative_to(import_root()).as_posix()


def local_path_within(text: str, project: Project) -> Path:
    """Return a file or folder in the import folders of the project, with links resolved. Raises ValidationError."""
    root = import_root()
    try:
        path = (root / text.strip()).resolve()
        inside = path.is_relative_to(root) and path != root
        if inside and not is_assigned(project, path):
            raise not_assigned(project, Place.FOLDER, text)
        exists = inside and (path.is_file() or path.is_dir())  # a pipe or a device would be waited for
    except (OSError, ValueError, RuntimeError):  # a NUL, a name too long, links in a circle
        inside, exists = True, False
    if not inside:
        raise ValidationError(
            f"“{text}” is outside the import folder. Clips are read only from inside it. The administrator of the server "
            "can put clips there or change the folder (MER_IMPORT_DIR)."
        )
    if not exists:
        raise ValidationError(f"“{text}” not found in the import folder.")
    return path


def copy_entry(archive: zipfile.ZipFile, name: str, target: IO[bytes], most: int) -> None:
    """Unpack one entry of a zip, at most so many bytes. Raises InputError."""
    try:
        with archive.open(name) as entry:
            left = most
            while chunk := entry.read(1 << 20):
                left -= len(chunk)
                if left < 0:
                    raise InputError(
                        f"“{name}” is larger than {most:,} bytes, the limit for a clip.", "too_large"
                    )
                target.write(chunk)
    except KeyError as error:
        raise InputError(f"“{name}” not found in the zip.", "file_missing") from error
    except _DAMAGE as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"“{name}” cannot be unpacked: the zip is damaged or password-protected.") from error
