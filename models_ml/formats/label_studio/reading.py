"""Label Studio: its JSON export of video tasks (not JSON-MIN), one file or several.

The reader takes ``timelinelabels`` (ranges of 1-based frames), ``videorectangle`` regions with a label (from the frame that
enables the region to the frame that ends it), and ``labels`` with start and end in seconds (audio of a video; returned in
milliseconds). ``choices`` about a region are further labels of it; those of a task name the emotion if no region does. The
submitted annotation of each annotator is read separately; predictions and skipped tasks are not read. ``row`` in the report
is the task's id.

Label Studio counts frames at a rate of its project, not of the video: ``Marked.rate`` is what the file says about it, see
``frame_rates``. Regions under one parent region are one expression, so expressions can overlap. Files that this platform
wrote name database, subject and clip in the task's data, and the coder next to the result and in the regions' text, because
Label Studio does not accept annotators that it does not know.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import isfinite
from typing import Any

from models_ml.errors import InputError
from models_ml.formats import json_text
from models_ml.formats.base import Finding, Marked, Sheet, Tree
from models_ml.formats.label_studio.frame_rates import find_rate, find_seconds
from models_ml.formats.label_studio.names import clip_names, coder_of, emails_by_id, unclear_media
from models_ml.formats.report import ImportReport, listed
from models_ml.formats.spans import CONSENSUS, Span, combine, role_of
from models_ml.video.filetypes import is_litter

_LARGEST = 256 << 20  # bytes of an export


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
        emails = emails_by_id(tasks)
        for index, task in enumerate(tasks):
            finding.annotations += _task(name, index, task, emails, report)
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
    tasks = json_text.parse(name, content)
    if not isinstance(tasks, list) or not tasks or not all(isinstance(task, dict) for task in tasks):
        raise InputError(f"“{name}” is not an export of Label Studio: expected a list of tasks.")
    if not any(
        isinstance(task.get("annotations"), list) and isinstance(task.get("data"), dict) for task in tasks
    ):
        raise InputError(
            f"“{name}” has no tasks with data and annotations. Export the project as “JSON”, not as “JSON-MIN”."
        )
    return tasks


def _task(
    name: str, index: int, task: dict[str, Any], emails: Mapping[int, str], report: ImportReport
) -> list[Marked]:
    number = task.get("id")
    where: dict[str, Any] = {"file": name, "row": number if isinstance(number, int) else index + 1}
    data = task["data"] if isinstance(task.get("data"), dict) else {}
    names = clip_names(data)
    if not names:
        report.error("clip-missing", "The task does not name a video file: it is not imported.", **where)
        return []
    if unclear := unclear_media(data):
        report.error(
            "clip-unclear",
            f"The task has several media files ({listed(unclear)}), and none is called “video” in its data: it is not "
            "imported. Name the one that was annotated “video”.",
            **where,
        )
        return []
    results = _results(task)
    every = [region for _, regions in results for region in regions]
    rate, rates = find_rate(every, data)
    if rate is None and rates:
        report.error(
            "rate-contradicts",
            f"The task counts frames at {' and '.join(f'{found:g}' for found in rates)} frames per second: it is not "
            "imported. Export the tasks of each rate on their own, after you correct “fps” in their data.",
            clip=names[0],
            **where,
        )
        return []
    stated = {key: data[key] for key in ("subject", "database") if isinstance(data.get(key), str)}
    found: list[Marked] = []
    coders = [coder_of(annotation, regions, emails) for annotation, regions in results]
    if twice := [coder for coder, count in Counter(coders).items() if coder and count > 1]:
        message = f"The task has several annotations by {listed(twice)}: all of them are read as one coding."
        report.warning("coder-twice", message, clip=names[0], **where)
    for coder, (_, regions) in zip(coders, results, strict=True):
        agreed = coder == CONSENSUS
        source = Marked(
            clip=names[0], others=names[1:], coder="" if agreed else coder, agreed=agreed, unit="frame", rate=rate,
            seconds=find_seconds(every), **where, **stated,
        )  # fmt: skip
        for group in _groups(regions):
            found += _annotation(group, source, report)
    return found


def _results(task: dict[str, Any]) -> list[tuple[dict[str, Any], list[Any]]]:
    """Return the task's submitted annotations with their regions."""
    annotations = task.get("annotations")
    return [
        (annotation, annotation["result"] if isinstance(annotation.get("result"), list) else [])
        for annotation in (annotations if isinstance(annotations, list) else [])
        if isinstance(annotation, dict) and not annotation.get("was_cancelled")
    ]


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


def _annotation(results: Sequence[Any], source: Marked, report: ImportReport) -> list[Marked]:
    found = _Regions()
    # Choices about a region have its id, and can stand before it.
    for result in sorted(results, key=lambda r: isinstance(r, dict) and r.get("type") == "choices"):
        kind = result.get("type") if isinstance(result, dict) else None
        try:
            found.take(kind, result["value"], result.get("id"))
        except (KeyError, TypeError, ValueError, AttributeError):
            message = f"A region of type “{kind}” is incomplete or damaged: it is left out."
            report.error("region-damaged", message, **source.where())
    if found.left_out:
        message = f"Regions of other types were left out: {listed(sorted(found.left_out))}."
        report.info("region-left-out", message, **source.where())
    if found.unlabelled:
        places = listed([f"{s.start:g}–{s.end:g}" for spans in found.unlabelled.values() for s in spans])
        message = (
            f"Regions without a label are left out ({places}). Label them in Label Studio to import them."
        )
        report.warning("region-unlabelled", message, **source.where())
    in_ms = replace(source, unit="ms", rate=None)
    return [
        marking
        for own, spans in ((source, found.frames), (in_ms, found.times))
        for marking in combine(spans, own, report, found.emotion)
    ]


@dataclass
class _Regions:
    """The regions of a group while they are read. ``emotion`` is a choice about the whole task.

    ``unlabelled`` are regions without a label, as long as no choice names one: they can be boxes around a face.
    """

    frames: list[Span] = field(default_factory=list)
    times: list[Span] = field(default_factory=list)
    emotion: str = ""
    left_out: set[str] = field(default_factory=set)
    unlabelled: dict[str, list[Span]] = field(default_factory=dict)  # by region's id
    # By region: the list that its spans are in, and their times.
    _places: defaultdict[str, list[tuple[list[Span], Span]]] = field(
        default_factory=lambda: defaultdict(list)
    )

    def take(self, kind: str | None, value: dict[str, Any], key: Any) -> None:
        """Add a region's spans. Raises KeyError, TypeError, ValueError or AttributeError if it is damaged."""
        if kind == "timelinelabels":
            self._take(self.frames, _timeline(value), key)
        elif kind == "videorectangle":
            self._take(self.frames, _rectangle(value), key)
        elif kind == "labels" and "start" in value:
            start, end = 1000 * float(value["start"]), 1000 * float(value["end"])
            self._take(self.times, [_span(start, end, word) for word in _words(value, "labels") or [""]], key)
        elif kind == "choices":
            for word in _words(value, "choices"):
                self._choose(word, "" if key is None else str(key))
        else:
            self.left_out.add(str(kind))

    def _take(self, where: list[Span], spans: list[Span], key: Any) -> None:
        where += (span for span in spans if span.role != "unlabelled")
        region = f"\0{len(self.unlabelled)}" if key is None else str(key)
        if unlabelled := [span for span in spans if span.role == "unlabelled"]:
            self.unlabelled[region] = unlabelled
        places = dict.fromkeys(replace(span, word="", role="expression") for span in spans)
        self._places[region] += [(where, place) for place in places]

    def _choose(self, word: str, key: str) -> None:
        role = role_of(word)
        if places := self._places.get(key):
            self.unlabelled.pop(key, None)
            for where, place in places:
                where.append(_span(place.start, place.end, word))
        elif role == "emotion" and not self.emotion:
            self.emotion = word
        elif role == "nothing":
            self.frames.append(_span(1, 1, word))
        else:
            self.left_out.add(f"choice “{word}”")


def _timeline(value: dict[str, Any]) -> list[Span]:
    return [
        _span(float(span["start"]), float(span["end"]), word)
        for span in value["ranges"]
        for word in _words(value, "timelinelabels") or [""]
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
    return [_span(first, last, word) for first, last in spans for word in _words(value, "labels") or [""]]


def _span(start: float, end: float, word: str) -> Span:
    """Return a span. Raises ValueError if its start or end is infinite."""
    if not isfinite(start) or not isfinite(end):
        raise ValueError("a start or end is infinite")
    role = role_of(word) if word.strip() else "unlabelled"
    return Span(start, end, "" if role == "expression" else word, role)


def _words(value: dict[str, Any], key: str) -> list[str]:
    words = value.get(key) or []
    return [str(word) for word in (words if isinstance(words, list) else [words])]
