from typing import Any

from django import forms

from mer_platform.annotation.action_units import canonical
from mer_platform.annotation.adjudication.decisions import FIELDS, Decision, Group, problems
from mer_platform.annotation.models import Annotation, Marking
from mer_platform.clips.models import Clip


class DecisionForm(forms.Form):
    """What the judge says of one expression. ``choice`` is a coder's marking, the average, anew, or that there is none."""

    choice = forms.ChoiceField(error_messages={"required": "Decide about this expression."})
    onset = forms.IntegerField(required=False, min_value=0)
    apex = forms.IntegerField(required=False, min_value=0)
    offset = forms.IntegerField(required=False, min_value=0)
    kind = forms.ChoiceField(required=False, choices=Marking.Kind.choices)
    emotion = forms.CharField(required=False, max_length=40)
    action_units = forms.CharField(required=False, max_length=80)

    def __init__(self, *args: Any, clip: Clip, group: Group | None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.clip, self.group = clip, group
        by = group.by if group else {}
        choices = [(str(a.pk), name) for name, a in by.items()]
        choices += [("average", "average")] if len(by) > 1 else []
        choices += [("anew", "anew"), ("none", "none")]
        self.fields["choice"].choices = choices  # type: ignore[attr-defined]

    def clean_action_units(self) -> str:
        """In the platform's form; what cannot be read stays as it is, and counts only if it is decided on."""
        text = self.cleaned_data["action_units"]
        try:
            return canonical(text)
        except ValueError:
            return text

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if cleaned.get("choice") and cleaned["choice"] != "none":
            for name, wrong in problems(self.clip, self.decision.values if self.decision else {}).items():
                if not self.errors.get(name):
                    self.add_error(name, wrong)
        averaged = self.group.average if self.group and cleaned.get("choice") == "average" else {}
        if averaged and averaged["action_units"] is None and not cleaned.get("action_units"):
            said = "The coders’ action units differ: write those that count, or set anew."
            self.add_error("action_units", said)
        return cleaned

    @property
    def decision(self) -> Decision | None:
        """What was decided; None: no expression here."""
        choice = self.cleaned_data["choice"]
        if choice == "none":
            return None
        if annotation := self._annotation(choice):
            return Decision(annotation)
        fields = {name: self.cleaned_data.get(name) for name in FIELDS}
        if choice == "average" and self.group:
            fields |= {name: said for name, said in self.group.average.items() if said is not None}
        return Decision(fields={**fields, "kind": fields["kind"] or Marking.Kind.MICRO})

    def _annotation(self, choice: str) -> Annotation | None:
        by = self.group.by.values() if self.group else []
        return next((a for a in by if str(a.pk) == choice), None)
