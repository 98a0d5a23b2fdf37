from typing import Any

from django import forms

from mer_platform.annotation.assignments.planning import AssignmentCriteria, coders_of
from mer_platform.clips.models import Subject
from mer_platform.projects.models import Project
from mer_platform.rest.row_choices import SeveralRows


class AssignForm(forms.Form):
    """Which clips to assign, to which coders, and how many coders each clip gets."""

    coders = SeveralRows(
        None, widget=forms.CheckboxSelectMultiple, error_messages={"required": "Choose at least one coder."}
    )
    per_clip = forms.IntegerField(label="Coders per clip", min_value=1, initial=2)
    databases = SeveralRows(None, required=False, widget=forms.CheckboxSelectMultiple)
    subjects = SeveralRows(None, required=False, widget=forms.CheckboxSelectMultiple)
    share = forms.FloatField(label="Share of the clips, %", min_value=0.1, max_value=100, initial=100)
    seed = forms.IntegerField(
        min_value=0,
        max_value=2**31,
        initial=1,
        help_text="The same seed always draws the same clips and coders.",
    )
    order = forms.ChoiceField(
        choices=[("mixed", "Mixed"), ("subjects", "By subject")], initial="mixed",
        help_text="Mixed shuffles the clips, so that coders don’t see one person’s clips in a row.",
    )  # fmt: skip
    without_consensus = forms.BooleanField(label="Only clips without a consensus", required=False)

    def __init__(self, *args: Any, project: Project, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        subjects = Subject.objects.filter(database__project=project).select_related("database")
        choices = {"coders": coders_of(project), "databases": project.databases.all(), "subjects": subjects}
        for name, rows in choices.items():
            self.fields[name].queryset = rows  # type: ignore[attr-defined]

    def criteria(self) -> AssignmentCriteria:
        """Return the criteria of a valid form."""
        chosen = self.cleaned_data
        return AssignmentCriteria(
            coders=list(chosen["coders"]),
            per_clip=chosen["per_clip"],
            databases=[row.pk for row in chosen["databases"]],
            subjects=[row.pk for row in chosen["subjects"]],
            share=chosen["share"] / 100,
            seed=chosen["seed"],
            mixed=chosen["order"] == "mixed",
            without_consensus=chosen["without_consensus"],
        )
