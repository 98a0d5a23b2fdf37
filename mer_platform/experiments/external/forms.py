"""The form to upload predictions of other code."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from mer_platform.composites.models import CompositeVersion
from mer_platform.configurations.fields import field_of
from mer_platform.configurations.settings_form import SettingsForm
from mer_platform.experiments.external.importing import check_size
from mer_platform.experiments.sweeps.run_form import databases_field
from models_ml.config import RunConfig
from models_ml.errors import InputError
from models_ml.formats.prediction_tables import MAX_BYTES

SHOWN_WHEN = {
    "folds": ("protocol", "kfold"),
    "train_on": ("protocol", "cross"),
    "test_on": ("protocol", "cross"),
}
FILE_TYPES = ".csv,.tsv,.parquet,.xlsx,.xlsm,.xls,.ods"


class ProtocolForm(SettingsForm):
    """A protocol, and for kfold the seed that assigns subjects to folds."""

    conditions = {**SHOWN_WHEN, "seed": ("protocol", "kfold")}
    net = ""

    def __init__(self, *args: Any, version: CompositeVersion, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["protocol"] = field_of(RunConfig.model_fields["protocol"])
        self.fields["folds"] = field_of(RunConfig.model_fields["folds"])
        for name in ("train_on", "test_on"):
            self.fields[name] = databases_field(name, version)
        self.fields["seed"] = field_of(RunConfig.model_fields["seed"])
        self.fields["seed"].help_text = "Decides which subjects are in which fold."
        if self.is_bound:
            for name in ("folds", "seed"):
                self.fields[name].required = False

    def add_errors(self, error: ValidationError) -> None:
        """Add errors by field of the declaration; those of other fields concern the form as a whole."""
        for name, messages in error.message_dict.items():
            self.add_error(name if name in self.fields else None, messages)


class UploadForm(ProtocolForm):
    """A file of predictions, and what it declares."""

    conditions = SHOWN_WHEN

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        own = {
            "file": forms.FileField(
                label="File",
                allow_empty_file=True,
                widget=forms.ClearableFileInput(attrs={"accept": FILE_TYPES}),
                help_text=f"CSV, Parquet or a workbook, up to {MAX_BYTES >> 20} MB. A row names a sample by its number "
                "(column sample), or by database, subject and clip, and gives its class (predicted), the probability of "
                "each class (p_negative, p_positive, p_surprise), or both. The column fold is optional.",
            ),
            "name": forms.CharField(
                label="Name",
                max_length=120,
                required=False,
                help_text="Of the method. Leave empty to name it after the file.",
            ),
            "source": forms.CharField(
                label="Code",
                max_length=500,
                required=False,
                help_text="Where the code is: an address, a commit or a citation.",
            ),
        }
        self.fields = {**own, **self.fields}
        self.fields["seed"].help_text = "The seed of your code, if it has one."

    def clean_file(self) -> Any:
        file = self.cleaned_data["file"]
        try:
            check_size(file)
        except InputError as error:
            raise ValidationError(str(error)) from error
        return file
