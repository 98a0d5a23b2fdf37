"""Adjudication: which clips wait for a judge, and what a judge's decision changes."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction

from mer_platform.annotation.agreement.comparisons import CodedClip, coded_clips, compare
from mer_platform.annotation.agreement.statistics import group_expressions, mean_frame
from mer_platform.annotation.checks import check_emotion, check_marks
from mer_platform.annotation.marks import CODED_FIELDS, MARKS
from mer_platform.annotation.models import Annotation, Consensus, ConsensusOrigin, Judgement
from mer_platform.clips.models import Clip
from mer_platform.projects.models import AuditEvent, Project
from models_ml.formats.action_units import canonical

TOLERANCE_FRAMES = 3


@dataclass(frozen=True)
class Case:
    """A clip that waits for a judge, and the reasons."""

    coded: CodedClip
    reasons: list[str]

    @property
    def clip(self) -> Clip:
        return self.coded.clip


@dataclass(frozen=True)
class ExpressionGroup:
    """One expression with each coder's annotation of it. ``missing`` lists the coders who did not see it."""

    by_coder: dict[str, Annotation]
    missing: list[str]

    @property
    def average(self) -> dict[str, Any]:
        """The rounded mean of the marks, and kind, emotion and action units.

        A field is None if the coders differ on it, so that the judge has to set it.
        """
        annotations = list(self.by_coder.values())
        mean: dict[str, Any] = {m: mean_frame([getattr(a, m) for a in annotations]) for m in MARKS}
        for name in ("kind", "emotion", "action_units"):
            mean[name] = None if name in self.differing_fields else getattr(annotations[0], name)
        return mean

    @property
    def differing_fields(self) -> set[str]:
        annotations = list(self.by_coder.values())
        return {name for name in CODED_FIELDS if len({_comparable(a, name) for a in annotations}) > 1}


def open_cases(
    project: Project, user: Any, tolerance: int = TOLERANCE_FRAMES, database: int | None = None
) -> list[Case]:
    """Return the clips that wait for a judge, the most serious disagreements first.

    A clip waits if at least two coders are done with it, no judge has decided since, and either the coders disagree (marks
    count from more than ``tolerance`` frames) or an expression was seen but there is no consensus.
    """
    coded = [item for item in coded_clips(project, user, database) if len(item.by_coder) > 1]
    judged = dict(Judgement.objects.filter(clip__project=project).values_list("clip", "decided_at"))
    agreed = set(Consensus.objects.filter(clip__project=project).values_list("clip", flat=True))
    found = []
    for item in coded:
        if item.clip.pk in judged and not _changed_since(item, judged[item.clip.pk]):
            continue
        compared = compare([item])
        reasons = [reason for c in compared for reason in c.reasons(tolerance)]
        if item.clip.pk in judged:
            reasons.insert(0, "changed since the last decision")
        if not reasons and item.clip.pk not in agreed and any(item.by_coder.values()):
            reasons = ["agreed, but no consensus yet"]
        if reasons:
            severity = max(c.severity() for c in compared)
            found.append((severity, Case(item, list(dict.fromkeys(reasons)))))
    return [case for _, case in sorted(found, key=lambda pair: pair[0], reverse=True)]


def expression_groups(coded: CodedClip) -> list[ExpressionGroup]:
    """Return the clip's expressions in order of time, each with all coders' annotations of it."""
    return [
        ExpressionGroup(
            {name: seen[name].marking for name in coded.by_coder if name in seen},
            [name for name in coded.by_coder if name not in seen],
        )
        for seen in group_expressions(coded.by_coder)
    ]


@dataclass(frozen=True)
class Decision:
    """A judge's decision on one expression: a coder's annotation as it is, or the judge's own fields."""

    annotation: Annotation | None = None
    fields: dict[str, Any] = field(default_factory=dict)

    @property
    def values(self) -> dict[str, Any]:
        return {n: getattr(self.annotation, n) for n in CODED_FIELDS} if self.annotation else self.fields


def decide(clip: Clip, decisions: Sequence[Decision], by: Any) -> list[Consensus]:
    """Replace the clip's consensus by these decisions. No decision at all means that the clip shows no expression.

    Either all decisions are stored or none. Raises ValidationError with the errors by field, prefixed by the number of the
    decision (``"0.apex"``).
    """
    errors: dict[str, list[str]] = {}
    for number, decision in enumerate(decisions):
        for name, messages in decision_errors(clip, decision.values).items():
            errors[f"{number}.{name}"] = messages
    if errors:
        raise ValidationError(errors)
    with transaction.atomic():
        # Of two judges who decide at the same moment, the later decision counts as a whole.
        Clip.objects.select_for_update().get(pk=clip.pk)
        clip.consensus.all().delete()
        made = [
            Consensus.objects.create(
                clip=clip, annotation=decision.annotation, origin=ConsensusOrigin.ADJUDICATED, decided_by=by,
                **{name: decision.values[name] for name in CODED_FIELDS},
            )
            for decision in decisions
        ]  # fmt: skip
        Judgement.objects.update_or_create(clip=clip, defaults={"decided_by": by})
        AuditEvent.record(clip.project, by, f"adjudicated {clip}: {_summary(decisions)}")
    return made


def decision_errors(clip: Clip, values: dict[str, Any]) -> dict[str, list[str]]:
    """Return why these fields cannot be a consensus, by field; empty if they can."""
    errors: dict[str, list[str]] = {}
    for mark in MARKS:
        if values.get(mark) is None:
            errors[mark] = [f"Set the {mark}."]
    if not errors:
        errors = check_marks(clip, values["onset"], values["apex"], values["offset"])
    if not values.get("emotion"):
        errors["emotion"] = ["Choose the emotion."]
    elif message := check_emotion(clip, values["emotion"]):
        errors["emotion"] = [message]
    try:
        canonical(values.get("action_units") or "")
    except ValueError as error:
        errors["action_units"] = [str(error)]
    return errors


def _changed_since(item: CodedClip, decided_at: datetime) -> bool:
    return any(e.marking.updated_at > decided_at for seen in item.by_coder.values() for e in seen)


def _summary(decisions: Sequence[Decision]) -> str:
    """Return what was decided, without the marks: members who still code the clip can read the activity, too."""
    parts = [f"annotation of {d.annotation.coder}" if d.annotation else "set by the judge" for d in decisions]
    return "; ".join(parts) or "no expression"


def _comparable(annotation: Annotation, name: str) -> Any:
    """Return a field's value for comparison. The order of action units does not matter."""
    value = getattr(annotation, name)
    return frozenset(value.split("+")) if name == "action_units" else value
