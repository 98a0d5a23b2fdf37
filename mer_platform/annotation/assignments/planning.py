"""Assigning clips to coders: a plan that can be checked before it is carried out, and withdrawing assignments."""

import hashlib
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any, TypeVar

from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Exists, Max, OuterRef, Q, QuerySet

from mer_platform.annotation.blindness import blind_clips
from mer_platform.annotation.models import Annotation, Assignment
from mer_platform.clips.models import Clip
from mer_platform.projects.models import AuditEvent, Project, Role

Pair = tuple[int, int]


@dataclass(frozen=True)
class AssignmentCriteria:
    """Which clips a researcher wants to assign, to which coders, and how many coders each clip gets.

    ``share`` is in (0, 1]. The same ``seed`` always draws the same clips and coders. With ``mixed``, the clips of a queue
    are in random order, otherwise they are in order of subjects.
    """

    coders: list[User]
    per_clip: int = 2
    databases: list[int] = field(default_factory=list)  # ids; empty for all
    subjects: list[int] = field(default_factory=list)  # ids; empty for all
    share: float = 1.0
    seed: int = 0
    mixed: bool = True
    without_consensus: bool = False


@dataclass(frozen=True)
class AssignmentPlan:
    """The assignments to be made, as (clip, coder) pairs of ids in the order of the queues, with counts to show first."""

    entries: list[tuple[int, int]]
    chosen: int  # clips in the share
    covered: int  # chosen clips that have enough coders already
    fitting: int  # clips that meet the criteria

    @property
    def clips(self) -> int:
        return len({clip for clip, _ in self.entries})

    @property
    def per_coder(self) -> Counter[int]:
        return Counter(coder for _, coder in self.entries)

    @property
    def digest(self) -> str:
        """A hash by which a new plan is compared with the plan that was shown."""
        return hashlib.sha256(repr(self.entries).encode()).hexdigest()[:16]


Plan = TypeVar("Plan", bound=AssignmentPlan)


def coders_of(project: Project) -> QuerySet[User]:
    """Return the members who may annotate, by name."""
    roles = [role for role in Role if role.includes(Role.ANNOTATOR)]
    return User.objects.filter(memberships__project=project, memberships__role__in=roles).order_by("username")


def plan_assignments(project: Project, criteria: AssignmentCriteria, by: Any) -> AssignmentPlan:
    """Draw the clips and choose the coders of each, so that all coders get about the same number and all pairs meet.

    Clips that ``by``, who asks, still has to code count as without consensus: the plan would say which of them have one.
    Raises ValidationError, by field, if the criteria cannot be met.
    """
    _check(criteria)
    clips = Clip.objects.filter(project=project, state=Clip.State.READY)
    if criteria.databases:
        clips = clips.filter(subject__database__in=criteria.databases)
    if criteria.subjects:
        clips = clips.filter(subject__in=criteria.subjects)
    if criteria.without_consensus:
        clips = clips.filter(Q(consensus__isnull=True) | Q(pk__in=blind_clips(by))).distinct()
    listed = list(clips.values_list("pk", flat=True))
    rng = random.Random(criteria.seed)
    shuffled = sorted(listed)
    rng.shuffle(shuffled)
    chosen = shuffled[: _share(len(shuffled), criteria.share)]
    teams: dict[int, set[int]] = {pk: set() for pk in chosen}
    for clip, coder in Assignment.objects.filter(clip__in=chosen).values_list("clip", "coder"):
        teams[clip].add(coder)
    entries = balance(chosen, teams, [coder.pk for coder in criteria.coders], criteria.per_clip, rng)
    if not criteria.mixed:
        position = {pk: n for n, pk in enumerate(listed)}
        entries.sort(key=lambda entry: position[entry[0]])
    covered = sum(len(coders) >= criteria.per_clip for coders in teams.values())
    return AssignmentPlan(entries, chosen=len(chosen), covered=covered, fitting=len(listed))


def balance(
    clips: list[int], teams: dict[int, set[int]], coders: list[int], per_clip: int, rng: random.Random
) -> list[tuple[int, int]]:
    """Add coders to each clip until it has ``per_clip``, and return the added (clip, coder) pairs.

    The next coder is always the one with the fewest new clips; of several, the one who has met the clip's other coders
    least often. ``teams`` holds the coders that each clip has already: they count among its ``per_clip``.
    """
    load: Counter[int] = Counter()
    met: Counter[Pair] = Counter()
    entries = []
    for clip in clips:
        team = set(teams[clip])
        for _ in range(per_clip - len(team)):
            free = [coder for coder in coders if coder not in team]
            if not free:
                break
            costs = {c: (load[c], sum(met[_pair(c, mate)] for mate in team), rng.random()) for c in free}
            coder = min(free, key=costs.__getitem__)
            team.add(coder)
            load[coder] += 1
            entries.append((clip, coder))
        met.update(_pair(a, b) for a, b in combinations(sorted(team), 2))
    return entries


def assign_clips(
    project: Project, criteria: AssignmentCriteria, by: Any, digest: str | None = None
) -> AssignmentPlan:
    """Plan the assignments and make them.

    Raises ValidationError if the plan is empty, if it differs from the plan with this ``digest`` (the one that the user
    saw), or as ``plan_assignments``.
    """
    return carry_out(project, lambda: plan_assignments(project, criteria, by), by, digest)


def carry_out(
    project: Project, plan_now: Callable[[], Plan], by: Any, digest: str | None = None, note: str = ""
) -> Plan:
    """Make a plan and its assignments, which keep the ``note``. Raises ValidationError as ``assign_clips`` does."""
    with transaction.atomic():
        # Two plans carried out at the same moment must not give a clip too many coders.
        Project.objects.select_for_update().get(pk=project.pk)
        plan = plan_now()
        if digest is not None and digest != plan.digest:
            raise ValidationError(
                "Clips or assignments have changed since this plan was shown. Check the new counts, then assign again."
            )
        if not plan.entries:
            raise ValidationError(
                "Nothing to assign: no clip meets the criteria, or all of them have enough coders already."
            )
        last: dict[int, int] = dict(
            Assignment.objects.filter(clip__project=project, coder__in=plan.per_coder)
            .values_list("coder")
            .annotate(last=Max("position"))
        )
        rows = []
        for clip, coder in plan.entries:
            last[coder] = last.get(coder, 0) + 1
            rows.append(
                Assignment(clip_id=clip, coder_id=coder, position=last[coder], assigned_by=by, note=note)
            )
        Assignment.objects.bulk_create(rows)
        AuditEvent.record(
            project, by, f"assigned {plan.clips} clips to {len(plan.per_coder)} coders ({len(rows)} codings)"
        )
    return plan


def not_started(assignments: QuerySet[Assignment]) -> QuerySet[Assignment]:
    """Return the assignments whose coder has neither annotated the clip nor marked it as done."""
    annotated = Annotation.everything.filter(clip=OuterRef("clip"), coder=OuterRef("coder"))
    return assignments.filter(~Exists(annotated), done_at__isnull=True)


def withdraw_assignments(project: Project, coder: User, by: Any) -> int:
    """Withdraw what the coder has not started, and return the number of clips.

    From a coder who may no longer annotate, everything that is not done is withdrawn.
    """
    with transaction.atomic():
        own = Assignment.objects.filter(clip__project=project, coder=coder)
        may_code = coders_of(project).filter(pk=coder.pk).exists()
        rows = not_started(own) if may_code else own.filter(done_at__isnull=True)
        count, _ = Assignment.objects.filter(pk__in=list(rows.values_list("pk", flat=True))).delete()
        if count:
            AuditEvent.record(project, by, f"withdrew {count} clips from {coder}")
    return count


def withdraw_assignment(assignment: Assignment, by: Any) -> None:
    """Withdraw one assignment. Raises ValidationError if its coder has started."""
    with transaction.atomic():
        if not not_started(Assignment.objects.filter(pk=assignment.pk)).exists():
            raise ValidationError(
                f"Cannot withdraw this clip: {assignment.coder} has already started to code it."
            )
        assignment.delete()
        AuditEvent.record(assignment.clip.project, by, f"withdrew {assignment.clip} from {assignment.coder}")


def _check(criteria: AssignmentCriteria) -> None:
    errors: dict[str, list[str]] = {}
    if not criteria.coders:
        errors["coders"] = ["Choose at least one coder."]
    elif criteria.per_clip > len(criteria.coders):
        errors["per_clip"] = [
            f"Cannot assign {criteria.per_clip} coders to each clip: only {len(criteria.coders)} chosen."
        ]
    if criteria.per_clip < 1:
        errors["per_clip"] = ["Each clip needs at least one coder."]
    if not 0 < criteria.share <= 1:
        errors["share"] = ["The share must be more than 0 and at most 100%."]
    if errors:
        raise ValidationError(errors)


def _share(count: int, share: float) -> int:
    """Return this share of ``count``, rounded half up, but at least 1 if there is any."""
    return min(count, max(1, int(count * share + 0.5)))


def _pair(a: int, b: int) -> Pair:
    return (a, b) if a < b else (b, a)
