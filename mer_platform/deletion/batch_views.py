"""The page that says what deleting a scoring batch removes, and deletes it."""

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from mer_platform.deletion.batches import BatchContents, delete_batch
from mer_platform.deletion.confirming import Deletion, confirm
from mer_platform.deletion.contents import WORDS
from mer_platform.projects.access import get_project
from mer_platform.projects.models import Role
from mer_platform.scoring.models import ScoringBatch


@login_required
@require_http_methods(["GET", "POST"])
def batch_delete(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """Show what goes with a batch; a POST deletes it."""
    project = get_project(request, slug, Role.RESEARCHER)
    batch = get_object_or_404(ScoringBatch.objects.select_related("project", "model"), pk=pk, project=project)
    title, listed = batch.title, reverse("scoring", args=[slug])

    def do() -> str:
        delete_batch(batch, request.user)
        return f"{title} was deleted. Files that only it needs follow within a few minutes."

    deletion = Deletion(
        title=title,
        button="batch",
        trail=[("Scoring", listed), (title, reverse("batch", args=[slug, pk]))],
        intro="Its results go with it. Download them first if you need them.",
        lines=_lines(batch, request),
        help="Clips stay, also those that were uploaded to be scored. So do assignments that came from the batch.",
    )
    return confirm(request, deletion, do, listed)


def _lines(batch: ScoringBatch, request: HttpRequest) -> list[str]:
    contents = BatchContents(batch)
    counts = contents.counts(request.user)
    counts.pop("scoring_batches", None)
    lines = [f"{count:,} {WORDS[name][count != 1]}" for name, count in counts.items()]
    if hidden := contents.not_counted(request.user):
        lines.append(
            f"Scores of {hidden:,} clip{'s' * (hidden > 1)} that you still have to code, because coding is blind"
        )
    return [*lines, "Motion features that nothing else needs"]
