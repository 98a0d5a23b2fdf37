"""Outliers: what is wrong for certain, what is unlike the rest, and why, in words."""

import numpy as np
import pytest

from models_ml.motion.outliers import ENOUGH, find_outliers, measures_of


def usual(count: int = 24) -> np.ndarray:
    """Symmetrical expressions of slightly different strength."""
    random = np.random.default_rng(5)
    y, x = np.mgrid[0:28, 0:28].astype(np.float32)
    corners = [np.exp(-((x - cx) ** 2 + (y - 20) ** 2) / 12) for cx in (8, 19)]
    shape = np.stack([corners[1] - corners[0], -(corners[0] + corners[1]), 0.2 * (corners[0] + corners[1])])
    noise = random.normal(0, 0.01, (count, 3, 28, 28))
    return (shape * random.uniform(0.8, 1.2, (count, 1, 1, 1)) + noise).astype(np.float32)


def reasons(features: np.ndarray, place: int, **options) -> str:
    _, found = find_outliers(features, ["clip"] * len(features), **options)
    return " / ".join(text for outlier in found if outlier.place == place for text in outlier.reasons)


def test_a_usual_set_has_hardly_an_outlier() -> None:
    measures, found = find_outliers(usual(), ["clip"] * 24)
    assert len(found) <= 1
    assert all(own is not None for own in measures)


def test_a_head_that_turned_is_told_as_head_motion() -> None:
    features = usual()
    y, x = np.mgrid[-14:14, -14:14].astype(np.float32)
    features[7, :2] += np.stack([-0.2 * y, 0.2 * x])
    told = reasons(features, 7)
    assert "the head moved between onset and apex (residual head motion" in told
    assert "z = +" in told


def test_one_side_that_moves_otherwise_is_told() -> None:
    features = usual()
    features[3, :, :, :14] = features[3, :, :, :14] * -1
    assert "moves differently on its two sides" in reasons(features, 3)


def test_too_little_motion_is_told() -> None:
    features = usual()
    features[9] *= 0.05
    assert "hardly moves: the apex may be too near the onset" in reasons(features, 9)


def test_what_is_wrong_for_certain_comes_first_however_small_the_set() -> None:
    features = usual(4)
    features[0, 0, 3, 3] = np.nan
    features[1] = 0
    features[3] = features[2]
    problems = [None, None, None, None]
    measures, found = find_outliers(features, ["clip"] * 4, problems)
    texts = {outlier.place: outlier.reasons[0] for outlier in found}
    assert "not numbers" in texts[0]
    assert "no motion at all" in texts[1]
    assert texts[3] == "is the same picture as sample 2, bit for bit"
    assert measures[0] is measures[1] is None


def test_a_sample_without_features_is_told_with_its_reason() -> None:
    features = usual()
    problems: list[str | None] = [None] * 24
    problems[5] = "There is no face in frame 3."
    assert reasons(features, 5, problems=problems) == "has no features: There is no face in frame 3."


def test_kinds_are_not_compared_with_each_other() -> None:
    features = usual()
    features[12:] *= 40  # pictures in units of their own
    _, found = find_outliers(features, ["clip"] * 12 + ["picture"] * 12)
    assert len(found) <= 2
    assert ENOUGH <= 12


def test_symmetry_is_one_for_a_mirrored_picture_and_less_for_a_one_sided() -> None:
    picture = usual(1)[0]
    assert measures_of(picture)["symmetry"] > 0.95
    one_sided = picture.copy()
    one_sided[:, :, 14:] = 0
    assert measures_of(one_sided)["symmetry"] == pytest.approx(0, abs=0.2)
