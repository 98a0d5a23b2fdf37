"""Configurations with several seeds, against a mixed model of statsmodels and data with a known difference."""

import numpy as np
import pytest

from models_ml.errors import InputError
from models_ml.evaluation.metrics import unweighted
from models_ml.evaluation.seeds import _influences, compare_configurations, seed_means
from tests.unit.models_ml.evaluation.seed_data import drawn, true_score


def test_the_standard_error_equals_that_of_a_mixed_model() -> None:
    """Of statsmodels 0.14: MixedLM, restricted maximum likelihood, of each run's score plus the subjects' influences.

    ``y ~ configuration`` with random effects of subject, subject in configuration, and run.
    """
    first, second = drawn(15, subjects=20, seeds=3, skills=(1.2, 1.5), deviation=0.15)
    [found] = compare_configurations(first, [second])
    assert found["uf1"].value == pytest.approx(0.08331318374673187)
    assert found["uf1"].error == pytest.approx(0.04281272641857283, abs=1e-6)


@pytest.mark.parametrize("deviation", [0.3, 0.0])
def test_intervals_hold_the_true_difference_in_about_95_of_100_studies(deviation: float) -> None:
    skills, studies = (1.2, 1.5), 200
    low, high = (true_score(skill, deviation) for skill in skills)
    held, held_mean, one_seed = 0, 0, 0
    for seed in range(studies):
        first, second = drawn(seed, subjects=40, seeds=3, skills=skills, deviation=deviation)
        start, end = compare_configurations(first, [second])[0]["uf1"].interval
        held += start <= high - low <= end
        start, end = seed_means(first)["uf1"].interval
        held_mean += start <= low <= end
        # What ignores seeds: the difference of two runs, over subjects only.
        influence = _influences(second[:1])["uf1"][0] - _influences(first[:1])["uf1"][0]
        error = 1.96 * np.sqrt((influence**2).sum() / (40 * 39))
        value = unweighted(second[0].sum(axis=0))["uf1"] - unweighted(first[0].sum(axis=0))["uf1"]
        one_seed += abs(value - (high - low)) <= error
    assert 0.91 <= held / studies <= 0.99
    assert 0.91 <= held_mean / studies <= 0.99
    if deviation:
        assert one_seed / studies < 0.7


def test_influences_are_derivatives_and_sum_to_zero() -> None:
    [counts] = drawn(3, subjects=12, seeds=2, skills=(1.0,), deviation=0.3)
    step = 1e-6
    for name, found in _influences(counts).items():
        assert found.sum(axis=1) == pytest.approx(0, abs=1e-9)
        for subject in (0, 7):
            weights = np.ones(12)
            weights[subject] += step
            moved = unweighted((counts * weights[:, None, None]).sum(axis=1))[name]
            slope = (moved - unweighted(counts.sum(axis=1))[name]) / step
            assert found[:, subject] == pytest.approx(12 * slope, abs=1e-3)


def test_exchanging_the_configurations_changes_the_signs_only() -> None:
    first, second = drawn(4, subjects=15, seeds=4, skills=(1.0, 1.3), deviation=0.2)
    [one], [other] = compare_configurations(first, [second]), compare_configurations(second, [first])
    for name, own in one.items():
        assert other[name].value == pytest.approx(-own.value)
        assert other[name].interval == pytest.approx([-end for end in own.interval[::-1]])
        assert other[name].p == pytest.approx(own.p)


def test_numbers_of_seeds_may_differ_and_more_seeds_make_narrower_intervals() -> None:
    few, many = (drawn(6, 40, seeds, (1.0, 1.4), 0.4) for seeds in (2, 12))
    wide, narrow = (compare_configurations(*[few, many][i][:1], [many[1]])[0]["uf1"] for i in (0, 1))
    assert np.ptp(narrow.interval) < np.ptp(wide.interval)
    assert 0 < narrow.seed_share < wide.seed_share < 1


def test_seeds_that_agree_add_nothing() -> None:
    [one] = drawn(7, 30, 1, (1.2,), 0.0)
    alike = np.repeat(one, 3, axis=0)
    found = seed_means(alike)["uf1"]
    assert found.deviation == pytest.approx(0)
    [same] = compare_configurations(alike, [alike])
    assert (same["uf1"].value, same["uf1"].interval, same["uf1"].p, same["uf1"].seed_share) == (
        0.0,
        (0.0, 0.0),
        1.0,
        0.0,
    )


def test_a_class_that_does_not_occur_is_left_out() -> None:
    counts = np.zeros((2, 3, 3, 3), dtype=int)
    counts[0, :, 0, 0], counts[0, :, 1, 1] = [3, 2, 4], [2, 2, 2]
    counts[1, :, 0, 0], counts[1, :, 1, 0] = [3, 2, 4], [2, 2, 2]
    means = seed_means(counts)
    assert means["uf1"].value == pytest.approx(np.mean(unweighted(counts.sum(axis=1))["uf1"]))
    assert np.isfinite(means["uf1"].interval).all()


@pytest.mark.parametrize(
    ("shapes", "words"),
    [
        (((1, 4), (2, 4)), "at least two seeds"),
        (((2, 4), (2, 5)), "only on the same subjects"),
        (((2, 1), (2, 1)), "at least two subjects"),
    ],
)
def test_configurations_that_cannot_be_compared_are_refused(shapes, words) -> None:
    first, second = (np.ones((*shape, 3, 3), dtype=int) for shape in shapes)
    with pytest.raises(InputError, match=words):
        compare_configurations(first, [second])
