"""Markings made elsewhere (ELAN, Label Studio), given to the clips they are of: by name, and by the clip's own times."""

from collections import defaultdict
from collections.abc import Iterator
from pathlib import PurePath
from typing import Any

from mer_platform.annotation.exchange.timing import Timing
from mer_platform.clips.models import Clip
from mer_platform.imports.comparing import compare_marks
from mer_platform.imports.models import Import, ImportItem
from models_ml.formats.base import ExternalAnnotation, Problem

PlannedItem = tuple[ImportItem | None, list[Problem]]


def plan_annotations(batch: Import, markings: list[ExternalAnnotation]) -> Iterator[PlannedItem]:
    """An item a clip, with its expressions; or why there is none."""
    if not markings:
        return
    names = _names(batch)
    by_clip: dict[int, list[ExternalAnnotation]] = defaultdict(list)
    clips: dict[int, Clip] = {}
    for marking in markings:
        found = names.get(_plain(marking.clip), [])
        if len(found) == 1:
            by_clip[found[0].pk].append(marking)
            clips[found[0].pk] = found[0]
        else:
            yield None, [_unnamed(marking, found)]
    for pk, own in by_clip.items():
        yield _plan_clip(batch, clips[pk], own)


def _plan_clip(batch: Import, clip: Clip, markings: list[ExternalAnnotation]) -> PlannedItem:
    item = ImportItem(
        batch=batch,
        kind=ImportItem.ItemType.MARKING,
        database=clip.subject.database.name,
        subject=clip.subject.name,
        name=clip.name,
        clip=clip,
    )
    coders = sorted({marking.coder for marking in markings})
    if len(coders) > 1:
        return _refused(
            item,
            "several-coders",
            f"{clip} was marked by {', '.join(coders)}. Who is right is not guessed: import the file of one coder, or what "
            "they agreed on.",
            markings[0],
        )
    if clip.state != Clip.State.READY:
        reason = f"{clip} is {clip.state}: its frames are not known. Import its markings once it is ready."
        return _refused(item, "clip-not-ready", reason, markings[0])
    timing = Timing.of(clip)
    problems = []
    for marking in markings:
        marks, wrong = _indices(marking, timing)
        if marks is None:
            problems.append(_problem("error", "marks-wrong", f"{clip}: {wrong} It is not imported.", marking))
        else:
            item.expressions.append(marks)
    item.emotion = ", ".join(dict.fromkeys(e["emotion"] for e in item.expressions if e["emotion"]))[:100]
    if not item.expressions:
        item.state, item.reason = ImportItem.State.FAILED, "None of its markings can be right."
        return item, problems
    return item, problems + compare_marks(item, clip, list(clip.consensus.all()))


def _indices(marking: ExternalAnnotation, timing: Timing) -> tuple[dict[str, Any] | None, str]:
    """The marking with 0-based indices; or None and what is wrong with it."""
    marks: dict[str, Any] = {}
    last = len(timing.times) - 1
    for name in ("onset", "apex", "offset"):
        value = getattr(marking, name)
        if value is None:
            marks[name] = None
        elif marking.unit == "frame":
            marks[name] = round(value) - 1
            if not 0 <= marks[name] <= last:
                return None, f"The {name}, frame {value:g}, is not in it: its frames are 1–{last + 1}."
        else:
            marks[name] = timing.at_ms(value)
            if marks[name] is None:
                return None, f"The {name}, {value:g} ms, is not in it: it lasts {timing.ms(last)} ms."
    known = [marks[name] for name in marks if marks[name] is not None]
    if known != sorted(known):
        return None, f"Its marks are not in order: {', '.join(f'{name} {marks[name]}' for name in marks)}."
    if len(marking.emotion) > 40:
        return None, f"The emotion “{marking.emotion}” has more than 40 characters."
    if len(marking.action_units) > 80:
        return None, f"The action units “{marking.action_units}” have more than 80 characters."
    fields = ("emotion", "action_units", "kind", "row")
    return {**marks, **{name: getattr(marking, name) for name in fields}}, ""


def _names(batch: Import) -> dict[str, list[Clip]]:
    """Clips by every name a file of theirs may have: the clip's, the upload's, and with the subject before it."""
    names: dict[str, list[Clip]] = defaultdict(list)
    for clip in Clip.objects.filter(project=batch.project).select_related("subject__database"):
        subject = clip.subject.name
        own = {
            clip.name,
            PurePath(clip.original_name).stem,
            *(f"{subject}{between}{clip.name}" for between in ("_", "-", "/", " ")),
        }
        for name in {_plain(name) for name in own}:
            names[name].append(clip)
    return names


def _plain(name: str) -> str:
    return name.strip().casefold()


def _unnamed(marking: ExternalAnnotation, found: list[Clip]) -> Problem:
    if found:
        several = ", ".join(str(clip) for clip in found[:5])
        return _problem(
            "error",
            "clip-ambiguous",
            f"“{marking.clip}” may be {several}. Name the media file subject_clip, for instance "
            f"“{found[0].subject.name}_{found[0].name}”.",
            marking,
        )
    return _problem(
        "error",
        "clip-unknown",
        f"This project has no clip “{marking.clip}”. Upload or import it first, or name it as the media file is named.",
        marking,
    )


def _refused(item: ImportItem, code: str, reason: str, marking: ExternalAnnotation) -> PlannedItem:
    item.state, item.reason = ImportItem.State.FAILED, reason
    return item, [_problem("error", code, reason, marking)]


def _problem(severity: Any, code: str, message: str, marking: ExternalAnnotation) -> Problem:
    return Problem(severity, code, message, file=marking.file, row=marking.row, clip=marking.clip)
