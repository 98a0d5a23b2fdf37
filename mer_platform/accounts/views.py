"""Pages for administrators of the installation."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from mer_platform.accounts.access import require_administrator
from mer_platform.accounts.forms import InstallationForm
from mer_platform.accounts.models import Installation


@login_required
@require_http_methods(["GET", "POST"])
def administration(request: HttpRequest) -> HttpResponse:
    """Show and change what administrators decide for the whole installation."""
    require_administrator(request.user)
    current = Installation.current()
    form = InstallationForm(request.POST or None, instance=current)
    if request.method == "POST" and form.is_valid():
        form.save_by(request.user)
        messages.success(request, "Settings saved.")
        return redirect("administration")
    context = {"form": form, "installation": current}
    return render(request, "accounts/administration.html", context, status=422 if request.POST else 200)
