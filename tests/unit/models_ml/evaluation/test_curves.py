"""Curves and calibration, against scikit-learn and a plain loop."""

import json
from dataclasses import asdict

import numpy as np
import pytest
from sklearn import metrics
from sklearn.calibration import calibration_curve

from models_ml.classes import CLASSES
from models_ml.errors import InputError
from models_ml.evaluation.calibration import BINS, Calibration, brier_score, calibration_of
from models_ml.evaluation.curves import (
    Curves,
    average_precision,
    curves_of,
    precision_recall_curve,
    roc_auc,
    roc_curve,
)

SUBJECTS = [f"s{i % 12:02}" for i in range(96)]
DATABASES = ["casme2" if i % 12 < 6 else "smic" for i in range(96)]


def predictions(seed: int, digits: int = 6) -> tuple[np.ndarray, np.ndarray]:
    """Return true labels and probabilities. Few digits make ties."""
    rng = np.random.default_rng(seed)
    true = rng.integers(3, size=96)
    logits = rng.normal(size=(96, 3)) + 1.2 * np.eye(3)[true]
    table = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    return true, table.round(digits)


@pytest.mark.parametrize("digits", [6, 1])
@pytest.mark.parametrize("seed", range(3))
def test_curves_and_areas_equal_scikit_learns(seed: int, digits: int) -> None:
    true, table = predictions(seed, digits)
    for position in range(3):
        positive, scores = true == position, table[:, position]
        theirs = metrics.roc_curve(positive, scores, drop_intermediate=False)
        for own, other in zip(roc_curve(positive, scores), theirs, strict=True):
            assert own == pytest.approx(other)
        precision, recall, thresholds = metrics.precision_recall_curve(positive, scores)
        own = precision_recall_curve(positive, scores)
        assert own.recall[::-1] == pytest.approx(recall[:-1])
        assert own.precision[::-1] == pytest.approx(precision[:-1])
        assert own.thresholds[::-1] == pytest.approx(thresholds)
        assert roc_auc(positive, scores) == pytest.approx(metrics.roc_auc_score(positive, scores))
        assert average_precision(positive, scores) == pytest.approx(
            metrics.average_precision_score(positive, scores)
        )


def test_the_macro_mean_equals_scikit_learns_and_is_the_area_below_its_curve() -> None:
    true, table = predictions(3)
    found = curves_of(true, table, SUBJECTS, DATABASES, n=50)
    macro = found.areas["macro"]
    table = table / table.sum(axis=1, keepdims=True)
    assert macro.auc.value == pytest.approx(metrics.roc_auc_score(true, table, multi_class="ovr"), abs=1e-3)
    onehot = np.eye(3)[true]
    assert macro.average_precision.value == pytest.approx(
        metrics.average_precision_score(onehot, table), abs=1e-3
    )
    x, y = found.roc["macro"]
    assert np.trapezoid(y, x) == pytest.approx(macro.auc.value, abs=1e-4)
    recall, precision = found.precision_recall["macro"]
    assert np.diff(recall, prepend=0) @ precision == pytest.approx(macro.average_precision.value, abs=1e-4)
    for name in CLASSES:
        assert np.trapezoid(*found.roc[name][::-1]) == pytest.approx(found.areas[name].auc.value, abs=1e-4)


def test_intervals_equal_a_plain_loop_over_drawn_subjects() -> None:
    true, table = predictions(4, digits=2)
    found = curves_of(true, table, SUBJECTS, DATABASES, n=4000)
    rng, own = np.random.default_rng(1), np.asarray(SUBJECTS)
    names, drawn = np.unique(own), []
    for _ in range(1500):
        rows = np.concatenate([np.flatnonzero(own == name) for name in rng.choice(names, len(names))])
        positive, scores = true[rows] == 1, table[rows, 1]
        drawn.append(
            (metrics.roc_auc_score(positive, scores), metrics.average_precision_score(positive, scores))
        )
    auc, ap = np.percentile(drawn, [2.5, 97.5], axis=0).T
    assert found.areas["positive"].auc.interval == pytest.approx(auc, abs=0.012)
    assert found.areas["positive"].average_precision.interval == pytest.approx(ap, abs=0.02)


def test_a_database_has_the_areas_of_its_own_samples() -> None:
    true, table = predictions(5)
    rows = np.asarray(DATABASES) == "smic"
    found = curves_of(true, table, SUBJECTS, DATABASES, n=50).per_database["smic"]
    for position, name in enumerate(CLASSES):
        expected = metrics.roc_auc_score(true[rows] == position, table[rows, position])
        assert found[name].auc.value == pytest.approx(expected)
        assert found[name].samples == (true[rows] == position).sum()


def test_a_class_without_samples_has_no_area_and_is_left_out_of_the_mean() -> None:
    true, table = predictions(6)
    true = np.where(true == 2, 0, true)
    found = curves_of(true, table, SUBJECTS, DATABASES, n=50)
    assert found.areas["surprise"].auc.value is found.areas["surprise"].average_precision.interval is None
    assert "surprise" not in found.roc
    own = [found.areas[name].auc.value for name in ("negative", "positive")]
    assert found.areas["macro"].auc.value == pytest.approx(np.mean(own))


def test_one_class_alone_has_no_curve_at_all() -> None:
    found = curves_of([1, 1], [[0.2, 0.6, 0.2]] * 2, ["a", "b"], ["d"] * 2, n=50)
    assert found.roc == {}
    assert found.areas["macro"].auc.value is None


def test_subjects_with_one_sample_each_and_a_single_subject() -> None:
    true, table = [0, 1, 2, 0], np.full((4, 3), 1 / 3)
    alike = curves_of(true, table, list("abcd"), ["d"] * 4, n=200).areas
    assert alike["negative"].auc.value == 0.5
    assert alike["negative"].auc.interval == (0.5, 0.5)
    assert alike["positive"].auc.interval is None  # one subject shows it
    single = curves_of(true, table, ["a"] * 4, ["d"] * 4, n=50).areas
    assert single["macro"].auc.interval is None


def test_brier_equals_scikit_learns() -> None:
    true, table = predictions(7)
    table = table / table.sum(axis=1, keepdims=True)
    assert brier_score(true, table) == pytest.approx(
        metrics.brier_score_loss(true, table, labels=[0, 1, 2], scale_by_half=False)
    )


def test_the_reliability_diagram_equals_scikit_learns() -> None:
    true, table = predictions(8)
    pred = table.argmax(axis=1)
    found = calibration_of(true, pred, table, SUBJECTS, DATABASES, n=50)
    accuracy, confidence = calibration_curve(true == pred, table.max(axis=1), n_bins=BINS)
    filled = [one for one in found.bins if one.samples]
    assert [one.accuracy for one in filled] == pytest.approx(accuracy)
    assert [one.confidence for one in filled] == pytest.approx(confidence)
    assert sum(one.samples for one in found.bins) == 96
    by_hand = sum(one.samples * abs(one.accuracy - one.confidence) for one in filled) / 96
    assert found.ece == pytest.approx(by_hand)


def test_calibration_of_databases_and_its_intervals() -> None:
    true, table = predictions(9)
    pred = table.argmax(axis=1)
    found = calibration_of(true, pred, table, SUBJECTS, DATABASES, n=4000)
    rows = np.asarray(DATABASES) == "smic"
    assert found.per_database["smic"].brier == pytest.approx(brier_score(true[rows], table[rows]))
    own = ((table - np.eye(3)[true]) ** 2).sum(axis=1).reshape(8, 12).mean(axis=0)  # subjects of equal size
    drawn = np.random.default_rng(2).choice(own, (4000, 12)).mean(axis=1)
    assert found.brier_interval == pytest.approx(np.percentile(drawn, [2.5, 97.5]), abs=0.01)


def test_the_predicted_class_counts_even_if_another_is_more_likely() -> None:
    """Predictions of other code may come from a rule of their own."""
    found = calibration_of([0], [1], [[0.7, 0.25, 0.05]], ["a"], ["d"], n=10)
    [filled] = [one for one in found.bins if one.samples]
    assert (filled.low, filled.confidence, filled.accuracy, filled.interval) == (0.2, 0.25, 0.0, None)
    assert found.brier_interval is None


def test_both_survive_json() -> None:
    true, table = predictions(10)
    curves = curves_of(true, table, SUBJECTS, DATABASES, n=50)
    found = calibration_of(true, table.argmax(axis=1), table, SUBJECTS, DATABASES, n=50)
    again = Curves.from_dict(json.loads(json.dumps(asdict(curves))))
    assert again.areas == curves.areas
    assert again.roc == curves.roc
    assert Calibration.from_dict(json.loads(json.dumps(asdict(found)))) == found


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([[0.5, 0.5, 0.0]], "2 samples and probabilities of 1"),
        ([[0.5, 0.5, 0.0], []], "Sample 1 has no probabilities of the 3 classes"),
        ([[0.5, 0.5, 0.0], None], "Sample 1 has no probabilities of the 3 classes"),
        ([[0.5, 0.5, 0.0], [0.1, "a", 0.2]], "must be numbers"),
        ([[0.5, 0.5, 0.0], [0.1, 1.2, 0.2]], "probability of positive of sample 1 is 1.2"),
        ([[0.5, 0.5, 0.0], [0.1, float("nan"), 0.2]], "probability of positive of sample 1 is nan"),
    ],
)
def test_rows_that_are_not_probabilities_are_refused(rows, words) -> None:
    with pytest.raises(InputError, match=words):
        curves_of([0, 1], rows, ["a", "b"], ["d", "d"])
    with pytest.raises(InputError, match=words):
        calibration_of([0, 1], [0, 1], rows, ["a", "b"], ["d", "d"])


def test_no_samples_and_different_lengths_are_refused() -> None:
    with pytest.raises(InputError, match="no predictions"):
        curves_of([], [], [], [])
    with pytest.raises(InputError, match="no predictions"):
        calibration_of([], [], [], [], [])
    with pytest.raises(InputError, match="1 labels, 2 subjects and 1 databases"):
        curves_of([0], [[1, 0, 0]], ["a", "b"], ["d"])
    with pytest.raises(InputError, match="needs samples of the class and of other classes"):
        roc_curve([True, True], [0.1, 0.2])
