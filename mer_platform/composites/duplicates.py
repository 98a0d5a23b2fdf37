"""Clips that look like copies of one recording, by their fingerprints (see models_ml.video.fingerprint)."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mer_platform.clips.models import Clip, FlowPicture
from mer_platform.clips.packindex import clock_of
from models_ml.errors import InputError

# Of 387 synthetic clips and their copies (re-encoded, scaled, cropped by 8% and by 15%), the least similar copies have
# 0.87 and 0.9; see tests/unit/models_ml/video/test_fingerprint.py.
MOTION, LOOKS = 0.86, 0.8
_MOTION_BYTES, _WINDOW_BYTES = 24, 60
_LENGTHS = 1.05  # a copy is as long as its original, counted in frames or in seconds

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Alike:
    """Two clips that are probably one recording. ``motion``: how similarly they move, at most 1."""

    first: Clip
    second: Clip
    motion: float


def near_duplicates(clips: Iterable[Clip]) -> list[Alike]:
    """Return pairs of clips that move alike, look alike and are equally long, the likeliest first.

    Clips without a fingerprint, because they are too short or have no motion, are in no pair.
    """
    marked = [(clip, code) for clip in clips if (code := _decoded(clip.fingerprint)) is not None]
    if len(marked) < 2:
        return []
    motion, looks = (np.concatenate([code[part] for _, code in marked]) for part in (0, 1))
    owner = np.repeat(np.arange(len(marked)), [len(code[0]) for _, code in marked])
    alike: dict[tuple[int, int], float] = {}
    for first, rows in enumerate(np.split(np.arange(len(owner)), np.flatnonzero(np.diff(owner)) + 1)):
        later = slice(int(rows[-1]) + 1, None)
        likeness = motion[rows] @ motion[later].T
        likeness[(looks[rows] @ looks[later].T) < LOOKS] = 0
        best = likeness.max(axis=0, initial=0)
        for index in np.flatnonzero(best >= MOTION):
            pair = first, int(owner[later][index])
            alike[pair] = max(alike.get(pair, 0.0), float(best[index]))
    found = [Alike(marked[a][0], marked[b][0], value) for (a, b), value in alike.items()]
    return sorted((pair for pair in found if _as_long(pair.first, pair.second)), key=lambda p: -p.motion)


def grouped(pairs: Iterable[Alike]) -> list[list[Clip]]:
    """Return the clips in groups that are connected by pairs, each in the order of its pairs."""
    groups: dict[int, list[Clip]] = {}
    for pair in pairs:
        first = groups.setdefault(pair.first.pk, [pair.first])
        second = groups.setdefault(pair.second.pk, [pair.second])
        if first is not second:
            first += second
            groups.update((clip.pk, first) for clip in second)
    return list({id(group): group for group in groups.values()}.values())


def same_pictures(pictures: Iterable[FlowPicture]) -> list[list[FlowPicture]]:
    """Return groups of flow pictures with identical bytes."""
    groups: defaultdict[str, list[FlowPicture]] = defaultdict(list)
    for picture in pictures:
        groups[picture.sha256].append(picture)
    return [group for group in groups.values() if len(group) > 1]


def _as_long(a: Clip, b: Clip) -> bool:
    lengths = [(a.frame_count, b.frame_count), (_seconds(a), _seconds(b))]
    return any(max(pair) <= _LENGTHS * min(pair) for pair in lengths)


def _seconds(clip: Clip) -> float:
    """Return how long a clip lasts; 0 if the times of its frames are not known."""
    try:
        return clock_of(clip).seconds
    except InputError:
        return 0.0


def _decoded(fingerprint: str) -> tuple[Floats, Floats] | None:
    """Return unit vectors of motion (windows, 24) and looks (windows, 36); None for other versions or no windows."""
    version, _, digits = fingerprint.partition(":")
    if version != "1" or not digits:
        return None
    values = np.frombuffer(bytes.fromhex(digits), np.int8).reshape(-1, _WINDOW_BYTES).astype(np.float32)
    looks = values[:, _MOTION_BYTES:]
    return _unit(values[:, :_MOTION_BYTES]), _unit(looks - looks.mean(axis=1, keepdims=True))


def _unit(rows: Floats) -> Floats:
    return rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-9)
