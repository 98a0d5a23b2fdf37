"""Baselines that are not trained by gradient."""

from typing import Any

import numpy as np
import pytest

from models_ml.checking.cases import LABELS, configured, data, folds_of, motion, trained
from models_ml.config import RunConfig
from models_ml.training.classical import fit
from models_ml.training.engine import Cancelled, FoldResult, FoldTask, TrainingData, fit_all, train_bundle
from models_ml.training.folds import FoldSpec
from models_ml.training.model import TrainedModel

HOOF = {"name": "hoof_svm", "grid": 3}
MAJORITY = {"name": "majority"}


def test_the_majority_class_counts_training_samples_only() -> None:
    config = configured(MAJORITY)
    fold = FoldSpec("rest", train=(0, 1, 2, 4, 7), test=(3, 5), validation=(8,))  # labels 0 1 2 1 0, and 1
    [result] = train_bundle(data(), [fold], [FoldTask(config, fold)])
    assert isinstance(result, FoldResult)
    assert np.allclose(result.probabilities, np.array([3, 4, 2]) / 9)
    assert result.losses == result.validation_losses == []
    assert (result.epoch, result.oracle) == (0, None)


def test_the_machine_distinguishes_motions() -> None:
    config = configured(HOOF)
    for fold, result in zip(folds_of(config), trained(data(), config, folds_of(config)), strict=True):
        assert (result.probabilities.argmax(axis=1) == LABELS[list(fold.test)]).all()
        assert np.allclose(result.probabilities.sum(axis=1), 1)


def test_the_weights_equal_the_machine_on_standardised_histograms() -> None:
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    from sklearn.svm import LinearSVC
    from torch import from_numpy

    from models_ml.nets.hoof_svm.network import histograms

    model = fit(configured(HOOF), motion(0, LABELS), LABELS)
    counts = histograms(from_numpy(motion(0, LABELS)), 3, 8).double().numpy()
    machine = LinearSVC(C=0.01, dual=False, class_weight="balanced")
    reference = make_pipeline(StandardScaler(), machine).fit(counts, LABELS)
    other = from_numpy(motion(5, LABELS))
    expected = reference.decision_function(histograms(other, 3, 8).double().numpy())
    assert np.allclose(model.network(other)[:, 0].detach().numpy(), expected, atol=1e-4)


@pytest.mark.parametrize("present", [[0, 2], [1]])
def test_a_class_without_training_samples_is_never_predicted(present: list[int]) -> None:
    rows = np.isin(LABELS, present)
    model = fit(configured(HOOF), motion(0, LABELS)[rows], LABELS[rows])
    predicted = model.predict(motion(1, LABELS))
    assert set(predicted.argmax(axis=1)) <= set(present)
    if len(present) == 2:
        assert (predicted.argmax(axis=1) == LABELS)[rows].all()


@pytest.mark.parametrize("net", [HOOF, MAJORITY])
def test_a_fitted_network_is_a_model_like_any_other(net: dict[str, Any]) -> None:
    config = configured(net, ensemble=2)
    model = fit_all(data(), config)
    loaded = TrainedModel.load_bytes(model.save_bytes())
    assert loaded.predict(motion(3, LABELS)).tobytes() == model.predict(motion(3, LABELS)).tobytes()


def test_class_weights_are_those_of_the_training_settings() -> None:
    rng = np.random.default_rng(0)
    labels = np.array([0] * 30 + [1] * 4 + [2] * 4)
    noise = TrainingData(rng.normal(size=(38, 3, 16, 16)).astype(np.float32), labels, ["s"] * 38)
    plain, balanced = (
        fit_all(noise, configured(HOOF, {"class_weights": weights})).predict(noise.features).mean(axis=0)
        for weights in ("none", "balanced")
    )
    assert plain[0] > balanced[0]


def test_fitting_stops_before_the_next_fold_when_asked() -> None:
    config: RunConfig = configured(MAJORITY)
    folds, asked = folds_of(config), []

    def should_stop() -> bool:
        asked.append(1)
        return len(asked) == 3

    with pytest.raises(Cancelled, match="before fold s2"):
        train_bundle(data(), folds, [FoldTask(config, fold) for fold in folds], should_stop=should_stop)
