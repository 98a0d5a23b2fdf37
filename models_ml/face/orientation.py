"""Find out how a clip must be turned so that its face is upright."""

from collections.abc import Callable

from models_ml.face.track import Detector, FaceTrack
from models_ml.video.frames import Image
from models_ml.video.turning import turned


def face_turn(faces: FaceTrack, read: Callable[[int], Image], detector: Detector) -> int:
    """Return by how many degrees clockwise the frames must be turned so that a face is found.

    0 if upright frames show one, or if no turn does.

    Parameters
    ----------
    faces
        Where the face was found in the upright frames.
    read
        Returns frame i; called in any order.
    detector
        Finds the face.
    """
    sampled = sorted(faces.boxes)
    if any(faces.boxes.values()):
        return 0
    # One frame rules out most turns; the others keep a pattern in the background from being taken for a face.
    middle, first, last = sampled[len(sampled) // 2], sampled[0], sampled[-1]
    for degrees in (90, 270, 180):
        found = [detector.detect(turned(read(middle), degrees)) is not None]
        if found[0]:
            found += [detector.detect(turned(read(frame), degrees)) is not None for frame in (first, last)]
        if sum(found) >= 2:
            return degrees
    return 0
