from django import forms


class WithdrawForm(forms.Form):
    """The confirmation of a withdrawal."""

    confirm = forms.CharField(label="Name of the subject", max_length=60)
    retire_models = forms.BooleanField(
        label="Archive the models that were trained on this person",
        required=False,
        help_text="A model holds no recording, but numbers that were fitted to some. Lists then offer it no longer.",
    )
    erase_weights = forms.BooleanField(
        label="Erase the kept networks of folds",
        required=False,
        help_text="Those of runs on the affected versions. Without them, attribution is no longer possible.",
    )

    def __init__(self, *args: object, name: str, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        self.name = name
        self.fields["confirm"].help_text = f"Type “{name}” to withdraw this person."
        self.fields["confirm"].widget.attrs["autocomplete"] = "off"

    def clean_confirm(self) -> str:
        """Raises ValidationError unless it is the subject's name."""
        given = str(self.cleaned_data["confirm"]).strip()
        if given != self.name:
            raise forms.ValidationError(
                f"Type the name of the subject, “{self.name}”, to withdraw the person."
            )
        return given
