"""Importing annotations: a file is read and compared first; the changes are made only when the import is confirmed."""

import hashlib
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import PurePath
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction

from mer_platform.annotation.exchange.applying import apply_import
from mer_platform.annotation.exchange.coders import NamedCoder, annotators, match_coders, remember
from mer_platform.annotation.exchange.comparing import Comparer, PlannedChange
from mer_platform.annotation.exchange.models import AnnotationImport
from mer_platform.annotation.exchange.outcome import ImportOutcome
from mer_platform.annotation.exchange.pairing import not_done
from mer_platform.annotation.exchange.placing import (
    Placed,
    Placer,
    place_consensus,
    reject,
    with_rates,
)
from mer_platform.annotation.exchange.undoing import undo_import
from mer_platform.projects.column_maps import remember as remember_columns
from mer_platform.projects.models import Project
from mer_platform.web import actor, storable
from models_ml.errors import InputError
from models_ml.formats import annotations
from models_ml.formats.base import Marked, Problem
from models_ml.formats.headers import ColumnsError
from models_ml.formats.mapping import ColumnMap, column_map
from models_ml.formats.report import ImportReport, listed

_MAX_DIGITS = 9  # of the number of a row
_MAX_SHOWN = 40  # characters of what was sent
Coders, State = AnnotationImport.Coders, AnnotationImport.State


def check_file(
    project: Project,
    user: Any,
    name: str,
    content: bytes,
    coders: str,
    members: Mapping[str, str] | None = None,
    frame_rate: float | None = None,
    columns: ColumnMap | None = None,
    *,
    keep_unread: bool = False,
) -> AnnotationImport:
    """Read a file and compare it with the project, without changing anything.

    ``members`` gives the username of the member that a name in the file stands for; the project remembers it.
    ``frame_rate`` is that at which the file counts frames if it does not say so, ``columns`` says which column of a sheet
    is which. Raises InputError if the file cannot be read as a whole, or if ``coders`` does not suit it, and ValidationError
    if it has no row of a name in ``members``. A sheet whose
    columns are not known raises ColumnsError or, with ``keep_unread``, is kept for ``check_with_columns``.
    """
    name = PurePath(name.replace("\\", "/")).name[:255] or "file"
    batch = AnnotationImport(
        project=project,
        file_name=storable(name),
        sha256=hashlib.sha256(content).hexdigest(),
        content=content,
        coders=coders,
        frame_rate=frame_rate,
        columns=columns.as_json() if columns is not None else None,
        created_by=actor(user),
    )
    try:
        _compare(batch, user, members or {})
    except ColumnsError as error:
        if not keep_unread:
            raise
        batch.state = State.UNREAD
        batch.problems = [asdict(Problem("error", "columns-unknown", str(error), file=batch.file_name))]
    batch.save()
    return batch


def check_with_columns(batch: AnnotationImport, user: Any, columns: ColumnMap) -> AnnotationImport:
    """Read the sheet of an import with a map of its columns, which the project remembers, and compare it.

    Raises InputError as ``check_file``, and ValidationError if the import was confirmed already.
    """
    remember_columns(batch.project, columns, user)
    with transaction.atomic():
        state = State.UNREAD if batch.state == State.UNREAD else State.CHECKED
        current = _locked(batch, state, "Upload it again to compare it again.")
        current.columns, current.state = columns.as_json(), State.CHECKED
        _compare(current, user, {})
        current.save()
    return current


def check_again(
    batch: AnnotationImport, user: Any, members: Mapping[str, str], frame_rate: float | None = None
) -> AnnotationImport:
    """Compare the file of an import again, with these members for names in the file. Raises as ``check_file``.

    Without ``frame_rate``, an earlier one stays. Also raises ValidationError if the import was confirmed already.
    """
    with transaction.atomic():
        current = _locked(batch, State.CHECKED, "Upload it again to compare it again.")
        if not current.content:
            raise ValidationError(f"“{current.file_name}” was not kept. Upload it again.")
        current.frame_rate = frame_rate or current.frame_rate
        _compare(current, user, members)
        current.save()
    return current


def row_number(text: str) -> int:
    """Return the number of a row of an import. Raises ValidationError if the text is not one."""
    if not (text.isdecimal() and len(text) <= _MAX_DIGITS):
        short = text if len(text) <= _MAX_SHOWN else f"{text[:_MAX_SHOWN]}…"
        raise ValidationError(f"“{short}” is not the number of a row.")
    return int(text)


def choose(batch: AnnotationImport, choices: Mapping[int, str], every: str = "") -> AnnotationImport:
    """Store what to do with rows: "add", "change" or "keep", by the row's number; ``every``: with all that allow it.

    Raises ValidationError, by field, for a row or a choice that there is not.
    """
    with transaction.atomic():
        current = _locked(batch, State.CHECKED, "Upload it again to compare it again.")
        numbered: dict[int, PlannedChange] = {e["number"]: e for e in [*current.entries, *current.consensus]}
        for entry in numbered.values():
            if every in entry["choices"]:
                entry["choice"] = every
        for number, choice in choices.items():
            if number not in numbered:
                raise ValidationError({"choices": [f"This import has no row number {number}."]})
            if choice not in numbered[number]["choices"]:
                possible = ", ".join(numbered[number]["choices"])
                raise ValidationError(
                    {"choices": [f"Row number {number} allows {possible}, not “{choice}”."]}
                )
            numbered[number]["choice"] = choice
        current.save(update_fields=["entries", "consensus"])
    return current


def confirm(batch: AnnotationImport, user: Any) -> ImportOutcome:
    """Make the chosen changes in one transaction; what has changed since the check is skipped and listed.

    Raises ValidationError if the import was confirmed already.
    """
    with transaction.atomic():
        return apply_import(_locked(batch, State.CHECKED, "Upload it again to compare it again."), user)


def undo(batch: AnnotationImport, user: Any) -> ImportOutcome:
    """Take back a whole import in one transaction; what has changed since is skipped and listed.

    Raises ValidationError if the import is not imported, or did nothing.
    """
    with transaction.atomic():
        current = _locked(batch, State.DONE, "Only a confirmed import can be undone.")
        if not current.can_be_undone:
            raise ValidationError(f"“{current.file_name}” did nothing that could be undone.")
        return undo_import(current, user)


def _locked(batch: AnnotationImport, state: str, advice: str) -> AnnotationImport:
    current = AnnotationImport.objects.select_for_update().get(pk=batch.pk)
    if current.state != state:
        what = "is imported already" if current.state == State.DONE else f"is {current.get_state_display()}"
        raise ValidationError(f"“{current.file_name}” {what}. {advice}")
    return current


def _compare(batch: AnnotationImport, user: Any, members: Mapping[str, str]) -> None:
    """Fill the import with what its file would change."""
    columns = column_map(batch.columns) if batch.columns else None
    parsed = annotations.read(batch.file_name, bytes(batch.content), columns)
    if not (parsed.annotations or parsed.problems):
        raise InputError(f"“{batch.file_name}” contains no annotations.")
    _check_names(batch, {row.coder for row in parsed.annotations}, members)
    report = ImportReport()
    placer, comparer = Placer(batch.project, report), Comparer(batch.project, report)
    found = with_rates(parsed.annotations, batch.frame_rate, report)
    agreed = [row for row in found if row.agreed]
    coded = [row for row in found if not row.agreed]
    batch.names = []
    entries: list[PlannedChange] = []
    if batch.coders == Coders.CONSENSUS:
        placed = place_consensus(placer, found)
    else:
        rows = _with_members(batch, user, coded, members, report)
        entries = comparer.annotations(_placed(placer, rows))
        placed = [p for row in agreed if (p := placer.place(row))]
    consensus = comparer.consensus(placed)
    for number, change in enumerate([*entries, *consensus]):
        change["number"] = number
    problems = sorted(parsed.problems + report.problems, key=lambda p: (p.file, p.row or 0))
    batch.entries, batch.consensus = storable(entries), storable(consensus)
    batch.problems = storable([asdict(problem) for problem in problems])


def _placed(placer: Placer, rows: list[tuple[Marked, Any]]) -> list[tuple[Placed, Any]]:
    """Return the rows that can be placed; where some of a coder's cannot, the coder is not done with the others."""
    placed: list[tuple[Placed, Any]] = []
    refused: set[tuple[str, int | None, str]] = set()
    for row, coder in rows:
        if found := placer.place(row):
            placed.append((found, coder))
        else:
            refused.add((row.file, row.row, row.coder))
    return [
        ((clip, not_done(row) if (row.file, row.row, row.coder) in refused else row), coder)
        for (clip, row), coder in placed
    ]


def _check_names(batch: AnnotationImport, names: set[str], members: Mapping[str, str]) -> None:
    """Raise ValidationError if members are given for names that the file does not contain."""
    if missing := [name for name in members if name not in names]:
        short = listed([name[:_MAX_SHOWN] for name in missing])
        there = listed(sorted(name for name in names if name))
        message = f"“{batch.file_name}” contains no row of a coder named {short}. "
        message += f"Its coders are {there}." if there else "It names no coder."
        raise ValidationError({"members": [message]})


def _with_members(
    batch: AnnotationImport, user: Any, rows: list[Marked], given: Mapping[str, str], report: ImportReport
) -> list[tuple[Marked, Any]]:
    """Return each row with the member to whom its annotation will belong; report once per name that none is known for."""
    counts = Counter(row.coder for row in rows)
    if batch.coders == Coders.ME:
        if len(counts) > 1:
            named = listed([coder or "an unnamed coder" for coder in sorted(counts)])
            raise InputError(
                f"“{batch.file_name}” contains codings of {named}, so they cannot all be yours. Import them by their "
                "usernames."
            )
        return [(row, user) for row in rows]
    if not rows:
        return []
    if set(counts) == {""}:
        raise InputError(
            f"“{batch.file_name}” does not name the coders. Choose “{Coders.ME.label}” or “{Coders.CONSENSUS.label}”, or "
            "add a column “Coder” with usernames."
        )
    remember(batch.project, given)
    batch.names = match_coders(batch.project, counts, given)
    members = annotators(batch.project)
    known: dict[str, NamedCoder] = {entry["name"]: entry for entry in batch.names}
    for name, entry in known.items():
        if entry["problem"]:
            first = next(row for row in rows if row.coder == name)
            reject(report, first, "coder-unknown", entry["problem"], "coder")
    return [(row, members[known[row.coder]["member"]]) for row in rows if known[row.coder]["member"]]
