"""The page that says what a deletion removes, and deletes it once someone confirms: one for all kinds of things."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from mer_platform.deletion.services import CannotDelete

SHOWN_REASONS = 20


@dataclass(frozen=True, kw_only=True)
class Deletion:
    """What the page shows of a deletion."""

    title: str
    """What is deleted, as its own page calls it."""
    button: str
    """What the button deletes: “clip”, “3 runs”."""
    trail: Sequence[tuple[str, str]]
    """Names and addresses of the pages above; the last one is where Cancel leads."""
    intro: str
    lines: Sequence[str]
    """What goes, as phrases."""
    help: str = ""
    refusal: str = ""
    """Why nothing can be deleted; empty if something can."""
    kept: Sequence[str] = ()
    """Why some of several stay."""
    names: Sequence[str] = ()
    """What goes one by one, if several are deleted."""
    fields: Mapping[str, str] = field(default_factory=dict)
    """Hidden fields of the form."""
    name_to_type: str = ""
    """What must be typed first, for what is very large."""
    kind: str = ""
    """What ``name_to_type`` is the name of."""
    typed: str = ""
    problem: str = ""
    """What is wrong with the typed name."""

    @property
    def back(self) -> str:
        return self.trail[-1][1]

    @property
    def more_kept(self) -> bool:
        return len(self.kept) > SHOWN_REASONS


def confirm(
    request: HttpRequest,
    deletion: Deletion,
    delete: Callable[[], str],
    after: str,
    *,
    confirmed: bool | None = None,
) -> HttpResponse:
    """Show what a deletion removes. Once it is confirmed, delete, and go to the address ``after``.

    ``delete`` returns what it did as a sentence, and raises CannotDelete. By default each POST confirms.
    """
    status = 200
    if request.method == "POST" if confirmed is None else confirmed:
        typed = request.POST.get("name", "").strip()
        if deletion.name_to_type and typed != deletion.name_to_type:
            problem = f"Type the name of the {deletion.kind}, “{deletion.name_to_type}”, to delete it."
            deletion, status = replace(deletion, typed=typed, problem=problem), 422
        else:
            try:
                messages.success(request, delete())
                return redirect(after)
            except CannotDelete as refused:
                deletion, status = replace(deletion, refusal=str(refused)), 409
    context = {"deletion": deletion, "shown_reasons": deletion.kept[:SHOWN_REASONS]}
    return render(request, "deletion/confirm.html", context, status=status)
