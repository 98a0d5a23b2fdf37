"""Building a composite: which clips go in under a label map, which are left out and why, and freezing."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Max, Prefetch

from mer_platform.annotation.models import Annotation, Marking
from mer_platform.clips.models import Clip, Database
from mer_platform.composites.labelmaps import LabelMap
from mer_platform.composites.models import Composite, CompositeVersion, Sample, content_hash, count_samples
from mer_platform.projects.models import AuditEvent, Project
from models_ml.classes import CLASSES

INCOMPLETE = "its label is not complete (onset, apex, offset and emotion)"


@dataclass
class LeftOut:
    clip: Clip
    reason: str


@dataclass
class Draft:
    """What freezing now would give."""

    samples: list[Sample] = field(default_factory=list)
    left_out: list[LeftOut] = field(default_factory=list)

    def counts(self) -> dict[str, Any]:
        return count_samples([(s.database, s.subject, s.label) for s in self.samples])

    def reasons(self) -> list[tuple[str, int]]:
        return Counter(entry.reason for entry in self.left_out).most_common()


def check_label_map(label_map: Any, databases: list[Database]) -> LabelMap:
    """The map, if it has the right form. Raises ValidationError naming the database and the emotion."""
    names = {database.name for database in databases}
    if not isinstance(label_map, dict):
        raise ValidationError(
            {"label_map": "The label map is an object: {database: {emotion: class or null}}."}
        )
    for database, words in label_map.items():
        if database not in names:
            raise ValidationError(
                {"label_map": f"“{database}” is not one of the databases chosen: {', '.join(sorted(names))}."}
            )
        if not isinstance(words, dict):
            raise ValidationError(
                {"label_map": f"The map of “{database}” is an object: {{emotion: class or null}}."}
            )
        for emotion, label in words.items():
            if "\0" in emotion:
                raise ValidationError({"label_map": f"{database}: an emotion has a NUL character in it."})
            if label is not None and label not in CLASSES:
                raise ValidationError(
                    {
                        "label_map": f"{database}, “{emotion}”: “{label}” is not a class; classes are "
                        f"{', '.join(CLASSES)}, or null to leave it out."
                    }
                )
    return label_map


def draft(databases: list[Database], label_map: LabelMap) -> Draft:
    """Every clip of the databases: a sample, or left out with the reason."""
    result = Draft()
    clips = (
        Clip.objects.filter(subject__database__in=databases)
        .select_related("subject__database")
        .prefetch_related("consensus", Prefetch("annotations", Annotation.objects.select_related("coder")))
    )
    for clip in clips:
        markings, reason = _markings(clip)
        if not markings:
            result.left_out.append(LeftOut(clip, reason))
        words = label_map.get(clip.database.name, {})
        for marking in markings:
            label = words.get(marking.emotion)
            if not marking.complete:
                result.left_out.append(LeftOut(clip, INCOMPLETE))
            elif label is not None:
                result.samples.append(_sample(clip, marking, label, len(result.samples)))
            else:
                mapped = "left out by the label map" if marking.emotion in words else "not in the label map"
                reason = f"emotion “{marking.emotion}” of {clip.database.name} is {mapped}"
                result.left_out.append(LeftOut(clip, reason))
    return result


def freeze(
    project: Project, name: str, databases: list[Database], label_map: Any, user: Any
) -> CompositeVersion:
    """Make the next version of the composite ``name``.

    Raises ValidationError if nothing, or only one subject, would be in it. The same content as the latest version
    is that version.
    """
    if not name.strip():
        raise ValidationError({"name": "Give the composite a name."})
    if not databases:
        raise ValidationError({"databases": "Choose at least one database."})
    built = draft(databases, check_label_map(label_map, databases))
    if not built.samples:
        raise ValidationError(
            {"databases": "No clip of these databases has a complete label that the map keeps."}
        )
    if len({s.subject_key for s in built.samples}) < 2:
        raise ValidationError(
            {"databases": "All samples are of one subject; leave-one-subject-out needs at least two."}
        )
    digest = content_hash(built.samples)
    with transaction.atomic():
        composite, _ = Composite.objects.get_or_create(project=project, name=name.strip()[:80])
        Composite.objects.select_for_update().get(pk=composite.pk)  # two clicks make one version
        latest = composite.versions.order_by("-number").first()
        if latest is not None and latest.content_hash == digest and latest.label_map == label_map:
            return latest
        number = (composite.versions.aggregate(Max("number"))["number__max"] or 0) + 1
        version = CompositeVersion.objects.create(
            composite=composite,
            number=number,
            label_map=label_map,
            content_hash=digest,
            frozen_by=user if user and user.pk else None,
        )
        for sample in built.samples:
            sample.version = version
        Sample.objects.bulk_create(built.samples)
        AuditEvent.record(project, user, f"froze {version} ({len(built.samples)} samples, {digest[:12]})")
    return version


def _markings(clip: Clip) -> tuple[list[Marking], str]:
    """The markings a dataset uses: the consensus on each expression, else the only coder's complete one."""
    if clip.state != Clip.State.READY:
        return [], f"the clip is {clip.state}"
    if not clip.face_frames:
        return [], "no face found in the clip"
    if consensus := list(clip.consensus.all()):
        return list(consensus), ""
    complete = [annotation for annotation in clip.annotations.all() if annotation.complete]
    if len(complete) == 1:
        return [complete[0]], ""
    if complete:
        return [], "several coders labelled it and none was adopted as consensus"
    return [], INCOMPLETE if clip.annotations.all() else "not labelled"


def _sample(clip: Clip, marking: Marking, label: str, index: int) -> Sample:
    return Sample(
        index=index,
        clip=clip,
        name=clip.name,
        content_sha256=clip.sha256,
        database=clip.database.name,
        subject=clip.subject.name,
        **marking.frames(),
        emotion=marking.emotion,
        label=label,
    )
