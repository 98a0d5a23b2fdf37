"""What coders did: assignments, annotations with their versions, suggestions and consensus."""

from collections.abc import Iterator, Sequence
from typing import Any

from django.contrib.auth.models import User
from django.utils import timezone

from mer_platform.annotation.models import (
    Annotation,
    AnnotationVersion,
    Assignment,
    Consensus,
    ConsensusOrigin,
    Judgement,
    Suggestion,
)
from mer_platform.clips.models import Clip
from mer_platform.filling.plan import Filling, count_stored, store
from mer_platform.filling.recordings import EMOTIONS

ASSIGNED = 0.8  # share of ready clips that two coders are asked to code
DONE = 0.9  # share of assigned clips that both have coded
AGREED = 0.6  # share of coded clips with a consensus
SUGGESTED = 0.3  # share of ready clips that the spotter has searched
AGREEING = 0.8  # share of annotations with the emotion that the clip shows


def fill(into: Filling, clips: Sequence[Clip]) -> None:
    """Store what coders did with the clips. The owner of the project codes nothing."""
    ready = [clip for clip in clips if clip.state == Clip.State.READY]
    coded = _assign(into, ready)
    shown = {
        clip.pk: (EMOTIONS[int(into.random.integers(len(EMOTIONS)))], _frames(into, clip)) for clip in ready
    }
    annotations = store(Annotation, _annotations(into, coded, shown))
    now = timezone.now()
    count_stored(
        AnnotationVersion,
        (
            AnnotationVersion(
                annotation=one,
                revision=1,
                content=one.content(),
                made_by=one.coder,
                client="labeler",
                made_at=now,
            )
            for one in annotations
        ),
    )
    first = {one.clip_id: one for one in reversed(annotations)}
    agreed = [one for one in first.values() if into.random.random() < AGREED]
    count_stored(Consensus, (_consensus(into, one) for one in agreed))
    count_stored(Judgement, (Judgement(clip_id=one.clip_id, decided_by=into.owner) for one in agreed[::4]))
    searched = (clip for clip in ready if into.random.random() < SUGGESTED)
    count_stored(Suggestion, (_suggestion(clip, shown[clip.pk][1]) for clip in searched))


def _assign(into: Filling, ready: Sequence[Clip]) -> list[tuple[Clip, User]]:
    """Store assignments; return who has coded which clip. Clips without assignments are coded by one coder."""
    wanted = into.sizes.annotations / max(1, len(ready) * ASSIGNED * DONE + len(ready) * (1 - ASSIGNED))
    several = max(2, round(wanted))
    coded: list[tuple[Clip, User]] = []
    rows: list[Assignment] = []
    now = timezone.now()
    for number, clip in enumerate(ready):
        is_assigned, is_done = into.random.random() < ASSIGNED, into.random.random() < DONE
        team = [into.coders[(number + k) % len(into.coders)] for k in range(several if is_assigned else 1)]
        if is_assigned:
            rows += [
                Assignment(
                    clip=clip,
                    coder=coder,
                    position=number,
                    assigned_by=into.owner,
                    done_at=now if is_done or place == 0 else None,
                )
                for place, coder in enumerate(team)
            ]
        coded += [(clip, coder) for place, coder in enumerate(team) if is_done or place == 0]
    count_stored(Assignment, rows)
    return coded


def _frames(into: Filling, clip: Clip) -> tuple[int, int, int]:
    onset = int(into.random.integers(0, clip.frame_count // 3))
    apex = int(into.random.integers(onset + 4, clip.frame_count * 2 // 3))
    return onset, apex, int(into.random.integers(apex + 1, clip.frame_count - 4))


def _annotations(
    into: Filling, coded: Sequence[tuple[Clip, User]], shown: dict[int, Any]
) -> Iterator[Annotation]:
    shifts = into.random.integers(-3, 4, size=(len(coded), 2))
    agreeing = into.random.random(len(coded)) < AGREEING
    others = into.random.integers(len(EMOTIONS), size=len(coded))
    for (clip, coder), (early, late), agrees, other in zip(coded, shifts, agreeing, others, strict=True):
        emotion, (onset, apex, offset) = shown[clip.pk]
        yield Annotation(
            clip=clip,
            coder=coder,
            onset=min(apex, max(0, onset + int(early))),
            apex=apex,
            offset=max(apex, min(clip.frame_count - 1, offset + int(late))),
            emotion=emotion if agrees else EMOTIONS[int(other)],
            action_units="4+L10" if agrees else "12",
            confidence=4,
        )


def _consensus(into: Filling, one: Annotation) -> Consensus:
    return Consensus(
        clip_id=one.clip_id,
        annotation=one,
        onset=one.onset,
        apex=one.apex,
        offset=one.offset,
        emotion=one.emotion,
        action_units=one.action_units,
        origin=ConsensusOrigin.ADOPTED,
        decided_by=into.owner,
    )


def _suggestion(clip: Clip, frames: tuple[int, int, int]) -> Suggestion:
    onset, apex, offset = frames
    return Suggestion(clip=clip, onset=onset, apex=apex, offset=offset, confidence=0.7, spotter="2")
