from datetime import datetime
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import mixins, serializers
from typing_extensions import TypedDict

from mer_platform.jobs.models import Worker
from mer_platform.projects.models import Project
from mer_platform.rest.schema import TypedField
from mer_platform.rest.serializers import ApiModelSerializer
from mer_platform.rest.views import ApiViewSet


class JobOfWorker(TypedDict):
    """The job that a worker runs."""

    kind: str
    group: str
    project: int | None
    progress_done: int
    progress_total: int
    started_at: datetime | None


class WorkerSerializer(ApiModelSerializer):
    job = serializers.SerializerMethodField(
        help_text="The job that it runs; null if it runs none, or one of a project that is not yours."
    )
    busy = serializers.SerializerMethodField()
    queues = TypedField(list[str], read_only=True)

    class Meta:
        model = Worker
        fields = ["name", "host", "pid", "device", "queues", "started_at", "last_seen", "busy", "job"]

    def get_busy(self, worker: Worker) -> bool:
        return worker.job_id is not None

    @extend_schema_field(TypedField(JobOfWorker, allow_null=True))
    def get_job(self, worker: Worker) -> dict[str, Any] | None:
        job = worker.job
        if job is None or job.project_id not in self.context["projects"]:
            return None
        return {
            "kind": job.kind,
            "group": job.group,
            "project": job.project_id,
            "progress_done": job.progress_done,
            "progress_total": job.progress_total,
            "started_at": job.started_at,
        }


class WorkerViewSet(mixins.ListModelMixin, ApiViewSet):
    """Worker processes that have reported within the last minute."""

    queryset = Worker.objects.none()
    serializer_class = WorkerSerializer
    filters = {"host": "host", "device": "device"}
    created_field = "started_at"
    search_fields = ["name", "host", "device"]
    ordering_fields = ["name", "host", "started_at", "last_seen"]

    def get_queryset(self) -> Any:
        return Worker.alive().select_related("job")

    def get_serializer_context(self) -> dict[str, Any]:
        own = Project.objects.of(self.request.user).values_list("pk", flat=True)
        return {**super().get_serializer_context(), "projects": set(own)}
