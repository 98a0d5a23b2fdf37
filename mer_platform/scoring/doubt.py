"""Sending doubtful clips of a batch to coders: a plan in order of doubt, and its assignments."""

import random
from dataclasses import dataclass, field
from typing import Any

from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import QuerySet

from mer_platform.annotation.assignments.planning import AssignmentPlan, balance, carry_out
from mer_platform.annotation.models import Annotation, Assignment, Consensus
from mer_platform.clips.models import Clip
from mer_platform.scoring.blindness import Blindness
from mer_platform.scoring.models import ScoringBatch, ScoringItem

MOST = 10_000  # clips of one plan


class Measure(models.TextChoices):
    """What doubt is measured by."""

    ENTROPY = "entropy", "Entropy of the probabilities"
    MARGIN = "margin", "Margin between the two most probable classes"
    SPOTTER = "spotter_confidence", "Confidence of the spotter"
    DISAGREEMENT = "member_disagreement", "Disagreement of the networks of an ensemble"

    @property
    def small_is_doubtful(self) -> bool:
        return self in (Measure.MARGIN, Measure.SPOTTER)

    @property
    def in_words(self) -> str:
        """The order as a phrase: “the largest entropy first”."""
        name = {
            Measure.ENTROPY: "entropy",
            Measure.MARGIN: "margin",
            Measure.SPOTTER: "confidence of the spotter",
            Measure.DISAGREEMENT: "disagreement of networks",
        }[self]
        return f"the {'smallest' if self.small_is_doubtful else 'largest'} {name} first"


@dataclass(frozen=True)
class DoubtCriteria:
    """Which clips of a batch are doubtful, and who codes them.

    ``number`` and ``threshold`` both limit the clips; at least one of them is given. A clip must be at least as doubtful
    as the threshold: at or above it, or for measures that are small in doubt, at or below it.
    """

    measure: Measure
    coders: list[User]
    number: int | None = None
    threshold: float | None = None
    per_clip: int = 1
    without_consensus: bool = True


@dataclass(frozen=True)
class DoubtPlan(AssignmentPlan):
    """Assignments in order of doubt, and what was left out on the way."""

    agreed: int = 0  # clips that have a consensus
    annotated: int = 0  # clips that a coder has annotated without an assignment, whom they do not get again
    range: tuple[float, float] | None = field(default=None)  # of the measure, most doubtful first


def doubtful(batch: ScoringBatch, measure: Measure) -> QuerySet[ScoringItem]:
    """Return the scored items that have this measure, the most doubtful first."""
    order = measure.value if measure.small_is_doubtful else f"-{measure.value}"
    scored = batch.items.filter(state=ScoringItem.State.DONE, clip__isnull=False)
    return scored.filter(**{f"{measure.value}__isnull": False}).order_by(order, "pk")


def measures_of(batch: ScoringBatch) -> list[Measure]:
    """Return the measures that some item of the batch has."""
    counts = batch.items.filter(state=ScoringItem.State.DONE, clip__isnull=False).aggregate(
        **{f"has_{measure.value}": models.Count(measure.value) for measure in Measure}
    )
    return [measure for measure in Measure if counts[f"has_{measure.value}"]]


def plan_doubtful(batch: ScoringBatch, criteria: DoubtCriteria, by: Any) -> DoubtPlan:
    """Plan who codes which clips, in order of doubt, without changing anything.

    Clips that ``by``, who asks, still has to code are left out: their place would say what the model thinks of them.

    Clips with a consensus are left out if asked, and those that have enough coders always; both are counted, and more
    doubtful clips take their place. A coder who has annotated a clip does not get it again.
    Raises ValidationError by field if the criteria cannot be met.
    """
    _check(criteria)
    measure = criteria.measure
    items = Blindness(by).without_hidden(doubtful(batch, measure))
    if criteria.threshold is not None:
        side = "lte" if measure.small_is_doubtful else "gte"
        items = items.filter(**{f"{measure.value}__{side}": criteria.threshold})
    ranked: dict[int, float] = {}
    for clip, value in items.values_list("clip", measure.value):
        ranked.setdefault(clip, value)  # a clip with several expressions counts by its most doubtful one
    ready = Clip.objects.filter(scoring_items__batch=batch, state=Clip.State.READY)
    known = set(ready.values_list("pk", flat=True))
    ranked = {clip: value for clip, value in ranked.items() if clip in known}
    agreed = _with_consensus(batch) if criteria.without_consensus else set()
    teams, annotators = _teams(batch)
    limit = criteria.number or MOST
    chosen: list[int] = []
    skipped, covered, coded = 0, 0, 0
    for clip in ranked:
        if len(chosen) >= limit:
            break
        if clip in agreed:
            skipped += 1
        elif len(teams.get(clip, set()) | annotators.get(clip, set())) >= criteria.per_clip:
            covered += 1
        else:
            chosen.append(clip)
            coded += bool(annotators.get(clip))
    own = {clip: teams.get(clip, set()) | annotators.get(clip, set()) for clip in chosen}
    coders = [coder.pk for coder in criteria.coders]
    entries = balance(chosen, own, coders, criteria.per_clip, random.Random(batch.pk))
    given = [ranked[clip] for clip, _ in entries]
    return DoubtPlan(
        entries,
        chosen=len(chosen),
        covered=covered,
        fitting=len(ranked),
        agreed=skipped,
        annotated=coded,
        range=(given[0], given[-1]) if given else None,
    )


def assign_doubtful(
    batch: ScoringBatch, criteria: DoubtCriteria, by: Any, digest: str | None = None
) -> DoubtPlan:
    """Assign the clips. The coders' queues get them in order of doubt. Raises ValidationError as ``assign_clips`` does."""
    note = f"From {batch.title}, {criteria.measure.in_words}"[:200]
    return carry_out(batch.project, lambda: plan_doubtful(batch, criteria, by), by, digest, note)


def _check(criteria: DoubtCriteria) -> None:
    errors: dict[str, list[str]] = {}
    if not criteria.coders:
        errors["coders"] = ["Choose at least one coder."]
    elif criteria.per_clip > len(criteria.coders):
        errors["per_clip"] = [
            f"Cannot assign {criteria.per_clip} coders to each clip: only {len(criteria.coders)} chosen."
        ]
    if criteria.number is None and criteria.threshold is None:
        errors["number"] = ["Give a number of clips, a threshold, or both."]
    if errors:
        raise ValidationError(errors)


def _with_consensus(batch: ScoringBatch) -> set[int]:
    rows = Consensus.objects.filter(clip__scoring_items__batch=batch)
    return set(rows.order_by().values_list("clip", flat=True))


def _teams(batch: ScoringBatch) -> tuple[dict[int, set[int]], dict[int, set[int]]]:
    """Return the coders that each clip is assigned to, and those who have annotated it without an assignment."""
    teams: dict[int, set[int]] = {}
    assigned = Assignment.objects.filter(clip__scoring_items__batch=batch)
    for clip, coder in assigned.order_by().values_list("clip", "coder").distinct():
        teams.setdefault(clip, set()).add(coder)
    others: dict[int, set[int]] = {}
    marked = Annotation.objects.filter(clip__scoring_items__batch=batch)
    for clip, coder in marked.order_by().values_list("clip", "coder").distinct():
        if coder not in teams.get(clip, set()):
            others.setdefault(clip, set()).add(coder)
    return teams, others
