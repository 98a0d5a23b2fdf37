"""Comparing another lab's document of a version with the project, and freezing the identical version from it."""

from dataclasses import dataclass, field
from typing import Any

from django.core.exceptions import ValidationError

from mer_platform.clips.models import Clip, FlowPicture
from mer_platform.composites.document import Document, SampleRow
from mer_platform.composites.draft import markings_of, with_markings
from mer_platform.composites.labelmaps import MEGC2019
from mer_platform.composites.models import CompositeVersion
from mer_platform.composites.published import check
from mer_platform.composites.services import store
from mer_platform.projects.models import Project


@dataclass
class Counterpart:
    """A sample of the document and its clip or flow picture here. ``differs``: field → (in the document, here)."""

    row: SampleRow
    item: Clip | FlowPicture | None = None
    problem: str = ""
    differs: dict[str, tuple[Any, Any]] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        place = {"database": self.row.database, "subject": self.row.subject, "clip": self.row.name}
        if self.problem:
            return {**place, "problem": self.problem}
        return {**place, "differs": {name: list(values) for name, values in self.differs.items()}}


@dataclass
class DocumentComparison:
    """A document's samples: equal in the project, in it with other marks or names, or missing from it."""

    document: Document
    equal: list[Counterpart] = field(default_factory=list)
    different: list[Counterpart] = field(default_factory=list)
    missing: list[Counterpart] = field(default_factory=list)
    existing: CompositeVersion | None = None

    @property
    def complete(self) -> bool:
        return not self.missing

    def to_json(self, version: CompositeVersion | None) -> dict[str, Any]:
        """Return the result for the API; ``version`` is the version here, if any."""
        if version is not None:
            status = "existing" if self.existing is not None else "frozen"
        else:
            status = "compared" if self.complete else "incomplete"
        return {
            "status": status,
            "version": version.pk if version else None,
            "content_hash": self.document.content_hash,
            "there": len(self.equal),
            "other": [found.to_json() for found in self.different],
            "lacking": [found.to_json() for found in self.missing],
        }


def compare(project: Project, document: Document) -> DocumentComparison:
    """Compare the document's samples with the project. Content is found by its SHA-256, under any name."""
    result = DocumentComparison(document)
    same_hash = CompositeVersion.objects.filter(
        composite__project=project, content_hash=document.content_hash
    )
    result.existing = same_hash.select_related("composite").order_by("id").first()
    items = _items(project, document)
    names = _names(project)
    for row in document.samples:
        item = items.get((row.kind, row.content))
        found = Counterpart(row, item, _problem(row, item, names))
        if item is None or found.problem:
            result.missing.append(found)
            continue
        found.differs = _differences(row, item)
        (result.different if found.differs else result.equal).append(found)
    return result


def adopt(project: Project, comparison: DocumentComparison, user: Any, name: str = "") -> CompositeVersion:
    """Return the identical version in this project, frozen now if there is none.

    Raises ValidationError if samples are missing.
    """
    if comparison.existing is not None:
        return comparison.existing
    document = comparison.document
    if not comparison.complete:
        raise ValidationError(
            {
                "document": f"{len(comparison.missing)} of the {len(document.samples)} samples are not available in this "
                "project. Import their clips first."
            }
        )
    items = {(c.row.kind, c.row.content): c.item for c in (*comparison.equal, *comparison.different)}
    samples = []
    for index, row in enumerate(document.samples):
        sample = row.sample(index)
        setattr(sample, row.kind, items[row.kind, row.content])
        samples.append(sample)
    listed = check(document.label_map, samples, document.label_map) if document.preset == MEGC2019 else None
    return store(
        project,
        name or document.name,
        samples,
        user,
        label_map=document.label_map,
        preset=document.preset,
        rules=document.rules,
        list_check=listed,
    )


def _items(project: Project, document: Document) -> dict[tuple[str, str], Clip | FlowPicture]:
    wanted = {row.content for row in document.samples}
    clips = with_markings(Clip.objects.filter(project=project))
    pictures = FlowPicture.objects.filter(subject__database__project=project)
    found: dict[tuple[str, str], Clip | FlowPicture] = {}
    for picture in pictures.select_related("subject__database"):
        if picture.sha256 in wanted:
            found["picture", picture.sha256] = picture
    found.update({("clip", clip.sha256): clip for clip in clips if clip.sha256 in wanted})
    return found


def _names(project: Project) -> set[tuple[str, str, str]]:
    fields = ("subject__database__name", "subject__name", "name")
    clips = Clip.objects.filter(project=project).values_list(*fields)
    return {*clips, *FlowPicture.objects.filter(subject__database__project=project).values_list(*fields)}


def _problem(row: SampleRow, item: Any, names: set[tuple[str, str, str]]) -> str:
    if item is None:
        if (row.database, row.subject, row.name) in names:
            return "the project has a clip or flow picture of this name with different content"
        return "not in this project"
    if isinstance(item, Clip):
        if item.state != Clip.State.READY:
            return f"the clip is {item.state}"
        if not item.face_frames:
            return "no face was found in the clip"
        if row.offset is not None and row.offset >= item.frame_count:
            return f"offset {row.offset} is after the last frame, {item.frame_count - 1}"
    return ""


def _differences(row: SampleRow, item: Clip | FlowPicture) -> dict[str, tuple[Any, Any]]:
    """Return names and marks that are different here: field → (in the document, here)."""
    here: dict[str, Any] = {"database": item.subject.database.name, "subject": item.subject.name}
    if isinstance(item, FlowPicture):
        here["emotion"] = item.emotion
    elif markings := markings_of(item)[0]:
        nearest = min(
            markings, key=lambda m: (abs((m.onset or 0) - (row.onset or 0)), m.emotion != row.emotion)
        )
        here.update({name: getattr(nearest, name) for name in ("onset", "apex", "offset", "emotion")})
        if row.apex_from == "spotted" and nearest.apex is None:
            del here["apex"]  # no apex is coded in either lab
    else:
        here.update(dict.fromkeys(("onset", "apex", "offset", "emotion")))
    stated = row.model_dump()
    return {name: (stated[name], value) for name, value in here.items() if stated[name] != value}
