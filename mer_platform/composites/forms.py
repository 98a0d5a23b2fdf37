"""The form that names and describes a composite."""

from django import forms

from mer_platform.composites.models import LONGEST_DESCRIPTION, LONGEST_NAME


class CompositeForm(forms.Form):
    """Name and description; ``services.change`` checks the rest."""

    name = forms.CharField(
        max_length=LONGEST_NAME,
        error_messages={"required": "A name must not be empty."},
        help_text="All versions carry it. Their numbers and hashes stay.",
        widget=forms.TextInput({"autocomplete": "off"}),
    )
    description = forms.CharField(
        max_length=LONGEST_DESCRIPTION,
        required=False,
        help_text=f"What it is for, in at most {LONGEST_DESCRIPTION:,} characters. All members of the project see it.",
        widget=forms.Textarea({"rows": 5}),
    )
