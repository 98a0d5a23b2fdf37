"""Importing that a coder is done with a clip: without any expression, or with those that the file contains."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

from django.utils import timezone

from mer_platform.annotation.exchange.comparing import SAME, PlannedChange, done_times
from mer_platform.annotation.exchange.outcome import ImportOutcome, batches, time_of
from mer_platform.annotation.models import Annotation, Assignment
from mer_platform.clips.models import Clip
from mer_platform.web import actor


def locked_done_times(changes: Iterable[PlannedChange]) -> dict[tuple[int, int | None], str]:
    """Return when the clips of these changes were marked as done, by clip and coder. Until the transaction ends, none is."""
    done: dict[tuple[int, int | None], str] = {}
    for clips in batches(sorted({change["clip"] for change in changes})):
        list(Assignment.objects.select_for_update().filter(clip__in=clips).order_by("pk").values_list("pk"))
        done |= done_times(clip__in=clips)
    return done


def not_done_since(changes: Iterable[PlannedChange], outcome: ImportOutcome) -> list[PlannedChange]:
    """Return the changes to codings that were not marked as done after the check, with their present ``done_at``."""
    changes = list(changes)
    done = locked_done_times(changes)
    kept = []
    for change in changes:
        now = done.get((change["clip"], change["coder"]))
        if change["shown"] and now and now != change.get("done_at"):
            outcome.skip(
                change,
                f"{change['coder_name']} has marked the clip as done after the check. Reopen it first.",
            )
            continue
        change["done_at"] = now
        kept.append(change)
    return kept


def leaves_incomplete(change: PlannedChange, annotation: Annotation, outcome: ImportOutcome) -> bool:
    """Return, and list, whether a coding that is done would contain this annotation although it is not complete."""
    wrong = bool(change["done_at"]) and not annotation.complete
    if wrong:
        outcome.skip(change, "The clip is done, and this expression is not complete. Reopen the clip first.")
    return wrong


def apply_nothing_shown(changes: Iterable[PlannedChange], user: Any, outcome: ImportOutcome) -> None:
    """Mark each clip as done without expression, unless its coder has marked one in the meantime."""
    for change in changes:
        if not Clip.objects.filter(pk=change["clip"]).exists():
            outcome.skip(change, "The clip was deleted after the check.")
        elif Annotation.objects.filter(clip=change["clip"], coder=change["coder"]).exists():
            outcome.skip(change, f"{change['coder_name']} marked an expression in this clip after the check.")
        elif made := _finish(change, user):
            change["made"] = made
            outcome.done += 1


def apply_done(changes: Sequence[PlannedChange], user: Any, outcome: ImportOutcome) -> None:
    """Mark the clips as done that the file calls done, where the coder has exactly the file's complete expressions."""
    groups: defaultdict[tuple[int, int | None], list[PlannedChange]] = defaultdict(list)
    for change in changes:
        if change["shown"] and change["record"].get("done_at"):
            groups[change["clip"], change["coder"]].append(change)
    for (clip, coder), own in groups.items():
        if not all(map(_is_there, own)):
            continue  # without the expressions that were kept out, the coder would state something else
        ours = {c["made"]["annotation"] if "made" in c else c["target"] for c in own}
        there = list(Annotation.objects.filter(clip=clip, coder=coder))
        if (
            {a.pk for a in there} == ours
            and all(a.complete for a in there)
            and (made := _finish(own[0], user))
        ):
            own[0]["made"] = {**own[0].get("made", {}), **made}
            outcome.done += 1


def undo_done(change: PlannedChange, outcome: ImportOutcome) -> None:
    """Take back that the clip is done, unless that has changed since the import."""
    made = change["made"]
    assignment = Assignment.objects.select_for_update().filter(pk=made["assignment"]).first()
    if assignment is None or assignment.done_at != time_of(made["done_at"]):
        outcome.skip(
            change, f"{change['coder_name']}’s assignment of this clip has changed since the import."
        )
        return
    if made["assigned"]:
        assignment.delete()
    else:
        assignment.done_at = None
        assignment.save(update_fields=["done_at"])
    outcome.done += 1


def _is_there(change: PlannedChange) -> bool:
    return "annotation" in change.get("made", {}) or change["action"] == SAME


def _finish(change: PlannedChange, user: Any) -> dict[str, Any]:
    """Mark the clip as done by its coder and return what was made; nothing if it is done already."""
    text = change["record"].get("done_at")
    done_at = time_of(text) if text else timezone.now()
    assignment, created = Assignment.objects.get_or_create(
        clip_id=change["clip"],
        coder_id=change["coder"],
        defaults={"done_at": done_at, "assigned_by": actor(user)},
    )
    if not created:
        if assignment.done_at is not None:
            return {}
        assignment.done_at = done_at
        assignment.save(update_fields=["done_at"])
    return {"assignment": assignment.pk, "assigned": created, "done_at": done_at.isoformat()}
