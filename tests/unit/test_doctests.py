import doctest
import importlib
import pkgutil

import pytest

import models_ml

PURE = [
    "mer_platform.annotation.agreement.figures",
    "mer_platform.annotation.agreement.statistics",
    "mer_platform.annotation.exchange.placing",
    "mer_platform.annotation.exchange.clip_names",
    "mer_platform.annotation.exchange.pairing",
    "models_ml.formats.zips",
    "mer_platform.clips.ranges",
    "mer_platform.composites.names",
    "mer_platform.composites.caveats",
    "mer_platform.configurations.display",
    "mer_platform.experiments.durations",
]
MODULES = [*PURE, *(module.name for module in pkgutil.walk_packages(models_ml.__path__, "models_ml."))]


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_in_the_docstrings_are_true(name: str) -> None:
    module = importlib.import_module(name)
    result = doctest.testmod(module, optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE)
    assert result.failed == 0
