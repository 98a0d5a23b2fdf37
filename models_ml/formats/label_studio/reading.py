"""Label Studio: its JSON export of video tasks (not JSON-MIN), one file or several.

The reader takes ``timelinelabels`` (ranges of 1-based frames), ``videorectangle`` regions with a label (from the frame that
enables the region to the frame that ends it), and ``labels`` with start and end in seconds (audio of a video; returned in
milliseconds). ``choices`` of a task name the emotion if no region does. The submitted annotation of each annotator is read
separately; predictions and skipped tasks are not read. ``row`` in the report is the task's id.

Regions under one parent region are one expression, so expressions can overlap. Files that this platform wrote name
database, subject and clip in the task's data, and the coder next to the result and in the regions' text, because Label
Studio does not accept annotators that it does not know.
"""

import json
import re
from collections import defaultdict
from dataclasses import replace
from pathlib import PurePosixPath
from typing import Any, Literal
from urllib.parse import parse_qs, unquote, urlsplit

from models_ml.errors import InputError
from models_ml.formats.base import Finding, Marked, Sheet, Tree
from models_ml.formats.folders import VIDEOS, is_litter
from models_ml.formats.report import ImportReport, listed
from models_ml.formats.spans import Span, combine, role_of

_LARGEST = 256 << 20  # bytes of an export
CODER = "coder: "  # comes before a coder's name in a region's text


def read(tree: Tree, sheet: Sheet | None, accepted: frozenset[str]) -> Finding:
    """Read the annotations of each export in the tree, or of the file given as ``sheet``.

    Raises InputError if no file is an export.
    """
    report = ImportReport()
    finding = Finding(problems=report.problems)
    files = [(sheet.name, sheet.content)] if sheet else _files(tree)
    exports = 0
    for name, content in files:
        try:
            tasks = _tasks(name, content)
        except InputError as error:
            if len(files) == 1:
                raise
            report.warning("not-an-export", str(error), file=name)
            continue
        exports += 1
        for index, task in enumerate(tasks):
            finding.annotations += _task(name, index, task, report)
    if not exports:
        raise InputError(
            f"“{tree.name}” contains no JSON export of Label Studio. Export the project as “JSON”."
        )
    finding.annotations.sort(key=lambda m: (m.clip, m.coder, m.onset or 0))
    return finding


def _files(tree: Tree) -> list[tuple[str, bytes]]:
    found = []
    for path in tree.files():
        if path.lower().endswith(".json") and not is_litter(path):
            with tree.open(path) as file:
                found.append((path, file.read(_LARGEST + 1)))
    return found


def _tasks(name: str, content: bytes) -> list[dict[str, Any]]:
    if len(content) > _LARGEST:
        raise InputError(f"“{name}” is larger than {_LARGEST >> 20} MB. Export fewer tasks at a time.")
    try:
        tasks = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise InputError(f"“{name}” is not JSON: {error or 'it is nested too deeply'}.") from error
    if not isinstance(tasks, list) or not tasks or not all(isinstance(task, dict) for task in tasks):
        raise InputError(f"“{name}” is not an export of Label Studio: expected a list of tasks.")
    if not any(
        isinstance(task.get("annotations"), list) and isinstance(task.get("data"), dict) for task in tasks
    ):
        raise InputError(
            f"“{name}” has no tasks with data and annotations. Export the project as “JSON”, not as “JSON-MIN”."
        )
    return tasks


def _task(name: str, index: int, task: dict[str, Any], report: ImportReport) -> list[Marked]:
    number = task.get("id")
    row = number if isinstance(number, int) else index + 1
    stated = _names_in_data(task)
    clip = stated.get("clip") or _clip(task)
    if not clip:
        report.error(
            "clip-missing", "The task does not name a video file: it is not imported.", file=name, row=row
        )
        return []
    found: list[Marked] = []
    where: dict[str, Any] = {key: stated.get(key, "") for key in ("subject", "database")}
    annotations = task.get("annotations")
    for annotation in annotations if isinstance(annotations, list) else []:
        if not isinstance(annotation, dict) or annotation.get("was_cancelled"):
            continue
        results = annotation.get("result")
        results = results if isinstance(results, list) else []
        source = Marked(
            clip=clip, coder=_coder(annotation, results), unit="frame", file=name, row=row, **where
        )
        for group in _groups(results):
            found += _annotation(group, source, report)
    return found


def _groups(results: list[Any]) -> list[list[Any]]:
    """Return the regions in groups: each parent with its children, and all regions without a parent together."""
    parents = {r["parentID"] for r in results if isinstance(r, dict) and isinstance(r.get("parentID"), str)}
    groups: defaultdict[str, list[Any]] = defaultdict(list)
    for result in results:
        key = ""
        if isinstance(result, dict):
            own = result.get("id")
            key = str(result.get("parentID") or (own if isinstance(own, str) and own in parents else ""))
        groups[key].append(result)
    return list(groups.values())


def _annotation(results: list[Any], source: Marked, report: ImportReport) -> list[Marked]:
    frames: list[Span] = []
    times: list[Span] = []
    emotion = ""
    ignored: set[str] = set()
    for result in results:
        kind = result.get("type") if isinstance(result, dict) else None
        value = result.get("value") if isinstance(result, dict) else None
        try:
            if not isinstance(value, dict):
                raise TypeError("no value")
            if kind == "timelinelabels":
                frames += _timeline(value)
            elif kind == "videorectangle":
                frames += _rectangle(value)
            elif kind == "labels" and "start" in value:
                times += [
                    _span(1000 * float(value["start"]), 1000 * float(value["end"]), w)
                    for w in _words(value, "labels")
                ]
            elif kind == "choices":
                emotion = emotion or next(
                    (w for w in _words(value, "choices") if role_of(w) == "emotion"), ""
                )
            else:
                ignored.add(str(kind))
        except (KeyError, TypeError, ValueError):
            report.error(
                "region-damaged",
                f"A region of type “{kind}” is incomplete or damaged: it is left out.",
                file=source.file,
                row=source.row,
                clip=source.clip,
            )
    if ignored:
        report.info(
            "region-left-out",
            f"Regions of other types were left out: {listed(sorted(ignored))}.",
            file=source.file,
            row=source.row,
            clip=source.clip,
        )
    units: tuple[tuple[Literal["frame", "ms"], list[Span]], ...] = (("frame", frames), ("ms", times))
    return [
        marking
        for unit, spans in units
        for marking in combine(spans, replace(source, unit=unit), report, emotion)
    ]


def _timeline(value: dict[str, Any]) -> list[Span]:
    return [
        _span(float(span["start"]), float(span["end"]), word)
        for span in value["ranges"]
        for word in _words(value, "timelinelabels")
    ]


def _rectangle(value: dict[str, Any]) -> list[Span]:
    """Return a span from each enabled keyframe to the next disabled keyframe, else to the end of the video."""
    spans: list[tuple[float, float]] = []
    start: float | None = None
    for key in sorted(value["sequence"], key=lambda key: float(key["frame"])):
        if key.get("enabled", True) and start is None:
            start = float(key["frame"])
        elif not key.get("enabled", True):
            spans.append((float(key["frame"]) if start is None else start, float(key["frame"])))
            start = None
    if start is not None:
        spans.append((start, float(value["framesCount"])))
    return [_span(first, last, word) for first, last in spans for word in _words(value, "labels")]


def _span(start: float, end: float, word: str) -> Span:
    return Span(start, end, word, role_of(word))


def _words(value: dict[str, Any], key: str) -> list[str]:
    words = value.get(key) or []
    return [str(word) for word in (words if isinstance(words, list) else [words])]


def _clip(task: dict[str, Any]) -> str:
    """Return the media file's name without folder, ending and the code that Label Studio adds to uploads.

    >>> _clip({"data": {"video": "/data/upload/1/0a1b2c3d-EP02_01f.mp4"}})
    'EP02_01f'
    >>> _clip({"data": {"video": "/data/local-files/?d=sub01/EP02%2001f.mp4", "note": "x"}})
    'EP02 01f'
    """
    data = task.get("data")
    values = [v for v in data.values() if isinstance(v, str)] if isinstance(data, dict) else []
    for value in values:
        split = urlsplit(value) if "://" in value or "?" in value else None
        path = (parse_qs(split.query).get("d", [""])[0] or unquote(split.path)) if split else value
        if path.lower().endswith(VIDEOS):
            stem = PurePosixPath(path.replace("\\", "/")).stem
            return re.sub(r"^[0-9a-f]{8}-", "", stem) if "/upload/" in path or split is None else stem
    return ""


def _names_in_data(task: dict[str, Any]) -> dict[str, str]:
    """Return the texts in the task's data by key."""
    data = task.get("data")
    return {k: v for k, v in data.items() if isinstance(v, str)} if isinstance(data, dict) else {}


def _coder(annotation: dict[str, Any], results: list[Any]) -> str:
    if isinstance(annotation.get("coder"), str):
        return str(annotation["coder"])
    for result in results:
        meta = result.get("meta") if isinstance(result, dict) else None
        texts = meta.get("text") if isinstance(meta, dict) else None
        for text in texts if isinstance(texts, list) else []:
            if isinstance(text, str) and text.startswith(CODER):
                return text.removeprefix(CODER)
    who = annotation.get("completed_by")
    if isinstance(who, dict):
        return str(who.get("email") or who.get("username") or who.get("id") or "")
    return f"Label Studio user {who}" if isinstance(who, int) else str(who or "")
