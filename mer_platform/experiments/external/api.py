"""The REST API of external runs: predictions of other code, as a file or as rows."""

from typing import Any

from django.core.exceptions import ValidationError as DjangoValidationError
from django.http import HttpResponseBase
from django.shortcuts import get_object_or_404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from mer_platform.annotation.exchange.api import ProblemGroupSerializer
from mer_platform.composites.models import CompositeVersion
from mer_platform.experiments.external import importing
from mer_platform.experiments.external.template import template_response
from mer_platform.experiments.models import PredictionUpload, Run
from mer_platform.experiments.runs.serializers import RunSerializer
from mer_platform.experiments.shapes import PredictionRow
from mer_platform.projects.access import require
from mer_platform.projects.models import Project, Role
from mer_platform.rest.errors import Refused
from mer_platform.rest.json_parser import ApiMultiPartParser, JsonParser
from mer_platform.rest.schema import TypedField
from mer_platform.rest.serializers import ApiSerializer
from mer_platform.rest.views import ApiView
from models_ml.classes import CLASSES
from models_ml.config import RunConfig
from models_ml.errors import InputError
from models_ml.formats.problem_groups import group_problems


class ProtocolSerializer(ApiSerializer):
    protocol = serializers.CharField(help_text=RunConfig.model_fields["protocol"].description)
    folds = serializers.IntegerField(
        required=False, allow_null=True, help_text="Number of folds; kfold only."
    )
    train_on = serializers.ListField(
        child=serializers.CharField(), required=False, help_text="Databases; cross only."
    )
    test_on = serializers.ListField(
        child=serializers.CharField(), required=False, help_text="Databases; cross only."
    )
    seed = serializers.IntegerField(
        required=False, default=0, help_text="The seed of the code, if it has one."
    )


class ExternalRunSerializer(ProtocolSerializer):
    """Predictions, and what they declare. Give ``file`` or ``rows``."""

    file = serializers.FileField(
        required=False, allow_empty_file=True, help_text="CSV, Parquet or a workbook (multipart)."
    )
    rows = TypedField(
        list[PredictionRow],
        required=False,
        help_text="The same as a list of objects: sample (or database, subject, clip), predicted, p_negative, p_positive, "
        "p_surprise, fold.",
    )
    name = serializers.CharField(required=False, allow_blank=True, max_length=120, default="")
    source = serializers.CharField(  # type: ignore[assignment]
        required=False,
        allow_blank=True,
        max_length=500,
        default="",
        help_text="Where the code is: an address, a commit or a citation.",
    )
    dry_run = serializers.BooleanField(required=False, default=False, help_text="Check only; store nothing.")

    def validate(self, data: dict[str, Any]) -> dict[str, Any]:
        if ("file" in data) == ("rows" in data):
            raise serializers.ValidationError("Give either “file” or “rows”.")
        return data


class CheckedSerializer(ApiSerializer):
    """What was found in predictions, and the run that they became."""

    run = RunSerializer(allow_null=True, help_text="null if nothing was stored.")
    created = serializers.BooleanField(help_text="False if the same predictions had been stored before.")
    samples = serializers.IntegerField()
    predicted = serializers.DictField(
        child=serializers.IntegerField(), help_text="Number of samples by predicted class."
    )
    protocol = serializers.CharField(help_text="The declared protocol in words. It is not verified.")
    checked = serializers.ListField(child=serializers.CharField())
    problems = ProblemGroupSerializer(many=True, help_text="What is wrong or odd, by kind.")


class ExternalRunsOfVersion(ApiView):
    """Predictions of other code for a frozen version."""

    parsers_of = {"post": [JsonParser, ApiMultiPartParser]}

    @extend_schema(
        request={"multipart/form-data": ExternalRunSerializer, "application/json": ExternalRunSerializer},
        responses={
            201: CheckedSerializer,
            200: OpenApiResponse(CheckedSerializer, description="A dry run, or the same was stored before."),
        },
    )
    def post(self, request: Request, pk: int) -> Response:
        """Store predictions of other code as a run, marked *external: protocol declared, not verified*.

        Each sample that the declared protocol tests must be predicted once. If a row is wrong, nothing is stored and
        `problems` says where and why. The same predictions under the same name and protocol are stored once: to send them
        again answers 200 with the first run.
        """
        version = _own_version(request, pk)
        form = ExternalRunSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        data = form.validated_data
        upload = _check(version, data, request.user)
        if upload.has_errors:
            count = sum(problem["severity"] == "error" for problem in upload.problems)
            sentence = f"The predictions have {count:,} error{'s' if count > 1 else ''}. Nothing was stored."
            raise Refused(sentence=sentence, **_described(upload))
        if data["dry_run"]:
            return Response({"run": None, "created": False, **_described(upload)})
        run, created = importing.store(upload, request.user)
        run = Run.objects.select_related("version", "experiment", "external").get(pk=run.pk)
        shown = RunSerializer(run, context={"request": request}).data
        return Response(
            {"run": shown, "created": created, **_described(upload)},
            status=status.HTTP_201_CREATED if created else status.HTTP_200_OK,
        )


class PredictionTemplate(ApiView):
    """The file to fill in with predictions."""

    file_actions = ("get",)

    @extend_schema(parameters=[ProtocolSerializer], responses={(200, "text/csv"): OpenApiTypes.BINARY})
    def get(self, request: Request, pk: int) -> HttpResponseBase:
        """Download the samples that a protocol tests, with the platform's folds and empty predictions, as CSV."""
        version = _own_version(request, pk)
        query = request.query_params.copy()
        query.setdefault("protocol", "loso")
        form = ProtocolSerializer(data=query)
        form.is_valid(raise_exception=True)
        _, folds = importing.declared_protocol(version, form.validated_data)
        return template_response(version, folds)


def _own_version(request: Request, pk: int) -> CompositeVersion:
    own = CompositeVersion.objects.filter(composite__project__in=Project.objects.of(request.user))
    version = get_object_or_404(own.select_related("composite__project"), pk=pk)
    require(request.user, version.project, Role.RESEARCHER)
    return version


def _check(version: CompositeVersion, data: dict[str, Any], user: Any) -> PredictionUpload:
    """Check what was sent. Raises ValidationError by field."""
    file = data.get("file")
    try:
        if file is None:
            return importing.check_rows(version, data["rows"], data, user)
        importing.check_size(file)
        return importing.check_file(version, file.name, file.read(), data, user)
    except InputError as error:
        raise serializers.ValidationError({"rows" if file is None else "file": str(error)}) from error
    except DjangoValidationError as error:
        raise serializers.ValidationError(error.message_dict) from error


def _described(upload: PredictionUpload) -> dict[str, Any]:
    predicted = [row[1] for row in upload.rows]
    return {
        "samples": len(predicted),
        "predicted": {name: predicted.count(number) for number, name in enumerate(CLASSES)},
        "protocol": upload.protocol,
        "checked": upload.checked,
        "problems": [group.to_json() for group in group_problems(upload.problems)],
    }
