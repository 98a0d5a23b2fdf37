"""The draft of a composite: which expressions a label map and rules include, and why others are left out."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Prefetch, QuerySet

from mer_platform.annotation.models import Annotation, Marking
from mer_platform.clips.models import Clip, Database, FlowPicture
from mer_platform.clips.packindex import clock_of
from mer_platform.composites.labelmaps import LabelMap, fixed_by
from mer_platform.composites.models import Sample, count_samples
from mer_platform.composites.published import ExcludedItem, Published, check, list_key, published
from mer_platform.composites.rules import Rules
from models_ml.errors import InputError

INCOMPLETE = "its annotation is not complete (onset, apex, offset and emotion)"
NO_APEX = "no apex is coded, and none has been spotted yet"
NOT_CODED = "no apex is coded, but a rule includes only coded apexes"
NOT_LISTED = "not in the published list of MEGC2019"
TWICE = "another sample is already used for this entry of the published list"


@dataclass
class LeftOut:
    """A clip, a flow picture or one expression of a clip that is not included."""

    item: Clip | FlowPicture
    reason: str
    emotion: str = ""

    @property
    def clip(self) -> Clip | None:
        return self.item if isinstance(self.item, Clip) else None


@dataclass
class Draft:
    """What freezing now would give. ``list_check`` is set only for a preset with a published list."""

    samples: list[Sample] = field(default_factory=list)
    left_out: list[LeftOut] = field(default_factory=list)
    list_check: dict[str, Any] | None = None

    def counts(self) -> dict[str, Any]:
        return count_samples([(s.database, s.subject, s.label) for s in self.samples])

    def without(self, clips: set[int]) -> "Draft":
        """Return it without what it says of these clips. The comparison with a published list names clips, so it goes."""
        return Draft(
            [sample for sample in self.samples if sample.clip_id not in clips],
            [entry for entry in self.left_out if entry.clip is None or entry.clip.pk not in clips],
            None if clips else self.list_check,
        )

    def reasons(self) -> list[tuple[str, int]]:
        return Counter(entry.reason for entry in self.left_out).most_common()


@dataclass(frozen=True)
class _Exclusion:
    reason: str


def draft(
    databases: Sequence[Database], label_map: LabelMap, rules: Rules | None = None, preset: str = ""
) -> Draft:
    """Return the draft of these databases: each expression and each flow picture is a sample, or left out with a reason."""
    return _DraftBuilder(databases, label_map, rules or Rules(), preset).result()


class _DraftBuilder:
    """Builds a draft. Clips come first, so that a clip, not its flow picture, is used for an entry of a published list."""

    def __init__(self, databases: Sequence[Database], label_map: LabelMap, rules: Rules, preset: str) -> None:
        self._databases, self._label_map, self._rules, self._preset = databases, label_map, rules, preset
        self._listed = {d.name for d in databases if fixed_by(preset, d)}
        self._taken: set[Any] = set()
        self._draft = Draft()

    def result(self) -> Draft:
        for clip in with_markings(Clip.objects.filter(subject__database__in=self._databases)):
            for emotion, made in self._samples_of_clip(clip):
                self._add(clip, emotion, made)
        pictures = FlowPicture.objects.filter(subject__database__in=self._databases)
        for picture in pictures.select_related("subject__database"):
            self._add(picture, picture.emotion, self._sample_of_flow_picture(picture))
        if self._preset:
            out = _excluded_items(self._draft.left_out, self._label_map)
            self._draft.list_check = check(self._databases, self._draft.samples, self._label_map, out)
        return self._draft

    def _add(self, item: Clip | FlowPicture, emotion: str, made: Sample | _Exclusion) -> None:
        if isinstance(made, _Exclusion):
            self._draft.left_out.append(LeftOut(item, made.reason, emotion))
            return
        made.index = len(self._draft.samples)
        self._draft.samples.append(made)

    def _samples_of_clip(self, clip: Clip) -> Iterator[tuple[str, Sample | _Exclusion]]:
        reason = self._rules.refuses_scope(_names(clip))
        if self._rules.material == "pictures":
            reason = reason or "a clip, but a rule includes only flow pictures"
        markings: Sequence[Marking] = []
        if not reason:
            markings, reason = markings_of(clip)
        if reason:
            yield "", _Exclusion(reason)
        for marking in markings:
            yield marking.emotion, self._sample_of_marking(clip, marking)

    def _sample_of_marking(self, clip: Clip, marking: Marking) -> Sample | _Exclusion:
        if marking.onset is None or marking.offset is None or not marking.emotion:
            return _Exclusion(INCOMPLETE)
        frames = marking.offset - marking.onset + 1
        ms = self._duration_ms(clip, marking.onset, marking.offset)
        reason = self._rules.refuses_emotion(marking.emotion) or self._rules.refuses_duration(frames, ms)
        # A listed clip is a micro-expression, even if it is coded as macro, because the list says so.
        if not reason and marking.kind not in self._rules.kinds and not self._entry(clip):
            reason = f"a {marking.kind}-expression, which the rules exclude"
        apex, apex_from = _apex(clip, marking)
        if not reason and apex is None:
            reason = NO_APEX
        if not reason and apex_from != Sample.ApexFrom.CODED and self._rules.apex == "coded":
            reason = NOT_CODED
        if reason:
            return _Exclusion(reason)
        return self._with_class(
            clip,
            marking.emotion,
            clip=clip,
            onset=marking.onset,
            apex=apex,
            offset=marking.offset,
            apex_from=apex_from,
        )

    def _duration_ms(self, clip: Clip, onset: int, offset: int) -> float | None:
        if not self._rules.needs_times:
            return None
        try:
            return clock_of(clip).duration_ms(onset, offset)
        except InputError:
            return None

    def _sample_of_flow_picture(self, picture: FlowPicture) -> Sample | _Exclusion:
        rules = self._rules
        reason = rules.refuses_scope(_names(picture)) or rules.refuses_flow_picture()
        if reason := reason or rules.refuses_emotion(picture.emotion):
            return _Exclusion(reason)
        return self._with_class(picture, picture.emotion, picture=picture, apex_from=Sample.ApexFrom.PICTURE)

    def _with_class(self, item: Clip | FlowPicture, emotion: str, **fields: Any) -> Sample | _Exclusion:
        database, subject, name = _names(item)
        words = self._label_map.get(database, {})
        label = words.get(emotion)
        if database in self._listed:
            entry = self._entry(item)
            key = list_key(database, subject, name)
            if entry is not None and key in self._taken:
                return _Exclusion(TWICE)
            if entry is None and label is not None:
                return _Exclusion(NOT_LISTED)
            if entry is not None:
                self._taken.add(key)
                label = entry.label
        if label is None:
            mapped = "left out by the label map" if emotion in words else "not in the label map"
            return _Exclusion(f"emotion “{emotion}” of {database} is {mapped}")
        return Sample(
            name=name,
            content_sha256=item.sha256,
            database=database,
            subject=subject,
            emotion=emotion,
            label=label,
            **fields,
        )

    def _entry(self, item: Clip | FlowPicture) -> Published | None:
        """Return the item's entry in the preset's list."""
        database, subject, name = _names(item)
        key = list_key(database, subject, name) if database in self._listed else None
        return published().get(key) if key else None


def with_markings(clips: QuerySet[Clip]) -> QuerySet[Clip]:
    """Return the clips with the related rows that ``markings_of`` and a draft need."""
    annotations = Prefetch("annotations", Annotation.objects.select_related("coder"))
    return clips.select_related("subject__database").prefetch_related("consensus", "suggestions", annotations)


def _names(item: Clip | FlowPicture) -> tuple[str, str, str]:
    return item.subject.database.name, item.subject.name, item.name


def markings_of(clip: Clip) -> tuple[Sequence[Marking], str]:
    """Return the markings that a dataset uses, or why there are none.

    These are the consensus annotations, or without any, the annotation if the clip has exactly one complete annotation.
    """
    if clip.state != Clip.State.READY:
        return [], f"the clip is {clip.state}"
    if not clip.face_frames:
        return [], "no face was found in the clip"
    if consensus := list(clip.consensus.all()):
        return consensus, ""
    complete = [annotation for annotation in clip.annotations.all() if annotation.complete]
    if len(complete) == 1:
        return [complete[0]], ""
    if complete:
        return [], "several complete annotations and no consensus"
    return [], INCOMPLETE if clip.annotations.all() else "not annotated"


def _apex(clip: Clip, marking: Marking) -> tuple[int | None, str]:
    """Return the coded apex, else the apex of the likeliest suggestion inside the expression, and where it is from."""
    if marking.apex is not None:
        return marking.apex, Sample.ApexFrom.CODED
    inside = [s for s in clip.suggestions.all() if marking.onset <= s.apex <= marking.offset]  # type: ignore[operator]
    best = max(inside, key=lambda s: s.confidence, default=None)
    return (best.apex if best else None), Sample.ApexFrom.SPOTTED


def _excluded_items(left_out: list[LeftOut], label_map: LabelMap) -> Iterator[ExcludedItem]:
    """Yield what was left out of listed databases."""
    for entry in left_out:
        database, subject, name = _names(entry.item)
        key = list_key(database, subject, name)
        if key is not None:
            label = label_map.get(database, {}).get(entry.emotion)
            yield ExcludedItem(key, database, subject, name, entry.emotion, label, entry.reason)
