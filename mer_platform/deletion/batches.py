"""Deleting scoring batches with their results. The clips stay, also those that were uploaded to be scored."""

from dataclasses import dataclass
from typing import Any

from django.db import transaction
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import mixins, serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from mer_platform.annotation.blindness import blind_clips
from mer_platform.deletion.contents import WORDS
from mer_platform.deletion.services import note_unused
from mer_platform.deletion.unused_features import unused_after
from mer_platform.jobs.models import Job
from mer_platform.projects.access import require
from mer_platform.projects.models import AuditEvent, Role
from mer_platform.rest.serializers import ApiSerializer
from mer_platform.scoring.api import ScoringBatchViewSet
from mer_platform.scoring.blindness import Blindness
from mer_platform.scoring.models import ScoringBatch
from mer_platform.scoring.services import locked

SETTLE_SECONDS = 120  # a cancelled job may write features until it notices


@dataclass(frozen=True)
class BatchContents:
    """What goes with a scoring batch."""

    batch: ScoringBatch

    def jobs(self) -> Any:
        return Job.objects.filter(group=self.batch.group)

    def counts(self, viewer: Any) -> dict[str, int]:
        """Return how many rows of each kind go; for clips that the viewer still has to code, no scores."""
        counts = {
            "scores": Blindness(viewer).without_hidden(self.batch.items.all()).count(),
            "scoring_batches": 1,
            "open_jobs": self.jobs().filter(state__in=Job.OPEN).count(),
        }
        return {name: counts[name] for name in WORDS if counts.get(name)}

    def not_counted(self, viewer: Any) -> int:
        """Return how many of its items are of clips that the viewer still has to code."""
        return self.batch.items.filter(clip__in=blind_clips(viewer)).count()


def delete_batch(batch: ScoringBatch, user: Any) -> None:
    """Delete a batch with its results and jobs; upkeep removes the files that only it needs."""
    with transaction.atomic():
        now = locked(batch.pk)
        if now is None:
            return
        jobs = BatchContents(now).jobs()
        running = jobs.filter(state=Job.State.RUNNING).exists()
        names = unused_after(now) | ({now.archive} if now.archive else set())
        note_unused(sorted(names), SETTLE_SECONDS if running else 0)
        jobs.delete()
        AuditEvent.record(now.project, user, f"deleted scoring {now}")
        now.delete()


class BatchDeletionSerializer(ApiSerializer):
    """What `DELETE` of the batch removes."""

    possible = serializers.BooleanField(help_text="Always true.")
    rows = serializers.DictField(
        child=serializers.IntegerField(),
        help_text="How many rows of each kind go; kinds without rows are left out.",
    )
    not_counted = serializers.IntegerField(
        help_text="How many scores of clips that you still have to code go too; `rows` leaves them out."
    )


@extend_schema_view(
    destroy=extend_schema(
        description="Delete the batch with its results, and cancel its jobs. Clips stay, also those that were uploaded "
        "to be scored. `GET` of `deletion/` says what goes. This cannot be undone.",
        responses={204: None},
    )
)
class DeletableScoringBatchViewSet(mixins.DestroyModelMixin, ScoringBatchViewSet):
    __doc__ = ScoringBatchViewSet.__doc__

    @extend_schema(responses=BatchDeletionSerializer, filters=False)
    @action(detail=True, pagination_class=None)
    def deletion(self, request: Request, pk: str) -> Response:
        """Say what deleting it would remove. Nothing is deleted before `DELETE`."""
        batch = self.get_object()
        require(request.user, batch.project, Role.RESEARCHER)
        contents = BatchContents(batch)
        preview = {
            "possible": True,
            "rows": contents.counts(request.user),
            "not_counted": contents.not_counted(request.user),
        }
        return Response(BatchDeletionSerializer(preview).data)

    def perform_destroy(self, instance: ScoringBatch) -> None:
        delete_batch(instance, self.request.user)
