"""The files of a person, and what stands in place of the person: tombstones, and a pseudonym in import reports."""

import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from django.db.models import Q

from mer_platform.accounts.models import Session
from mer_platform.accounts.sessions import SessionStore
from mer_platform.clips.models import Clip, FlowPicture, Subject, content_key
from mer_platform.composites.models import CompositeVersion, Sample, content_hash
from mer_platform.deletion.kinds import KINDS, feature_settings, features_of
from mer_platform.imports.models import Import, ImportItem
from mer_platform.projects.models import Membership
from mer_platform.rest.models import KeyedRequest
from mer_platform.withdrawals.affected import Affected
from mer_platform.withdrawals.words import Names
from models_ml.classes import CLASSES

WITHDRAWN = "About a person who was withdrawn."


def names_of(affected: Affected, pseudonym: str) -> Names:
    """Return all names of the person, and the words of the project that mean something else."""
    subject, project = affected.subject, affected.project
    clips = affected.contents.clips
    own = [*clips.values_list("name", flat=True), *affected.contents.pictures.values_list("name", flat=True)]
    own += affected.samples.values_list("name", flat=True)
    own += affected.scores.filter(clip=None).exclude(name="").values_list("name", flat=True)
    own += affected.import_items.values_list("name", flat=True)
    own += affected.import_problems.exclude(clip="").values_list("clip", flat=True)
    files = [
        *clips.values_list("original_name", flat=True),
        *(upload.filename for upload in affected.uploads),
    ]
    files += [
        name.rpartition("/")[2]
        for item in affected.import_items
        for name in (item.folder, *item.files)
        if name
    ]
    others = Subject.objects.filter(database__project=project).exclude(pk=subject.pk)
    taken = {*CLASSES, *others.values_list("name", flat=True)}
    for name, emotions in project.databases.values_list("name", "emotions"):
        taken |= {name, *emotions}
    taken.update(Membership.objects.filter(project=project).values_list("user__username", flat=True))
    rest = Clip.objects.filter(project=project).exclude(subject=subject)
    taken.update(rest.filter(name__in=set(own)).values_list("name", flat=True))
    taken.update(rest.filter(original_name__in=set(files)).values_list("original_name", flat=True))
    pictures = FlowPicture.objects.filter(subject__database__project=project).exclude(subject=subject)
    taken.update(pictures.filter(name__in=set(own)).values_list("name", flat=True))
    return Names.of(subject.database.name, subject.name, own, files, pseudonym, taken - {""})


def files_of(affected: Affected, *, weights: bool) -> set[str]:
    """Return the entries (see ``deletion.kinds``) of all files that show the person or were made of them."""
    holdings = affected.contents.holdings()
    names = {needed.entry for kind in KINDS.values() for needed in kind.needed(holdings)}
    names |= set(_features(affected, holdings.skip))
    for features in affected.feature_sets.select_related("version"):
        indices = affected.samples.filter(version=features.version_id).values_list("index", flat=True)
        names |= {f"{features.image_folder}/{index}-*" for index in indices}
    for rows in (affected.attributions, affected.feature_exports):
        names.update(rows.exclude(file="").values_list("file", flat=True))
    names.update(bundle.file for bundle in affected.paper_bundles if bundle.file)
    if weights:
        names.update(affected.fold_weights.values_list("file", flat=True))
    names.update(_sheets(affected))
    names.update(f"{upload.folder}/*" for upload in affected.uploads)
    archives = affected.scores.exclude(batch__archive="").order_by()
    names.update(archives.values_list("batch__archive", flat=True).distinct())
    return {name for name in names if name.partition("/")[0] in KINDS}


def leave_tombstones(affected: Affected, names: Names, now: datetime) -> list[dict[str, Any]]:
    """Replace the person's samples by tombstones: hash, database and label stay. Return what became of each version.

    The hash of a version covers the names of subjects, so it cannot be computed from the tombstones. Therefore it is
    confirmed before, and the hash of the list with tombstones is noted next to it.
    """
    report = []
    for version in affected.versions:
        before = list(version.samples.all())
        confirmed = content_hash(before) == version.content_hash
        own = list(affected.samples.filter(version=version).order_by("index"))
        for number, sample in enumerate(own, start=1):
            Sample.objects.filter(pk=sample.pk).update(
                clip=None, picture=None, name=f"{names.pseudonym}-{number}", subject=names.pseudonym,
                onset=None, apex=None, offset=None, emotion="", withdrawn_at=now,
            )  # fmt: skip
        gone = version.samples.filter(withdrawn_at__isnull=False).count()
        CompositeVersion.objects.filter(pk=version.pk).update(withdrawn_samples=gone)
        report.append(
            {
                "version": version.pk,
                "name": str(version),
                "samples": len(own),
                "content_hash": version.content_hash,
                "confirmed": confirmed,
                "hash_with_tombstones": content_hash(version.samples.all()),
            }
        )
    return report


def erase_imports(affected: Affected, names: Names) -> None:
    """Take the person out of import reports, and forget the uploaded sheets that list them."""
    affected.annotation_imports.delete()
    sheets = set(_sheets(affected))
    Import.objects.filter(project=affected.project, sheet__in=sheets).update(sheet="")
    Import.objects.filter(project=affected.project, source__in=sheets).update(source="")
    # Their messages quote paths and cells, which can name the person in any form.
    affected.import_problems.update(message=WITHDRAWN, file="", subject=names.pseudonym, clip="")
    items = affected.import_items
    items.filter(state=ImportItem.State.WAITING).update(state=ImportItem.State.FAILED)
    items.update(
        subject=names.pseudonym, name=names.pseudonym, folder="", files=[], expressions=[], emotion="",
        reason=WITHDRAWN,
    )  # fmt: skip


def forget_answers(affected: Affected, names: Names) -> None:
    """Drop the kept answers of requests, and the sessions, that contain a name."""
    members = Membership.objects.filter(project=affected.project).values("user")
    kept = KeyedRequest.objects.filter(Q(user__in=members) | Q(user__is_superuser=True))
    answers = [
        row.pk for row in kept.iterator() if _names_person(names, row.address, row.headers, bytes(row.body))
    ]
    KeyedRequest.objects.filter(pk__in=answers).delete()
    decode = SessionStore().decode
    sessions = [
        row.pk for row in Session.objects.iterator() if _names_person(names, decode(row.session_data))
    ]
    Session.objects.filter(pk__in=sessions).delete()


def _names_person(names: Names, *values: Any) -> bool:
    for value in values:
        text = value.decode(errors="replace") if isinstance(value, bytes) else json.dumps(value, default=str)
        if names.text(text) != text:
            return True
    return False


def _features(affected: Affected, skip: frozenset[str]) -> Iterator[str]:
    """Yield the cached features of the person's samples, except of clips whose bytes another project has too."""
    columns = ("content_sha256", "clip__turn", "onset", "apex", "offset")
    for version in affected.versions:
        wanted = list(feature_settings(version).values())
        samples = affected.samples.filter(version=version, clip__isnull=False).order_by()
        for sha256, turn, onset, apex, offset in samples.values_list(*columns):
            if wanted and sha256 not in skip:
                found = features_of(content_key(sha256, turn), onset, apex, offset, wanted)
                yield from (needed.entry for needed in found)


def _sheets(affected: Affected) -> Iterator[str]:
    for batch in affected.imports:
        yield from (name for name in (batch.source, batch.sheet) if name.startswith("sheets/"))
