from collections import Counter, defaultdict
from itertools import islice

import dlib
import numpy as np
import pytest

from models_ml.face.detect import get_detector
from models_ml.synthetic.clip import ClipSpec, pose, render, spec_face
from models_ml.synthetic.demo import CLEAR_PX, DATABASES, SUBTLE_PX, demo_clips
from models_ml.synthetic.motion import parse_action_units

CLIPS = demo_clips()
LABELS = {database.name: database.label_map for database in DATABASES}


def label(spec: ClipSpec) -> str | None:
    return LABELS[spec.database][spec.emotion]


def test_there_are_three_databases_fifteen_subjects_and_120_labelled_clips():
    assert len({spec.database for spec in CLIPS}) == 3
    assert len({(spec.database, spec.subject) for spec in CLIPS}) >= 15
    assert sum(label(spec) is not None for spec in CLIPS) >= 120


def test_the_databases_differ_as_the_real_databases_do():
    assert [database.fps for database in DATABASES] == [200, 100, 200]
    assert len({(database.width, database.height) for database in DATABASES}) == 3
    assert [database.grey for database in DATABASES] == [False, False, True]
    assert [database.container for database in DATABASES].count("zip") == 1


def test_every_subject_shows_all_three_classes():
    shown = defaultdict(set)
    for spec in CLIPS:
        shown[spec.database, spec.subject].add(label(spec))
    assert all(classes >= {"negative", "positive", "surprise"} for classes in shown.values())


def test_negative_is_the_most_frequent_class_and_none_is_rare():
    counts = Counter(filter(None, map(label, CLIPS)))
    assert counts.most_common(1)[0][0] == "negative"
    assert counts["negative"] >= 1.5 * counts["positive"]
    assert min(counts.values()) >= 20


def test_some_emotions_are_left_out_by_the_label_map():
    assert {spec.emotion for spec in CLIPS if label(spec) is None} == {"others", "other"}


def test_names_are_unique():
    assert len({spec.name for spec in CLIPS}) == len(CLIPS)


def test_every_clip_uses_its_databases_emotions_and_action_units_that_can_be_rendered():
    for spec in CLIPS:
        database = next(d for d in DATABASES if d.name == spec.database)
        assert spec.emotion in database.vocabulary
        assert parse_action_units(spec.action_units)
        assert (spec.fps, spec.width, spec.height) == (database.fps, database.width, database.height)


def test_the_expressions_are_as_short_and_small_as_micro_expressions():
    for spec in CLIPS:
        assert (spec.offset - spec.onset) / spec.fps <= 0.5
        assert 50 <= spec.frame_count <= 110
        assert SUBTLE_PX[0] <= spec.intensity_px <= CLEAR_PX[1]


def test_source_frames_start_at_5562():
    numbers = [spec.first_source_number for spec in CLIPS if spec.container == "zip"]
    assert 5562 in numbers
    assert min(numbers) >= 5562
    assert all(spec.first_source_number == 1 for spec in CLIPS if spec.container != "zip")


def test_another_seed_makes_other_clips():
    assert demo_clips() == CLIPS
    assert [c.intensity_px for c in demo_clips(1)] != [c.intensity_px for c in CLIPS]


@pytest.mark.parametrize("database", [database.name for database in DATABASES])
def test_dlib_finds_the_face_and_its_landmarks_lie_on_it(database):
    plain_detector, detector = dlib.get_frontal_face_detector(), get_detector()
    for spec in [spec for spec in CLIPS if spec.database == database][1::24]:
        face = spec_face(spec).identity
        for image in islice(render(spec), 0, None, 20):
            assert len(plain_detector(image, 0)) == 1  # at the frame's own size
            box = detector.detect(image)
            assert box is not None
            at = face_coordinates(spec, detector.landmarks(image, box))
            assert np.abs(at[17:27, 1] - face.brow_y).max() < 0.16
            assert np.abs(at[36:48, 1] - face.eye_y).max() < 0.16
            assert np.abs(at[[48, 54]] - [face.mouth_corner(-1), face.mouth_corner(1)]).max() < 0.16
            assert np.abs(at[8] - (0, face.chin_y)).max() < 0.2


def face_coordinates(spec: ClipSpec, points: np.ndarray) -> np.ndarray:
    """Return the face coordinates, (n, 2), of pixels of a clip's frames, (n, 2)."""
    x, y = spec_face(spec).coordinates(*pose(spec))
    columns, rows = np.clip(points.round().astype(int), 0, np.array(x.shape[::-1]) - 1).T
    return np.stack([x[rows, columns], y[rows, columns]], axis=1)
