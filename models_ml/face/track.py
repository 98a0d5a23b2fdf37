"""Find where a clip shows a face: by few searches, but exact to the frame where the face appears or disappears."""

from bisect import bisect_left
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from math import ceil
from typing import Any, Protocol, Self

from models_ml.errors import InputError
from models_ml.face.detect import Box
from models_ml.video.frames import Image

# Frames searched in a clip, evenly spaced. A search takes tens of milliseconds, but a face that disappears and comes back
# between two samples is missed.
SAMPLES = 16
_EVERY = 0.08  # seconds between the samples of a short clip: too short for a face to disappear and come back


class Detector(Protocol):
    """A face detector, as far as the search needs it."""

    def detect(self, image: Image) -> Box | None: ...


@dataclass(frozen=True)
class FaceTrack:
    """Faces found in the sampled frames of a clip: for each 0-based frame index a box, or None without a face.

    The first and the last frame are sampled. Where two neighbouring samples differ, the frames on both sides of the change
    are sampled too. A face that appears or disappears and changes back between two samples is missed.
    """

    frame_count: int
    boxes: Mapping[int, Box | None]

    def coverage(self) -> list[tuple[int, int]]:
        """Return the ranges of frames with a face, as (first, last), both included.

        Examples
        --------
        >>> box = Box(0, 0, 80, 80)
        >>> FaceTrack(9, {0: None, 2: None, 3: box, 6: box, 8: box}).coverage()
        [(3, 8)]
        """
        ranges: list[tuple[int, int]] = []
        inside = False
        for frame in sorted(self.boxes):
            if self.boxes[frame] is not None:
                ranges.append((ranges.pop()[0] if inside else frame, frame))
            inside = self.boxes[frame] is not None
        return ranges

    def box_at(self, frame: int) -> Box | None:
        """Return the box in ``frame``, interpolated between the samples around it; None outside the coverage."""
        if frame in self.boxes:
            return self.boxes[frame]
        frames = sorted(self.boxes)
        position = bisect_left(frames, frame)
        if not 0 < position < len(frames):
            return None
        a, b = frames[position - 1], frames[position]
        before, after = self.boxes[a], self.boxes[b]
        if before is None or after is None:
            return None
        share = (frame - a) / (b - a)
        ends = zip(_corners(before), _corners(after), strict=True)
        return Box(*(round(p + share * (q - p)) for p, q in ends))

    def to_json(self) -> dict[str, Any]:
        """Return frame count, sampled boxes as [frame, left, top, right, bottom] or [frame], and coverage."""
        sampled = [[frame, *(_corners(box) if box else ())] for frame, box in sorted(self.boxes.items())]
        return {
            "frame_count": self.frame_count,
            "boxes": sampled,
            "coverage": [list(r) for r in self.coverage()],
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Read what ``to_json`` wrote; raise InputError for other data."""
        try:
            boxes = {row[0]: Box(*row[1:]) if len(row) > 1 else None for row in data["boxes"]}
            return cls(data["frame_count"], boxes)
        except (KeyError, TypeError) as error:
            raise InputError(f"The data of the face track are damaged: {error}.") from error


def sampled_frames(frame_count: int, fps: float = 0, *, samples: int = SAMPLES) -> list[int]:
    """Return the frames to search: evenly spaced, with the first and the last; fewer for a short clip.

    Examples
    --------
    >>> sampled_frames(9, samples=3), sampled_frames(64, 200)
    ([0, 4, 8], [0, 16, 32, 47, 63])
    """
    last = frame_count - 1
    if fps:
        samples = min(samples, 1 + ceil(frame_count / fps / _EVERY))
    steps = max(1, min(samples - 1, last))
    return sorted({round(last * k / steps) for k in range(steps + 1)})


def search(
    frame_count: int,
    read: Callable[[int], Image],
    detector: Detector,
    *,
    fps: float = 0,
    samples: int = SAMPLES,
    known: Mapping[int, Box | None] | None = None,
) -> FaceTrack:
    """Search the face in about ``samples`` evenly spaced frames, and locate each change between two of them.

    Parameters
    ----------
    frame_count
        Number of frames of the clip.
    read
        Returns frame i, 0 ≤ i < ``frame_count``; called in any order.
    detector
        Finds the face.
    fps
        Frames per second; a short clip is then searched in fewer frames.
    samples
        Number of frames to search.
    known
        Boxes that are known already, for some of ``sampled_frames``.
    """
    boxes: dict[int, Box | None] = {}
    for frame in sampled_frames(frame_count, fps, samples=samples):
        boxes[frame] = known[frame] if known and frame in known else detector.detect(read(frame))
    evenly = sorted(boxes)
    for a, b in pairwise(evenly):
        if (boxes[a] is None) == (boxes[b] is None):
            continue
        low, high = a, b
        while high - low > 1:
            middle = (low + high) // 2
            boxes[middle] = detector.detect(read(middle))
            if (boxes[middle] is None) == (boxes[low] is None):
                low = middle
            else:
                high = middle
    return FaceTrack(frame_count, boxes)


def _corners(box: Box) -> tuple[int, int, int, int]:
    return box.left, box.top, box.right, box.bottom
