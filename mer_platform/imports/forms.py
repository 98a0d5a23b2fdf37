from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from mer_platform.annotation.exchange.models import MAX_RATE, MIN_RATE
from mer_platform.imports import services
from mer_platform.imports.models import Import, ImportItem, ImportProblem
from mer_platform.projects.models import Project
from models_ml import formats


class ImportForm(forms.Form):
    """The form that starts an import: layout, source and coding sheet."""

    layout = forms.ChoiceField(choices=[], widget=forms.RadioSelect)
    place = forms.ChoiceField(
        choices=Import.SourceType.choices, initial=Import.SourceType.FOLDER, widget=forms.RadioSelect
    )
    source = forms.CharField(required=False, max_length=1000, strip=True)
    sheet = forms.FileField(required=False, allow_empty_file=True)
    frame_rate = forms.FloatField(required=False, min_value=MIN_RATE, max_value=MAX_RATE)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["layout"].choices = [(key, layout.title) for key, layout in formats.LAYOUTS.items()]  # type: ignore[attr-defined]
        self.initial.setdefault("layout", next(iter(formats.LAYOUTS)))

    def clean(self) -> dict[str, Any]:
        fields = super().clean() or {}
        layout = formats.LAYOUTS.get(fields.get("layout", ""))
        if fields.get("place") == Import.SourceType.FILE and layout and not layout.uploads:
            self.add_error(
                "place",
                "Only a file of annotations can be uploaded here. Databases are read from a folder on the server or from "
                "the storage; to upload single clips, use the page Clips.",
            )
        return fields

    def start(self, project: Project, user: Any) -> Import | None:
        """Start the check; return None if the form or the source has errors."""
        if not self.is_valid():
            return None
        fields = self.cleaned_data
        source = services.ImportSource(Import.SourceType(fields["place"]), fields["source"])
        try:
            return services.start(
                project, fields["layout"], source, fields["sheet"], user, frame_rate=fields["frame_rate"]
            )
        except ValidationError as error:
            self.add_error(None, error)
        return None


class ReportFilter(forms.Form):
    """The filters above the tables of the report; all are optional."""

    severity = forms.ChoiceField(
        required=False, choices=[("", "Any severity"), *ImportProblem.Severity.choices]
    )
    code = forms.CharField(required=False, widget=forms.HiddenInput)
    group = forms.CharField(required=False, widget=forms.HiddenInput)
    rows = forms.BooleanField(required=False, widget=forms.HiddenInput)
    state = forms.ChoiceField(required=False, choices=[("", "Any state"), *ImportItem.State.choices])
