"""What an import found, compared with what the project has under the same name. Differences are reported only."""

import hashlib
import zipfile
import zlib
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

from django.core.files.storage import default_storage

from mer_platform.annotation.exchange.comparing import SAME, Comparer
from mer_platform.annotation.models import Consensus, Judgement
from mer_platform.clips.models import Clip, FlowPicture
from mer_platform.clips.packindex import SIMILAR
from mer_platform.imports.models import ImportItem
from mer_platform.projects.models import Project
from mer_platform.storage import sha256_of
from models_ml.formats.base import Marked, Problem, Tree
from models_ml.formats.report import ImportReport

State = ImportItem.State


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
        self._judged = set(Judgement.objects.filter(clip__in=clips).values_list("clip", flat=True))

    def clip(self, item: ImportItem) -> Clip | None:
        return self._clips.get((item.database, item.subject, item.name))

    def picture(self, item: ImportItem) -> FlowPicture | None:
        return self._pictures.get((item.database, item.subject, item.name))

    def consensus(self, clip: Clip) -> list[Consensus]:
        return self._consensus[clip.pk]

    def is_judged(self, clip: Clip) -> bool:
        return clip.pk in self._judged


def compare_clip(
    tree: Tree, item: ImportItem, clip: Clip, rows: list[Marked], contents: ProjectContents
) -> list[Problem]:
    """Mark the item's clip as already in the project, and report how it differs.

    If the clip has no consensus yet, the item imports only its expressions: ``rows``, in frame indices.
    """
    item.state, item.clip, item.reason = State.EXISTS, clip, "Already in the project."
    where: dict[str, Any] = {"subject": item.subject, "clip": item.name}
    if difference := _other_frames(tree, item, clip):
        item.reason = f"The project has a clip of this name with other frames ({difference}); that clip stays unchanged."
        return [Problem("warning", "frames-differ", f"{item}: {item.reason}", **where)]
    problems = compare_marks(item, clip, rows, contents.consensus(clip), judged=contents.is_judged(clip))
    if item.fps and clip.rate and abs(clip.rate / item.fps - 1) > SIMILAR:
        problems.append(
            Problem(
                "warning",
                "rate-differs",
                f"{item} has a recording rate of {clip.rate:.5g} fps in this project, but {item.fps:.5g} in the import; it "
                "stays unchanged. If the import is right, correct the rate on the clip's page.",
                **where,
            )
        )
    return problems


def compare_marks(
    item: ImportItem, clip: Clip, rows: list[Marked], consensus: list[Consensus], *, judged: bool
) -> list[Problem]:
    """Decide whether the item's expressions, as placed in ``rows``, can be added to a clip of the project."""
    report = ImportReport()
    changes = Comparer(clip.project, report).consensus_on(clip, rows, consensus, judged=judged)
    item.state, item.clip = State.EXISTS, clip
    if all(change["action"] == SAME for change in changes) and len(changes) >= len(consensus):
        item.reason = item.reason or "Its expressions are already in the project."
        return report.problems
    if not consensus and not judged and clip.state == Clip.State.READY:
        item.kind, item.state, item.reason = ImportItem.ItemType.MARKING, State.WAITING, ""
        return report.problems
    if clip.state != Clip.State.READY:
        item.reason = f"The clip is {clip.state}. Import its expressions again when it is ready."
    else:
        item.reason = (
            f"The project has other expressions for this clip: {_listed(consensus)}. The import has {_listed(rows)}. "
            "The project's expressions stay unchanged. To change them, import the file on the page of annotations, as "
            "the consensus."
        )
    report.warning("labels-differ", f"{item}: {item.reason}", subject=item.subject, clip=item.name)
    return report.problems


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


def _listed(several: Sequence[Marked | Consensus]) -> str:
    if not several:
        return "no expression"
    return "; ".join(
        f"{one.emotion or 'no emotion'} at {'–'.join('?' if m is None else str(m) for m in marks)} ({one.kind})"
        for one in sorted(several, key=lambda one: one.onset or 0)
        for marks in [(one.onset, one.apex, one.offset)]
    )
