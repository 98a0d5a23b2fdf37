"""The face is searched on few frames, yet where it comes and goes is known to the frame."""

import json
from collections.abc import Callable

import numpy as np
import pytest

from models_ml.errors import InputError
from models_ml.face.detect import Box
from models_ml.face.track import FaceTrack, search

BOX = Box(10, 20, 60, 70)


class Scripted:
    """A detector that sees a face where ``there`` says so; the image it is given holds the frame's number."""

    def __init__(self, there: Callable[[int], bool]) -> None:
        self.there = there
        self.seen: list[int] = []

    def detect(self, image: np.ndarray) -> Box | None:
        frame = int(image[0, 0])
        self.seen.append(frame)
        return BOX if self.there(frame) else None


def track(count: int, there: Callable[[int], bool]) -> tuple[FaceTrack, list[int]]:
    detector = Scripted(there)
    found = search(count, lambda i: np.full((1, 1), i, np.int64), detector)  # type: ignore[arg-type]
    return found, detector.seen


@pytest.mark.parametrize("last", [0, 1, 71, 83, 167, 168])
def test_the_last_frame_with_a_face_is_found_exactly(last: int) -> None:
    assert track(169, lambda i: i <= last)[0].coverage() == [(0, last)]


def test_a_face_that_appears_and_disappears_is_found_exactly() -> None:
    assert track(5000, lambda i: 1234 <= i <= 3456)[0].coverage() == [(1234, 3456)]


def test_a_gap_between_two_appearances_is_found() -> None:
    found, _ = track(300, lambda i: not 101 <= i <= 190)
    assert found.coverage() == [(0, 100), (191, 299)]


def test_no_face_means_no_coverage() -> None:
    found, seen = track(90, lambda i: False)
    assert found.coverage() == []
    assert len(seen) == 16


@pytest.mark.parametrize("count", [1, 2, 3, 15, 16, 17])
def test_short_clips_are_searched_in_every_frame_they_have(count: int) -> None:
    found, seen = track(count, lambda i: True)
    assert found.coverage() == [(0, count - 1)]
    assert sorted(set(seen)) == sorted(seen)
    assert len(seen) == min(count, 16)


def test_a_long_clip_costs_few_detections() -> None:
    _, seen = track(20_000, lambda i: i < 7_777)
    assert len(seen) <= 16 + 11


def test_boxes_between_samples_are_interpolated() -> None:
    found = FaceTrack(11, {0: Box(0, 0, 10, 10), 10: Box(20, 10, 30, 20)})
    assert found.box_at(5) == Box(10, 5, 20, 15)
    assert found.box_at(0) == Box(0, 0, 10, 10)


def test_there_is_no_box_without_a_face() -> None:
    found = FaceTrack(11, {0: None, 4: None, 5: BOX, 10: BOX})
    assert found.box_at(2) is None
    assert found.box_at(4) is None
    assert found.box_at(7) == BOX
    assert found.box_at(99) is None


def test_a_track_survives_json() -> None:
    found, _ = track(300, lambda i: not 101 <= i <= 190)
    data = json.loads(json.dumps(found.to_json()))
    assert data["coverage"] == [[0, 100], [191, 299]]
    assert FaceTrack.from_json(data) == found


def test_other_data_are_refused() -> None:
    with pytest.raises(InputError, match="data of the face track are damaged"):
        FaceTrack.from_json({"boxes": [[1, 2]]})
