"""A choice of several rows in forms, also in the queries that forms check for the API."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from django import forms
from django.core.exceptions import ValidationError

if TYPE_CHECKING:
    _Base = forms.ModelMultipleChoiceField[Any]
else:
    _Base = forms.ModelMultipleChoiceField

_MOST_DIGITS = 18  # more do not fit into a column of a database


class SeveralRows(_Base):
    """Refuses ids that no row can have. Django compares them with the rows, and the database fails."""

    def _check_values(self, value: Iterable[Any]) -> Any:
        values = list(value)
        for text in map(str, values):
            if len(text) > _MOST_DIGITS:
                raise ValidationError(
                    self.error_messages["invalid_choice"], code="invalid_choice", params={"value": text[:40]}
                )
        return super()._check_values(values)  # type: ignore[misc]
