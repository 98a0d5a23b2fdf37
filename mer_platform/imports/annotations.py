"""Annotations from other tools (ELAN, Label Studio), matched to the project's clips by name and by the clips' times."""

from collections import defaultdict
from collections.abc import Iterator
from pathlib import PurePath
from typing import Any

from mer_platform.annotation.exchange.timing import timing_of
from mer_platform.clips.models import Clip
from mer_platform.imports.comparing import compare_marks
from mer_platform.imports.models import Import, ImportItem
from models_ml.formats.base import Marked, Problem
from models_ml.video.timing import Timing

PlannedItem = tuple[ImportItem | None, list[Problem]]


def plan_annotations(batch: Import, annotations: list[Marked]) -> Iterator[PlannedItem]:
    """Yield one item per clip, with its expressions, or no item and the reason."""
    if not annotations:
        return
    names = _names(batch)
    by_clip: dict[int, list[Marked]] = defaultdict(list)
    clips: dict[int, Clip] = {}
    for annotation in annotations:
        found = names.get(_plain(annotation.clip), [])
        if len(found) == 1:
            by_clip[found[0].pk].append(annotation)
            clips[found[0].pk] = found[0]
        else:
            yield None, [_unnamed(annotation, found)]
    for pk, own in by_clip.items():
        yield _plan_clip(batch, clips[pk], own)


def _plan_clip(batch: Import, clip: Clip, annotations: list[Marked]) -> PlannedItem:
    item = ImportItem(
        batch=batch,
        kind=ImportItem.ItemType.MARKING,
        database=clip.subject.database.name,
        subject=clip.subject.name,
        name=clip.name,
        clip=clip,
    )
    coders = sorted({annotation.coder for annotation in annotations})
    if len(coders) > 1:
        return _refused(
            item,
            "several-coders",
            f"{clip} was annotated by {', '.join(coders)}. An import takes one annotation of each expression: import the "
            "file of one coder, or the annotations that they agreed on.",
            annotations[0],
        )
    if clip.state != Clip.State.READY:
        reason = (
            f"{clip} is {clip.state}: its frames are not known yet. Import its annotations when it is ready."
        )
        return _refused(item, "clip-not-ready", reason, annotations[0])
    timing = timing_of(clip)
    problems = []
    for annotation in annotations:
        marks, wrong = _indices(annotation, timing)
        if marks is None:
            problems.append(
                _problem(
                    "error", "marks-wrong", f"{clip}: {wrong} The annotation is not imported.", annotation
                )
            )
        else:
            item.expressions.append(marks)
    item.emotion = ", ".join(dict.fromkeys(e["emotion"] for e in item.expressions if e["emotion"]))[:100]
    if not item.expressions:
        item.state, item.reason = ImportItem.State.FAILED, "All its annotations are wrong; see the report."
        return item, problems
    return item, problems + compare_marks(item, clip, list(clip.consensus.all()))


def _indices(annotation: Marked, timing: Timing) -> tuple[dict[str, Any] | None, str]:
    """Return the annotation with 0-based indices; or None and what is wrong with it."""
    marks: dict[str, Any] = {}
    last = len(timing.times) - 1
    for name in ("onset", "apex", "offset"):
        value = getattr(annotation, name)
        if value is None:
            marks[name] = None
        elif annotation.unit == "frame":
            marks[name] = round(value) - 1
            if not 0 <= marks[name] <= last:
                return (
                    None,
                    f"The {name}, frame {value:g}, is not in the clip, whose frames are 1–{last + 1}.",
                )
        else:
            marks[name] = timing.at_ms(value)
            if marks[name] is None:
                return (
                    None,
                    f"The {name}, {value:g} ms, is not in the clip, which lasts {timing.ms(last)} ms.",
                )
    known = [marks[name] for name in marks if marks[name] is not None]
    if known != sorted(known):
        return None, f"The marks are not in order: {', '.join(f'{name} {marks[name]}' for name in marks)}."
    if len(annotation.emotion) > 40:
        return None, f"The emotion “{annotation.emotion}” has more than 40 characters."
    fields = ("action_units", "kind", "row")
    stated = {name: getattr(annotation, name) for name in fields}
    return {**marks, **stated, "emotion": annotation.emotion.lower()}, ""


def _names(batch: Import) -> dict[str, list[Clip]]:
    """Return the clips by each name that a media file can have: clip, uploaded file, or subject and clip."""
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


def _unnamed(annotation: Marked, found: list[Clip]) -> Problem:
    if found:
        several = ", ".join(str(clip) for clip in found[:5])
        return _problem(
            "error",
            "clip-ambiguous",
            f"“{annotation.clip}” may be {several}. Rename the media file to subject_clip, for example "
            f"“{found[0].subject.name}_{found[0].name}”.",
            annotation,
        )
    return _problem(
        "error",
        "clip-unknown",
        f"Clip “{annotation.clip}” not found in this project. Upload or import it first, or rename the media file.",
        annotation,
    )


def _refused(item: ImportItem, code: str, reason: str, annotation: Marked) -> PlannedItem:
    item.state, item.reason = ImportItem.State.FAILED, reason
    return item, [_problem("error", code, reason, annotation)]


def _problem(severity: Any, code: str, message: str, annotation: Marked) -> Problem:
    return Problem(severity, code, message, file=annotation.file, row=annotation.row, clip=annotation.clip)
