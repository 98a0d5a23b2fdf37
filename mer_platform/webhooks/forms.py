from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from mer_platform.webhooks.events import EVENTS
from mer_platform.webhooks.services import check_url


class WebhookForm(forms.Form):
    """Where to send which events."""

    url = forms.CharField(
        label="URL",
        max_length=500,
        widget=forms.URLInput(attrs={"placeholder": "https://example.org/hooks/mer", "autocomplete": "off"}),
        help_text="Events are sent here as POST requests with JSON.",
    )
    description = forms.CharField(max_length=200, required=False, help_text="Who or what receives them.")
    events = forms.MultipleChoiceField(
        choices=[(name, name) for name in EVENTS],
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": "Choose at least one event."},
    )

    def clean_url(self) -> Any:
        url = self.cleaned_data["url"]
        try:
            return check_url(url) if url != self.initial.get("url") else url
        except ValidationError as error:
            raise forms.ValidationError(error.messages) from error
