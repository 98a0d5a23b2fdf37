import json

import numpy as np
import pytest
from sklearn.metrics import balanced_accuracy_score, f1_score

from models_ml.errors import InputError
from models_ml.evaluation.metrics import confusion_matrix, evaluate, unweighted
from models_ml.evaluation.uncertainty import subject_bootstrap

# Two folds worked by hand. Pooled TP, FP, FN: negative 4, 1, 1; positive 2, 0, 1; surprise 2, 1, 0.
TRUE = [0, 0, 0, 0, 0, 1, 1, 1, 2, 2]
PRED = [0, 0, 0, 0, 2, 1, 1, 0, 2, 2]
DATABASE = ["casme2"] * 5 + ["smic"] * 5
SUBJECT = list("aaabbcccdd")


def test_pooled_counts_equal_the_hand_worked_example() -> None:
    result = evaluate(TRUE, PRED, DATABASE, SUBJECT)
    assert result.confusion == [[4, 0, 1], [1, 2, 0], [0, 0, 2]]
    assert result.uf1 == pytest.approx((2 * 4 / (2 * 4 + 1 + 1) + 2 * 2 / (2 * 2 + 0 + 1) + 4 / (4 + 1)) / 3)
    assert result.uar == pytest.approx((4 / 5 + 2 / 3 + 2 / 2) / 3)
    assert result.accuracy == 0.8
    positive = result.per_class["positive"]
    assert (positive.precision, positive.recall, positive.support) == (1.0, pytest.approx(2 / 3), 3)


def test_a_mean_over_folds_is_a_different_number() -> None:
    folds = [[i for i, subject in enumerate(SUBJECT) if subject == name] for name in "abcd"]
    by_fold = [
        unweighted(confusion_matrix(np.take(TRUE, fold), np.take(PRED, fold)))["uf1"] for fold in folds
    ]
    assert np.mean(by_fold) != pytest.approx(evaluate(TRUE, PRED, DATABASE, SUBJECT).uf1, abs=0.01)


def test_a_database_is_scored_on_its_own_samples() -> None:
    smic = evaluate(TRUE, PRED, DATABASE, SUBJECT).per_database["smic"]
    assert smic.samples == 5
    assert smic.confusion == [[0, 0, 0], [1, 2, 0], [0, 0, 2]]
    # negative is absent but predicted once: F1 = 0 counts, its recall 0/0 does not
    assert smic.uf1 == pytest.approx((0 + 4 / 5 + 1) / 3)
    assert smic.uar == pytest.approx((2 / 3 + 1) / 2)
    assert smic.per_class["negative"].recall == 0


def test_a_class_neither_present_nor_predicted_is_left_out() -> None:
    result = evaluate([0, 0, 1], [0, 0, 1], ["d"] * 3, ["s"] * 3)
    assert (result.uf1, result.uar) == (1.0, 1.0)
    assert result.per_class["surprise"].f1 == 0


def test_a_class_never_predicted_scores_zero_and_counts() -> None:
    result = evaluate([0, 1, 2], [0, 0, 0], ["d"] * 3, ["s"] * 3)
    assert result.uf1 == pytest.approx((0.5 + 0 + 0) / 3)
    assert result.uar == pytest.approx(1 / 3)


@pytest.mark.parametrize("seed", range(5))
def test_scores_equal_scikit_learns(seed: int) -> None:
    rng = np.random.default_rng(seed)
    true, pred = rng.integers(3, size=(2, 60))
    scores = unweighted(confusion_matrix(true, pred))
    assert scores["uf1"] == pytest.approx(f1_score(true, pred, average="macro"))
    assert scores["uar"] == pytest.approx(balanced_accuracy_score(true, pred))


def test_subjects_are_counted() -> None:
    subject = evaluate(TRUE, PRED, DATABASE, SUBJECT).per_subject["b"]
    assert (subject.samples, subject.correct) == (2, 1)
    assert subject.confusion == [[1, 0, 1], [0, 0, 0], [0, 0, 0]]


def test_an_evaluation_is_plain_json() -> None:
    result = json.loads(json.dumps(evaluate(TRUE, PRED, DATABASE, SUBJECT).to_dict()))
    assert result["per_database"]["casme2"]["per_class"]["negative"]["support"] == 5


@pytest.mark.parametrize(
    ("true", "pred", "words"),
    [
        ([0, 3], [0, 1], "true label 3 of sample 1"),
        ([0, 1], [0, -1], "predicted label -1 of sample 1"),
        ([0, 1], [0.5, 1.0], "predicted labels must be a list of integers"),
        ([0, 1], [0], "2, 1, 2 and 2"),
        ([], [], "0, 0, 2 and 2"),
    ],
)
def test_unusable_labels_are_refused(true: list[int], pred: list[float], words: str) -> None:
    with pytest.raises(InputError, match=words):
        evaluate(true, pred, ["d", "d"], ["s", "t"])


def test_scoring_without_predictions_is_refused() -> None:
    with pytest.raises(InputError, match="no predictions"):
        evaluate([], [], [], [])


def test_the_bootstrap_draws_subjects_not_samples() -> None:
    """With one subject all correct and one all wrong, a resample scores 0, 1/2 or 1."""
    true = [0] * 40
    pred = [0] * 20 + [1] * 20
    low, high = subject_bootstrap(true, pred, ["a"] * 20 + ["b"] * 20).overall["accuracy"]
    assert (low, high) == (0.0, 1.0)


def test_the_bootstrap_equals_a_plain_loop() -> None:
    rng = np.random.default_rng(3)
    true, pred = rng.integers(3, size=(2, 90))
    subjects = rng.integers(9, size=90).astype(str)
    names = np.unique(subjects)
    resampled = []
    for _ in range(2000):
        drawn = np.concatenate([np.flatnonzero(subjects == name) for name in rng.choice(names, len(names))])
        resampled.append(unweighted(confusion_matrix(true[drawn], pred[drawn]))["uf1"])
    expected = np.percentile(resampled, [2.5, 97.5])
    assert subject_bootstrap(true, pred, subjects.tolist()).overall["uf1"] == pytest.approx(
        expected, abs=0.015
    )


def test_a_databases_intervals_come_from_its_part_of_the_same_resamples() -> None:
    """Drawn with the others, a database varies a little more than alone, because its number of subjects varies too."""
    rng = np.random.default_rng(7)
    true, pred = rng.integers(3, size=(2, 240))
    subjects = [f"{i % 40:02}" for i in range(240)]
    databases = ["smic" if name < "20" else "samm" for name in subjects]
    smic = [i for i, name in enumerate(databases) if name == "smic"]
    alone = subject_bootstrap(true[smic], pred[smic], [subjects[i] for i in smic]).overall["uf1"]
    assert subject_bootstrap(true, pred, subjects, databases).per_database["smic"]["uf1"] == pytest.approx(
        alone, abs=0.01
    )


def test_a_score_of_only_one_subject_has_no_interval() -> None:
    found = subject_bootstrap([0, 0, 0, 1], [0, 1, 0, 1], ["a", "a", "b", "b"], ["x", "x", "y", "y"], n=100)
    assert found.overall["accuracy"] is not None
    assert set(found.per_database["x"].values()) == {None}
    assert found.per_class["negative"]["recall"] is not None
    assert found.per_class["positive"]["recall"] is None
    assert subject_bootstrap([0, 1], [0, 1], ["a", "a"], n=100).overall["uf1"] is None


def test_the_bootstrap_is_reproducible() -> None:
    true, pred = np.random.default_rng(5).integers(3, size=(2, 60))
    arguments = (true, pred, [str(i % 12) for i in range(60)])
    assert subject_bootstrap(*arguments, n=500) == subject_bootstrap(*arguments, n=500)
    assert subject_bootstrap(*arguments, n=500, seed=1) != subject_bootstrap(*arguments, n=500, seed=2)


def test_the_bootstrap_refuses_labels_without_subjects_or_databases() -> None:
    with pytest.raises(InputError, match="2 labels and 1 subjects"):
        subject_bootstrap([0, 1], [0, 1], ["a"])
    with pytest.raises(InputError, match="2 labels and 1 databases"):
        subject_bootstrap([0, 1], [0, 1], ["a", "b"], ["x"])
