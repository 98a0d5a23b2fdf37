"""The REST API of models."""

from collections.abc import Callable
from typing import Any, TypeVar

from django.db.models import Count, Exists, OuterRef, QuerySet
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import mixins, status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse

from mer_platform.composites.models import Sample
from mer_platform.projects.access import require
from mer_platform.projects.models import Role
from mer_platform.projects.viewsets import InProject
from mer_platform.registry import stages
from mer_platform.registry.models import ModelVersion
from mer_platform.registry.serializers import (
    AliasSerializer,
    ChangeModelSerializer,
    ModelDetailSerializer,
    ModelVersionSerializer,
    RegisterSerializer,
    StageSerializer,
)
from mer_platform.rest.errors import Conflict
from mer_platform.rest.sparse import narrowed
from mer_platform.rest.waiting import WaitingRows
from models_ml.errors import InputError

Answer = TypeVar("Answer")
POLL_SECONDS = 2
ALIAS = OpenApiParameter("alias", OpenApiTypes.STR, OpenApiParameter.PATH, description="Without @.")


def all_models() -> "QuerySet[ModelVersion]":
    """Return models with what lists and cards need of them."""
    related = ("project", "run__version__composite", "run__experiment", "run__stored_results", "created_by")
    found = ModelVersion.objects.select_related(*related).prefetch_related("aliases")
    pictures = Sample.objects.filter(version=OuterRef("run__version"), picture__isnull=False)
    counts = {"batch_count": Count("batches", distinct=True), "of_pictures": Exists(pictures)}
    return found.annotate(**counts).order_by("-pk")


class ModelVersionViewSet(WaitingRows, InProject, mixins.ListModelMixin, mixins.RetrieveModelMixin):
    """Models that score clips: of finished runs, or imported."""

    queryset = all_models()
    serializer_class = ModelVersionSerializer
    filters = {"project": "project", "run": "run", "name": "name", "stage": "stage", "sha256": "sha256"}
    renamed = {"run__project": "project"}
    search_fields = ["name"]
    ordering_fields = ["name", "stage", "created_at"]

    def snapshot(self, row: ModelVersion) -> tuple[Any, bool]:
        found = ModelVersion.objects.select_related("run__experiment").filter(pk=row.pk).first()
        state = found.state if found else ""
        waits = found is not None and found.run is not None and state == "training"
        return (state, str(found.run.progress()) if waits and found and found.run else ""), not waits

    @extend_schema(responses=ModelDetailSerializer)
    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Return a model, with its history."""
        return self._answer(self.get_object())

    @extend_schema(
        request=RegisterSerializer,
        responses={
            200: ModelDetailSerializer,
            202: OpenApiResponse(ModelDetailSerializer, description="It is trained on all samples first."),
        },
    )
    def create(self, request: Request) -> Response:
        """Register a finished run as a model of its project, as a candidate.

        A run of an experiment has no model yet: it is trained on all samples, and the answer is 202. Poll the address in
        `Location` until `state` is `ready` or `failed`. A run that has a model already gets the name and a line in its
        history, and the answer is 200.
        """
        form = RegisterSerializer(data=request.data, context=self.get_serializer_context())
        form.is_valid(raise_exception=True)
        fields = form.validated_data
        require(request.user, fields["run"].project, Role.RESEARCHER)
        model, training = _or_conflict(
            lambda: stages.register(
                fields["run"], request.user, fields.get("name", ""), fields.get("reason", "")
            )
        )
        answer = self._answer(
            self._fresh(model), status.HTTP_202_ACCEPTED if training else status.HTTP_200_OK
        )
        answer["Location"] = reverse("modelversion-detail", args=[model.pk], request=request)
        if training:
            answer["Retry-After"] = str(POLL_SECONDS)
        return answer

    @extend_schema(request=ChangeModelSerializer, responses=ModelDetailSerializer)
    def partial_update(self, request: Request, pk: str) -> Response:
        """Rename a model, or change the parts of its card that people write."""
        model = self.get_object()
        form = ChangeModelSerializer(data=request.data, context=self.get_serializer_context())
        form.is_valid(raise_exception=True)
        if "name" in form.validated_data:
            stages.rename(model, form.validated_data["name"], request.user)
        if "notes" in form.validated_data:
            stages.write_notes(model, dict(form.validated_data["notes"]), request.user)
        return self._answer(self._fresh(model))

    @extend_schema(request=StageSerializer, responses=ModelDetailSerializer)
    @action(detail=True, methods=["post"])
    def stage(self, request: Request, pk: str) -> Response:
        """Move a model to a stage, with a reason. A project has one model in production: another one steps back.

        The stage `production` is also the alias `@production`. An archived model scores no new clips.
        """
        model = self.get_object()
        form = StageSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        stage, reason = form.validated_data["stage"], form.validated_data["reason"]
        _or_conflict(lambda: stages.set_stage(model, stage, reason, request.user))
        return self._answer(self._fresh(model))

    @extend_schema(
        methods=["PUT"], parameters=[ALIAS], request=AliasSerializer, responses=ModelDetailSerializer
    )
    @extend_schema(methods=["DELETE"], parameters=[ALIAS], request=None, responses={204: None})
    @action(detail=True, methods=["put", "delete"], url_path=r"aliases/(?P<alias>[^/]+)")
    def aliases(self, request: Request, pk: str, alias: str) -> Response:
        """Let an alias of the project mean this model, or remove it. It may have meant another model until now.

        Lower-case letters, digits, dots, hyphens and underscores. `production` follows the stage.
        """
        model = self.get_object()
        if request.method == "DELETE":
            if not stages.remove_alias(model, alias, request.user):
                raise Conflict(f"Cannot remove @{alias}: it does not mean this model.")
            return Response(status=status.HTTP_204_NO_CONTENT)
        form = AliasSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        stages.set_alias(model, alias, form.validated_data.get("reason", ""), request.user)
        return self._answer(self._fresh(model))

    def _fresh(self, model: ModelVersion) -> ModelVersion:
        return all_models().get(pk=model.pk)

    def _answer(self, model: ModelVersion, code: int = status.HTTP_200_OK) -> Response:
        shown = ModelDetailSerializer(model, context=self.get_serializer_context())
        return Response(narrowed(shown, self.request).data, status=code)


def _or_conflict(do: Callable[[], Answer]) -> Answer:
    try:
        return do()
    except InputError as error:
        raise Conflict(str(error)) from error
