"""Every message of Django and of its REST framework has words of the platform."""

import inspect
from collections.abc import Iterator

import pytest
from django.core import validators as django_validators
from django.db.models import fields as model_fields
from django.forms import fields as form_fields
from django.forms import models as form_models
from rest_framework import exceptions, fields, relations, serializers, validators

from mer_platform.rest.pointers import flattened, pointer
from mer_platform.rest.wording import in_our_words, is_reworded

# What no request of the API can lead to.
UNUSED = {"html_cutoff_text", "contradiction", "list", "missing_management_form"}
VALUES = {
    "max_length": 9, "min_length": 2, "max_value": 9, "min_value": 2, "limit_value": 9, "show_value": 10, "length": 12,
    "max": 3, "min": 2, "input": "x", "input_type": "str", "data_type": "str", "datatype": "list", "pk_value": "7",
    "slug_name": "name", "value": "x", "format": "YYYY", "timezone": "UTC", "min_days": 1, "max_days": 2, "pk": "x",
    "model_name": "Tag", "field_label": "name", "method": "PUT", "media_type": "a/b", "wait": 3, "code_point": 55296,
    "field_names": "a, b", "date_field": "day", "max_digits": 3, "max_decimal_places": 2, "max_whole_digits": 2,
    "extension": "exe", "allowed_extensions": "csv", "protocol": "IPv4", "field": "x", "model": "Tag", "offset": 1,
    "valid_value1": 2, "valid_value2": 3, "lookup_type": "day", "date_field_label": "day", "class": "Tag", "count": 2,
}  # fmt: skip


def messages() -> Iterator[tuple[str, str]]:
    for module in (fields, relations, serializers, form_fields, form_models, model_fields):
        for name, kind in inspect.getmembers(module, inspect.isclass):
            for code, text in getattr(kind, "default_error_messages", {}).items():
                if (
                    code not in UNUSED
                    and name != "InlineForeignKeyField"
                    and not code.startswith("unique_for")
                ):
                    yield f"{name}.{code}", str(text)
    for module in (validators, django_validators):
        for name, kind in inspect.getmembers(module, inspect.isclass):
            if kind.__module__ == module.__name__ and isinstance(getattr(kind, "message", None), str):
                yield name, str(kind.message)
    for name, kind in inspect.getmembers(exceptions, inspect.isclass):
        if hasattr(kind, "default_detail"):
            yield name, str(kind.default_detail)


@pytest.mark.parametrize(("name", "text"), sorted(set(messages())))
def test_each_message_of_the_libraries_is_put_into_our_words(name, text):
    if "%(" in text:
        text = text.replace("%(value)r", "%(value)s") % VALUES
    elif "{" in text:
        text = text.format(**VALUES)
    assert is_reworded(text), text
    assert in_our_words(text).endswith((".", "…", "*/*.")), in_our_words(text)


def test_our_own_messages_stay():
    assert in_our_words("The apex comes after the offset.") == "The apex comes after the offset."


def test_messages_are_short_and_can_be_sent():
    assert len(in_our_words("x" * 10_000)) < 700
    assert in_our_words("a\ud800\0b").encode()


def test_a_path_of_a_setting_becomes_a_pointer_into_what_was_sent():
    sent = {"base": {"net": {"kernels": [2, 9]}}, "grid": {"net.kernels": [[2], [2, 9]]}}
    detail = {"base.net.kernels.1": ["A."], "grid.net.kernels.1": ["B."], "seeds.1": ["C."]}
    places = [pointer(place) for place, _, _ in flattened(detail, sent)]
    assert places == ["/base/net/kernels/1", "/grid/net.kernels/1", "/seeds/1"]


def test_slashes_and_tildes_of_names_are_escaped():
    assert pointer(("a/b", "c~d")) == "/a~1b/c~0d"
