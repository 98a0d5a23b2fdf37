"""What an import's report says to a person who still has to code some of its clips: nothing about their official coding.

It leaves out the expressions, emotion and reason of the items that are such clips, and the problems that name them.
"""

from collections.abc import Iterable
from typing import Any, TypeVar

from django.db.models import Exists, OuterRef, QuerySet

from mer_platform.annotation.blindness import blind_clips
from mer_platform.imports.models import Import, ImportItem, ImportProblem

HIDDEN = "The coding of this clip is hidden until you have coded it, because coding is blind."
Items = TypeVar("Items", bound=Iterable[ImportItem])


def hide_coding(user: Any, items: Items) -> Items:
    """Take the coding out of the items whose clip the user still has to code; they are not saved."""
    hidden = set(blind_clips(user))
    for item in items:
        if item.clip_id in hidden:
            item.expressions, item.emotion, item.reason = None, "", HIDDEN
    return items


def visible_problems(user: Any, batch: Import) -> QuerySet[ImportProblem]:
    """Return the problems of an import without those of clips that the user still has to code."""
    to_code = ImportItem.objects.filter(
        batch=batch, clip__in=blind_clips(user), subject=OuterRef("subject"), name=OuterRef("clip")
    )
    return batch.problems.exclude(Exists(to_code))
