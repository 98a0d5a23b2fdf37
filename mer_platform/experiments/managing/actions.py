"""The actions that can be done with many runs or experiments at once."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import ValidationError

from mer_platform.experiments.managing import services


@dataclass(frozen=True)
class Action:
    """What was done, in words, and why a row stayed as it was."""

    done: str
    already: str


ACTIONS = {
    "star": Action("starred", "Starred already."),
    "unstar": Action("no longer starred", "No star to remove."),
    "tag": Action("tagged with {tags}", "These tags are there already."),
    "untag": Action("no longer tagged with {tags}", "Without these tags already."),
    "archive": Action("archived", "Archived already."),
    "restore": Action("restored", "Not archived."),
}


def act(name: str, rows: Sequence[Any], user: Any, tags: Sequence[str] = ()) -> list[Any]:
    """Do one of ``ACTIONS`` to the rows, and return those that it has changed. Raises ValidationError at ``tags``."""
    match name:
        case "star" | "unstar":
            return services.star(rows, user, starred=name == "star")
        case "tag" | "untag":
            if not tags:
                raise ValidationError({"tags": "Give at least one tag."})
            try:
                return (services.tag if name == "tag" else services.untag)(rows, tags, user)
            except ValidationError as error:
                raise ValidationError({"tags": error.messages}) from error
        case "archive":
            return services.archive(rows, user)
        case "restore":
            return services.restore(rows, user)
    raise ValueError(f"{name} is not an action on many rows.")
