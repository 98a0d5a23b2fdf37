"""The simulation of labelling doubtful predictions first, compared with labelling it step by step."""

import numpy as np
import pytest

from models_ml.errors import InputError
from models_ml.evaluation.active import SHARE, doubt, labels_needed, simulate


def step_by_step(doubts, wrong, share, rng) -> int:
    """Label one after the other, ties in a random order, until the share is found."""
    shuffled = rng.permutation(len(doubts))
    order = shuffled[np.argsort(-doubts[shuffled], kind="stable")]
    target = np.ceil(share * wrong.sum() - 1e-9)
    return int(np.argmax(np.cumsum(wrong[order]) >= target)) + 1


def predictions(n=300, subjects=30, informative=True, seed=0):
    """Probabilities that are as reliable as they say, or (not informative) whose errors have nothing to do with them."""
    rng = np.random.default_rng(seed)
    probabilities = rng.dirichlet([0.7] * 3, n)
    predicted = probabilities.argmax(axis=1)
    true = np.array([rng.choice(3, p=row) for row in probabilities])
    wrong = (predicted != true) if informative else rng.random(n) < 0.3
    return probabilities, wrong, [f"s{i % subjects}" for i in range(n)]


@pytest.mark.parametrize("share", [0.1, 0.5, SHARE, 1.0])
def test_the_number_of_labels_is_that_of_labelling_one_after_the_other(share):
    rng = np.random.default_rng(1)
    probabilities, wrong, _ = predictions(60)
    for doubts in doubt(probabilities).values():
        assert labels_needed(doubts, wrong, share) == step_by_step(doubts, wrong, share, rng)
    tied = np.round(doubt(probabilities)["entropy"], 1)
    mean = np.mean([step_by_step(tied, wrong, share, rng) for _ in range(4000)])
    assert labels_needed(tied, wrong, share) == pytest.approx(mean, abs=0.35)


def test_doubt_saves_labels_where_probabilities_are_reliable():
    probabilities, wrong, subjects = predictions()
    found = simulate([(probabilities, wrong)], subjects)
    for saving in found.savings.values():
        assert saving.saved > 0.1
        assert saving.saved_interval[0] > 0
        assert saving.by_doubt_interval[0] <= saving.by_doubt <= saving.by_doubt_interval[1]


def test_doubt_that_knows_nothing_saves_nothing():
    saved = []
    covered = 0
    for seed in range(30):
        probabilities, wrong, subjects = predictions(120, informative=False, seed=seed)
        saving = simulate([(probabilities, wrong)], subjects).savings["entropy"]
        saved.append(saving.saved)
        covered += saving.saved_interval[0] <= 0 <= saving.saved_interval[1]
    assert abs(np.mean(saved)) < 0.05
    assert covered >= 24


def test_seeds_are_averaged_and_listed():
    first, second = predictions(seed=0), predictions(seed=1)
    found = simulate([first[:2], second[:2]], first[2])
    saving = found.savings["margin"]
    assert saving.by_doubt == pytest.approx(np.mean(saving.per_seed))
    assert len(saving.per_seed) == 2
    assert found.wrong == (first[1].sum() + second[1].sum()) / 2


def test_what_cannot_be_simulated_is_said():
    probabilities, wrong, subjects = predictions(12)
    assert simulate([(probabilities, np.zeros(12, bool))], subjects) is None
    assert simulate([(probabilities, wrong)], ["one"] * 12).savings["entropy"].saved_interval is None
    with pytest.raises(InputError):
        simulate([], subjects)
    with pytest.raises(InputError):
        simulate([(probabilities, wrong)], subjects[:5])
