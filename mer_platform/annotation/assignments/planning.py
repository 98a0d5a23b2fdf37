"""Who codes which clip: a plan that can be looked at before it is made, and taking back."""

import hashlib
import random
from collections import Counter
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any

from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Exists, Max, OuterRef, QuerySet

from mer_platform.annotation.models import Annotation, Assignment
from mer_platform.clips.models import Clip
from mer_platform.projects.models import AuditEvent, Project, Role

Pair = tuple[int, int]


@dataclass(frozen=True)
class Wish:
    """What a researcher asks for: which clips, how many coders each, who codes.

    ``share`` is in (0, 1]; the same ``seed`` draws the same clips and coders again. ``mixed`` puts the clips of a queue in
    random order, else subject after subject.
    """

    coders: list[User]
    per_clip: int = 2
    databases: list[int] = field(default_factory=list)  # ids; none: all
    subjects: list[int] = field(default_factory=list)  # ids; none: all
    share: float = 1.0
    seed: int = 0
    mixed: bool = True
    without_consensus: bool = False


@dataclass(frozen=True)
class Plan:
    """(clip, coder) pairs of ids in the order of the queues, and what there is to say of them before they are made."""

    entries: list[tuple[int, int]]
    chosen: int  # clips in the share
    covered: int  # of these, clips that have enough coders already
    fitting: int  # clips that fit the filters

    @property
    def clips(self) -> int:
        return len({clip for clip, _ in self.entries})

    @property
    def per_coder(self) -> Counter[int]:
        return Counter(coder for _, coder in self.entries)

    @property
    def digest(self) -> str:
        """Says whether a plan made again is still the one that was looked at."""
        return hashlib.sha256(repr(self.entries).encode()).hexdigest()[:16]


def coders_of(project: Project) -> QuerySet[User]:
    """The members who may label, by name."""
    roles = [role for role in Role if role.includes(Role.ANNOTATOR)]
    return User.objects.filter(memberships__project=project, memberships__role__in=roles).order_by("username")


def plan(project: Project, wish: Wish) -> Plan:
    """Draw the clips and give each its coders, so that all get about the same number and pairs mix.

    Raises ValidationError, by field, where the wish cannot be met.
    """
    _check(wish)
    clips = Clip.objects.filter(project=project, state=Clip.State.READY)
    if wish.databases:
        clips = clips.filter(subject__database__in=wish.databases)
    if wish.subjects:
        clips = clips.filter(subject__in=wish.subjects)
    if wish.without_consensus:
        clips = clips.filter(consensus__isnull=True)
    listed = list(clips.values_list("pk", flat=True))
    draw = random.Random(wish.seed)
    fitting = sorted(listed)
    draw.shuffle(fitting)
    chosen = fitting[: _share(len(fitting), wish.share)]
    there: dict[int, set[int]] = {pk: set() for pk in chosen}
    for clip, coder in Assignment.objects.filter(clip__in=chosen).values_list("clip", "coder"):
        there[clip].add(coder)
    entries = balance(chosen, there, [coder.pk for coder in wish.coders], wish.per_clip, draw)
    if not wish.mixed:
        place = {pk: n for n, pk in enumerate(listed)}
        entries.sort(key=lambda entry: place[entry[0]])
    covered = sum(len(coders) >= wish.per_clip for coders in there.values())
    return Plan(entries, chosen=len(chosen), covered=covered, fitting=len(listed))


def balance(
    clips: list[int], there: dict[int, set[int]], coders: list[int], per_clip: int, draw: random.Random
) -> list[tuple[int, int]]:
    """Coders for each clip until it has ``per_clip``: always who has least to do, then who met the others least often.

    ``there`` are the coders a clip has already; they count among its ``per_clip`` and as having met.
    """
    load: Counter[int] = Counter()
    met: Counter[Pair] = Counter()
    entries = []
    for clip in clips:
        team = set(there[clip])
        for _ in range(per_clip - len(team)):
            free = [coder for coder in coders if coder not in team]
            if not free:
                break
            costs = {c: (load[c], sum(met[_pair(c, mate)] for mate in team), draw.random()) for c in free}
            coder = min(free, key=costs.__getitem__)
            team.add(coder)
            load[coder] += 1
            entries.append((clip, coder))
        met.update(_pair(a, b) for a, b in combinations(sorted(team), 2))
    return entries


def assign(project: Project, wish: Wish, by: Any, digest: str | None = None) -> Plan:
    """Make the plan. With the ``digest`` of the plan that was looked at, only if it is still the same.

    Raises ValidationError if it is not, if it is empty, or as ``plan`` does.
    """
    with transaction.atomic():
        Project.objects.select_for_update().get(
            pk=project.pk
        )  # two plans at once give no clip too many coders
        made = plan(project, wish)
        if digest is not None and digest != made.digest:
            raise ValidationError(
                "Clips or assignments changed since this plan was shown. Look at the new counts, then assign."
            )
        if not made.entries:
            raise ValidationError("There is nothing to assign: no clip fits, or each has its coders already.")
        last: dict[int, int] = dict(
            Assignment.objects.filter(clip__project=project, coder__in=made.per_coder)
            .values_list("coder")
            .annotate(last=Max("position"))
        )
        rows = []
        for clip, coder in made.entries:
            last[coder] = last.get(coder, 0) + 1
            rows.append(Assignment(clip_id=clip, coder_id=coder, position=last[coder], assigned_by=by))
        Assignment.objects.bulk_create(rows)
        AuditEvent.record(
            project, by, f"assigned {made.clips} clips to {len(made.per_coder)} coders ({len(rows)} codings)"
        )
    return made


def not_begun(assignments: QuerySet[Assignment]) -> QuerySet[Assignment]:
    """Those that nobody has said or marked anything to yet."""
    marked = Annotation.everything.filter(clip=OuterRef("clip"), coder=OuterRef("coder"))
    return assignments.filter(~Exists(marked), done_at__isnull=True)


def withdraw(project: Project, coder: User, by: Any) -> int:
    """Take back what the coder has not begun, and return how many clips; of somebody who left, all that is not done."""
    with transaction.atomic():
        own = Assignment.objects.filter(clip__project=project, coder=coder)
        left = not coders_of(project).filter(pk=coder.pk).exists()
        rows = own.filter(done_at__isnull=True) if left else not_begun(own)
        count, _ = Assignment.objects.filter(pk__in=list(rows.values_list("pk", flat=True))).delete()
        if count:
            AuditEvent.record(project, by, f"took {count} clips back from {coder}")
    return count


def withdraw_one(assignment: Assignment, by: Any) -> None:
    """Take one back. Raises ValidationError if the coder has begun."""
    with transaction.atomic():
        if not not_begun(Assignment.objects.filter(pk=assignment.pk)).exists():
            raise ValidationError(
                f"{assignment.coder} has begun this clip; only what was not begun is taken back."
            )
        assignment.delete()
        AuditEvent.record(assignment.clip.project, by, f"took {assignment.clip} back from {assignment.coder}")


def _check(wish: Wish) -> None:
    errors: dict[str, list[str]] = {}
    if not wish.coders:
        errors["coders"] = ["Choose who codes."]
    elif wish.per_clip > len(wish.coders):
        errors["per_clip"] = [f"Each clip cannot have {wish.per_clip} coders: {len(wish.coders)} chosen."]
    if wish.per_clip < 1:
        errors["per_clip"] = ["Each clip needs at least one coder."]
    if not 0 < wish.share <= 1:
        errors["share"] = ["The share is more than 0 and at most 100 %."]
    if errors:
        raise ValidationError(errors)


def _share(count: int, share: float) -> int:
    """That many of ``count``: half up, and at least one of any."""
    return min(count, max(1, int(count * share + 0.5)))


def _pair(a: int, b: int) -> Pair:
    return (a, b) if a < b else (b, a)
