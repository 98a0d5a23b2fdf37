from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from mer_platform.accounts.access import may
from mer_platform.projects.access import get_project
from mer_platform.projects.counts import count_of
from mer_platform.projects.forms import MemberForm, ProjectForm, TokenForm
from mer_platform.projects.models import ApiToken, Membership, Project, Role
from mer_platform.projects.services import add_member, change_role, create_project, remove_member


@login_required
@require_http_methods(["GET", "POST"])
def home(request: HttpRequest) -> HttpResponse:
    """Show the user's projects and a form for a new one."""
    form = ProjectForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        project = create_project(form.cleaned_data["name"], request.user, form.cleaned_data["description"])
        return redirect("project", project.slug)
    projects = Project.objects.of(request.user).annotate(
        clip_count=count_of("clips.Clip", "project"), run_count=count_of("experiments.Run", "project")
    )
    context = {"projects": projects, "form": form, "may_create": may(request.user, "projects_by")}
    return render(request, "projects/home.html", context)


@login_required
@require_GET
def activity(request: HttpRequest, slug: str) -> HttpResponse:
    project = get_project(request, slug)
    return render(request, "projects/activity.html", {"events": project.events.select_related("user")[:200]})


@login_required
@require_http_methods(["GET", "POST"])
def members(request: HttpRequest, slug: str) -> HttpResponse:
    """Show the members. An owner adds people and sees the password of a new account once."""
    project = get_project(request, slug, Role.OWNER if request.method == "POST" else Role.VIEWER)
    form = MemberForm(request.POST or None)
    membership, password = None, None
    if request.method == "POST" and form.is_valid():
        try:
            membership, password = add_member(
                project, form.cleaned_data["username"], Role(form.cleaned_data["role"]), request.user
            )
        except ValidationError as error:
            form.add_error("username", error)
        else:
            messages.success(request, f"{membership.user} is now {membership.role}.")
            if password is None:
                return redirect("members", slug)
            form = MemberForm()
    context = {
        "form": form,
        "memberships": project.memberships.select_related("user"),
        "roles": Role.choices,
        "password": password,
        "new_username": membership.user.username if membership else None,
    }
    return render(request, "projects/members.html", context)


@login_required
@require_POST
def member_role(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """Change a member's role to ``role``, or remove the member if it is empty."""
    project = get_project(request, slug, Role.OWNER)
    membership = get_object_or_404(Membership, pk=pk, project=project)
    role = request.POST.get("role", "")
    try:
        if not role:
            remove_member(membership, request.user)
            messages.success(request, f"{membership.user} is no longer a member.")
        elif role in Role.values:
            change_role(membership, Role(role), request.user)
            messages.success(request, f"{membership.user} is now {role}.")
        else:
            messages.error(request, f"“{role}” is not a role: choose {', '.join(Role.values)}.")
    except ValidationError as error:
        messages.error(request, error.message)
    return redirect("members", slug)


@login_required
@require_http_methods(["GET", "POST"])
def tokens(request: HttpRequest) -> HttpResponse:
    """Show the user's API tokens. The secret of a new one is shown once."""
    form = TokenForm(request.user, request.POST or None)
    secret = None
    if request.method == "POST" and form.is_valid():
        secret = form.make(request.user)
        form = TokenForm(request.user)
    own = ApiToken.objects.filter(user=request.user).prefetch_related("projects")  # type: ignore[misc]
    response = render(request, "projects/tokens.html", {"form": form, "tokens": own, "secret": secret})
    response["Cache-Control"] = "no-store"
    return response


@login_required
@require_POST
def token_delete(request: HttpRequest, pk: int) -> HttpResponse:
    token = get_object_or_404(ApiToken, pk=pk, user_id=request.user.pk)
    token.delete()
    messages.success(request, f"The token “{token.name}” no longer works.")
    return redirect("tokens")
