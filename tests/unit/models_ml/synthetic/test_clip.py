import dataclasses
import itertools

import cv2
import numpy as np
import pytest

from models_ml.errors import InputError
from models_ml.synthetic import motion
from models_ml.synthetic.clip import (
    ClipSpec,
    SyntheticExpression,
    _blinks,
    apex_field,
    pose,
    render,
    spec_face,
)
from models_ml.synthetic.face import painted_face
from models_ml.synthetic.identity import generator, make_identity

SPEC = ClipSpec(
    database="Demo",
    subject="s01",
    name="s01_1",
    fps=200,
    width=128,
    height=144,
    grey=False,
    container="mp4",
    frame_count=24,
    onset=4,
    apex=12,
    offset=20,
    emotion="happiness",
    action_units="12",
    intensity_px=1.5,
    first_source_number=1,
    seed=7,
)


def frames(spec: ClipSpec, clean: bool = False) -> np.ndarray:
    return np.stack(list(render(spec, clean=clean)))


def pixel_of(spec: ClipSpec, at: tuple[float, float]) -> tuple[int, int]:
    """Return row and column of the frame pixel that is nearest to a point in face units."""
    x, y = spec_face(spec).coordinates(*pose(spec))
    row, column = np.unravel_index(np.argmin((x - at[0]) ** 2 + (y - at[1]) ** 2), x.shape)
    return int(row), int(column)


def test_it_renders_colour_frames_of_the_given_size():
    shown = frames(SPEC)
    assert shown.shape == (24, 144, 128, 3)
    assert shown.dtype == np.uint8


def test_it_renders_grey_frames():
    assert frames(dataclasses.replace(SPEC, grey=True)).shape == (24, 144, 128)


def test_the_same_specification_gives_the_same_bits_after_any_other_clip():
    first = frames(SPEC)
    painted_face.cache_clear()
    frames(dataclasses.replace(SPEC, subject="s02", name="s02_1"))
    frames(dataclasses.replace(SPEC, name="s01_2"))
    assert np.array_equal(frames(SPEC), first)


@pytest.mark.parametrize("change", [{"seed": 8}, {"subject": "s02"}, {"name": "s01_2"}])
def test_another_seed_subject_or_name_gives_other_frames(change):
    other = next(render(dataclasses.replace(SPEC, **change)))
    assert not np.array_equal(other, next(render(SPEC)))


def test_the_name_changes_the_clip_but_not_the_face():
    assert spec_face(dataclasses.replace(SPEC, name="s01_2")) is spec_face(SPEC)


def test_there_is_no_expression_outside_onset_and_offset():
    shown = frames(SPEC, clean=True)
    neutral = [i for i in range(SPEC.frame_count) if not SPEC.onset < i < SPEC.offset]
    assert all(np.array_equal(shown[i], shown[0]) for i in neutral)


def test_the_expression_is_furthest_from_neutral_at_the_apex():
    shown = frames(SPEC, clean=True).astype(float)
    change = np.abs(shown - shown[0]).mean(axis=(1, 2, 3))
    assert np.argmax(change) == SPEC.apex
    assert np.all(np.diff(change[SPEC.onset : SPEC.apex + 1]) > 0)
    assert np.all(np.diff(change[SPEC.apex : SPEC.offset + 1]) < 0)


def test_a_neutral_clip_shows_no_expression():
    shown = frames(dataclasses.replace(SPEC, intensity_px=0), clean=True)
    assert all(np.array_equal(frame, shown[0]) for frame in shown)


def test_a_long_clip_shows_each_of_its_expressions_and_rests_between():
    second = SyntheticExpression(onset=30, apex=36, offset=44, action_units="4", intensity_px=2.0)
    spec = dataclasses.replace(SPEC, frame_count=50, more=(second,))
    shown = frames(spec, clean=True).astype(float)
    change = np.abs(shown - shown[0]).mean(axis=(1, 2, 3))
    assert np.flatnonzero(np.diff(np.sign(np.diff(change))) < 0).tolist() == [SPEC.apex - 1, 35]
    assert not change[20:31].any()
    assert np.abs(apex_field(spec, 1) - apex_field(spec, 0)).max() > 1


@pytest.mark.parametrize("profile", ["ramp", "burst"])
def test_every_profile_is_0_at_the_ends_and_1_at_the_apex(profile):
    level = [motion.expression_level(10, 20, 40, i, profile) for i in range(50)]
    assert level[10] == level[40] == 0
    assert np.argmax(level) == 20
    assert level[20] == 1
    assert np.all(np.diff(level[10:21]) > 0)
    assert np.all(np.diff(level[20:41]) < 0)


def test_a_long_clip_has_complete_blinks():
    shut = _blinks(dataclasses.replace(SPEC, frame_count=2400), 0.3)
    assert (np.diff((shut > 0.9).astype(int)) == 1).sum() == 3
    assert np.abs(np.diff(shut)).max() < 0.2


def test_it_refuses_a_further_expression_beyond_the_clip():
    beyond = SyntheticExpression(onset=15, apex=20, offset=24, action_units="4", intensity_px=1.0)
    with pytest.raises(InputError, match="offset 24 must be in this order and lie within its 24 frames"):
        dataclasses.replace(SPEC, more=(beyond,))


def test_neighbouring_frames_differ_only_by_noise_and_small_motion():
    shown = frames(SPEC).astype(float)
    step = np.abs(np.diff(shown, axis=0)).mean(axis=(1, 2, 3))
    assert np.all(step > 0.5)
    assert np.all(step < 5)


@pytest.mark.parametrize("intensity_px", [0.4, 1.5])
def test_the_rendered_skin_moves_by_the_known_field(intensity_px):
    spec = dataclasses.replace(SPEC, grey=True, intensity_px=intensity_px)
    onset, apex = frames(spec, clean=True)[[spec.onset, spec.apex]]
    field = apex_field(spec)
    row, column = pixel_of(spec, spec_face(spec).identity.mouth_corner(1))
    start = np.array([[[column, row]]], np.float32)
    seen, status, _ = cv2.calcOpticalFlowPyrLK(onset, apex, start, None, winSize=(7, 7), maxLevel=1)
    assert status.all()
    assert np.hypot(*field).max() == pytest.approx(intensity_px, rel=0.02)
    assert np.linalg.norm(seen[0, 0] - start[0, 0] - field[:, row, column]) < 0.15 + 0.15 * intensity_px


@pytest.mark.parametrize(
    ("action_units", "anchor", "down"),
    [
        ("12", "lip_corner", -1),
        ("6+12", "cheek", -1),
        ("15", "lip_corner", 1),
        ("4", "brow_inner", 1),
        ("9", "nose_side", -1),
        ("1+2", "brow_inner", -1),
        ("1+2", "brow_outer", -1),
        ("26", "chin", 1),
    ],
)
def test_an_action_unit_moves_its_region_in_its_direction(action_units, anchor, down):
    spec = dataclasses.replace(SPEC, action_units=action_units)
    field = apex_field(spec)
    for _, at in motion.anchors(spec_face(spec).identity, anchor):
        row, column = pixel_of(spec, at)
        assert field[1, row, column] * down > 0.3


def test_a_smile_leaves_the_brows_alone_and_raised_brows_leave_the_mouth_alone():
    face = spec_face(SPEC).identity
    smile, surprise = (apex_field(dataclasses.replace(SPEC, action_units=u)) for u in ("6+12", "1+2"))
    brow, mouth = (pixel_of(SPEC, at) for at in ((0.45, face.brow_y), (0.0, face.mouth_y)))
    assert np.hypot(*smile)[brow] < 0.1
    assert np.hypot(*surprise)[mouth] < 0.01


def test_a_unit_coded_left_moves_the_subjects_left_side():
    field = np.hypot(*apex_field(dataclasses.replace(SPEC, action_units="L14")))
    face = spec_face(SPEC).identity
    left, right = (field[pixel_of(SPEC, face.mouth_corner(side))] for side in (1, -1))
    assert left > 1
    assert right < 0.3


def test_a_blink_shuts_the_eyes_for_a_short_time_and_ends_open():
    course = motion.blink_course(200, 200, chance=1, rng=np.random.default_rng(3))
    assert course.max() > 0.95
    assert 10 < (course > 0.05).sum() < 50


def test_shut_eyes_change_the_eyes_and_nothing_else():
    patch = painted_face(7, "Demo", "s01", 128, 144).patches[0]
    opened, half, shut = (patch.at(stage)[..., 0].astype(int) for stage in (0, 0.5, 1))
    changed = np.abs(shut - opened) > 2
    assert 0.05 < changed.mean() < 0.5
    assert not changed[[0, -1]].any()
    assert not changed[:, [0, -1]].any()
    assert np.abs(half - shut).mean() < np.abs(shut - opened).mean()


def test_colour_and_luma_move_together():
    colour, grey = (
        frames(dataclasses.replace(SPEC, grey=grey, intensity_px=2.4), clean=True) for grey in (False, True)
    )
    luma = cv2.cvtColor(colour[SPEC.apex], cv2.COLOR_RGB2GRAY).astype(int)
    assert np.abs(luma - grey[SPEC.apex]).max() <= 3
    red, row = colour[SPEC.apex].astype(int), pixel_of(SPEC, (0.0, spec_face(SPEC).identity.mouth_y))[0]
    redness = (red[..., 0] - red[..., 1])[row - 12 : row + 12, 48:80].mean(axis=1)
    assert abs(int(np.argmax(redness)) - 12) <= 4  # the reddest row is on the lips


def test_head_motion_is_small_and_smooth():
    course = motion.head_motion(200, 200, 1.0, 50, np.random.default_rng(1))
    assert course.shape == (200, 4)
    assert np.abs(course[:, :2]).max() < 5
    assert np.abs(np.diff(course[:, :2], axis=0)).max() < 0.2


def test_it_reads_coded_action_units():
    assert motion.parse_action_units("6B, 12L") == [(6, "", 0.4), (12, "L", 1.0)]


@pytest.mark.parametrize("text", ["", "99", "smile", "X12", "12F", "12+smile", "12?", "6 or 12", "12+T24"])
def test_it_refuses_action_units_that_it_cannot_render(text):
    with pytest.raises(InputError, match="Cannot render the action unit"):
        motion.parse_action_units(text)


@pytest.mark.parametrize(
    ("onset", "apex", "offset"), [(5, 5, 9), (5, 9, 9), (9, 5, 12), (5, 9, 24), (-1, 5, 9)]
)
def test_it_refuses_marks_that_are_out_of_order_or_outside_the_clip(onset, apex, offset):
    with pytest.raises(InputError, match="must be in this order and lie within its 24 frames"):
        dataclasses.replace(SPEC, onset=onset, apex=apex, offset=offset)


@pytest.mark.parametrize("change", [{"width": 127}, {"height": 32}])
def test_it_refuses_sizes_that_cannot_be_rendered(change):
    with pytest.raises(InputError, match="must be even and at least 64"):
        dataclasses.replace(SPEC, **change)


def test_identities_differ_from_each_other():
    faces = [make_identity(1, "Demo", f"s{i}") for i in range(6)]
    for a, b in itertools.combinations(faces, 2):
        assert a.skin != b.skin
        assert a.mouth_half_width != b.mouth_half_width


def test_a_random_generator_depends_on_its_key_alone():
    assert generator("a", 1).integers(1 << 40) == generator("a", 1).integers(1 << 40)
    assert generator("a", 12).integers(1 << 40) != generator("a1", 2).integers(1 << 40)
