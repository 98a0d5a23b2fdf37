"""Where in a clip there is a face: searched on few frames, but to the frame where it comes or goes."""

from bisect import bisect_left
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from math import ceil
from typing import Any, Protocol, Self

from models_ml.errors import InputError
from models_ml.face.detect import Box
from models_ml.video.frames import Image

SAMPLES = 16
_EVERY = 0.08  # seconds: no face comes and is gone again between two samples so close


class Detector(Protocol):
    """What the search needs of a face detector."""

    def detect(self, image: Image) -> Box | None: ...


@dataclass(frozen=True)
class FaceTrack:
    """Faces found in the sampled frames of a clip: 0-based frame index → box, or None where there is none.

    The first and the last frame are sampled, and wherever two neighbouring samples differ, so are both frames
    on either side of the change. A face that comes or goes and is back again between two samples is not seen.
    """

    frame_count: int
    boxes: Mapping[int, Box | None]

    def coverage(self) -> list[tuple[int, int]]:
        """Ranges of frames with a face, as (first, last), both included.

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
        """The box in ``frame``, interpolated between the samples around it; None outside the coverage."""
        if frame in self.boxes:
            return self.boxes[frame]
        frames = sorted(self.boxes)
        place = bisect_left(frames, frame)
        if not 0 < place < len(frames):
            return None
        a, b = frames[place - 1], frames[place]
        before, after = self.boxes[a], self.boxes[b]
        if before is None or after is None:
            return None
        share = (frame - a) / (b - a)
        ends = zip(_corners(before), _corners(after), strict=True)
        return Box(*(round(p + share * (q - p)) for p, q in ends))

    def to_json(self) -> dict[str, Any]:
        """Frame count, sampled boxes as [frame, left, top, right, bottom] or [frame], and the coverage."""
        sampled = [[frame, *(_corners(box) if box else ())] for frame, box in sorted(self.boxes.items())]
        return {
            "frame_count": self.frame_count,
            "boxes": sampled,
            "coverage": [list(r) for r in self.coverage()],
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """The inverse of ``to_json``; InputError if the data are not such a track."""
        try:
            boxes = {row[0]: Box(*row[1:]) if len(row) > 1 else None for row in data["boxes"]}
            return cls(data["frame_count"], boxes)
        except (KeyError, TypeError) as error:
            raise InputError(f"These are not the data of a face track: {error}.") from error


def sampled_frames(frame_count: int, fps: float = 0, *, samples: int = SAMPLES) -> list[int]:
    """Which frames to search: evenly spaced, first and last among them; fewer where the clip is short.

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
    """Search the face in about ``samples`` evenly spaced frames, and locate every change between two of them.

    ``read(i)`` gives frame i, 0 ≤ i < ``frame_count``, in any order. ``fps``: a short clip is searched in fewer frames.
    ``known``: what was found already in some of ``sampled_frames``.
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
