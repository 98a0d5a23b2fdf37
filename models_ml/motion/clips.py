"""Aligned onset–apex pairs of a clip, read in one pass however many expressions it has."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

from models_ml.config import FeatureConfig
from models_ml.errors import InputError
from models_ml.face.detect import to_grey
from models_ml.motion.features import AlignedPair, LandmarkDetector, aligned_pair
from models_ml.video.containers import sniff
from models_ml.video.decode import open_source
from models_ml.video.frames import Image

Marks = tuple[int, int]


def aligned_pairs(
    path: Path,
    marks: Sequence[Marks],
    config: FeatureConfig,
    *,
    fps: float | None = None,
    detector: LandmarkDetector | None = None,
) -> Iterator[tuple[int, AlignedPair | InputError]]:
    """The pairs of several expressions of one clip, as soon as their frames have been decoded.

    A long video is decoded once, up to the last frame wanted; a frame is kept (in grey) until the last expression that
    needs it is done.

    Parameters
    ----------
    marks
        (onset, apex) of each expression, 0-based frame indices.
    config, detector
        As ``aligned_pair``.
    fps
        As ``open_source``; no pixel depends on it, so frame images do not need one here.

    Yields
    ------
    The place in ``marks``, and its pair or why it has none: no face in its onset frame, no such frame, or a file that
    cannot be read so far.
    """
    uses = Counter(frame for pair in marks for frame in pair)
    due: defaultdict[int, list[int]] = defaultdict(list)
    for place, pair in enumerate(marks):
        due[max(pair)].append(place)
    kept: dict[int, tuple[Image, str]] = {}
    last = -1
    try:
        if fps is None and (path.is_dir() or sniff(path) == "zip"):
            fps = 1
        with open_source(path, fps=fps) as source:
            for frame in source:
                last = frame.index
                if last in uses:
                    name = f"frame {last} (source frame {frame.source_number})"
                    kept[last] = (to_grey(frame.image), name)
                for place in due.pop(last, ()):
                    yield place, _pair(kept, marks[place], config, detector)
                    for number in marks[place]:
                        uses[number] -= 1
                        if not uses[number]:
                            kept.pop(number, None)
                if not due:
                    return
        reason = f"the clip has {last + 1} frames (0 to {last})."
        for frame_number, places in due.items():
            yield from (
                (place, InputError(f"There is no frame {frame_number}: {reason}")) for place in places
            )
    except InputError as error:
        yield from ((place, error) for places in due.values() for place in places)


def _pair(
    kept: dict[int, tuple[Image, str]], marks: Marks, config: FeatureConfig, detector: LandmarkDetector | None
) -> AlignedPair | InputError:
    if min(marks) < 0:
        return InputError(f"There is no frame {min(marks)}: frames are numbered from 0.")
    (onset, name), (apex, _) = (kept[number] for number in marks)
    try:
        return aligned_pair(onset, apex, config, onset_name=name, detector=detector)
    except InputError as error:
        return error
