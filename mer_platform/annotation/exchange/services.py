"""Importing annotations: a file is read and compared, and what it would do is shown; confirmed, it is done at once."""

import hashlib
from collections import defaultdict
from dataclasses import asdict
from pathlib import PurePath
from typing import Any

from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.db import transaction

from mer_platform.annotation.exchange import formats
from mer_platform.annotation.exchange.applying import Applied, apply
from mer_platform.annotation.exchange.comparing import Comparer
from mer_platform.annotation.exchange.models import AnnotationImport
from mer_platform.annotation.exchange.placing import Placed, Placer, refuse
from mer_platform.annotation.exchange.rows import CODED, Incoming
from mer_platform.annotation.models import Consensus
from mer_platform.projects.models import Membership, Project, Role
from mer_platform.web import actor
from models_ml.errors import InputError
from models_ml.formats.report import ImportReport, listed

Coders = AnnotationImport.Coders


def check_file(project: Project, user: Any, name: str, content: bytes, coders: str) -> AnnotationImport:
    """Read a file and compare it with the project; nothing is changed.

    Raises InputError with a sentence where the file as a whole cannot be read, or ``coders`` does not fit it.
    """
    name = PurePath(name.replace("\\", "/")).name[:255] or "file"
    found = formats.read(name, content)
    if not (found.rows or found.problems or found.consensus):
        raise InputError(f"“{name}” holds no annotations.")
    placer = Placer(project)
    rows = _with_coders(project, user, name, found.rows, coders, placer.report)
    placed = [(place, coder) for row, coder in rows if (place := placer.place(row))]
    entries = Comparer(project, placer.report).compare(placed)
    consensus = _new_consensus([p for row in found.consensus if (p := placer.place(row))], placer.report)
    problems = found.problems + placer.report.problems
    return AnnotationImport.objects.create(
        project=project,
        file_name=_storable(name),
        sha256=hashlib.sha256(content).hexdigest(),
        coders=coders,
        entries=_storable(entries),
        consensus=_storable(consensus),
        problems=_storable(
            [asdict(problem) for problem in sorted(problems, key=lambda p: (p.file, p.row or 0))]
        ),
        created_by=actor(user),
    )


def confirm(batch: AnnotationImport, user: Any) -> Applied:
    """Do what the check showed, in one transaction; what was changed since then is left as it is, and listed.

    Raises ValidationError if it was done already.
    """
    with transaction.atomic():
        current = AnnotationImport.objects.select_for_update().get(pk=batch.pk)
        if current.state != AnnotationImport.State.CHECKED:
            raise ValidationError(
                f"“{current.file_name}” is imported already. Upload it again to compare it anew."
            )
        return apply(current, user)


def _with_coders(
    project: Project, user: Any, name: str, rows: list[Incoming], coders: str, report: ImportReport
) -> list[tuple[Incoming, User]]:
    """Each row with the member whose it is to be."""
    named = sorted({row.coder for row in rows})
    if coders == Coders.ME:
        if len(named) > 1:
            raise InputError(
                f"“{name}” holds codings of {listed([one or 'nobody named' for one in named])}; they cannot all be yours. "
                "Import them by their names."
            )
        return [(row, user) for row in rows]
    if named == [""]:
        raise InputError(
            f"“{name}” does not say who coded: choose “{Coders.ME.label}”, or add a column “Coder” with user names."
        )
    members = {m.user.username: m for m in Membership.objects.filter(project=project).select_related("user")}
    return [(row, members[row.coder].user) for row in rows if _is_coder(row, members, report)]


def _is_coder(row: Incoming, members: dict[str, Membership], report: ImportReport) -> bool:
    member = members.get(row.coder)
    if member and Role(member.role).includes(Role.ANNOTATOR):
        return True
    why = (
        "The row names no coder."
        if not row.coder
        else f"“{row.coder}” is a viewer of this project, and codes nothing."
        if member
        else f"This project has no member “{row.coder}”."
    )
    refuse(report, row, "coder-unknown", why, "coder")
    return False


def _new_consensus(placed: list[Placed], report: ImportReport) -> list[dict[str, Any]]:
    """What was agreed on in clips that have no consensus here; where they have another, it is reported and left."""
    by_clip: defaultdict[int, list[Placed]] = defaultdict(list)
    for place in placed:
        by_clip[place.clip.pk].append(place)
    there: defaultdict[int, list[tuple[Any, ...]]] = defaultdict(list)
    for start in range(0, len(pks := list(by_clip)), 500):
        for agreed in Consensus.objects.filter(clip__in=pks[start : start + 500]):
            there[agreed.clip_id].append(tuple(getattr(agreed, name) for name in CODED))
    new = []
    for pk, own in by_clip.items():
        wanted = [tuple(place.fields[name] for name in CODED) for place in own]
        if not there[pk]:
            new += [
                {
                    "clip": pk,
                    "clip_name": str(p.clip),
                    "fields": p.fields,
                    "row": p.row.row,
                    **(p.row.record or {}),
                }
                for p in own
            ]
        elif sorted(map(str, wanted)) != sorted(map(str, there[pk])):
            message = "The clip has another consensus here: it is left as it is."
            report.warning(
                "consensus-differs", message, file=own[0].row.file, row=own[0].row.row, clip=own[0].row.clip
            )
    return new


def _storable(value: Any) -> Any:
    """The value with texts that every database stores: without NUL and half surrogates."""
    if isinstance(value, str):
        return value.replace("\0", "").encode("utf-8", "replace").decode()
    if isinstance(value, dict):
        return {_storable(key): _storable(item) for key, item in value.items()}
    return [_storable(item) for item in value] if isinstance(value, list) else value
