"""The form of a feature export, built from the schema of the configuration like the form of a run."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from mer_platform.configurations.fields import field_of
from mer_platform.configurations.parsing import parse_features
from mer_platform.exports.models import FeatureExport
from models_ml.config import FeatureConfig


class ExportForm(forms.Form):
    """One field per setting. ``config`` is the configuration of a valid form."""

    config: FeatureConfig
    format = forms.ChoiceField(
        choices=FeatureExport.FileFormat.choices,
        help_text="Both contain the same data. Many languages read safetensors; NPZ needs only NumPy.",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, info in FeatureConfig.model_fields.items():
            self.fields[name] = field_of(info)

    def settings(self) -> list[forms.BoundField]:
        """Return the fields of the settings, without the format."""
        return [self[name] for name in FeatureConfig.model_fields]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if not self.errors:
            try:
                self.config = parse_features({name: cleaned[name] for name in FeatureConfig.model_fields})
            except ValidationError as error:
                for place, messages in error.message_dict.items():
                    self.add_error(place if place in self.fields else None, messages)
        return cleaned
