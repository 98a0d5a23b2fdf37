"""Outliers: samples that are certainly wrong or unlike the rest, with reasons in words."""

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


def reasons(features: np.ndarray, position: int, **options) -> str:
    _, found = find_outliers(features, ["clip"] * len(features), **options)
    return " / ".join(text for outlier in found if outlier.position == position for text in outlier.reasons)


def test_a_usual_set_has_at_most_one_outlier() -> None:
    measures, found = find_outliers(usual(), ["clip"] * 24)
    assert len(found) <= 1
    assert all(own is not None for own in measures)


def test_a_turned_head_is_reported_as_head_motion() -> None:
    features = usual()
    y, x = np.mgrid[-14:14, -14:14].astype(np.float32)
    features[7, :2] += np.stack([-0.2 * y, 0.2 * x])
    found = reasons(features, 7)
    assert "the head moved between onset and apex (residual head motion" in found
    assert "z = +" in found


def test_a_one_sided_movement_is_reported() -> None:
    features = usual()
    features[3, :, :, :14] = features[3, :, :, :14] * -1
    assert "moves differently on its two sides" in reasons(features, 3)


def test_too_little_motion_is_reported() -> None:
    features = usual()
    features[9] *= 0.05
    assert "hardly moves: the apex may be too close to the onset" in reasons(features, 9)


def test_samples_that_are_certainly_wrong_come_first_in_a_set_of_any_size() -> None:
    features = usual(4)
    features[0, 0, 3, 3] = np.nan
    features[1] = 0
    features[3] = features[2]
    problems = [None, None, None, None]
    measures, found = find_outliers(features, ["clip"] * 4, problems)
    texts = {outlier.position: outlier.reasons[0] for outlier in found}
    assert "not numbers" in texts[0]
    assert "no motion at all" in texts[1]
    assert texts[3] == "has exactly the same features as sample 2"
    assert measures[0] is measures[1] is None


def test_a_sample_without_features_is_listed_with_its_reason() -> None:
    features = usual()
    problems: list[str | None] = [None] * 24
    problems[5] = "There is no face in frame 3."
    assert reasons(features, 5, problems=problems) == "has no features: There is no face in frame 3."


def test_kinds_are_not_compared_with_each_other() -> None:
    features = usual()
    features[12:] *= 40  # flow pictures have units of their own
    _, found = find_outliers(features, ["clip"] * 12 + ["picture"] * 12)
    assert len(found) <= 2
    assert ENOUGH <= 12


def test_symmetry_is_one_for_mirrored_features_and_less_for_one_sided() -> None:
    mirrored = usual(1)[0]
    assert measures_of(mirrored)["symmetry"] > 0.95
    one_sided = mirrored.copy()
    one_sided[:, :, 14:] = 0
    assert measures_of(one_sided)["symmetry"] == pytest.approx(0, abs=0.2)
