from django import forms

from mer_platform.projects.models import Project, Role


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
    name = forms.CharField(
        max_length=60, label="Purpose", help_text="For example: scoring script on lab-pc-3."
    )
