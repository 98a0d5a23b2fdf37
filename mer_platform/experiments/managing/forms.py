"""The forms that rename, tag and note on a run or an experiment."""

from typing import Any

from django import forms

from mer_platform.experiments.managing import services
from mer_platform.experiments.managing.texts import (
    LONGEST_NAME,
    LONGEST_NOTE,
    MOST_TAGS,
    clean_name,
    clean_note,
    note_version,
    tags_in,
)
from mer_platform.experiments.models import Experiment, Run

Row = Run | Experiment


class NameForm(forms.Form):
    """A new name."""

    title, done = "Rename", "Renamed."
    name = forms.CharField(
        max_length=LONGEST_NAME * 4,
        error_messages={"required": "A name must not be empty."},
        widget=forms.TextInput(attrs={"autocomplete": "off", "maxlength": LONGEST_NAME}),
    )

    def clean_name(self) -> str:
        return clean_name(self.cleaned_data["name"])

    @staticmethod
    def initial_of(row: Row) -> dict[str, Any]:
        return {"name": row.name}

    def apply(self, row: Row, user: Any) -> Any:
        return services.rename(row, self.cleaned_data["name"], user)


class TagsForm(forms.Form):
    """All tags, separated by commas."""

    title, done = "Edit tags", "Tags saved."
    tags = forms.CharField(
        required=False,
        max_length=4000,
        help_text=f"Separate tags with commas. At most {MOST_TAGS}.",
        widget=forms.TextInput(attrs={"autocomplete": "off", "placeholder": "baseline, for the paper"}),
    )

    def clean_tags(self) -> list[str]:
        return tags_in(self.cleaned_data["tags"])

    @staticmethod
    def initial_of(row: Row) -> dict[str, Any]:
        return {"tags": ", ".join(tag.name for tag in row.tags.all())}

    def apply(self, row: Row, user: Any) -> Any:
        return services.set_tags(row, self.cleaned_data["tags"], user)


class NoteForm(forms.Form):
    """The note, and which one it replaces."""

    title, done = "Edit note", "Note saved."
    note = forms.CharField(
        required=False,
        max_length=LONGEST_NOTE * 4,
        help_text=f"Plain text of at most {LONGEST_NOTE:,} characters. All members of the project see it.",
        widget=forms.Textarea(attrs={"rows": 8}),
    )
    seen = forms.CharField(required=False, max_length=64, widget=forms.HiddenInput)

    def clean_note(self) -> str:
        return clean_note(self.cleaned_data["note"])

    @staticmethod
    def initial_of(row: Row) -> dict[str, Any]:
        return {"note": row.notes, "seen": note_version(row.notes)}

    def apply(self, row: Row, user: Any) -> Any:
        return services.write_note(row, self.cleaned_data["note"], self.cleaned_data["seen"], user)


FORMS: dict[str, type[NameForm | TagsForm | NoteForm]] = {
    "name": NameForm,
    "tags": TagsForm,
    "note": NoteForm,
}
