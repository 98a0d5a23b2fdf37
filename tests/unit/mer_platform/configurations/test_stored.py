"""A row's configuration is validated once for each value of its field."""

import pytest
from pydantic import ValidationError

from mer_platform.configurations.stored import Stored
from models_ml.config import FeatureConfig


class Row:
    settings = Stored("config", FeatureConfig)

    def __init__(self, config: dict) -> None:
        self.config = config


def test_it_is_validated_once():
    row = Row({"size": 40})
    assert row.settings.size == 40
    assert row.settings is row.settings


def test_a_new_value_is_validated_again():
    row = Row({"size": 40})
    assert row.settings.size == 40
    row.config = {"size": 56}
    assert row.settings.size == 56


def test_rows_do_not_share_a_configuration():
    assert [Row({"size": size}).settings.size for size in (40, 56)] == [40, 56]


def test_a_value_that_does_not_fit_is_an_error_on_access():
    row = Row({"size": 2})
    with pytest.raises(ValidationError, match="size"):
        row.settings  # noqa: B018
