"""Many configurations: which may be best, and what the choice is worth."""

import numpy as np
import pytest

from models_ml.errors import InputError
from models_ml.evaluation.metrics import unweighted
from models_ml.evaluation.paired import compare
from models_ml.evaluation.ranking import rank
from models_ml.evaluation.uncertainty import subject_bootstrap, subject_confusions

SUBJECTS = [str(i % 20) for i in range(160)]
TRUE = np.random.default_rng(0).integers(3, size=160)


def predictions(seed: int, skill: float) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return np.where(rng.random(160) < skill, TRUE, rng.integers(3, size=160))


def counts(*runs: np.ndarray) -> np.ndarray:
    return np.stack([subject_confusions(TRUE, pred, SUBJECTS) for pred in runs])


def test_scores_and_intervals_equal_those_of_each_run_alone() -> None:
    runs = [predictions(1, 0.3), predictions(2, 0.7)]
    ranked = rank([counts(run) for run in runs]).ranked
    assert [one.index for one in ranked] == [1, 0]
    for one in ranked:
        alone = subject_bootstrap(TRUE, runs[one.index], SUBJECTS)
        assert one.interval == pytest.approx(alone.overall["uf1"], abs=1e-6)
        assert one.score == unweighted(counts(runs[one.index])[0].sum(axis=0))["uf1"]


def test_a_configuration_counts_by_the_mean_of_its_seeds() -> None:
    first, second = predictions(1, 0.5), predictions(2, 0.6)
    [one] = rank([counts(first, second)]).ranked
    alone = [unweighted(counts(run)[0].sum(axis=0))["uf1"] for run in (first, second)]
    assert one.score == pytest.approx(np.mean(alone))


def test_two_configurations_are_distinguished_as_two_runs_are() -> None:
    """With one pair, max-t is the usual interval: the difference ± two standard errors."""
    first, second = predictions(1, 0.5), predictions(2, 0.7)
    [leading, behind] = rank([counts(first), counts(second)]).ranked
    low, high = compare(TRUE, first, second, SUBJECTS).differences["uf1"].interval
    assert leading.behind_interval is None
    assert behind.behind_interval == pytest.approx((low, high), abs=0.02)


def test_chances_of_being_best_sum_to_one_and_are_divided_among_equals() -> None:
    run = predictions(1, 0.5)
    ranked = rank([counts(run), counts(run), counts(predictions(2, 0.5))], n=500).ranked
    assert sum(one.best for one in ranked) == pytest.approx(1)
    chances = {one.index: one.best for one in ranked}
    assert chances[0] == chances[1]


def test_many_equal_configurations_are_not_distinguished_and_the_choice_is_worth_their_mean() -> None:
    """The best of forty equally good runs leads by luck, so its own score is too high."""
    found = rank([counts(predictions(seed, 0.5)) for seed in range(40)])
    scores = [one.score for one in found.ranked]
    assert all(one.may_be_best for one in found.ranked)
    assert found.chosen < scores[0] - 0.03
    assert abs(found.chosen - np.mean(scores)) < scores[0] - np.mean(scores)


def test_a_far_better_configuration_is_distinguished_from_all_others() -> None:
    found = rank([counts(predictions(seed, 0.3)) for seed in range(10)] + [counts(predictions(99, 0.9))])
    assert (found.ranked[0].index, found.ranked[0].best) == (10, 1.0)
    assert not any(one.may_be_best for one in found.ranked[1:])
    assert found.chosen == pytest.approx(found.ranked[0].score, abs=0.02)


@pytest.mark.parametrize(
    ("configurations", "words"),
    [
        ([], "no configuration"),
        (
            [np.ones((1, 4, 3, 3), int), np.ones((1, 5, 3, 3), int)],
            r"only on the same subjects.*\(1, 4, 3, 3\)",
        ),
        ([np.ones((1, 4, 3, 3), int), np.ones((0, 4, 3, 3), int)], "each needs a run"),
        ([np.ones((1, 1, 3, 3), int)], "needs at least two"),
    ],
)
def test_configurations_that_cannot_be_ranked_are_refused(configurations, words) -> None:
    with pytest.raises(InputError, match=words):
        rank(configurations)
