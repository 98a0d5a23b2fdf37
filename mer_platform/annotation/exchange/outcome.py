"""What an import or its undo did, and the steps that both share."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.utils import timezone
from django.utils.dateparse import parse_datetime

from mer_platform.annotation.exchange.comparing import PlannedChange
from mer_platform.annotation.models import Annotation, AnnotationVersion
from mer_platform.web import actor

_BATCH = 400  # rows per query


@dataclass
class ImportOutcome:
    """How much was added and changed, and what was skipped because it has changed in the meantime.

    ``done`` counts the clips that were marked as done for a coder. For an undo, the numbers count what was taken back.
    """

    added: int = 0
    changed: int = 0
    consensus: int = 0
    done: int = 0
    conflicts: list[dict[str, Any]] = field(default_factory=list)

    def skip(self, change: PlannedChange, why: str) -> None:
        """List a change that is not made."""
        shown = {name: change.get(name) for name in ("clip", "clip_name", "coder_name", "row")}
        self.conflicts.append({**shown, "why": why})

    def __str__(self) -> str:
        parts = [f"{self.added} added", f"{self.changed} changed"]
        parts += [f"{self.consensus} consensus"] if self.consensus else []
        parts += [f"{self.done} done"] if self.done else []
        parts += [f"{len(self.conflicts)} skipped"] if self.conflicts else []
        return ", ".join(parts)


def keep_versions(annotations: Sequence[Annotation], user: Any, client: str) -> None:
    """Store a version of the current revision of each annotation."""
    AnnotationVersion.objects.bulk_create(
        AnnotationVersion(
            annotation=annotation, revision=annotation.revision, content=annotation.content(), made_by=actor(user),
            client=client,
        )
        for annotation in annotations
    )  # fmt: skip


def time_of(text: str) -> datetime:
    """Return a time that a reader of a lossless file has checked. Raises ValueError if it is not a time."""
    time = parse_datetime(text)
    if time is None:
        raise ValueError(f"{text!r} is not a time")
    return time if timezone.is_aware(time) else timezone.make_aware(time)


def batches(items: Sequence[Any]) -> Iterator[list[Any]]:
    """Yield the items in lists short enough for one query."""
    for start in range(0, len(items), _BATCH):
        yield list(items[start : start + _BATCH])
