"""Whether a coder is done with a clip: saying so, and opening it again."""

from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone

from mer_platform.annotation.models import Annotation, Assignment
from mer_platform.projects.models import AuditEvent


def finish(assignment: Assignment, *, nothing: bool = False) -> None:
    """The coder is done with the clip; saying so again changes nothing.

    Raises ValidationError, by field, if an expression is not complete, or if there is none and the coder has not said
    that the clip shows nothing.
    """
    with transaction.atomic():
        current = Assignment.objects.select_for_update().get(pk=assignment.pk)
        if current.done_at is None:
            marked = Annotation.objects.filter(clip=current.clip_id, coder=current.coder_id)
            if errors := _unfinished(list(marked), nothing=nothing):
                raise ValidationError(errors)
            current.done_at = timezone.now()
            current.save(update_fields=["done_at"])
    assignment.done_at = current.done_at


def may_reopen(assignment: Assignment, *, judge: bool = False) -> bool:
    """Whether a clip that is done may be opened again: by its coder only while another coder is not done."""
    others = Assignment.objects.filter(clip=assignment.clip_id).exclude(pk=assignment.pk)
    return judge or not others.exists() or others.filter(done_at__isnull=True).exists()


def reopen(assignment: Assignment, by: Any, *, judge: bool = False) -> None:
    """Open a clip again that the coder was done with.

    Raises ValidationError if all its coders are done: then the others' marks were in sight, and only a researcher
    (``judge``) opens it again.
    """
    with transaction.atomic():
        current = Assignment.objects.select_for_update().get(pk=assignment.pk)
        if current.done_at is not None:
            if not may_reopen(current, judge=judge):
                raise ValidationError(
                    "All coders of this clip are done and may see each other’s marks; ask a researcher to open it again."
                )
            current.done_at = None
            current.save(update_fields=["done_at"])
            AuditEvent.record(current.clip.project, by, f"opened {current.clip} again for {current.coder}")
    assignment.done_at = current.done_at


def _unfinished(marked: list[Annotation], *, nothing: bool) -> dict[str, list[str]]:
    """What keeps this coding from being done, by the field that is missing."""
    if not marked:
        said = "Nothing is marked in this clip. Mark an expression, or say that it shows none."
        return {} if nothing else {"nothing": [said]}
    if nothing:
        return {"nothing": ["Expressions are marked in this clip: delete them first if it shows none."]}
    errors: dict[str, list[str]] = {}
    for number, annotation in enumerate(marked, start=1):
        which = "The expression" if len(marked) == 1 else f"Expression {number}"
        for name in ("onset", "apex", "offset"):
            if getattr(annotation, name) is None:
                errors.setdefault(name, []).append(f"{which} has no {name} yet.")
        if not annotation.emotion:
            errors.setdefault("emotion", []).append(f"{which} has no emotion yet.")
    return errors
