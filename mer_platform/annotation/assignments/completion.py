"""Marking an assigned clip as done, and reopening it."""

from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone

from mer_platform.annotation.marks import MARKS
from mer_platform.annotation.models import Annotation, Assignment
from mer_platform.projects.models import AuditEvent


def finish_coding(assignment: Assignment, *, nothing: bool = False) -> None:
    """Mark the clip as done by its coder. If it is done already, nothing changes.

    Raises ValidationError, by field, if an annotation is not complete, or if there is none and ``nothing`` (the clip
    shows no expression) was not stated.
    """
    with transaction.atomic():
        current = Assignment.objects.select_for_update().get(pk=assignment.pk)
        if current.done_at is None:
            annotations = Annotation.objects.filter(clip=current.clip_id, coder=current.coder_id)
            if errors := _missing(list(annotations), nothing=nothing):
                raise ValidationError(errors)
            current.done_at = timezone.now()
            current.save(update_fields=["done_at"])
    assignment.done_at = current.done_at


def may_reopen(assignment: Assignment, *, as_researcher: bool = False) -> bool:
    """Return whether a finished clip may be reopened.

    Its coder may do so only while another coder of the clip is not done, since afterwards the others' marks are visible.
    """
    others = Assignment.objects.filter(clip=assignment.clip_id).exclude(pk=assignment.pk)
    return as_researcher or not others.exists() or others.filter(done_at__isnull=True).exists()


def reopen_coding(assignment: Assignment, by: Any, *, as_researcher: bool = False) -> None:
    """Reopen a finished clip for its coder. Raises ValidationError if only a researcher may do so."""
    with transaction.atomic():
        current = Assignment.objects.select_for_update().get(pk=assignment.pk)
        if current.done_at is not None:
            if not may_reopen(current, as_researcher=as_researcher):
                raise ValidationError(
                    "All coders of this clip are done and can see each other’s marks. Ask a researcher to reopen it."
                )
            current.done_at = None
            current.save(update_fields=["done_at"])
            AuditEvent.record(current.clip.project, by, f"reopened {current.clip} for {current.coder}")
    assignment.done_at = current.done_at


def _missing(annotations: list[Annotation], *, nothing: bool) -> dict[str, list[str]]:
    """Return what keeps this coding from being done, by field."""
    if not annotations:
        message = "Nothing is marked in this clip. Mark an expression, or confirm that the clip shows none."
        return {} if nothing else {"nothing": [message]}
    if nothing:
        return {"nothing": ["This clip has marked expressions. Delete them first if it shows none."]}
    errors: dict[str, list[str]] = {}
    for number, annotation in enumerate(annotations, start=1):
        subject = "The expression" if len(annotations) == 1 else f"Expression {number}"
        for name in MARKS:
            if getattr(annotation, name) is None:
                errors.setdefault(name, []).append(f"{subject} has no {name} yet.")
        if not annotation.emotion:
            errors.setdefault("emotion", []).append(f"{subject} has no emotion yet.")
    return errors
