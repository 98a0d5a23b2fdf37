"""What holds for every network of the registry."""

from typing import Any

import pytest

from models_ml.checking.cases import NAMES, label, variants
from models_ml.checking.networks import (
    check_counts,
    check_default_configuration,
    check_maps_images_to_logits,
    check_members_are_independent,
    check_saving,
)

DEFAULTS = [{"name": name} for name in NAMES]


@pytest.mark.parametrize("settings", DEFAULTS, ids=label)
def test_every_configuration_has_its_network(settings: dict[str, Any]) -> None:
    check_default_configuration(settings)


@pytest.mark.parametrize("settings", DEFAULTS, ids=label)
def test_a_network_maps_images_to_logits(settings: dict[str, Any]) -> None:
    check_maps_images_to_logits(settings)


@pytest.mark.parametrize("settings", variants(NAMES), ids=label)
def test_the_configuration_counts_the_weights_and_operations_of_its_network(settings: dict[str, Any]) -> None:
    check_counts(settings)


@pytest.mark.parametrize("settings", variants(NAMES), ids=label)
def test_members_do_not_influence_each_other(settings: dict[str, Any]) -> None:
    check_members_are_independent(settings)


@pytest.mark.parametrize("settings", variants(NAMES), ids=label)
def test_a_model_is_the_same_after_saving_and_loading(settings: dict[str, Any]) -> None:
    check_saving(settings)
