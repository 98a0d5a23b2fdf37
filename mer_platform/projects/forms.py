from datetime import timedelta
from typing import Any

from django import forms
from django.utils import timezone

from mer_platform.projects.models import DEFAULT_DAYS, ApiToken, Project, Role
from mer_platform.rest.row_choices import SeveralRows
from mer_platform.rest.scopes import EVERYTHING, SCOPES


class ProjectForm(forms.ModelForm):
    class Meta:
        model = Project
        fields = ["name", "description"]
        widgets = {"description": forms.Textarea(attrs={"rows": 2})}


class MemberForm(forms.Form):
    username = forms.CharField(
        max_length=150, help_text="If the name is new, an account with a one-time password is created."
    )
    role = forms.ChoiceField(choices=Role.choices, initial=Role.ANNOTATOR)


class TokenForm(forms.Form):
    """A new API token. ``user``: whose projects it can be limited to."""

    name = forms.CharField(
        max_length=60, label="Purpose", help_text="For example: scoring script on lab-pc-3."
    )
    days = forms.TypedChoiceField(
        label="Expires",
        coerce=int,
        empty_value=DEFAULT_DAYS,  # type: ignore[arg-type]  # the stubs know only texts
        required=False,
        initial=DEFAULT_DAYS,
        choices=[(7, "In 7 days"), (30, "In 30 days"), (90, "In 90 days"), (365, "In a year"), (0, "Never")],
    )
    scopes = forms.MultipleChoiceField(
        label="Only to", required=False, choices=list(SCOPES.items()), widget=forms.CheckboxSelectMultiple
    )
    projects = SeveralRows(
        Project.objects.none(), label="Only in", required=False, widget=forms.CheckboxSelectMultiple
    )

    def __init__(self, user: Any, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["projects"].queryset = Project.objects.of(user)  # type: ignore[attr-defined]

    def make(self, user: Any) -> str:
        """Create the token, and return its secret."""
        fields = self.cleaned_data
        expires_at = timezone.now() + timedelta(days=fields["days"]) if fields["days"] else None
        scopes = fields["scopes"] or [EVERYTHING]
        return ApiToken.make(
            user, fields["name"], expires_at=expires_at, scopes=scopes, projects=list(fields["projects"])
        )[1]
