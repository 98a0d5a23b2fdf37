"""Pages for administrators of the installation."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from mer_platform.accounts.access import require_administrator
from mer_platform.accounts.forms import InstallationForm
from mer_platform.accounts.models import Installation
from mer_platform.accounts.sessions import end_sessions, open_sessions


@login_required
@require_http_methods(["GET", "POST"])
def sessions(request: HttpRequest) -> HttpResponse:
    """Show where the user is signed in; a POST ends the session ``session``, or all others."""
    key = request.session.session_key
    if request.method == "POST":
        ended = end_sessions(request.user, request.POST.get("session", ""), but=key)
        if ended:
            messages.success(request, f"{ended} session{'' if ended == 1 else 's'} ended.")
        else:
            messages.error(request, "No such session is open.")
        return redirect("sessions")
    return render(request, "accounts/sessions.html", {"sessions": open_sessions(request.user, key)})


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
