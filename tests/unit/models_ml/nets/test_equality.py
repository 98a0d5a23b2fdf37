"""Networks that are trained side by side equal networks that are trained one by one."""

from typing import Any

import pytest

from models_ml.checking.cases import BY_GRADIENT, batch_normalised, label, variants
from models_ml.checking.networks import (
    AUGMENTED,
    PLAIN,
    check_bundle_equals_folds,
    check_bundle_predicts_like_folds,
)

SETTINGS = [
    pytest.param(PLAIN, 0.0, id="plain", marks=pytest.mark.every_cpu),
    pytest.param(AUGMENTED, 0.4, id="augmented-dropout"),
]


@pytest.mark.parametrize(("augmentation", "dropout"), SETTINGS)
@pytest.mark.parametrize("net", variants(BY_GRADIENT), ids=label)
def test_a_bundle_equals_its_folds_trained_one_by_one(
    net: dict[str, Any], augmentation: dict[str, Any], dropout: float
) -> None:
    check_bundle_equals_folds(net, augmentation, dropout)


@pytest.mark.parametrize("net", batch_normalised(BY_GRADIENT), ids=label)
def test_a_bundle_predicts_like_its_folds_trained_one_by_one_with_adam(net: dict[str, Any]) -> None:
    check_bundle_predicts_like_folds(net)
