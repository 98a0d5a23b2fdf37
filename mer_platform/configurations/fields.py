"""Form fields for the settings of a configuration, with their bounds, titles and descriptions."""

from typing import Any, Literal, get_args, get_origin

import annotated_types
from django import forms
from django.core.exceptions import ValidationError
from pydantic.fields import FieldInfo

from mer_platform.configurations.display import option_name


class NumberList(forms.CharField):
    """Whole numbers separated by commas or spaces."""

    def clean(self, value: Any) -> list[int]:
        words = super().clean(value).replace(",", " ").split()
        wrong = [word for word in words if not (word.isdecimal() and len(word) < 5)]
        if wrong:
            raise ValidationError(f"“{wrong[0]}” is not a whole number. Enter numbers such as 2, 3, 4, 5, 6.")
        return [int(word) for word in words]


def field_of(info: FieldInfo) -> forms.Field:
    """Return the form field of one setting. Raises TypeError for a type of value that has no form field."""
    common: dict[str, Any] = {
        "label": info.title,
        "help_text": info.description or "",
        "initial": field_value(info.default),
    }
    kind = info.annotation
    if get_origin(kind) is Literal:
        options = {str(option): option for option in get_args(kind)}
        choices = [(text, option_name(text)) for text in options]
        return forms.TypedChoiceField(choices=choices, coerce=options.__getitem__, **common)
    if kind is bool:
        return forms.BooleanField(required=False, **common)
    if get_origin(kind) in (tuple, list):
        return NumberList(**common)
    low, high = _bounds(info)
    if kind is int:
        return forms.IntegerField(min_value=low, max_value=high, **common)
    if kind is float:
        return forms.FloatField(
            min_value=low, max_value=high, widget=forms.NumberInput(attrs={"step": "any"}), **common
        )
    raise TypeError(f"there is no form field for {kind}")


def field_value(value: Any) -> Any:
    """Return a setting's value as its field shows it: a list on one line."""
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else value


def _bounds(info: FieldInfo) -> tuple[Any, Any]:
    low = next((m.ge for m in info.metadata if isinstance(m, annotated_types.Ge)), None)
    high = next((m.le for m in info.metadata if isinstance(m, annotated_types.Le)), None)
    return low, high
