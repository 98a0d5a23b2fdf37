"""Regions of the face, files of attributions, and their summaries with intervals over subjects."""

import json

import numpy as np
import pytest

from models_ml.attribution.face import (
    LANDMARKS,
    LINES,
    OUTSIDE,
    REGION_NAMES,
    expected_regions,
    region_at,
    region_weights,
    shares,
)
from models_ml.attribution.results import Attributions, pooled
from models_ml.attribution.summary import Summary, summarise
from models_ml.face.align import _STABLE, _TEMPLATE


def test_the_outline_lies_on_the_landmarks_of_the_aligned_crop():
    assert np.abs(LANDMARKS[list(_STABLE)] - _TEMPLATE).max() < 0.03
    mirrored = LANDMARKS[[16, 8, 26, 45, 54, 64]]
    np.testing.assert_allclose(mirrored * [-1, 1] + [1, 0], LANDMARKS[[0, 8, 17, 36, 48, 60]], atol=0.002)
    assert set(range(68)) == {point for line in LINES for point in line}


@pytest.mark.parametrize(
    ("landmarks", "region"),
    [
        (range(17, 27), "brows and forehead"),
        (range(36, 48), "eyes"),
        (range(28, 36), "nose"),
        (range(48, 68), "mouth and chin"),
    ],
)
def test_landmarks_lie_in_their_regions(landmarks, region):
    points = LANDMARKS[list(landmarks)]
    assert {REGION_NAMES[k] for k in region_at(points[:, 0], points[:, 1])} == {region}


def test_the_regions_divide_the_crop():
    for size in (14, 28, 112):
        weights = region_weights(size)
        np.testing.assert_allclose(weights.sum(axis=0), 1)
        np.testing.assert_allclose(weights, weights[:, :, ::-1])  # both sides of the face alike
        assert (weights.mean(axis=(1, 2)) > 0.04).all()
    assert region_at(0.2, 0.55) == REGION_NAMES.index("cheeks")
    assert region_at(0.01, 0.01) == OUTSIDE


def test_action_units_predict_regions():
    assert expected_regions("positive") == ("eyes", "cheeks", "mouth and chin")
    assert expected_regions("surprise") == ("brows and forehead", "eyes", "mouth and chin")
    assert "nose" in expected_regions("negative")
    assert expected_regions("another") == ()


def test_shares_are_of_absolute_values_and_sum_to_one():
    mouth = region_weights(28)[REGION_NAMES.index("mouth and chin")] == 1
    values = np.stack([np.where(mouth, -2.0, 0.0), np.zeros((28, 28)), np.ones((28, 28))])
    found = shares(values)
    assert found[0].tolist() == [0, 0, 0, 0, 1, 0]
    assert np.isnan(found[1]).all()
    np.testing.assert_allclose(found[2], region_weights(28).mean(axis=(1, 2)))


def test_maps_of_large_images_are_stored_as_cells():
    values = np.random.default_rng(0).random((2, 3, 60, 60))
    cells = pooled(values, add=True)
    assert cells.shape == (2, 3, 20, 20)
    np.testing.assert_allclose(cells.sum(axis=(2, 3)), values.sum(axis=(2, 3)))
    odd = pooled(np.ones((1, 31, 31)), add=False)
    assert odd.shape == (1, 16, 16)
    np.testing.assert_allclose(odd, 1)


def rows(samples, targets, method="gradients", size=28) -> Attributions:
    rng = np.random.default_rng(3)
    parts = []
    for sample, target in zip(samples, targets, strict=True):
        values = rng.normal(size=(1, 3 if method == "gradients" else 4, size, size)).astype(np.float32)
        image = rng.normal(size=(3, size, size)).astype(np.float32)
        gaps = np.array([0.001 * sample]) if method == "gradients" else None
        parts.append(Attributions.of_sample(method, sample, [target], values, image, gaps))
    return Attributions.joined(parts)


@pytest.mark.parametrize("method", ["gradients", "occlusion"])
def test_a_file_has_what_was_written(method):
    found = rows([2, 0, 1], [0, 1, 2], method)
    again = Attributions.from_bytes(found.to_bytes())
    assert again.samples.tolist() == [0, 1, 2]
    for name in ("samples", "targets", "maps", "attribution", "motion", "gaps"):
        np.testing.assert_array_equal(getattr(again, name), getattr(found, name))
    assert (again.cell, again.maps.dtype, again.maps.shape) == (1 / 28, np.float16, (3, 4, 28, 28))
    if method == "gradients":
        np.testing.assert_allclose(again.maps[:, 3], again.maps[:, :3].sum(axis=1), atol=0.02)
    assert again.rows_of(1) == [1]
    assert again.rows_of(9) == []


def test_means_count_each_sample_once_by_the_class_that_is_explained():
    labels, predicted = [0, 0, 1, 2], [0, 1, 1, 2]
    # Sample 1 was wrong, so it has a row for what was predicted and one for what is true.
    found = rows([0, 1, 1, 2, 3], [0, 1, 0, 1, 2])
    summary = summarise(found, labels, predicted, ["a", "a", "b", "b"], ["A", "A", "B", "A"], n=200)
    counts = {(m.target, m.label, m.database): (m.samples, m.subjects) for m in summary.means}
    assert counts["predicted", "positive", ""] == (2, 2)
    assert counts["predicted", "positive", "A"] == (1, 1)
    assert counts["true", "negative", ""] == (2, 1)
    assert ("true", "negative", "B") not in counts
    positive = next(
        m for m in summary.means if (m.target, m.label, m.database) == ("predicted", "positive", "")
    )
    np.testing.assert_allclose(positive.maps, found.maps[[1, 3]].astype(np.float32).mean(axis=0), atol=1e-6)
    assert summary.databases == ("A", "B")
    assert summary.largest_gap == pytest.approx(0.003)


def test_shares_of_regions_are_means_over_samples_with_intervals_over_subjects():
    subjects = [f"s{i // 3}" for i in range(30)]
    found = rows(range(30), [0] * 30, "occlusion")
    summary = summarise(found, [0] * 30, [0] * 30, subjects, ["A"] * 30, n=500)
    row = next(r for r in summary.regions if (r.target, r.kind) == ("predicted", "all"))
    assert (row.samples, row.subjects) == (30, 10)
    for k, region in enumerate(REGION_NAMES):
        own = row.estimates[region]
        assert own["attribution"].value == pytest.approx(found.attribution[:, 3, k].mean(), abs=1e-6)
        assert own["difference"].value == pytest.approx(own["attribution"].value - own["motion"].value)
        low, high = own["attribution"].interval
        assert low < own["attribution"].value < high
    assert sum(own["attribution"].value for own in row.estimates.values()) == pytest.approx(1)
    assert summary.largest_gap is None


def test_the_interval_is_that_of_a_bootstrap_over_subjects():
    """With one sample per subject and shares that do not depend on it, the spread is that of a mean."""
    found = rows(range(40), [1] * 40)
    subjects = [f"s{i}" for i in range(40)]
    summary = summarise(found, [1] * 40, [1] * 40, subjects, ["A"] * 40, n=4000)
    row = next(r for r in summary.regions if (r.target, r.kind) == ("true", "u"))
    values = found.attribution[:, 0, 0].astype(np.float64)
    low, high = row.estimates[REGION_NAMES[0]]["attribution"].interval
    assert (high - low) / 2 == pytest.approx(1.96 * values.std() / np.sqrt(40), rel=0.15)


def test_one_subject_has_no_interval_and_no_attribution_no_shares():
    found = rows([0, 1], [0, 0])
    summary = summarise(found, [0, 0], [0, 0], ["a", "a"], ["A", "A"], n=100)
    assert all(
        e.interval is None for r in summary.regions for own in r.estimates.values() for e in own.values()
    )
    still = np.zeros((1, 4, 28, 28), np.float32)
    nothing = Attributions.of_sample("occlusion", 0, [0], still, np.zeros((3, 28, 28), np.float32))
    empty = summarise(nothing, [0], [0], ["a"], ["A"], n=100)
    assert empty.regions == ()
    assert len(empty.means) == 4


def test_a_summary_survives_json():
    summary = summarise(
        rows(range(6), [0, 1, 2] * 2), [0, 1, 2] * 2, [0, 1, 2] * 2, list("abcabc"), ["A"] * 6, n=100
    )
    again = Summary.from_json(json.loads(json.dumps(summary.as_json())))
    assert again.regions == summary.regions
    assert (again.cell, again.databases, again.largest_gap) == (
        summary.cell,
        summary.databases,
        summary.largest_gap,
    )
    for mean, other in zip(again.means, summary.means, strict=True):
        assert (mean.label, mean.samples) == (other.label, other.samples)
        np.testing.assert_allclose(mean.maps, other.maps, atol=1e-3)


def test_coded_units_are_shares_of_the_samples_that_have_some():
    found = rows(range(4), [0] * 4)
    coded = np.full((4, len(REGION_NAMES)), np.nan)
    coded[:3] = 0
    coded[:2, REGION_NAMES.index("nose")] = 1
    summary = summarise(found, [0] * 4, [0] * 4, list("aabb"), ["A"] * 4, n=200, coded=coded)
    row = summary.regions[0]
    assert row.samples == 4
    assert row.estimates["nose"]["coded"].value == pytest.approx(2 / 3)
    assert row.estimates["nose"]["coded"].interval == (0.0, 1.0)
    assert row.estimates["eyes"]["coded"].value == 0
    without = summarise(found, [0] * 4, [0] * 4, list("aabb"), ["A"] * 4, n=200)
    assert "coded" not in without.regions[0].estimates["nose"]
