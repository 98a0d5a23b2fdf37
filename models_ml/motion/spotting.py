"""Find onset, apex and offset of the short expressions in a clip, without labels.

``regions`` tracks the face frame by frame: the displacement of its skin without the head's, eyes left out. ``fitting``
then finds the movements that come and go within half a second. Both keep a few numbers per frame, never the frames.
"""

from collections.abc import Callable
from pathlib import Path

from models_ml.errors import InputError
from models_ml.motion.features import LandmarkDetector
from models_ml.motion.fitting import Spot, find_apex, find_expression, find_expressions
from models_ml.motion.regions import FaceMotion, RegionTracker
from models_ml.motion.version import SPOTTER_VERSION
from models_ml.video.clock import Clock
from models_ml.video.decode import open_source
from models_ml.video.frames import Limits

__all__ = ["SPOTTER_VERSION", "Spot", "apex_within", "spot", "spot_intervals", "track_face"]

THRESHOLD = 0.5  # least confidence in lists of intervals
_DEFAULT_LIMITS = Limits()


def spot(
    path: Path,
    *,
    fps: float | None = None,
    turn: int = 0,
    limits: Limits = _DEFAULT_LIMITS,
    detector: LandmarkDetector | None = None,
) -> Spot:
    """Return the expression that stands out most in a clip.

    There is always an answer for a clip with a face; a low ``confidence`` says that nothing stands out.

    Parameters
    ----------
    path, fps, turn, limits
        As for ``open_source``.
    detector
        Finds the face; by default the process's own.

    Raises
    ------
    InputError
        As ``open_source``, and if there is no face in the clip.
    """
    return find_expression(*track_face(path, fps=fps, turn=turn, limits=limits, detector=detector))


def spot_intervals(
    path: Path,
    *,
    fps: float | None = None,
    limits: Limits = _DEFAULT_LIMITS,
    detector: LandmarkDetector | None = None,
    confidence: float = THRESHOLD,
) -> list[Spot]:
    """Return all expressions of a clip or a long video, in order of time; none overlap.

    Parameters
    ----------
    path, fps, limits, detector
        As for ``spot``.
    confidence
        Least confidence of a listed expression. At the default, about one interval per minute of a face at rest is
        false (``make bench NAME=spotting``).

    Raises
    ------
    InputError
        As ``spot``.
    """
    motion, clock = track_face(path, fps=fps, limits=limits, detector=detector)
    return find_expressions(motion, clock, confidence=confidence)


def apex_within(
    path: Path,
    onset: int,
    offset: int,
    *,
    fps: float | None = None,
    limits: Limits = _DEFAULT_LIMITS,
    detector: LandmarkDetector | None = None,
) -> Spot:
    """Return the apex between a known onset and offset, as SMIC codes them.

    Parameters
    ----------
    onset, offset
        0-based frame indices.
    path, fps, limits, detector
        As for ``spot``.

    Raises
    ------
    InputError
        As ``spot``, and if the clip does not have these frames.
    """
    motion, clock = track_face(path, fps=fps, limits=limits, detector=detector)
    last = len(motion.displacements) - 1
    if not 0 <= onset <= offset <= last:
        raise InputError(
            f"Onset {onset} and offset {offset} must be in this order and lie within the clip's frames (0 to {last}). "
            "Correct them in the clip's coding."
        )
    return find_apex(motion, clock, onset, offset)


def track_face(
    path: Path,
    *,
    fps: float | None = None,
    turn: int = 0,
    limits: Limits = _DEFAULT_LIMITS,
    detector: LandmarkDetector | None = None,
    on_progress: Callable[[int], None] = lambda _frames: None,
) -> tuple[FaceMotion, Clock]:
    """Return how the face moves through a clip, and when each frame was recorded.

    Parameters
    ----------
    path, fps, turn, limits, detector
        As for ``spot``.
    on_progress
        Called after each frame with the number of frames so far; an exception from it stops the work.

    Raises
    ------
    InputError
        As ``spot``.
    """
    with open_source(path, fps=fps, turn=turn, limits=limits) as source:
        tracker = RegionTracker(source.fps, detector)
        stamps = []
        for frame in source:
            tracker.add(frame.image)
            stamps.append(frame.pts)
            on_progress(frame.index + 1)
        return tracker.motion(), source.clock(stamps)
