"""Pages that manage runs and experiments: one, many at once, and the project's tags."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST
from django.views.decorators.vary import vary_on_headers

from mer_platform.experiments.managing import services
from mer_platform.experiments.managing.actions import ACTIONS, act
from mer_platform.experiments.managing.choosing import UnknownRows, posted_rows
from mer_platform.experiments.managing.forms import FORMS
from mer_platform.experiments.managing.tags import (
    delete_tag,
    merge_tags,
    project_tags,
    rename_tag,
    tag_words,
    tags_with_counts,
)
from mer_platform.experiments.managing.texts import note_version, tags_in
from mer_platform.experiments.models import Experiment, Run, Tag
from mer_platform.projects.access import get_project, row_id
from mer_platform.projects.models import Role
from mer_platform.web import is_partial, local_path

MODELS: dict[str, type[Run | Experiment]] = {"run": Run, "experiment": Experiment}


@login_required
@require_http_methods(["GET", "POST"])
def edit(request: HttpRequest, slug: str, pk: int, kind: str, what: str) -> HttpResponse:
    """Rename, tag or note on a run or an experiment. The page shows the form again if something is wrong with it."""
    row = _row(request, slug, pk, kind)
    form_class = FORMS[what]
    form = form_class(request.POST.dict() or None, initial=form_class.initial_of(row))
    status, newer = 200, ""
    if form.is_bound:
        status = 422
        if form.is_valid():
            try:
                if form.apply(row, request.user):
                    messages.success(request, form.done)
                return redirect(kind, slug, pk)
            except services.NoteChanged as error:
                form.add_error(None, str(error))
                # The next attempt is made in sight of the current note.
                form.data = {**form.data, "seen": note_version(error.note)}
                status, newer = 409, error.note
            except ValidationError as error:
                form.add_error(what, error)
    context = {"row": row, "kind": kind, "what": what, "form": form, "newer": newer}
    return render(request, "experiments/managing/edit.html", context, status=status)


@login_required
@require_POST
def do(request: HttpRequest, slug: str, pk: int, kind: str) -> HttpResponse:
    """Star, archive or restore a run or an experiment, and return to the page that asked."""
    row = _row(request, slug, pk, kind)
    name = request.POST.get("action", "")
    if name not in ("star", "unstar", "archive", "restore"):
        raise Http404("This action does not exist.")
    if act(name, [row], request.user) and name in ("archive", "restore"):
        what = (
            "Lists leave it out now; links to it still work." if name == "archive" else "It is listed again."
        )
        messages.success(request, f"{row} {ACTIONS[name].done}. {what}")
    return redirect(local_path(request.POST.get("back", ""), reverse(kind, args=[slug, pk])))


@login_required
@require_POST
def do_with_many(request: HttpRequest, slug: str, kind: str) -> HttpResponse:
    """Do the same with many runs or experiments, then return to the list."""
    project = get_project(request, slug, Role.RESEARCHER)
    listed = reverse(f"{kind}s", args=[slug])
    name = request.POST.get("action", "")
    if name not in ACTIONS:
        raise Http404("This action does not exist.")
    try:
        rows = posted_rows(MODELS[kind], request.POST, request.user, project)
        changed = act(name, rows, request.user, tags_in(request.POST.get("tags", "")))
    except UnknownRows as error:
        messages.error(request, str(error))
    except ValidationError as error:
        messages.error(request, " ".join(error.messages))
    else:
        _report(request, name, len(rows), len(changed), kind)
    return redirect(local_path(request.POST.get("back", ""), listed))


@login_required
@require_http_methods(["GET", "POST"])
@vary_on_headers("HX-Request")
def tag_list(request: HttpRequest, slug: str) -> HttpResponse:
    """The tags of the project. Researchers rename, merge and delete them here. htmx gets those to offer, as a sentence."""
    project = get_project(request, slug, Role.RESEARCHER if request.method == "POST" else Role.VIEWER)
    if is_partial(request):
        known = project_tags(project)
        return render(request, "experiments/managing/_known_tags.html", {"known": known})
    context: dict[str, Any] = {"tags": tags_with_counts(project)}
    if request.method == "POST":
        tag = get_object_or_404(Tag, project=project, pk=row_id(request.POST.get("tag")))
        try:
            messages.success(request, _change_tag(request, tag))
            return redirect("tags", slug)
        except ValidationError as error:
            context |= {
                "wrong": tag.pk,
                "problem": " ".join(error.messages),
                "typed": request.POST.get("name", ""),
            }
            return render(request, "experiments/managing/tags.html", context, status=422)
    return render(request, "experiments/managing/tags.html", context)


def _change_tag(request: HttpRequest, tag: Tag) -> str:
    """Do what the form asks, and return it in words. Raises ValidationError."""
    before = tag.name
    match request.POST.get("action"):
        case "rename":
            rename_tag(tag, request.POST.get("name", ""), request.user)
            return f"The tag “{before}” is now “{tag.name}”."
        case "merge":
            into = Tag.objects.filter(project=tag.project_id, pk=row_id(request.POST.get("into"))).first()
            if into is None:
                raise ValidationError("Choose the tag to merge this one into.")
            merge_tags(tag, into, request.user)
            return f"The tag “{before}” was merged into “{into}”."
        case "delete":
            delete_tag(tag, request.user)
            return f"The tag “{before}” was deleted. The runs and experiments that had it stay."
    raise Http404("This action does not exist.")


def _report(request: HttpRequest, name: str, asked: int, changed: int, kind: str) -> None:
    """Say how many were changed, and why the others were not."""
    action = ACTIONS[name]
    tags = tag_words(tags_in(request.POST.get("tags", "")))
    done = action.done.format(tags=tags)
    words = [f"{_count(changed, kind)} {done}."] if changed else []
    if left := asked - changed:
        words.append(
            f"{_count(left, kind)} stayed as {'it was' if left == 1 else 'they were'}: {action.already}"
        )
    (messages.success if changed else messages.info)(request, " ".join(words))


def _count(number: int, kind: str) -> str:
    return f"{number:,} {kind}{'' if number == 1 else 's'}"


def _row(request: HttpRequest, slug: str, pk: int, kind: str) -> Any:
    project = get_project(request, slug, Role.RESEARCHER)
    return get_object_or_404(MODELS[kind]._default_manager.select_related("project"), pk=pk, project=project)
