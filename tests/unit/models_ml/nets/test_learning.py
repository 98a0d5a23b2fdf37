"""Every network learns from motion, and generalises."""

from typing import Any

import pytest

from models_ml.checking.cases import BY_GRADIENT, batch_normalised, label
from models_ml.checking.networks import check_learns


@pytest.mark.every_cpu
@pytest.mark.parametrize("net", batch_normalised(BY_GRADIENT), ids=label)
def test_a_network_recognises_the_motion_of_people_it_has_not_seen(net: dict[str, Any]) -> None:
    check_learns(net)
