"""Find onset, apex and offset of the short expressions in a clip, without labels.

A face is followed frame by frame (``regions``): the displacement of its skin, less the head's, with the eyes left
out. Then movements that come, go and are over within half a second are told from all that moves otherwise
(``expressions``). Both hold a few numbers a frame, never the frames.
"""

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

from models_ml.errors import InputError
from models_ml.motion.expressions import Spot, find_apex, find_expression, find_expressions
from models_ml.motion.features import LandmarkDetector
from models_ml.motion.regions import Course, RegionTracker
from models_ml.motion.version import SPOTTER_VERSION
from models_ml.video.decode import open_source
from models_ml.video.frames import Limits

__all__ = ["SPOTTER_VERSION", "Spot", "apex_within", "follow", "spot", "spot_intervals"]

THRESHOLD = 0.5  # of the confidence, for lists of intervals
_DEFAULT_LIMITS = Limits()


def spot(
    path: Path,
    *,
    fps: float | None = None,
    limits: Limits = _DEFAULT_LIMITS,
    detector: LandmarkDetector | None = None,
) -> Spot:
    """The expression that stands out most in a clip.

    There is always an answer for a clip with a face; a low ``confidence`` says that nothing stands out.

    Args:
        path, fps, limits: as ``open_source``.
        detector: for tests; the process's own by default.

    Raises:
        InputError: as ``open_source``, and if there is no face in the clip.
    """
    return find_expression(*follow(path, fps=fps, limits=limits, detector=detector))


def spot_intervals(
    path: Path,
    *,
    fps: float | None = None,
    limits: Limits = _DEFAULT_LIMITS,
    detector: LandmarkDetector | None = None,
    confidence: float = THRESHOLD,
) -> list[Spot]:
    """All expressions of a clip or a long video, in order of time; none overlap. Arguments and errors as ``spot``.

    Args:
        confidence: the least that is reported. At the default about one interval in a minute of a face at rest is
            a false one (``make bench NAME=spotting``).
    """
    return find_expressions(*follow(path, fps=fps, limits=limits, detector=detector), confidence=confidence)


def apex_within(
    path: Path,
    onset: int,
    offset: int,
    *,
    fps: float | None = None,
    limits: Limits = _DEFAULT_LIMITS,
    detector: LandmarkDetector | None = None,
) -> Spot:
    """The apex between a known onset and offset (0-based frame indices), as SMIC codes them.

    Raises:
        InputError: as ``spot``, and if there are no such frames.
    """
    course, rate = follow(path, fps=fps, limits=limits, detector=detector)
    last = len(course.moved) - 1
    if not 0 <= onset <= offset <= last:
        raise InputError(
            f"Onset {onset} and offset {offset} must rise and lie within the clip's frames (0 to {last}). "
            "Correct them in its coding."
        )
    return find_apex(course, rate, onset, offset)


def follow(
    path: Path,
    *,
    fps: float | None = None,
    limits: Limits = _DEFAULT_LIMITS,
    detector: LandmarkDetector | None = None,
    on_progress: Callable[[int], None] = lambda _frames: None,
) -> tuple[Course, Fraction]:
    """How the face moves through a clip, and the clip's frames a second; arguments and errors as ``spot``.

    ``on_progress`` is told after each frame how many there were; what it raises ends the work.
    """
    with open_source(path, fps=fps, limits=limits) as source:
        tracker = RegionTracker(source.fps, detector)
        for frame in source:
            tracker.add(frame.image)
            on_progress(frame.index + 1)
        return tracker.course(), source.fps
