"""JSON values are taken as they are: `"1"`, `1.0` and `true` are not whole numbers, and lists and texts have an end.

The fields of Django REST framework convert what they can. That is right for forms, whose values are all texts, but in JSON
it would take one thing for another. Here the type of each value is checked before its field reads it.
"""

from collections.abc import Iterable, Mapping
from math import isfinite
from typing import Any

from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail
from rest_framework.fields import empty

from models_ml.wording import given

MOST_ITEMS = 10_000  # of a list, and keys of an object
MOST_CHARACTERS = 10_000  # of a text whose field states no other limit
LARGEST = 2**63 - 1
MOST_CHOICES = 30  # allowed values that an error lists
MOST_NAMED = 20  # unknown fields that an error lists


def wrong_type(what: str, value: Any) -> list[ErrorDetail]:
    """Return the error of a value of another type."""
    return [ErrorDetail(f"Must be {what}, not {given(value)}.", "wrong_type")]


def problems_of(field: serializers.Field[Any, Any, Any, Any], value: Any) -> Any:
    """Return what is wrong with the type or the size of a value of JSON, as in ``ValidationError.detail``; else None.

    What is wrong in other ways is left to the field.
    """
    if value is empty or value is None:
        return None
    if isinstance(field, serializers.ListField):
        return _of_list(field, value)
    if isinstance(field, serializers.ListSerializer | serializers.ManyRelatedField):
        return _length(field, value)  # they check their items themselves
    if isinstance(field, serializers.DictField):
        return _of_object(field, value)
    for kind, check in _CHECKS:
        if isinstance(field, kind):
            return check(field, value)
    return None


def one_of(choices: Iterable[Any]) -> str:
    """Return the allowed values as a message lists them.

    >>> one_of(["auto", "cpu"])
    'one of auto, cpu'
    """
    known = [str(one) for one in choices]
    more = f" … ({len(known):,} in all)" if len(known) > MOST_CHOICES else ""
    return f"one of {', '.join(known[:MOST_CHOICES])}{more}"


def name_choices(field: Any) -> None:
    """Let a field of choices, or of a list of them, say what it allows where it refuses a value itself."""
    field = getattr(field, "child", None) or field
    if isinstance(field, serializers.ChoiceField):
        known = one_of(field.choices).replace("{", "{{").replace("}", "}}")
        field.error_messages["invalid_choice"] = f"Must be {known}, not “{{input}}”."


def unknown_fields(serializer: Any, data: Mapping[Any, Any]) -> dict[str, list[ErrorDetail]]:
    """Return an error for each name in the body that the serializer does not take."""
    fields = serializer.fields
    taken = [name for name, field in fields.items() if not field.read_only]
    wrong = [str(name) for name in data if name not in fields or fields[name].read_only]
    is_form = hasattr(data, "getlist")
    errors = {}
    for name in wrong[:MOST_NAMED]:
        if is_form and (name.partition("[")[0] in taken or name.partition(".")[0] in taken):
            continue  # how forms write lists and objects
        if name in fields:
            known = f" Can be set: {', '.join(taken)}." if taken else ""
            errors[name] = [ErrorDetail(f"Cannot be set: leave it out.{known}", "unknown_field")]
        else:
            known = f"Known: {', '.join(taken)}." if taken else "This request takes none."
            errors[name] = [ErrorDetail(f"There is no such field here. {known}", "unknown_field")]
    return errors


def _of_list(field: Any, value: Any) -> Any:
    if wrong := _length(field, value):
        return wrong
    return {
        index: wrong for index, item in enumerate(value) if (wrong := problems_of(field.child, item))
    } or None


def _length(field: Any, value: Any) -> Any:
    if not isinstance(value, list):
        return wrong_type("a list", value)
    most = getattr(field, "max_length", None) or MOST_ITEMS
    if len(value) > most:
        return [
            ErrorDetail(f"Must be a list of at most {most:,} values; this has {len(value):,}.", "max_length")
        ]
    return None


def _of_object(field: Any, value: Any) -> Any:
    if not isinstance(value, dict):
        return wrong_type("an object with named values", value)
    if len(value) > MOST_ITEMS:
        return [
            ErrorDetail(f"Must have at most {MOST_ITEMS:,} names; this has {len(value):,}.", "max_length")
        ]
    return {name: wrong for name, item in value.items() if (wrong := problems_of(field.child, item))} or None


def _whole(field: Any, value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, int):
        return wrong_type("a whole number", value)
    return (
        None if -LARGEST <= value <= LARGEST else [ErrorDetail(f"Must be {LARGEST:,} or less.", "max_value")]
    )


def _real(field: Any, value: Any) -> Any:
    if (
        isinstance(value, bool)
        or not isinstance(value, int | float)
        or abs(value) > 1e300
        or not isfinite(value)
    ):
        return wrong_type("a number", value)
    return None


def _yes_no(field: Any, value: Any) -> Any:
    return None if isinstance(value, bool) else wrong_type("true or false", value)


def _text(field: Any, value: Any) -> Any:
    if not isinstance(value, str):
        return wrong_type("a text", value)
    if getattr(field, "max_length", None) is None and len(value) > MOST_CHARACTERS:
        return [ErrorDetail(f"Must have at most {MOST_CHARACTERS:,} characters.", "max_length")]
    return None


def _plain_text(field: Any, value: Any) -> Any:
    return None if isinstance(value, str) else wrong_type("a text", value)


def _choice(field: Any, value: Any) -> Any:
    known = list(field.choices)
    if any(value == one and isinstance(value, bool) == isinstance(one, bool) for one in known):
        return None
    if value == "" and field.allow_blank:
        return None
    return [ErrorDetail(f"Must be {one_of(known)}, not {given(value)}.", "invalid_choice")]


def _id(field: Any, value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 < value <= LARGEST:
        return wrong_type("an id, a whole number from 1", value)
    return None


_CHECKS: list[tuple[Any, Any]] = [
    (serializers.IntegerField, _whole),
    (serializers.FloatField, _real),
    (serializers.BooleanField, _yes_no),
    (serializers.MultipleChoiceField, lambda field, value: None),
    (serializers.ChoiceField, _choice),
    (serializers.CharField, _text),
    (serializers.UUIDField, _plain_text),
    (serializers.DateTimeField, _plain_text),
    (serializers.PrimaryKeyRelatedField, _id),
]
