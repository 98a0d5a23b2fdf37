"""Networks that are trained side by side equal networks that are trained one by one.

Weights are compared with SGD. Adam divides a gradient by its own size. Where the gradient is zero except for rounding, as
for a bias that a normalisation cancels, Adam's steps consist of rounding, which changes no prediction.
"""

from typing import Any

import numpy as np
import pytest
import torch

from models_ml.training.members import tensors
from tests.unit.models_ml.nets.cases import (
    BY_GRADIENT,
    batch_normalised,
    configured,
    data,
    folds_of,
    label,
    trained,
    variants,
)

# Batch norm divides rounding by small deviations: with the AVX2 kernels of an Intel Xeon, a weight of Dual-Inception differs
# by 2.9e-5, while probabilities differ by 7e-7.
WEIGHT_TOLERANCE = 1e-4
PLAIN = {"flip": False}
AUGMENTED = {"flip": True, "shift": 0.1, "rotate": 10, "amplitude": 0.3, "mixup": 0.4}
SETTINGS = [
    pytest.param(PLAIN, 0.0, id="plain", marks=pytest.mark.every_cpu),
    pytest.param(AUGMENTED, 0.4, id="augmented-dropout"),
]


@pytest.mark.parametrize(("augmentation", "dropout"), SETTINGS)
@pytest.mark.parametrize("net", variants(BY_GRADIENT), ids=label)
def test_a_bundle_equals_its_folds_trained_one_by_one(
    net: dict[str, Any], augmentation: dict[str, Any], dropout: float
) -> None:
    sgd = {"optimizer": "sgd", "learning_rate": 0.01}
    config = configured({**net, "dropout": dropout}, {**augmentation, **sgd})
    folds = folds_of(config)[:2]
    bundled = trained(data(), config, folds)
    alone = [trained(data(), config, [fold])[0] for fold in folds]
    for one, other in zip(bundled, alone, strict=True):
        weights = dict(tensors(other.model.network))
        for name, tensor in tensors(one.model.network):
            assert torch.allclose(tensor, weights[name], rtol=0, atol=WEIGHT_TOLERANCE), name
        assert np.array_equal(one.probabilities.argmax(axis=1), other.probabilities.argmax(axis=1))
        assert np.allclose(one.probabilities, other.probabilities, rtol=0, atol=1e-5)
        assert one.losses == pytest.approx(other.losses, abs=1e-5)


@pytest.mark.parametrize("net", batch_normalised(BY_GRADIENT), ids=label)
def test_a_bundle_predicts_like_its_folds_trained_one_by_one_with_adam(net: dict[str, Any]) -> None:
    config = configured(net)
    folds = folds_of(config)[:2]
    bundled = trained(data(), config, folds)
    for fold, one in zip(folds, bundled, strict=True):
        [other] = trained(data(), config, [fold])
        assert np.array_equal(one.probabilities.argmax(axis=1), other.probabilities.argmax(axis=1))
        assert np.allclose(one.probabilities, other.probabilities, rtol=0, atol=2e-3)
