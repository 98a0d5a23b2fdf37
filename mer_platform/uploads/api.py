"""Resumable uploads over tus 1.0.0, and their list."""

import base64
import binascii
import re
from typing import Any, Literal

from django.conf import settings
from django.core.exceptions import ValidationError as DjangoValidationError
from django.http import HttpResponseBase
from django.utils.http import http_date
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import exceptions, mixins, parsers, serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from mer_platform.projects.access import require
from mer_platform.projects.models import Project, Role
from mer_platform.projects.viewsets import InProject
from mer_platform.rest.json_parser import JsonParser
from mer_platform.rest.links import Link, creator, page_link
from mer_platform.rest.schema import Described
from mer_platform.rest.serializers import ApiModelSerializer
from mer_platform.uploads import services
from mer_platform.uploads.errors import ChecksumMismatch, Gone, LengthRequired, OtherVersion
from mer_platform.uploads.models import Upload

VERSION = "1.0.0"
EXTENSIONS = "creation,expiration,checksum,termination"
BYTES = "application/offset+octet-stream"
_HEADER: Literal["header"] = "header"
_TUS = OpenApiParameter("Tus-Resumable", str, _HEADER, required=True, description="`1.0.0`.")
_ANSWER = [
    OpenApiParameter(name, kind, _HEADER, response=True, description=what)
    for name, kind, what in (
        ("Upload-Offset", int, "Bytes that have arrived."),
        ("Upload-Length", int, "Bytes of the whole file."),
        ("Upload-Expires", str, "Until when the upload can be continued."),
    )
]


class OffsetParser(parsers.BaseParser):
    """Leaves the bytes of a part unread: they go to the disk as they arrive."""

    media_type = BYTES

    def parse(self, stream: Any, media_type: Any = None, parser_context: Any = None) -> Any:
        return {}


class ResumableUploadSerializer(ApiModelSerializer):
    created_by = creator()
    url = Link("upload-detail", pk="pk")
    page_url = page_link("upload", slug="project.slug")

    class Meta:
        model = Upload
        fields = [
            "id",
            "project",
            "filename",
            "size",
            "offset",
            "sha256",
            "state",
            "created_by",
            "created_at",
            "expires_at",
            "url",
            "page_url",
        ]
        read_only_fields = fields


class UploadViewSet(InProject, mixins.ListModelMixin, mixins.RetrieveModelMixin):
    """Files on their way, by [tus 1.0.0](https://tus.io/protocols/resumable-upload). You see your own only.

    Create an upload, send the bytes in parts of at most 32 MiB, and give its id as `upload` where a file is wanted. After a
    broken connection, ask with `HEAD` how many bytes have arrived, and continue there. An upload that gets no bytes for
    24 hours is removed.
    """

    lookup_value_regex = "[0-9a-fA-F-]{36}"
    queryset = Upload.objects.select_related("project", "created_by")
    serializer_class = ResumableUploadSerializer
    filters = {"project": "project", "state": "state", "sha256": "sha256", "filename": "filename"}
    search_fields = ["filename"]
    ordering_fields = ["filename", "size", "state", "created_at", "expires_at"]
    parser_classes = [OffsetParser, JsonParser]
    http_method_names = ["get", "head", "post", "patch", "delete", "options"]

    def get_queryset(self) -> Any:
        return super().get_queryset().filter(created_by=self.request.user.pk)

    def dispatch(self, request: Any, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Let clients whose network knows no PATCH send it as POST, as tus asks for."""
        if request.method == "POST" and request.headers.get("X-HTTP-Method-Override") in ("PATCH", "DELETE"):
            request.method = request.headers["X-HTTP-Method-Override"]
        return super().dispatch(request, *args, **kwargs)

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        speaks_tus = request.method in ("POST", "PATCH", "DELETE")
        version = request.headers.get("Tus-Resumable", "" if speaks_tus else VERSION)
        if version != VERSION:
            raise OtherVersion()

    def finalize_response(self, request: Any, response: Any, *args: Any, **kwargs: Any) -> Any:
        answer: HttpResponseBase = super().finalize_response(request, response, *args, **kwargs)
        answer["Tus-Resumable"] = VERSION
        answer["Cache-Control"] = "no-store"
        if answer.status_code == status.HTTP_412_PRECONDITION_FAILED:
            answer["Tus-Version"] = VERSION
        if answer.status_code == ChecksumMismatch.status_code:
            answer.reason_phrase = "Checksum Mismatch"
        return answer

    def options(self, request: Any, *args: Any, **kwargs: Any) -> Response:
        """Return what the server can do, in headers."""
        answer = Response(status=status.HTTP_204_NO_CONTENT)
        answer["Tus-Version"] = VERSION
        answer["Tus-Extension"] = EXTENSIONS
        answer["Tus-Max-Size"] = str(settings.MAX_CLIP_BYTES)
        answer["Tus-Checksum-Algorithm"] = ",".join(services.ALGORITHMS)
        return answer

    def describe(self, described: Described) -> None:
        super().describe(described)
        if described.method in ("POST", "PATCH", "DELETE"):
            described.add_problem(412, "`Tus-Resumable` names another version of the protocol.")
        if described.method in ("GET", "PATCH", "DELETE"):
            described.add_problem(410, "The upload has expired, or was used.")
        if described.method == "POST":
            described.add_problem(413)
        if described.method == "PATCH":
            described.add_problem(411, "The request does not state its length.")

    @extend_schema(
        request=None,
        parameters=[
            _TUS,
            OpenApiParameter(
                "Upload-Length", int, _HEADER, required=True, description="Bytes of the whole file."
            ),
            OpenApiParameter(
                "Upload-Metadata", str, _HEADER, required=True,
                description="`filename`, `project` (its id) and optionally `sha256` (of the whole file, in hexadecimal): "
                "pairs of a key and its value in Base64, separated by commas.",
            ),
            OpenApiParameter("Location", str, _HEADER, response=[201], description="Where the bytes go."),
        ],
        responses={201: ResumableUploadSerializer},
    )  # fmt: skip
    def create(self, request: Request) -> Response:
        """Announce a file. The answer's `Location` takes its bytes."""
        size = _number(request, "Upload-Length")
        metadata = request.headers.get("Upload-Metadata", "")
        if len(metadata) > 4000:
            raise serializers.ValidationError({"Upload-Metadata": ["At most 4,000 characters."]})
        try:
            project = self._project(services.read_metadata(metadata).get("project", ""))
            upload = services.create(project, request.user, size, metadata)
        except DjangoValidationError as error:
            raise serializers.ValidationError(error.message_dict) from error
        answer = self._described(upload, status.HTTP_201_CREATED)
        answer["Location"] = request.build_absolute_uri(f"{request.path}{upload.pk}/")
        return answer

    @extend_schema(parameters=_ANSWER)
    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Return an upload. `HEAD` returns the same in headers: continue at `Upload-Offset`."""
        upload = self.get_object()
        if upload.is_gone():
            raise Gone(f"The upload of “{upload}” {services.why_gone(upload)}. Upload the file again.")
        return self._described(upload, status.HTTP_200_OK)

    @extend_schema(
        request={BYTES: OpenApiTypes.BINARY},
        parameters=[
            _TUS,
            OpenApiParameter(
                "Upload-Offset", int, _HEADER, required=True, description="Where the bytes start in the file."
            ),
            OpenApiParameter(
                "Upload-Checksum", str, _HEADER,
                description="`sha1` or `sha256`, a space, and the checksum of this part in Base64.",
            ),
            *_ANSWER,
        ],
        responses={
            204: OpenApiResponse(description="The bytes are stored. `Upload-Offset` says where the next part starts."),
            460: OpenApiResponse(OpenApiTypes.OBJECT, "The bytes do not have this checksum, and were not kept."),
        },
    )  # fmt: skip
    def partial_update(self, request: Request, pk: str) -> Response:
        """Send the next bytes of a file, at most 32 MiB at a time."""
        upload = self.get_object()
        if request.content_type.partition(";")[0].strip() != BYTES:
            raise exceptions.UnsupportedMediaType(
                request.content_type, f"The bytes of a file are sent as “{BYTES}”."
            )
        start = _number(request, "Upload-Offset")
        if not request.META.get("CONTENT_LENGTH", "").isdigit():
            raise LengthRequired()
        length = int(request.META["CONTENT_LENGTH"])
        read = request.stream.read if length else bytes  # the parser has left the bytes unread
        upload = services.append(upload, start, length, read, _checksum(request))
        answer = self._described(upload, status.HTTP_204_NO_CONTENT)
        answer.data = None
        return answer

    @extend_schema(parameters=[_TUS], responses={204: OpenApiResponse(description="The upload was deleted.")})
    def destroy(self, request: Request, pk: str) -> Response:
        """Delete an upload and its bytes."""
        services.discard(self.get_object())
        return Response(status=status.HTTP_204_NO_CONTENT)

    def _project(self, text: str) -> Project:
        """Return the project that the metadata name. Raises ValidationError and PermissionDenied."""
        if not re.fullmatch("[0-9]{1,18}", text):
            raise DjangoValidationError(
                {"project": "State the id of the project in Upload-Metadata."}
                if not text
                else {"project": f"“{text}” is not the id of a project."}
            )
        project = Project.objects.of(self.request.user).filter(pk=int(text)).first()
        if project is None:
            raise DjangoValidationError({"project": f"Project {text} not found."})
        return require(self.request.user, project, Role.RESEARCHER)

    def _described(self, upload: Upload, code: int) -> Response:
        answer = Response(self.get_serializer(upload).data, status=code)
        answer["Upload-Offset"] = str(upload.offset)
        answer["Upload-Length"] = str(upload.size)
        answer["Upload-Expires"] = http_date(upload.expires_at.timestamp())
        if upload.metadata:
            answer["Upload-Metadata"] = upload.metadata
        return answer


def _number(request: Request, header: str) -> int:
    text = request.headers.get(header, "")
    if re.fullmatch("[0-9]{19,}", text):
        limit = f"at most {settings.MAX_CLIP_BYTES:,} bytes; this number has {len(text):,} digits"
        raise serializers.ValidationError({header: [f"The header {header} must be {limit}."]})
    if not re.fullmatch("[0-9]{1,18}", text):
        given = f"not “{text}”" if text else "and is missing"
        raise serializers.ValidationError(
            {header: [f"The header {header} must be a number of bytes, {given}."]}
        )
    return int(text)


def _checksum(request: Request) -> tuple[str, bytes] | None:
    """Return the algorithm and the checksum of a part, or None if the sender gives none."""
    text = request.headers.get("Upload-Checksum")
    if text is None:
        return None
    algorithm, _, value = text.partition(" ")
    try:
        if algorithm in services.ALGORITHMS:
            digest = base64.b64decode(value, validate=True)
            if len(digest) == services.ALGORITHMS[algorithm]().digest_size:
                return algorithm, digest
    except binascii.Error:
        pass
    known = " or ".join(services.ALGORITHMS)
    raise serializers.ValidationError(
        {"Upload-Checksum": [f"Send {known}, a space, and the checksum in Base64; “{text}” is not that."]}
    )
