from typing import Any

from django import forms

from mer_platform.accounts.models import Installation


class InstallationForm(forms.ModelForm):
    class Meta:
        model = Installation
        fields = ["projects_by", "accounts_by", "imports_by"]

    def save_by(self, user: Any) -> Installation:
        """Store the settings, and who changed them."""
        self.instance.changed_by = user
        return self.save()
