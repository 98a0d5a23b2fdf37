"""Which frames of a clip are scored: given in the request, otherwise of the consensus, of one coder, or spotted."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from mer_platform.annotation.models import Annotation, Consensus, Marking
from mer_platform.clips.models import Clip
from mer_platform.registry.models import SpottedMovements
from mer_platform.scoring.models import ScoringItem
from mer_platform.storage import local_copy
from models_ml.errors import InputError
from models_ml.motion.spotting import SPOTTER_VERSION, spot

FramesFrom = ScoringItem.FramesFrom


@dataclass(frozen=True)
class Frames:
    """Onset and apex of a clip, as frame indices.

    ``confidence``: the spotter's, if they were spotted. ``several``: the clip has several expressions, or several codings of
    one, so that it is not clear which of them to score.
    """

    onset: int
    apex: int
    source: str
    confidence: float | None = None
    several: bool = False


@dataclass(frozen=True)
class Known:
    """What is known of a clip's expressions before the clip is opened."""

    frames: Frames | None
    several: bool = False

    def or_spotted(self, clip: Clip) -> Frames:
        """Return the known frames, otherwise those of the clearest expression in the clip. Raises InputError."""
        if self.frames is not None:
            return self.frames
        with local_copy(clip.file) as path:
            found = spot(path, fps=clip.rate, turn=clip.turn)
        return Frames(found.onset, found.apex, FramesFrom.SPOTTED, found.confidence, self.several)


def known_frames(items: Sequence[ScoringItem]) -> list[Known]:
    """Return what is known of the frames of each item, in the same order, with three queries."""
    clips = {item.clip_id for item in items if not item.is_given}
    marked = {"clip__in": clips, "onset__isnull": False, "apex__isnull": False}
    consensus = _by_clip(Consensus.objects.filter(**marked))
    annotations = _by_clip(Annotation.objects.filter(**marked))
    spotted = {
        clip: [tuple(movement) for movement in movements]
        for clip, movements in SpottedMovements.objects.filter(
            clip__in=clips, spotter=SPOTTER_VERSION
        ).values_list("clip", "movements")
    }
    return [
        _given(item)
        or _known(consensus[item.clip_id], annotations[item.clip_id], spotted.get(item.clip_id or 0))
        for item in items
    ]


def _given(item: ScoringItem) -> Known | None:
    if item.is_given and item.onset is not None and item.apex is not None:
        return Known(Frames(item.onset, item.apex, FramesFrom.GIVEN))
    return None


def _known(consensus: Sequence[Marking], annotations: Sequence[Marking], spotted: list[Any] | None) -> Known:
    """Return what is known of one clip. ``spotted``: its movements, if it was searched: onset, apex, offset, confidence."""
    markings = consensus or annotations
    if len(markings) == 1:
        source = FramesFrom.CONSENSUS if consensus else FramesFrom.ANNOTATED
        return Known(Frames(markings[0].onset or 0, markings[0].apex or 0, source))
    several = bool(markings)
    if spotted is None:
        return Known(None, several)
    onset, apex, _, confidence = max(spotted, key=lambda movement: movement[3], default=(0, 0, 0, 0.0))
    return Known(Frames(onset, apex, FramesFrom.SPOTTED, confidence, several), several)


def check_frames(frames: Frames, clip: Clip) -> None:
    """Raise InputError for frames between which there is no motion, or which the clip does not have."""
    if frames.apex >= clip.frame_count:
        raise InputError(
            f"Frame {frames.apex} not found: the clip has {clip.frame_count} frames (0 to {clip.frame_count - 1}).",
            "frame_not_found",
        )
    if frames.onset < frames.apex or frames.source == FramesFrom.SPOTTED:
        return
    whose: dict[str, str] = {
        FramesFrom.CONSENSUS: "In the consensus", FramesFrom.ANNOTATED: "In the annotation",
    }  # fmt: skip
    raise InputError(
        f"{whose.get(frames.source, 'In the request')}, onset and apex are the same frame ({frames.onset}), so there is no "
        "motion to score. Correct it, or give onset and apex in the request.",
        "onset_is_apex",
    )


def _by_clip(rows: Iterable[Any]) -> "defaultdict[int | None, list[Any]]":
    found: defaultdict[int | None, list[Any]] = defaultdict(list)
    for row in rows:
        found[row.clip_id].append(row)
    return found
