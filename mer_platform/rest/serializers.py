"""The bases of the API's serializers: they take what they know, as what it is, and nothing else."""

from collections.abc import Mapping
from typing import Any

from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.utils import html

from mer_platform.rest.schema.typed import TypedField
from mer_platform.rest.strict import name_choices, problems_of, unknown_fields, wrong_type


class StrictInput(serializers.Serializer):
    """Part of serializers: refuses unknown fields, and in JSON values of other types. All errors are reported at once.

    ``takes_texts``: whether the data are those of a form, whose values are texts, although they come as a dictionary.
    """

    takes_texts = False

    def to_internal_value(self, data: Any) -> Any:
        if not isinstance(data, Mapping):
            raise ValidationError({"non_field_errors": wrong_type("an object with named values", data)})
        errors: dict[str, Any] = dict(unknown_fields(self, data))
        is_form = self.takes_texts or html.is_html_input(data)
        for field in self.fields.values():
            if is_form or isinstance(field, serializers.MultipleChoiceField):
                name_choices(field)
        if not is_form:
            for name, field in self.fields.items():
                if name in data and not field.read_only and (wrong := problems_of(field, data[name])):
                    errors[name] = wrong
            data = {name: value for name, value in data.items() if name not in errors}
        try:
            found = super().to_internal_value(data)
        except ValidationError as error:
            detail: Any = error.detail
            raise ValidationError({**detail, **errors, **self._of_types(data, {*detail, *errors})}) from error
        if errors:
            raise ValidationError({**errors, **self._of_types(data, set(errors))})
        return found

    def _of_types(self, data: Mapping[str, Any], refused: set[str]) -> dict[str, Any]:
        """Return what is wrong with values that are checked only if all others are right."""
        found: dict[str, Any] = {}
        for name, field in self.fields.items():
            is_sent = name in data and name not in refused and not field.read_only
            if is_sent and isinstance(field, TypedField) and (wrong := field.type_errors(data[name])):
                found[name] = wrong
        return found


class ApiSerializer(StrictInput, serializers.Serializer):
    """Base of the serializers that have no model."""


class ApiModelSerializer(StrictInput, serializers.ModelSerializer):
    """Base of the serializers of models."""
