"""The page that previews and confirms a withdrawal, and the pages of certificates."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_http_methods

from mer_platform.clips.models import Subject
from mer_platform.deletion.contents import why_not_counted
from mer_platform.projects.access import get_project
from mer_platform.projects.models import Role
from mer_platform.web import page_of
from mer_platform.withdrawals.affected import in_words
from mer_platform.withdrawals.api import preview_of
from mer_platform.withdrawals.forms import WithdrawForm
from mer_platform.withdrawals.models import Withdrawal
from mer_platform.withdrawals.services import Choices, withdraw

PAGE = 50
# What goes, and what stays with a mark, of the kinds that a preview counts.
_STAYS = ("versions", "runs", "models", "fold_weights", "feature_sets", "scoring_batches", "imports")


@login_required
@require_http_methods(["GET", "POST"])
def subject_withdraw(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """Show what withdrawing a person erases and marks; a POST with the subject's name does it."""
    project = get_project(request, slug, Role.OWNER)
    subjects = Subject.objects.select_related("database__project")
    subject = get_object_or_404(subjects, pk=pk, database__project=project)
    form = WithdrawForm(request.POST or None, name=subject.name)
    if request.method == "POST" and form.is_valid():
        chosen = form.cleaned_data
        done = withdraw(subject, request.user, Choices(chosen["retire_models"], chosen["erase_weights"]))
        messages.success(
            request, f"The person was withdrawn, and is called {done.pseudonym} now. Files follow."
        )
        return redirect("withdrawal", slug, done.pk)
    preview = preview_of(subject, request.user)
    rows = preview["rows"]
    context = {
        "subject": subject,
        "form": form,
        "preview": preview,
        "goes": in_words({name: count for name, count in rows.items() if name not in _STAYS}),
        "stays": in_words({name: count for name, count in rows.items() if name in _STAYS}),
        "not_counted": why_not_counted(preview["not_counted"]) if preview["not_counted"] else "",
        "active_runs": rows.get("active_runs", 0),
    }
    return render(request, "withdrawals/withdraw.html", context, status=422 if form.errors else 200)


@login_required
@require_GET
def withdrawal_list(request: HttpRequest, slug: str) -> HttpResponse:
    """List the certificates of a project."""
    project = get_project(request, slug, Role.RESEARCHER)
    rows = Withdrawal.objects.filter(project=project).select_related("withdrawn_by")
    page = page_of(request, rows, PAGE)
    pages = page.paginator.get_elided_page_range(page.number, on_each_side=2, on_ends=1)
    return render(request, "withdrawals/list.html", {"page": page, "pages": pages})


@login_required
@require_GET
def withdrawal_page(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """Show one certificate, to be read on paper too."""
    project = get_project(request, slug, Role.RESEARCHER)
    found = get_object_or_404(Withdrawal.objects.select_related("withdrawn_by"), pk=pk, project=project)
    context = {"withdrawal": found, "counts": in_words(found.counts), "texts": found.counts.get("texts", 0)}
    return render(request, "withdrawals/certificate.html", context)
