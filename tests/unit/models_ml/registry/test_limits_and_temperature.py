"""Limits of a model's training data, the threshold of the spotter, and temperature scaling."""

import numpy as np
import pytest

from models_ml.errors import InputError
from models_ml.registry.limits import limits_of, threshold_of, warnings_of
from models_ml.registry.temperature import calibrated, fit_temperature


def drawn(temperature: float, count: int = 4000) -> tuple[list[int], np.ndarray]:
    """Labels that follow softmax(logits), and probabilities of a network whose logits are ``temperature`` times as large."""
    random = np.random.default_rng(1)
    logits = random.normal(scale=1.5, size=(count, 3))
    true = calibrated(np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True), 1.0)
    labels = [int(random.choice(3, p=row)) for row in true]
    return labels, calibrated(true, 1 / temperature)


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.5])
def test_the_temperature_of_a_network_that_is_too_sure_is_found_again(temperature):
    labels, probabilities = drawn(temperature)
    assert fit_temperature(labels, probabilities) == pytest.approx(temperature, rel=0.08)


def test_it_lowers_the_negative_log_likelihood_and_keeps_the_order():
    labels, probabilities = drawn(3.0, 300)
    found = fit_temperature(labels, probabilities)
    after = calibrated(probabilities, found)
    rows = np.arange(len(labels))
    assert -np.log(after[rows, labels]).mean() < -np.log(probabilities[rows, labels]).mean()
    assert (after.argmax(axis=1) == probabilities.argmax(axis=1)).all()


def test_few_predictions_have_no_temperature_and_perfect_ones_a_bounded_one():
    assert fit_temperature([0] * 19, [[1.0, 0, 0]] * 19) is None
    assert fit_temperature([0] * 30, [[0.6, 0.2, 0.2]] * 30) == pytest.approx(0.1, abs=0.01)
    assert 9 < fit_temperature([0, 1, 2] * 20, [[0.9, 0.1, 0.0], [0.9, 0.1, 0.0], [0.9, 0.1, 0.0]] * 20) <= 10
    with pytest.raises(InputError):
        fit_temperature([0], [[2.0, 0, 0]])


def test_training_samples_themselves_are_never_flagged():
    random = np.random.default_rng(0)
    fps, faces, motions = random.uniform(25, 200, 50), random.uniform(80, 300, 50), random.gamma(2, 1, 50)
    limits = limits_of(fps, faces, motions)
    for values in zip(fps, faces, motions, strict=True):
        assert not warnings_of(limits, fps=values[0], face_size=values[1], motion=values[2])
    assert [w["code"] for w in warnings_of(limits, fps=1000, face_size=10, motion=100)] == [
        "fps_out_of_range",
        "face_size_out_of_range",
        "motion_out_of_range",
    ]


def test_what_is_not_known_is_not_flagged():
    assert not warnings_of({}, fps=1, face_size=1, motion=1)
    limits = limits_of([], [], [])
    assert (limits["fps"], limits["no_expression_below"]) == (None, 0.5)
    assert not warnings_of(limits, fps=1)


def test_the_threshold_separates_expressions_from_rest():
    found = threshold_of(np.linspace(0.5, 1, 40), np.linspace(0, 0.3, 40))
    assert found.value == pytest.approx(0.4)
    assert (found.found, found.rejected) == (1.0, 1.0)
    assert "Youden" in found.rule


def test_without_clips_at_rest_the_threshold_misses_few_expressions():
    low = threshold_of([0.1, *np.linspace(0.3, 1, 39)], [0.2])
    assert low.value <= 0.5
    assert low.found >= 0.95
    assert "fewer than 10" in low.rule
    assert threshold_of([0.9] * 30, []).value == 0.5
