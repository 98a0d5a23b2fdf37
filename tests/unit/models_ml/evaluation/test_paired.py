"""Two runs compared, against a plain loop and by hand."""

import numpy as np
import pytest

from models_ml.errors import InputError
from models_ml.evaluation.metrics import confusion_matrix, unweighted
from models_ml.evaluation.paired import compare, compare_with_first, holm, mcnemar

SUBJECTS = [str(i % 12) for i in range(96)]


@pytest.fixture
def runs() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return true labels, a run that is correct half of the time, and one that is correct more often."""
    rng = np.random.default_rng(4)
    true = rng.integers(3, size=96)
    guess = rng.integers(3, size=(2, 96))
    return (
        true,
        np.where(rng.random(96) < 0.4, true, guess[0]),
        np.where(rng.random(96) < 0.6, true, guess[1]),
    )


def test_the_interval_equals_a_plain_loop_over_drawn_subjects(runs) -> None:
    true, first, second = runs
    names, own = np.unique(SUBJECTS), np.asarray(SUBJECTS)
    rng = np.random.default_rng(9)
    drawn = []
    for _ in range(2000):
        rows = np.concatenate([np.flatnonzero(own == name) for name in rng.choice(names, len(names))])
        scores = [unweighted(confusion_matrix(true[rows], pred[rows]))["uf1"] for pred in (first, second)]
        drawn.append(scores[1] - scores[0])
    uf1 = compare(true, first, second, SUBJECTS).differences["uf1"]
    assert uf1.interval == pytest.approx(np.percentile(drawn, [2.5, 97.5]), abs=0.02)
    assert uf1.p == pytest.approx(2 * np.mean(np.asarray(drawn) <= 0), abs=0.02)


def test_exchanging_the_runs_changes_the_signs_and_not_p(runs) -> None:
    true, first, second = runs
    one, other = compare(true, first, second, SUBJECTS), compare(true, second, first, SUBJECTS)
    for name, difference in one.differences.items():
        assert other.differences[name].value == -difference.value
        assert other.differences[name].interval == pytest.approx([-end for end in difference.interval[::-1]])
        assert other.differences[name].p == difference.p
    assert (other.mcnemar.only_first, other.mcnemar.p) == (one.mcnemar.only_second, one.mcnemar.p)


def test_a_run_does_not_differ_from_itself(runs) -> None:
    true, first, _ = runs
    paired = compare(true, first, first, SUBJECTS, n=100)
    assert {(d.value, d.interval, d.p) for d in paired.differences.values()} == {(0.0, (0.0, 0.0), 1.0)}
    assert paired.mcnemar.p == 1


def test_mcnemars_exact_p_equals_the_hand_worked_example() -> None:
    """1 and 5: twice the chance of at most one head in six throws, 2 · (1 + 6) / 64."""
    found = mcnemar([True] + [False] * 5 + [True] * 9, [False] + [True] * 5 + [True] * 9)
    assert (found.only_first, found.only_second, found.p) == (1, 5, pytest.approx(14 / 64))


def test_holms_adjustment_equals_the_hand_worked_example() -> None:
    assert holm([0.02, 0.005, 0.3]) == pytest.approx([0.04, 0.015, 0.3])
    assert holm([]) == []


@pytest.mark.parametrize(
    ("second", "subjects", "words"),
    [
        ([0, 1], ["a", "b", "c"], "3 true labels, 3 predictions of the first run and 2 of another"),
        ([0, 1, 2], ["a", "a", "a"], "at least two subjects; these predictions are of one"),
        ([0, 1, 3], ["a", "b", "c"], "predicted label 3"),
        ([0, 1, 2], ["a", "b"], "3 labels and 2 subjects"),
    ],
)
def test_runs_that_cannot_be_compared_are_refused(second, subjects, words) -> None:
    with pytest.raises(InputError, match=words):
        compare([0, 1, 2], [0, 1, 2], second, subjects)


def test_runs_compared_together_give_the_same_as_one_by_one() -> None:
    rng = np.random.default_rng(1)
    true, *runs = rng.integers(3, size=(5, 60))
    subjects = [f"s{i % 8}" for i in range(60)]
    together = compare_with_first(true, runs[0], runs[1:], subjects, n=500)
    assert together == [compare(true, runs[0], run, subjects, n=500) for run in runs[1:]]
