"""The judge: which clips need one, and what comes of a decision."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction

from mer_platform.annotation.action_units import canonical
from mer_platform.annotation.agreement.comparisons import Coded, coded_clips, compare
from mer_platform.annotation.agreement.statistics import MARKS, group, mean_frame
from mer_platform.annotation.models import Annotation, Consensus, Judgement, check_marks
from mer_platform.clips.models import Clip
from mer_platform.projects.models import AuditEvent, Project

FIELDS = ("onset", "apex", "offset", "kind", "emotion", "action_units")
TOLERANCE = 3  # frames


@dataclass(frozen=True)
class Case:
    """A clip that waits for a judge, and why."""

    coded: Coded
    reasons: list[str]

    @property
    def clip(self) -> Clip:
        return self.coded.clip


@dataclass(frozen=True)
class Group:
    """One expression as several coders marked it: annotation by coder. ``missing`` are coders who did not see it."""

    by: dict[str, Annotation]
    missing: list[str]

    @property
    def average(self) -> dict[str, Any]:
        """Rounded mean marks; kind, emotion and units where all agree, else None: the judge has to say."""
        values = list(self.by.values())
        mean: dict[str, Any] = {m: mean_frame([getattr(a, m) for a in values]) for m in MARKS}
        for name in ("kind", "emotion", "action_units"):
            mean[name] = None if name in self.differing else getattr(values[0], name)
        return mean

    @property
    def differing(self) -> set[str]:
        """The fields that not all coders have alike."""
        values = list(self.by.values())
        return {name for name in FIELDS if len({_said(a, name) for a in values}) > 1}


def cases(project: Project, user: Any, tolerance: int = TOLERANCE, database: int | None = None) -> list[Case]:
    """The clips that at least two coders are done with, and that no judge has decided since, with why.

    A clip waits if its coders disagree (marks by more than ``tolerance`` frames), or if it has no consensus though an
    expression was seen. The gravest disagreements come first.
    """
    coded = [item for item in coded_clips(project, user, database) if len(item.by) > 1]
    judged = dict(Judgement.objects.filter(clip__project=project).values_list("clip", "decided_at"))
    agreed = set(Consensus.objects.filter(clip__project=project).values_list("clip", flat=True))
    found = []
    for item in coded:
        if item.clip.pk in judged and not _changed_since(item, judged[item.clip.pk]):
            continue
        compared = compare([item])
        reasons = [reason for c in compared for reason in c.reasons(tolerance)]
        if item.clip.pk in judged:
            reasons.insert(0, "changed since it was judged")
        if not reasons and item.clip.pk not in agreed and any(item.by.values()):
            reasons = ["agreed, but no consensus yet"]
        if reasons:
            worst = max(c.severity() for c in compared)
            found.append((worst, Case(item, list(dict.fromkeys(reasons)))))
    return [case for _, case in sorted(found, key=lambda pair: pair[0], reverse=True)]


def groups_of(coded: Coded) -> list[Group]:
    """The clip's expressions, each with everybody's marking of it, in order of time."""
    return [
        Group(
            {name: seen[name].source for name in coded.by if name in seen},
            [name for name in coded.by if name not in seen],
        )
        for seen in group(coded.by)
    ]


@dataclass(frozen=True)
class Decision:
    """What the judge says of one expression: a coder's marking as it is, or these fields."""

    annotation: Annotation | None = None
    fields: dict[str, Any] = field(default_factory=dict)

    @property
    def values(self) -> dict[str, Any]:
        return {n: getattr(self.annotation, n) for n in FIELDS} if self.annotation else self.fields


def decide(clip: Clip, decisions: Sequence[Decision], by: Any) -> list[Consensus]:
    """Make these the clip's consensus, instead of what there was; none at all says that it shows no expression.

    All or nothing. Raises ValidationError, a list of field errors by the number of the decision (``"0.apex"``).
    """
    errors: dict[str, list[str]] = {}
    for number, decision in enumerate(decisions):
        for name, said in problems(clip, decision.values).items():
            errors[f"{number}.{name}"] = said
    if errors:
        raise ValidationError(errors)
    with transaction.atomic():
        Clip.objects.select_for_update().get(
            pk=clip.pk
        )  # two judges at once: the later decision counts, whole
        clip.consensus.all().delete()
        made = [
            Consensus.objects.create(
                clip=clip, annotation=decision.annotation, origin=Consensus.Origin.ADJUDICATED, decided_by=by,
                **{name: decision.values[name] for name in FIELDS},
            )
            for decision in decisions
        ]  # fmt: skip
        Judgement.objects.update_or_create(clip=clip, defaults={"decided_by": by})
        AuditEvent.record(clip.project, by, f"judged {clip}: {_told(decisions)}")
    return made


def problems(clip: Clip, values: dict[str, Any]) -> dict[str, list[str]]:
    """What keeps these fields from being a consensus, by field; empty if nothing does."""
    errors: dict[str, list[str]] = {}
    for mark in MARKS:
        if values.get(mark) is None:
            errors[mark] = [f"Set the {mark}."]
    if not errors:
        errors = check_marks(clip, values["onset"], values["apex"], values["offset"])
    words = clip.database.emotions
    if not values.get("emotion"):
        errors["emotion"] = ["Choose the emotion."]
    elif words and values["emotion"] not in words:
        errors["emotion"] = [f"“{values['emotion']}” is not a word of {clip.database}: {', '.join(words)}."]
    try:
        canonical(values.get("action_units") or "")
    except ValueError as error:
        errors["action_units"] = [str(error)]
    return errors


def _changed_since(item: Coded, decided_at: Any) -> bool:
    return any(e.source.updated_at > decided_at for seen in item.by.values() for e in seen)


def _told(decisions: Sequence[Decision]) -> str:
    """What was decided, without the marks: everybody in the project reads the record, and some are still to code."""
    told = [f"as {d.annotation.coder}" if d.annotation else "set by the judge" for d in decisions]
    return "; ".join(told) or "no expression"


def _said(annotation: Annotation, name: str) -> Any:
    """A field as it is compared: of action units the order says nothing."""
    value = getattr(annotation, name)
    return frozenset(value.split("+")) if name == "action_units" else value
