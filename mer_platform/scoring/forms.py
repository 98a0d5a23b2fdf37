from typing import Any

from django import forms

from mer_platform.annotation.assignments.planning import coders_of
from mer_platform.registry.models import ModelVersion
from mer_platform.rest.row_choices import SeveralRows
from mer_platform.scoring.doubt import DoubtCriteria, Measure, measures_of
from mer_platform.scoring.models import HIGHEST, LOWEST, ScoringBatch


class BatchForm(forms.Form):
    """How a batch is scored: with which model, and under which name."""

    model = forms.ModelChoiceField(
        ModelVersion.objects.none(),
        empty_label=None,
        error_messages={"required": "Choose a model.", "invalid_choice": "Choose a model."},
    )
    name = forms.CharField(max_length=120, required=False, help_text="For lists and files of results.")
    priority = forms.IntegerField(
        min_value=LOWEST, max_value=HIGHEST, initial=0, required=False, help_text="The highest goes first."
    )
    calibrated = forms.BooleanField(
        required=False,
        label="Calibrated probabilities",
        help_text="Applies the model’s temperature, fitted on held-out predictions.",
    )
    leave_out_training = forms.BooleanField(
        required=False, label="Leave out clips of the model’s training data"
    )

    def __init__(self, *args: Any, models: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["model"].queryset = models  # type: ignore[attr-defined]

    def batch_fields(self) -> dict[str, Any]:
        """Return the fields of the batch of a valid form."""
        given = self.cleaned_data
        return {
            "name": given["name"].strip(),
            "priority": given["priority"] or 0,
            "calibrated": given["calibrated"],
        }


class RenameForm(forms.Form):
    """The name and the priority of a batch."""

    name = forms.CharField(max_length=120, required=False)
    priority = forms.IntegerField(min_value=LOWEST, max_value=HIGHEST, required=False)


class DoubtForm(forms.Form):
    """Which clips of a batch are doubtful, and who codes them."""

    measure = forms.ChoiceField(label="Measure of doubt")
    number = forms.IntegerField(
        label="Number of clips", min_value=1, max_value=10_000, initial=50, required=False,
        help_text="The most doubtful ones.",
    )  # fmt: skip
    threshold = forms.FloatField(
        min_value=0,
        max_value=1,
        required=False,
        help_text="From 0 to 1: only clips that are at least so doubtful.",
    )
    coders = SeveralRows(
        None, widget=forms.CheckboxSelectMultiple, error_messages={"required": "Choose at least one coder."}
    )
    per_clip = forms.IntegerField(label="Coders per clip", min_value=1, initial=1)
    with_consensus = forms.BooleanField(
        label="Also clips that have a consensus", required=False, help_text="Their labels are known already."
    )

    def __init__(self, *args: Any, batch: ScoringBatch, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        known = measures_of(batch)
        self.fields["measure"].choices = [(measure.value, measure.label) for measure in known]  # type: ignore[attr-defined]
        self.fields["coders"].queryset = coders_of(batch.project)  # type: ignore[attr-defined]

    def criteria(self) -> DoubtCriteria:
        """Return the criteria of a valid form."""
        chosen = self.cleaned_data
        return DoubtCriteria(
            measure=Measure(chosen["measure"]),
            coders=list(chosen["coders"]),
            number=chosen["number"],
            threshold=chosen["threshold"],
            per_clip=chosen["per_clip"],
            without_consensus=not chosen["with_consensus"],
        )
