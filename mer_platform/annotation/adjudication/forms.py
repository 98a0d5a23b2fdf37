from typing import Any

from django import forms

from mer_platform.annotation.adjudication.decisions import Decision, ExpressionGroup, decision_errors
from mer_platform.annotation.marks import CODED_FIELDS
from mer_platform.annotation.models import Annotation, ExpressionKind
from mer_platform.clips.models import Clip
from models_ml.formats.action_units import MAX_CHARACTERS, canonical

AVERAGE, MANUAL, NONE = "average", "manual", "none"


class DecisionForm(forms.Form):
    """A judge's decision on one expression.

    ``choice`` is the id of a coder's annotation, the average, new marks (manual), or no expression.
    """

    choice = forms.ChoiceField(
        error_messages={"required": "Choose an annotation, the mean, new marks, or no expression."}
    )
    onset = forms.IntegerField(required=False, min_value=0)
    apex = forms.IntegerField(required=False, min_value=0)
    offset = forms.IntegerField(required=False, min_value=0)
    kind = forms.ChoiceField(required=False, choices=ExpressionKind.choices)
    emotion = forms.CharField(required=False, max_length=40)
    action_units = forms.CharField(required=False, max_length=MAX_CHARACTERS)

    def __init__(self, *args: Any, clip: Clip, group: ExpressionGroup | None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.clip, self.group = clip, group
        by_coder = group.by_coder if group else {}
        values = [str(annotation.pk) for annotation in by_coder.values()]
        values += [AVERAGE] if len(by_coder) > 1 else []
        self.fields["choice"].choices = [(value, value) for value in (*values, MANUAL, NONE)]  # type: ignore[attr-defined]

    def clean_action_units(self) -> str:
        """Return the units in the platform's form. Unreadable text stays; ``clean`` reports it if it is used."""
        text = self.cleaned_data["action_units"]
        try:
            return canonical(text)
        except ValueError:
            return text

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if cleaned.get("choice") and cleaned["choice"] != NONE:
            values = self.decision.values if self.decision else {}
            for name, messages in decision_errors(self.clip, values).items():
                if not self.errors.get(name):
                    self.add_error(name, messages)
        averaged = self.group.average if self.group and cleaned.get("choice") == AVERAGE else {}
        if averaged and averaged["action_units"] is None and not cleaned.get("action_units"):
            message = "The coders’ action units differ. Enter the correct ones, or set new marks."
            self.add_error("action_units", message)
        return cleaned

    @property
    def decision(self) -> Decision | None:
        """The decision; None for no expression."""
        choice = self.cleaned_data["choice"]
        if choice == NONE:
            return None
        if annotation := self._annotation(choice):
            return Decision(annotation)
        fields = {name: self.cleaned_data.get(name) for name in CODED_FIELDS}
        if choice == AVERAGE and self.group:
            fields |= {name: value for name, value in self.group.average.items() if value is not None}
        return Decision(fields={**fields, "kind": fields["kind"] or ExpressionKind.MICRO})

    def _annotation(self, choice: str) -> Annotation | None:
        annotations = self.group.by_coder.values() if self.group else []
        return next((a for a in annotations if str(a.pk) == choice), None)
