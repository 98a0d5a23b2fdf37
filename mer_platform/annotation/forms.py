from typing import Any

from django import forms
from django.contrib.auth.models import User

from mer_platform.annotation.action_units import canonical
from mer_platform.annotation.adjudication import FIELDS, Decision, Group, problems
from mer_platform.annotation.assignments import Wish, coders_of
from mer_platform.annotation.models import Annotation, Marking
from mer_platform.clips.models import Clip, Database, Subject
from mer_platform.projects.models import Project


class AssignForm(forms.Form):
    """Which clips, by how many coders each, and by whom."""

    coders: "forms.ModelMultipleChoiceField[User]" = forms.ModelMultipleChoiceField(
        None, widget=forms.CheckboxSelectMultiple, error_messages={"required": "Choose who codes."}
    )
    per_clip = forms.IntegerField(label="Coders a clip", min_value=1, initial=2)
    databases: "forms.ModelMultipleChoiceField[Database]" = forms.ModelMultipleChoiceField(
        None, required=False, widget=forms.CheckboxSelectMultiple
    )
    subjects: "forms.ModelMultipleChoiceField[Subject]" = forms.ModelMultipleChoiceField(
        None, required=False, widget=forms.CheckboxSelectMultiple
    )
    share = forms.FloatField(label="Share of the clips, %", min_value=0.1, max_value=100, initial=100)
    seed = forms.IntegerField(
        min_value=0, max_value=2**31, initial=1, help_text="The same seed draws the same clips and coders."
    )
    order = forms.ChoiceField(
        choices=[("mixed", "Mixed"), ("subjects", "Subject after subject")], initial="mixed",
        help_text="Mixed, no coder meets all of one person at once.",
    )  # fmt: skip
    without_consensus = forms.BooleanField(label="Only clips without a consensus", required=False)

    def __init__(self, *args: Any, project: Project, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        subjects = Subject.objects.filter(database__project=project).select_related("database")
        choices = {"coders": coders_of(project), "databases": project.databases.all(), "subjects": subjects}
        for name, rows in choices.items():
            self.fields[name].queryset = rows  # type: ignore[attr-defined]

    def wish(self) -> Wish:
        """Only of a valid form."""
        chosen = self.cleaned_data
        return Wish(
            coders=list(chosen["coders"]),
            per_clip=chosen["per_clip"],
            databases=[row.pk for row in chosen["databases"]],
            subjects=[row.pk for row in chosen["subjects"]],
            share=chosen["share"] / 100,
            seed=chosen["seed"],
            mixed=chosen["order"] == "mixed",
            without_consensus=chosen["without_consensus"],
        )


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
