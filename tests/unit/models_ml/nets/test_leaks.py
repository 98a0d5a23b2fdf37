"""Held-out samples influence nothing, in any network and protocol; and the same seed gives the same bits."""

from typing import Any

import numpy as np
import pytest

from models_ml.training.engine import TrainingData
from tests.unit.models_ml.nets.cases import (
    BY_GRADIENT,
    LABELS,
    NAMES,
    batch_normalised,
    configured,
    data,
    folds_of,
    label,
    trained,
)

PROTOCOLS = [
    pytest.param({"protocol": "loso"}, marks=pytest.mark.every_cpu),
    {"protocol": "lodo"},
    {"protocol": "kfold", "folds": 3},
    {"protocol": "cross", "train_on": ["A"], "test_on": ["B"]},
]
SETTINGS: dict[str, dict[str, Any]] = {
    "validation": {"epoch_choice": "validation", "validation_share": 0.4},
    "balanced": {"sampling": "balanced"},
    "mixup": {"mixup": 0.4, "shift": 0.1, "rotate": 10, "amplitude": 0.3},
    "average": {"ema": 0.5, "oracle": True, "loss": "focal"},
}


def changed(held_out: tuple[int, ...]) -> TrainingData:
    """Return the data with the ``held_out`` samples replaced by noise with random labels."""
    rng = np.random.default_rng(8)
    features, labels, rows = data().features.copy(), LABELS.copy(), list(held_out)
    features[rows] = rng.normal(scale=50, size=features[rows].shape)
    labels[rows] = rng.integers(3, size=len(rows))
    return data(features, labels)


def check_held_out_samples_influence_nothing(
    net: dict[str, Any], train: dict[str, Any], protocol: dict[str, Any]
) -> None:
    """Train a fold twice, bundled with a second fold that trains on its held-out samples, and compare the bits."""
    config = configured(net, train, **protocol)
    folds = folds_of(config)[:2]
    honest = trained(data(), config, folds)[0]
    again = trained(changed(folds[0].test), config, folds)[0]
    assert again.model.save_bytes() == honest.model.save_bytes()
    assert again.losses == honest.losses
    assert again.validation_losses == honest.validation_losses
    assert again.epoch == honest.epoch
    if net["name"] != "majority":
        assert not np.array_equal(again.probabilities, honest.probabilities)


@pytest.mark.parametrize("protocol", PROTOCOLS, ids=lambda protocol: protocol["protocol"])
@pytest.mark.parametrize("net", batch_normalised(NAMES), ids=label)
def test_nothing_leaks_under_any_protocol(net: dict[str, Any], protocol: dict[str, Any]) -> None:
    check_held_out_samples_influence_nothing(net, {"epochs": 1}, protocol)


@pytest.mark.parametrize("setting", SETTINGS)
@pytest.mark.parametrize("net", batch_normalised(BY_GRADIENT), ids=label)
def test_nothing_leaks_under_any_setting(net: dict[str, Any], setting: str) -> None:
    check_held_out_samples_influence_nothing(net, SETTINGS[setting], {"protocol": "loso"})


@pytest.mark.every_cpu
@pytest.mark.parametrize("net", batch_normalised(NAMES), ids=label)
def test_the_same_seed_gives_the_same_bits(net: dict[str, Any]) -> None:
    config = configured(net, SETTINGS["mixup"])
    folds = folds_of(config)[:2]
    first, second = (trained(data(), config, folds) for _ in range(2))
    for one, other in zip(first, second, strict=True):
        assert one.model.save_bytes() == other.model.save_bytes()
        assert one.probabilities.tobytes() == other.probabilities.tobytes()
