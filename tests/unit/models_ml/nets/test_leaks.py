"""Held-out samples influence nothing, in any network and protocol; and the same seed gives the same bits."""

from typing import Any

import pytest

from models_ml.checking.cases import BY_GRADIENT, NAMES, batch_normalised, label
from models_ml.checking.networks import PROTOCOLS, TRAINING, check_nothing_leaks, check_same_seed

MARKED = [
    pytest.param(protocol, marks=pytest.mark.every_cpu) if protocol["protocol"] == "loso" else protocol
    for protocol in PROTOCOLS
]


@pytest.mark.parametrize("protocol", MARKED, ids=lambda protocol: protocol["protocol"])
@pytest.mark.parametrize("net", batch_normalised(NAMES), ids=label)
def test_nothing_leaks_under_any_protocol(net: dict[str, Any], protocol: dict[str, Any]) -> None:
    check_nothing_leaks(net, {"epochs": 1}, protocol)


@pytest.mark.parametrize("setting", TRAINING)
@pytest.mark.parametrize("net", batch_normalised(BY_GRADIENT), ids=label)
def test_nothing_leaks_under_any_setting(net: dict[str, Any], setting: str) -> None:
    check_nothing_leaks(net, TRAINING[setting], {"protocol": "loso"})


@pytest.mark.every_cpu
@pytest.mark.parametrize("net", batch_normalised(NAMES), ids=label)
def test_the_same_seed_gives_the_same_bits(net: dict[str, Any]) -> None:
    check_same_seed(net)
