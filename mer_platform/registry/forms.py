"""The forms of the pages of models."""

from typing import Any

from django import forms

from mer_platform.registry.card import databases_of
from mer_platform.registry.models import ModelVersion

_TEXTS = (
    ("intended_use", "Intended use", "For whom and for which recordings the model is meant."),
    ("out_of_scope", "Out of scope", "Uses that you advise against, apart from those that the card states."),
    ("ethics", "Ethics", "For example consent, approval of a committee, and who could be harmed."),
    ("notes", "Notes", "Anything else that a reader should know."),
)


class RegisterForm(forms.Form):
    name = forms.CharField(max_length=120, label="Name", help_text="As lists and the card call the model.")
    reason = forms.CharField(
        max_length=1000, label="Reason", required=False, help_text="Why this run; the history keeps it."
    )


class ImportForm(forms.Form):
    file = forms.FileField(
        label="File", help_text="A package.zip of another platform, or a model.safetensors of this format."
    )
    name = forms.CharField(
        max_length=120, required=False, label="Name", help_text="By default the name in the package."
    )
    origin = forms.CharField(
        max_length=500,
        required=False,
        label="Origin",
        help_text="Where the file comes from; the card shows it.",
    )
    reason = forms.CharField(
        max_length=1000, required=False, label="Reason", help_text="Why it is imported; the history keeps it."
    )


class CardForm(forms.Form):
    """The name of a model, and the parts of its card that people write."""

    name = forms.CharField(max_length=120, label="Name", help_text="As lists and the card call the model.")

    def __init__(self, model: ModelVersion, *args: Any, **kwargs: Any) -> None:
        kwargs["initial"] = {"name": model.name, **model.notes}
        super().__init__(*args, **kwargs)
        self.databases = databases_of(model)
        for name, label, help_text in _TEXTS:
            self.fields[name] = forms.CharField(
                max_length=5000,
                required=False,
                label=label,
                help_text=help_text,
                widget=forms.Textarea({"rows": 3}),
            )
        for number, database in enumerate(self.databases):
            self.fields[f"licence_{number}"] = forms.CharField(
                max_length=500,
                required=False,
                label=f"Licence of {database}",
                help_text="Under which licence you may use this database. The platform does not know it.",
                initial=model.notes.get("licences", {}).get(database, ""),
            )

    def notes(self) -> dict[str, Any]:
        """Return the written parts of the card, as ``stages.write_notes`` takes them."""
        data = self.cleaned_data
        licences = {
            database: data[f"licence_{number}"]
            for number, database in enumerate(self.databases)
            if data[f"licence_{number}"]
        }
        return {**{name: data[name] for name, _, _ in _TEXTS}, "licences": licences}
