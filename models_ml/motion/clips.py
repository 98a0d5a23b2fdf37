"""Read the aligned onset–apex pairs of a clip's expressions in one pass over its frames."""

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
    turn: int = 0,
    detector: LandmarkDetector | None = None,
) -> Iterator[tuple[int, AlignedPair | InputError]]:
    """Yield the pairs of several expressions of one clip, as soon as their frames are decoded.

    A long video is decoded once, up to the last frame wanted. A frame is kept in grey until the last expression that needs
    it is done.

    Parameters
    ----------
    marks
        (onset, apex) of each expression, as 0-based frame indices.
    config, detector
        As for ``aligned_pair``.
    fps
        As for ``open_source``; not required here for frame images, because no pixel depends on it.

    turn
        As for ``open_source``.

    Yields
    ------
    tuple
        The position in ``marks``, and its pair, or an InputError that says why it has none: no face in the onset frame, no
        such frame, or a file that cannot be read that far.
    """
    uses = Counter(frame for pair in marks for frame in pair)
    due: defaultdict[int, list[int]] = defaultdict(list)
    for position, pair in enumerate(marks):
        due[max(pair)].append(position)
    kept: dict[int, tuple[Image, str]] = {}
    last = -1
    try:
        if fps is None and (path.is_dir() or sniff(path) == "zip"):
            fps = 1
        with open_source(path, fps=fps, turn=turn) as source:
            for frame in source:
                last = frame.index
                if last in uses:
                    name = f"frame {last} (source frame {frame.source_number})"
                    kept[last] = (to_grey(frame.image), name)
                for position in due.pop(last, ()):
                    yield position, _pair(kept, marks[position], config, detector)
                    for index in marks[position]:
                        uses[index] -= 1
                        if not uses[index]:
                            kept.pop(index, None)
                if not due:
                    return
        reason = f"the clip has {last + 1} frames (0 to {last})."
        for index, positions in due.items():
            yield from (
                (position, InputError(f"Frame {index} not found: {reason}", "frame_not_found"))
                for position in positions
            )
    except InputError as error:
        yield from ((position, error) for positions in due.values() for position in positions)


def _pair(
    kept: dict[int, tuple[Image, str]], marks: Marks, config: FeatureConfig, detector: LandmarkDetector | None
) -> AlignedPair | InputError:
    if min(marks) < 0:
        return InputError(f"Frame {min(marks)} not found: frame indices start at 0.", "frame_not_found")
    (onset, name), (apex, _) = (kept[index] for index in marks)
    try:
        return aligned_pair(onset, apex, config, onset_name=name, detector=detector)
    except InputError as error:
        return error
