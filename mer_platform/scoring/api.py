from typing import Any

from django.core.exceptions import ValidationError as DjangoValidationError
from django.db import transaction
from django.http import HttpResponseBase
from django.shortcuts import get_object_or_404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import mixins, parsers, status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from mer_platform.jobs.polling import WaitsForJobs
from mer_platform.projects.access import require
from mer_platform.projects.models import Project, Role
from mer_platform.projects.viewsets import InProject
from mer_platform.rest.errors import Conflict
from mer_platform.rest.json_parser import JsonParser
from mer_platform.rest.views import FileView
from mer_platform.scoring import services
from mer_platform.scoring.blindness import Blindness
from mer_platform.scoring.models import ScoringBatch, ScoringItem, count_items
from mer_platform.scoring.requests import BatchChangeSerializer, StartBatchSerializer, UploadBatchSerializer
from mer_platform.scoring.results import TYPES, results_response
from mer_platform.scoring.serializers import ScoringBatchSerializer, ScoringItemSerializer
from mer_platform.scoring.wanted import Wanted, model_of
from mer_platform.uploads.services import spend


class ScoringBatchViewSet(WaitsForJobs, InProject, mixins.ListModelMixin, mixins.RetrieveModelMixin):
    """Scoring batches. Their results are items, at an address of their own."""

    queryset = ScoringBatch.objects.select_related("project", "created_by")
    serializer_class = ScoringBatchSerializer
    filters = {
        "project": "project", "model": "model", "state": "state", "created_by": "created_by__username",
    }  # fmt: skip
    search_fields = ["name"]
    ordering_fields = ["name", "state", "priority", "created_at", "finished_at"]
    open_states = ScoringBatch.OPEN
    parsers_of = {"create": [JsonParser, parsers.MultiPartParser]}

    def paginate_queryset(self, queryset: Any) -> Any:
        """Count the items of all batches of a page together."""
        page = super().paginate_queryset(queryset)
        if self.action == "list" and page is not None:
            count_items(page)
        return page

    @extend_schema(
        request={"application/json": StartBatchSerializer, "multipart/form-data": UploadBatchSerializer},
        responses={202: ScoringBatchSerializer},
    )
    def create(self, request: Request) -> Response:
        """Score clips with a model. Poll the batch (`Location`) until its `state` is `done`, then read its items.

        New clips (files, uploads, paths) are stored in the project and scored as soon as their frames have been read. An
        item that cannot be scored says why, and does not stop the others.
        """
        data: Any = request.data
        kind = StartBatchSerializer
        if hasattr(data, "getlist"):  # a form
            kind = UploadBatchSerializer
            files = data.getlist("files")
            data = {
                **{name: data[name] for name in data if name != "files"},
                **({"files": files} if files else {}),
            }
        form = kind(data=data, context=self.get_serializer_context())
        form.is_valid(raise_exception=True)
        return self._started(form.validated_data, request.user)

    def _started(self, fields: dict[str, Any], user: Any) -> Response:
        model = model_of(fields, user)
        require(user, model.project, Role.RESEARCHER)
        services.check_model(model, fields["calibrated"])
        wanted = Wanted(model.project, user, fields)
        clips = wanted.clips()
        with transaction.atomic():
            batch = services.start_batch(
                model,
                clips,
                user,
                fields["leave_out_training"],
                archive=wanted.archive,
                **{
                    name: fields[name]
                    for name in ("name", "priority", "calibrated", "database")
                    if name in fields
                },
            )
            for upload in wanted.uploads():
                spend(upload, user)
        return self._accepted(batch)

    def _accepted(self, batch: ScoringBatch) -> Response:
        return Response(self.get_serializer(batch).data, status=status.HTTP_202_ACCEPTED)

    @extend_schema(request=BatchChangeSerializer, responses=ScoringBatchSerializer)
    def partial_update(self, request: Request, pk: str) -> Response:
        """Change the name, or the priority, also of clips that wait."""
        batch = self.get_object()
        form = BatchChangeSerializer(data=request.data, context=self.get_serializer_context())
        form.is_valid(raise_exception=True)
        return Response(self.get_serializer(services.change(batch, request.user, **form.validated_data)).data)

    @extend_schema(request=None, responses=ScoringBatchSerializer)
    @action(detail=True, methods=["post"], pagination_class=None)
    def cancel(self, request: Request, pk: str) -> Response:
        """Cancel the items that wait. Those scored already keep their results; `retry` continues."""
        return Response(self.get_serializer(self._done(services.cancel)).data)

    @extend_schema(request=None, responses={202: ScoringBatchSerializer})
    @action(detail=True, methods=["post"], pagination_class=None)
    def retry(self, request: Request, pk: str) -> Response:
        """Try the failed and cancelled items again."""
        return self._accepted(self._done(services.retry))

    def _done(self, change: Any) -> ScoringBatch:
        try:
            batch: ScoringBatch = change(self.get_object(), self.request.user)
        except DjangoValidationError as error:
            raise Conflict(" ".join(error.messages)) from error
        return batch


class ScoringItems(InProject, mixins.ListModelMixin):
    """The items of a scoring batch."""

    queryset = ScoringItem.objects.select_related("batch", "clip__subject__database").order_by("pk")
    serializer_class = ScoringItemSerializer
    project_path = "batch__project"
    listed_model = ScoringItem
    created_field = ""
    filters = {
        "state": "state", "outcome": "outcome", "predicted": "predicted", "frames_from": "frames_from",
        "in_training": "in_training", "clip": "clip",
    }  # fmt: skip
    search_fields = ["name", "source", "clip__name"]
    ordering_fields = [
        "confidence", "margin", "entropy", "member_disagreement", "spotter_confidence", "finished_at",
    ]  # fmt: skip

    def get_queryset(self) -> Any:
        """Return the items of the batch. Raises Http404 if the user has no such batch."""
        return super().get_queryset().filter(batch=own_batch(self.request.user, self.kwargs["pk"]))

    def get_serializer_context(self) -> dict[str, Any]:
        return {**super().get_serializer_context(), "blindness": Blindness(self.request.user)}

    def filter_queryset(self, queryset: Any) -> Any:
        """Leave out clips that the user still has to code, if what is hidden of them chooses or orders the items."""
        rows = super().filter_queryset(queryset)
        asked = self.request.query_params
        ordered = {name.lstrip("-") for name in asked.get("ordering", "").split(",")}
        if any(name in asked or name in ordered for name in ScoringItem.BLIND):
            rows = Blindness(self.request.user).without_hidden(rows)
        return rows

    def list(self, request: Request, pk: int) -> Response:
        """List the items of a batch, with their results."""
        return super().list(request)


def own_batch(user: Any, pk: int) -> ScoringBatch:
    """Return a batch of the user's projects. Raises Http404."""
    own = ScoringBatch.objects.filter(project__in=Project.objects.of(user).values("pk"))
    return get_object_or_404(own.select_related("model", "project"), pk=pk)


class ScoringResults(FileView):
    """All results of a batch as one file."""

    content_types = TYPES

    @extend_schema(responses=OpenApiTypes.BINARY)
    def get(self, request: Request, pk: int) -> HttpResponseBase:
        """Download the results: one JSON object per line as in `items/`, or a table with a column for each class."""
        return results_response(own_batch(request.user, pk), self.kind, request.user)
