"""Errors of configurations by field."""

import pytest
from django.core.exceptions import ValidationError

from mer_platform.configurations.parsing import MOST_ERRORS, parse_config


def test_of_very_many_errors_the_first_are_named_and_the_rest_is_counted():
    with pytest.raises(ValidationError) as caught:
        parse_config({"train_on": list(range(MOST_ERRORS + 7))})
    errors = caught.value.message_dict
    assert len(errors) == MOST_ERRORS
    assert errors["train_on.0"] == ["Must be a text, not 0."]
    assert errors[f"train_on.{MOST_ERRORS - 1}"][-1] == "Another 7 values are wrong, too."
