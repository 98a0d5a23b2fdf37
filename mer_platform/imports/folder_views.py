"""The page on which administrators assign import folders to projects."""

from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from mer_platform.accounts.access import require_administrator
from mer_platform.imports.folders import assign, withdraw
from mer_platform.imports.models import ImportFolder
from mer_platform.imports.sources import import_root
from mer_platform.projects.models import Project


class AssignForm(forms.Form):
    project = forms.ModelChoiceField(Project.objects.all(), empty_label="Choose a project")
    place = forms.ChoiceField(label="Where", choices=ImportFolder.Place.choices)
    path = forms.CharField(
        max_length=1000,
        label="Folder or prefix",
        help_text="For example CASME2. “.” is the whole import folder, or all of import/ in the storage.",
    )

    def assign(self, user: Any) -> ImportFolder | None:
        """Assign the folder; return None if the form has errors."""
        if not self.is_valid():
            return None
        fields = self.cleaned_data
        try:
            return assign(fields["project"], fields["place"], fields["path"], user)
        except ValidationError as error:
            self.add_error(None, error)
        return None


@login_required
@require_http_methods(["GET", "POST"])
def administration_folders(request: HttpRequest) -> HttpResponse:
    """Show which project reads which folders; a POST assigns one."""
    require_administrator(request.user)
    form = AssignForm(request.POST or None)
    if request.method == "POST" and (row := form.assign(request.user)):
        messages.success(request, f"{row.project} can read “{row.path}”.")
        return redirect("administration-folders")
    context = {
        "form": form,
        "folders": ImportFolder.objects.select_related("project", "created_by"),
        "import_root": import_root(),
    }
    return render(
        request, "imports/administration.html", context, status=422 if request.method == "POST" else 200
    )


@login_required
@require_POST
def administration_folder_withdraw(request: HttpRequest, pk: int) -> HttpResponse:
    require_administrator(request.user)
    row = get_object_or_404(ImportFolder.objects.select_related("project"), pk=pk)
    withdraw(row, request.user)
    messages.success(request, f"{row.project} can no longer read “{row.path}”.")
    return redirect("administration-folders")
