"""Progress in the API: of all rows of a list together, so that a list takes the same few queries as one row."""

from collections.abc import Callable, Sequence
from typing import Any

from django.apps import apps
from django.db.models import Count
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from mer_platform.experiments.models.progress import Progress
from mer_platform.jobs.polling import WaitsForJobs
from mer_platform.rest.schema import TypedField
from mer_platform.rest.serializers import ApiSerializer
from mer_platform.rest.views import ApiViewSet


def progress_field(shape: Any) -> serializers.Field:
    """Return the field of what is done and in total."""
    described = TypedField(
        shape, help_text="What is done and in total: folds, samples with features, and an experiment's runs."
    )
    return extend_schema_field(described)(type("ProgressField", (serializers.SerializerMethodField,), {}))()


class WithProgress(ApiSerializer):
    """Base of a serializer of runs or experiments, which has ``progress = progress_field(…)``."""

    def get_progress(self, row: Any) -> Progress:
        known: dict[int, Progress] = self.context.get("progress", {})
        return known[row.pk] if row.pk in known else row.progress()


class ProgressOfLists(WaitsForJobs, ApiViewSet):
    """Base of a viewset of runs or experiments. ``count_progress`` takes the rows of a page."""

    count_progress: Callable[[Sequence[Any]], dict[int, Progress]]
    _progress: dict[int, Progress] = {}

    def paginate_queryset(self, queryset: Any) -> Any:
        page = super().paginate_queryset(queryset)
        self._progress = self.count_progress(page) if page and self.wants("progress") else {}
        return page

    def snapshot(self, row: Any) -> tuple[Any, bool]:
        """Return what the jobs did, and the folds: several of them train in one job."""
        mark, ended = super().snapshot(row)
        fold = apps.get_model("experiments", "Fold")
        owner = "run" if row._meta.model_name == "run" else "run__experiment"
        states = (
            fold.objects.filter(**{owner: row.pk})
            .order_by()
            .values_list("state")
            .annotate(number=Count("pk"))
        )
        return (mark, tuple(sorted(states))), ended

    def get_serializer_context(self) -> dict[str, Any]:
        return {**super().get_serializer_context(), "progress": self._progress}
