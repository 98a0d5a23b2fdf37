"""The files of a model in the API, and the import of a model from a file."""

import tempfile
from typing import Any

from django.core.files.storage import default_storage
from django.http import FileResponse, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request

from mer_platform.projects.access import require
from mer_platform.projects.models import Project, Role
from mer_platform.projects.viewsets import own_related
from mer_platform.registry import files
from mer_platform.registry.models import ModelVersion
from mer_platform.rest.errors import Conflict
from mer_platform.rest.schema.described import Described
from mer_platform.rest.serializers import ApiSerializer
from mer_platform.rest.views import FileView
from models_ml.errors import InputError
from models_ml.registry.package import MAX_PACKAGE

OF_EVERYONE = ("card.md", "card.json")  # the others allow to use the model, which needs a researcher
IN_MEMORY = 16 << 20  # bytes of a package that are kept in memory; larger ones go to the disk


class ImportModelSerializer(ApiSerializer):
    """A file with a model, or an upload of one."""

    project = own_related(Project.objects.all(), "pk")(help_text="Id of the project.")
    file = serializers.FileField(
        required=False, help_text="A package.zip, or a model.safetensors of this platform."
    )
    upload = serializers.UUIDField(
        required=False, help_text="Instead of a file: the id of a complete upload of yours in the project."
    )
    name = serializers.CharField(
        required=False, allow_blank=True, max_length=120, help_text="By default the name in the package."
    )
    origin = serializers.CharField(
        required=False, allow_blank=True, max_length=500, help_text="Where the file comes from, in words."
    )
    reason = serializers.CharField(
        required=False, allow_blank=True, max_length=1000, help_text="Why, for the history of the model."
    )

    def validate_file(self, file: Any) -> Any:
        if file.size > MAX_PACKAGE:
            raise serializers.ValidationError(f"The file must not be larger than {MAX_PACKAGE >> 20} MiB.")
        return file

    def validate(self, attrs: Any) -> Any:
        if ("file" in attrs) == ("upload" in attrs):
            both = "either a file or the id of an upload, not both"
            raise serializers.ValidationError(
                {"file": [f"Send {both}." if "file" in attrs else "Send a file, or the id of an upload."]}
            )
        return attrs


class ModelFileView(FileView):
    """A file of a model."""

    content_types = files.CONTENT_TYPES

    def describe(self, described: Described) -> None:
        super().describe(described)
        described.add_problem(409)  # a model that is not ready, or a file that is gone

    @extend_schema(responses=OpenApiTypes.BINARY)
    def get(self, request: Request, pk: int) -> HttpResponseBase:
        """Download a file of a model. The ONNX file and the package exist after the export."""
        related = ("project", "run__version__composite", "created_by", "run__stored_results")
        model = get_object_or_404(ModelVersion.objects.select_related(*related), pk=pk)
        require(request.user, model.project, Role.VIEWER if self.kind in OF_EVERYONE else Role.RESEARCHER)
        try:
            return model_file(model, self.kind, request.user)
        except InputError as error:
            raise Conflict(str(error)) from error


def model_file(model: ModelVersion, name: str, user: Any) -> HttpResponseBase:
    """Return a file of a model to download. Raises InputError, and PermissionDenied as ``write_model_package``."""
    if not model.is_ready:
        raise InputError(f"The {model} has no files: it is not ready.")
    headers: dict[str, Any] = {
        "as_attachment": True,
        "filename": files.download_name(model, name),
        "content_type": files.CONTENT_TYPES[name],
    }
    if name == "package.zip":
        target = tempfile.SpooledTemporaryFile(IN_MEMORY)  # noqa: SIM115 - the response closes it
        files.write_model_package(model, user, target)
        target.seek(0)
        return FileResponse(target, **headers)
    if name in ("model.safetensors", "model.onnx"):
        stored = model.file if name == "model.safetensors" else files.ready_export(model).file
        if not default_storage.exists(stored):
            raise InputError("The file is missing from the storage. Restore it from a backup.")
        return FileResponse(default_storage.open(stored), **headers)
    response = HttpResponse(files.text_file(model, name, user), content_type=headers["content_type"])
    response["Content-Disposition"] = f'attachment; filename="{headers["filename"]}"'
    return response
