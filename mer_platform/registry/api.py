"""The REST API of models."""

from collections.abc import Callable
from typing import Any, ClassVar, TypeVar

from django.core.exceptions import ValidationError as DjangoValidationError
from django.db.models import Count, Exists, OuterRef, QuerySet
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import mixins, serializers, status
from rest_framework.decorators import action
from rest_framework.exceptions import NotFound, PermissionDenied
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from mer_platform.composites.models import Sample
from mer_platform.projects.access import require, researcher_projects
from mer_platform.projects.models import Role
from mer_platform.projects.viewsets import InProject
from mer_platform.registry import files, stages
from mer_platform.registry.card import card_of, databases_of
from mer_platform.registry.file_api import ImportModelSerializer
from mer_platform.registry.importing import import_model
from mer_platform.registry.models import ModelExport, ModelVersion
from mer_platform.registry.serializers import (
    AliasSerializer,
    ChangeModelSerializer,
    ModelDetailSerializer,
    ModelExportSerializer,
    ModelVersionSerializer,
    RegisterSerializer,
    StageSerializer,
)
from mer_platform.rest.errors import Conflict
from mer_platform.rest.json_parser import JsonParser
from mer_platform.rest.sparse import narrowed
from mer_platform.rest.waiting import WaitingRows
from mer_platform.uploads.services import spend, take
from models_ml.errors import InputError

Answer = TypeVar("Answer")
ALIAS = OpenApiParameter("alias", OpenApiTypes.STR, OpenApiParameter.PATH, description="Without @.")


def all_models() -> "QuerySet[ModelVersion]":
    """Return models with what lists and cards need of them."""
    related = ("project", "run__version__composite", "run__experiment", "run__stored_results", "created_by")
    found = ModelVersion.objects.select_related(*related).prefetch_related("aliases")
    pictures = Sample.objects.filter(version=OuterRef("run__version"), apex_from=Sample.ApexFrom.PICTURE)
    counts = {"batch_count": Count("batches", distinct=True), "has_pictures": Exists(pictures)}
    return found.annotate(**counts).order_by("-pk")


class ModelVersionViewSet(WaitingRows, InProject, mixins.ListModelMixin, mixins.RetrieveModelMixin):
    """Models that score clips: of finished runs, or imported."""

    queryset = all_models()
    serializer_class = ModelVersionSerializer
    parsers_of: ClassVar = {"import_file": [MultiPartParser, JsonParser]}
    filters = {"project": "project", "run": "run", "name": "name", "stage": "stage", "sha256": "sha256"}
    renamed = {"run__project": "project"}
    search_fields = ["name"]
    ordering_fields = ["name", "stage", "created_at"]
    waiting_actions = ("retrieve", "export")

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
        code = status.HTTP_202_ACCEPTED if training else status.HTTP_200_OK
        return self._answer(self._fresh(model), code)

    @extend_schema(request=ChangeModelSerializer, responses=ModelDetailSerializer)
    def partial_update(self, request: Request, pk: str) -> Response:
        """Rename a model, or change the parts of its card that people write."""
        model = self.get_object()
        form = ChangeModelSerializer(data=request.data, context=self.get_serializer_context())
        form.is_valid(raise_exception=True)
        if wrong := _unknown_databases(model, form.validated_data):
            raise serializers.ValidationError(wrong)
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

    @extend_schema(responses=OpenApiTypes.OBJECT, filters=False)
    @action(detail=True, pagination_class=None)
    def card(self, request: Request, pk: str) -> Response:
        """Return the card: facts about data, tests, calibration, cost and limits, and apart from them what people wrote.

        Scores are null while they are hidden from you, because coding is blind. `files/card.md` is the same as Markdown.
        """
        return Response(card_of(self.get_object(), request.user))

    @extend_schema(methods=["GET"], responses=ModelExportSerializer, filters=False)
    @extend_schema(methods=["POST"], request=None, responses={202: ModelExportSerializer}, filters=False)
    @action(detail=True, methods=["get", "post"], pagination_class=None)
    def export(self, request: Request, pk: str) -> Response:
        """Export a model as ONNX, with a check against PyTorch, or say how far that is.

        When its `state` is `done`, `files/model.onnx` and `files/package.zip` can be downloaded.
        """
        model = self.get_object()
        if request.method == "POST":
            export = _or_conflict(lambda: files.start_export(model, request.user))
            answer = Response(ModelExportSerializer(export).data, status=status.HTTP_202_ACCEPTED)
            answer["Location"] = request.build_absolute_uri()
            return answer
        found = ModelExport.objects.filter(model=model).first()
        if found is None:
            raise NotFound("This model has not been exported as ONNX. Start it with POST to this address.")
        return Response(ModelExportSerializer(found).data)

    @extend_schema(
        request={"multipart/form-data": ImportModelSerializer, "application/json": ImportModelSerializer},
        responses={202: ModelDetailSerializer},
        filters=False,
    )
    @action(detail=False, methods=["post"], url_path="import", pagination_class=None)
    def import_file(self, request: Request) -> Response:
        """Import a model that was exported elsewhere: a package.zip, or a model.safetensors of this platform.

        Send the file itself, or, if it is large, upload it in parts and send the id of the upload, which is then used up.
        Nothing in it is executed or unpickled. A worker checks that it loads: poll the address in `Location` until `state`
        is `ready` or `failed`. The model is marked as imported, and what its file states about its training is not verified.
        """
        if not researcher_projects(request.user).exists():  # before a large body is read
            raise PermissionDenied("This requires at least the role researcher in a project.")
        form = ImportModelSerializer(data=request.data, context=self.get_serializer_context())
        form.is_valid(raise_exception=True)
        fields = form.validated_data
        require(request.user, fields["project"], Role.RESEARCHER)
        try:
            model = _imported(fields, request.user)
        except InputError as error:
            raise serializers.ValidationError(
                {"file" if "file" in fields else "upload": [str(error)]}
            ) from error
        except DjangoValidationError as error:
            raise serializers.ValidationError(error.message_dict) from error
        answer = self._answer(self._fresh(model), status.HTTP_202_ACCEPTED)
        answer["Location"] = answer.data["url"]
        return answer

    def snapshot(self, row: ModelVersion) -> tuple[Any, bool]:
        """Return what changes while a model is trained, checked or exported, and whether that has ended."""
        if self.action == "export":
            state = ModelExport.objects.filter(model=row).values_list("state", flat=True).first()
            return state, state != ModelExport.State.WAITING
        model = ModelVersion.objects.select_related("run").filter(pk=row.pk).first()
        if model is None:
            return None, True
        progress = model.run.progress() if model.run and model.state == "training" else None
        return (model.state, str(progress)), model.state in ("ready", "failed")

    def _fresh(self, model: ModelVersion) -> ModelVersion:
        return all_models().get(pk=model.pk)

    def _answer(self, model: ModelVersion, code: int = status.HTTP_200_OK) -> Response:
        shown = ModelDetailSerializer(model, context=self.get_serializer_context())
        return Response(narrowed(shown, self.request).data, status=code)


def _imported(fields: dict[str, Any], user: Any) -> ModelVersion:
    """Import the file of a request, or an upload, which is then used up. Raises InputError and Django's ValidationError."""
    more = {key: fields[key] for key in ("name", "origin", "reason") if key in fields}
    if "file" in fields:
        return import_model(fields["project"], fields["file"], fields["file"].name, user, **more)
    with take(fields["upload"], user, fields["project"]) as file:
        model = import_model(fields["project"], file, file.name or "", user, **more)
    spend(fields["upload"], user)
    return model


def _unknown_databases(model: ModelVersion, fields: dict[str, Any]) -> dict[str, Any]:
    """Return an error for each licence of a database that the model was not trained on."""
    known = databases_of(model)
    names = ", ".join(f"“{name}”" for name in known) or "none is known"
    stated = fields.get("notes", {}).get("licences", {})
    wrong = {
        name: [f"The model was not trained on a database of this name. Its databases: {names}."]
        for name in stated
        if name not in known
    }
    return {"notes": {"licences": wrong}} if wrong else {}


def _or_conflict(do: Callable[[], Answer]) -> Answer:
    try:
        return do()
    except InputError as error:
        raise Conflict(str(error)) from error
