"""Importing annotations: a file is read and compared first; the changes are made only when the import is confirmed."""

import hashlib
from collections import defaultdict
from dataclasses import asdict
from pathlib import PurePath
from typing import Any

from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.db import transaction

from mer_platform.annotation.exchange.applying import ImportOutcome, apply_import
from mer_platform.annotation.exchange.comparing import Comparer
from mer_platform.annotation.exchange.models import AnnotationImport
from mer_platform.annotation.exchange.resolving import ResolvedRow, RowResolver, reject
from mer_platform.annotation.marks import CODED_FIELDS
from mer_platform.annotation.models import Consensus
from mer_platform.projects.models import Membership, Project, Role
from mer_platform.web import actor
from models_ml.errors import InputError
from models_ml.formats import annotations
from models_ml.formats.action_units import canonical_if_readable
from models_ml.formats.base import Marked
from models_ml.formats.report import ImportReport, listed

Coders = AnnotationImport.Coders


def check_file(project: Project, user: Any, name: str, content: bytes, coders: str) -> AnnotationImport:
    """Read a file and compare it with the project, without changing anything.

    Raises InputError if the file cannot be read as a whole, or if ``coders`` does not suit it.
    """
    name = PurePath(name.replace("\\", "/")).name[:255] or "file"
    parsed = annotations.read(name, content)
    if not (parsed.annotations or parsed.problems):
        raise InputError(f"“{name}” contains no annotations.")
    resolver = RowResolver(project)
    coded = [marked for marked in parsed.annotations if marked.shown and not marked.agreed]
    rows = _with_coders(project, user, name, coded, coders, resolver.report)
    resolved = [(found, coder) for row, coder in rows if (found := resolver.resolve(row))]
    entries = Comparer(project, resolver.report).compare(resolved)
    agreed = [
        found for row in parsed.annotations if row.agreed and row.shown and (found := resolver.resolve(row))
    ]
    consensus = _new_consensus(agreed, resolver.report)
    problems = parsed.problems + resolver.report.problems
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


def confirm(batch: AnnotationImport, user: Any) -> ImportOutcome:
    """Make the checked changes in one transaction; annotations that have changed since the check are skipped and listed.

    Raises ValidationError if the import was confirmed already.
    """
    with transaction.atomic():
        current = AnnotationImport.objects.select_for_update().get(pk=batch.pk)
        if current.state != AnnotationImport.State.CHECKED:
            raise ValidationError(
                f"“{current.file_name}” is imported already. Upload it again to compare it again."
            )
        return apply_import(current, user)


def _with_coders(
    project: Project, user: Any, name: str, rows: list[Marked], coders: str, report: ImportReport
) -> list[tuple[Marked, User]]:
    """Return each row with the member to whom its annotation will belong."""
    named = sorted({row.coder for row in rows})
    if coders == Coders.ME:
        if len(named) > 1:
            coders_named = listed([coder or "an unnamed coder" for coder in named])
            raise InputError(
                f"“{name}” contains codings of {coders_named}, so they cannot all be yours. Import them by their usernames."
            )
        return [(row, user) for row in rows]
    if named == [""]:
        raise InputError(
            f"“{name}” does not name the coders. Choose “{Coders.ME.label}”, or add a column “Coder” with usernames."
        )
    members = {m.user.username: m for m in Membership.objects.filter(project=project).select_related("user")}
    return [(row, members[row.coder].user) for row in rows if _is_coder(row, members, report)]


def _is_coder(row: Marked, members: dict[str, Membership], report: ImportReport) -> bool:
    member = members.get(row.coder)
    if member and Role(member.role).includes(Role.ANNOTATOR):
        return True
    message = (
        "The row names no coder."
        if not row.coder
        else f"“{row.coder}” is a viewer of this project and may not annotate."
        if member
        else f"This project has no member “{row.coder}”."
    )
    reject(report, row, "coder-unknown", message, "coder")
    return False


def _new_consensus(resolved: list[ResolvedRow], report: ImportReport) -> list[dict[str, Any]]:
    """Return the file's consensus for clips that have none here. A different consensus is reported and not changed."""
    by_clip: defaultdict[int, list[ResolvedRow]] = defaultdict(list)
    for row in resolved:
        by_clip[row.clip.pk].append(row)
    existing: defaultdict[int, list[tuple[Any, ...]]] = defaultdict(list)
    for start in range(0, len(pks := list(by_clip)), 500):
        for agreed in Consensus.objects.filter(clip__in=pks[start : start + 500]):
            stored = {name: getattr(agreed, name) for name in CODED_FIELDS}
            stored["action_units"] = canonical_if_readable(agreed.action_units)
            existing[agreed.clip_id].append(tuple(stored.values()))
    new = []
    for pk, rows in by_clip.items():
        wanted = [tuple(row.fields[name] for name in CODED_FIELDS) for row in rows]
        if not existing[pk]:
            new += [
                {
                    "clip": pk,
                    "clip_name": str(r.clip),
                    "fields": r.fields,
                    "row": r.marked.row,
                    **(r.marked.record or {}),
                }
                for r in rows
            ]
        elif sorted(map(str, wanted)) != sorted(map(str, existing[pk])):
            message = "The clip has a different consensus here, which is not changed."
            first = rows[0].marked
            report.warning("consensus-differs", message, **first.where())
    return new


def _storable(value: Any) -> Any:
    """Return the value without the characters that PostgreSQL cannot store: NUL and lone surrogates."""
    if isinstance(value, str):
        return value.replace("\0", "").encode("utf-8", "replace").decode()
    if isinstance(value, dict):
        return {_storable(key): _storable(item) for key, item in value.items()}
    return [_storable(item) for item in value] if isinstance(value, list) else value
