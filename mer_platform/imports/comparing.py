"""What an import found, compared with what the project has under the same name. Differences are reported only."""

import hashlib
import zipfile
import zlib
from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from django.core.files.storage import default_storage

from mer_platform.annotation.models import Consensus
from mer_platform.clips.models import Clip, FlowPicture
from mer_platform.imports.models import ImportItem
from mer_platform.projects.models import Project
from mer_platform.storage import sha256_of
from models_ml.formats.base import Problem, Tree

State = ImportItem.State
Marks = tuple[Any, ...]


class ProjectContents:
    """The project's clips and flow pictures of some databases, by database, subject and name."""

    def __init__(self, project: Project, databases: Iterable[str]) -> None:
        names = list(databases)
        clips = Clip.objects.filter(project=project, subject__database__name__in=names)
        pictures = FlowPicture.objects.filter(
            subject__database__project=project, subject__database__name__in=names
        )
        self._clips = {_key(clip): clip for clip in clips.select_related("subject__database")}
        self._pictures = {_key(picture): picture for picture in pictures.select_related("subject__database")}
        self._consensus: dict[int, list[Consensus]] = defaultdict(list)
        for agreed in Consensus.objects.filter(clip__in=clips):
            self._consensus[agreed.clip_id].append(agreed)

    def clip(self, item: ImportItem) -> Clip | None:
        return self._clips.get((item.database, item.subject, item.name))

    def picture(self, item: ImportItem) -> FlowPicture | None:
        return self._pictures.get((item.database, item.subject, item.name))

    def consensus(self, clip: Clip) -> list[Consensus]:
        return self._consensus[clip.pk]


def compare_clip(tree: Tree, item: ImportItem, clip: Clip, consensus: list[Consensus]) -> list[Problem]:
    """Mark the item's clip as already in the project, and report how it differs.

    If the clip has no consensus yet, the item imports only its expressions.
    """
    item.state, item.clip, item.reason = State.EXISTS, clip, "Already in the project."
    where: dict[str, Any] = {"subject": item.subject, "clip": item.name}
    if difference := _other_frames(tree, item, clip):
        item.reason = f"The project has a clip of this name with other frames ({difference}); that clip stays unchanged."
        return [Problem("warning", "frames-differ", f"{item}: {item.reason}", **where)]
    return compare_marks(item, clip, consensus)


def compare_marks(item: ImportItem, clip: Clip, consensus: list[Consensus]) -> list[Problem]:
    """Decide whether the item's expressions can be added to a clip of the project."""
    wanted = sorted(map(_marks, item.expressions), key=str)
    there = sorted((_stored_marks(agreed) for agreed in consensus), key=str)
    item.state, item.clip = State.EXISTS, clip
    if not wanted or wanted == there:
        item.reason = item.reason or "Its expressions are already in the project."
        return []
    if not there and clip.state == Clip.State.READY:
        item.kind, item.state, item.reason = ImportItem.ItemType.MARKING, State.WAITING, ""
        return []
    item.reason = (
        f"The project has other expressions for this clip: {_listed(there)}. The import has {_listed(wanted)}. "
        "The project's expressions stay unchanged."
        if there
        else f"The clip is {clip.state}. Import its expressions again when it is ready."
    )
    message = f"{item}: {item.reason}"
    return [Problem("warning", "labels-differ", message, subject=item.subject, clip=item.name)]


def compare_picture(tree: Tree, item: ImportItem, picture: FlowPicture) -> list[Problem]:
    """Mark the item's flow picture as already in the project, and report how it differs."""
    item.state, item.picture, item.reason = State.EXISTS, picture, "Already in the project."
    where: dict[str, Any] = {"file": item.paths()[0], "subject": item.subject, "clip": item.name}
    if picture.emotion != item.emotion:
        item.reason = (
            f"In the project, its emotion is “{picture.emotion}”, not “{item.emotion}”; it stays unchanged."
        )
        return [Problem("warning", "labels-differ", f"{item}: {item.reason}", **where)]
    with tree.open(item.paths()[0]) as file:
        if hashlib.sha256(file.read()).hexdigest() == picture.sha256:
            return []
    item.reason = "The project has another flow picture of this name; that one stays unchanged."
    return [Problem("warning", "frames-differ", f"{item}: {item.reason}", **where)]


def _other_frames(tree: Tree, item: ImportItem, clip: Clip) -> str:
    """Return how the frames of the stored clip differ, or "" if they look equal.

    Of frame images, the names and the content of the first and the last are compared, because this is quick.
    """
    if item.is_video:
        with tree.open(item.paths()[0]) as file:
            return "" if sha256_of(file) == clip.sha256 else "another file"
    if not clip.file.endswith(".zip"):
        return "a video"
    if not default_storage.exists(clip.file):
        return ""
    with default_storage.open(clip.file) as stored, zipfile.ZipFile(stored) as archive:
        checks = {member.filename.rpartition("/")[2]: member.CRC for member in archive.infolist()}
    if sorted(checks) != sorted(item.files):
        return f"{len(checks)} images instead of {len(item.files)}, or other names"
    for name, path in list(zip(item.files, item.paths(), strict=True))[:: max(1, len(item.files) - 1)]:
        with tree.open(path) as image:
            if zlib.crc32(image.read()) != checks[name]:
                return f"“{name}” is another image"
    return ""


def _key(row: Clip | FlowPicture) -> tuple[str, str, str]:
    return row.subject.database.name, row.subject.name, row.name


def _marks(expression: dict[str, Any]) -> Marks:
    return tuple(expression[name] for name in ("onset", "apex", "offset", "emotion", "kind"))


def _stored_marks(agreed: Consensus) -> Marks:
    return agreed.onset, agreed.apex, agreed.offset, agreed.emotion, agreed.kind


def _listed(several: list[Marks]) -> str:
    return "; ".join(
        f"{emotion or 'no emotion'} at {'–'.join('?' if m is None else str(m) for m in marks)} ({kind})"
        for *marks, emotion, kind in several
    )
