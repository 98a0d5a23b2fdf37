import json
from fractions import Fraction
from typing import Any

from django.core.exceptions import ValidationError as DjangoValidationError
from django.core.files.storage import default_storage
from django.http import Http404, HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema, extend_schema_field
from rest_framework import exceptions, mixins, serializers, status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from mer_platform.clips.layers import BUSY_SECONDS, MOST_OPEN, FlowLayer, open_layers
from mer_platform.clips.models import Clip, Database
from mer_platform.clips.packindex import notes_of, read_index
from mer_platform.clips.ranges import ranged_response
from mer_platform.clips.rates import HIGHEST, LOWEST, correct_rate, parse_rate
from mer_platform.clips.services import ClipExists, add_clip
from mer_platform.clips.shapes import FaceRange, FlowOfFrames, FlowState, FrameIndex
from mer_platform.clips.turning import TURNS, BeingIngested, request_turn
from mer_platform.jobs.models import Job
from mer_platform.jobs.polling import WaitsForJobs
from mer_platform.projects.access import require
from mer_platform.projects.models import AuditEvent, Role
from mer_platform.projects.viewsets import InProject, own_related
from mer_platform.rest.errors import Conflict
from mer_platform.rest.json_parser import ApiMultiPartParser, JsonParser
from mer_platform.rest.links import Link, creator, page_link
from mer_platform.rest.schema import Described, TypedField, typed
from mer_platform.rest.serializers import ApiModelSerializer, ApiSerializer
from mer_platform.uploads.services import spend, take
from models_ml.errors import InputError
from models_ml.video.filetypes import VIDEOS_IN_WORDS


class ClipSerializer(ApiModelSerializer):
    database = serializers.IntegerField(source="subject.database_id", read_only=True)
    database_name = serializers.CharField(source="subject.database.name", read_only=True)
    subject = serializers.CharField(source="subject.name", read_only=True)
    frames_per_second = serializers.FloatField(source="rate", read_only=True)
    face_note = serializers.CharField(read_only=True)
    created_by = creator("uploaded_by")
    url = Link("clip-detail", pk="pk")
    page_url = page_link("clip")
    notes = serializers.SerializerMethodField(
        help_text="What is odd about the recording; empty for most clips."
    )
    face_frames = TypedField(
        list[FaceRange], read_only=True, help_text="Stretches of frames in which the face is found."
    )

    class Meta:
        model = Clip
        fields = [
            "id", "project", "database", "database_name", "subject", "name", "state", "problem", "face_note",
            "notes", "face_frames", "frame_count", "frames_per_second", "fps", "file_fps", "width", "height",
            "is_grey", "codec", "first_source_number", "turn", "face_turn", "sha256", "size", "original_name",
            "created_by", "created_at", "url", "page_url",
        ]  # fmt: skip
        read_only_fields = fields

    def get_notes(self, clip: Clip) -> list[str]:
        return notes_of(clip)


@extend_schema_field(
    {"anyOf": [{"type": "number", "minimum": LOWEST, "maximum": HIGHEST}, {"type": "string"}]}
)
class RateField(serializers.Field):
    """Frames per second, as a number or a fraction."""

    def to_internal_value(self, data: Any) -> Fraction:
        try:
            return parse_rate(data)
        except DjangoValidationError as error:
            raise serializers.ValidationError(error.messages) from error

    def to_representation(self, value: Any) -> str:
        return str(value)


class ClipChangeSerializer(ApiSerializer):
    fps = RateField(help_text="The true recording rate in frames per second: 200, “29.97” or “30000/1001”.")


class UploadSerializer(ApiSerializer):
    file = serializers.FileField(
        required=False,
        allow_empty_file=True,
        help_text=f"A video ({VIDEOS_IN_WORDS}) or a zip of frame images.",
    )
    upload = serializers.UUIDField(
        required=False, help_text="Instead of a file: the id of a complete upload of yours."
    )
    database = own_related(Database.objects.select_related("project"), "project")(
        help_text="The database's id."
    )
    subject = serializers.CharField(
        allow_blank=True, help_text="Whose face it is. A new name creates a subject in this database."
    )
    name = serializers.CharField(
        required=False,
        allow_blank=True,
        max_length=120,
        help_text="Default: the file's name without its ending.",
    )
    fps = serializers.FloatField(
        required=False,
        allow_null=True,
        min_value=1,
        max_value=10_000,
        help_text="The recording rate in frames per second, to which the times of a video are scaled. Default: the rate of "
        "the database; a video was recorded as it plays unless the database states its rate also for videos.",
    )

    def validate(self, attrs: Any) -> Any:
        if ("file" in attrs) == ("upload" in attrs):
            both = "either a file or the id of an upload, not both"
            raise serializers.ValidationError(
                {"file": [f"Send {both}." if "file" in attrs else "Send a file, or the id of an upload."]}
            )
        return attrs


class TurnSerializer(ApiSerializer):
    degrees = serializers.ChoiceField(TURNS, help_text="Degrees clockwise, in addition to earlier turns.")


class JobSerializer(ApiSerializer):
    """A job that was queued for a clip."""

    job = serializers.IntegerField(source="pk")
    state = serializers.CharField()
    url = Link("clip-detail", pk="payload.clip", help_text="The clip that it changes; it takes `wait`.")
    page_url = page_link("clip", slug="project.slug", pk="payload.clip")


FLOW_SECONDS = 1  # that the flow between two frames takes at most, unless many wait


class NoFlow(exceptions.APIException):
    """422: the frames exist, but no flow can be computed between them."""

    status_code = status.HTTP_422_UNPROCESSABLE_ENTITY


class ClipViewSet(
    WaitsForJobs,
    InProject,
    mixins.ListModelMixin,
    mixins.RetrieveModelMixin,
):
    queryset = Clip.objects.select_related("subject__database", "project", "uploaded_by")
    serializer_class = ClipSerializer
    filters = {
        "project": "project", "database": "subject__database", "subject": "subject__name", "name": "name",
        "state": "state", "sha256": "sha256", "created_by": "uploaded_by__username",
    }  # fmt: skip
    renamed = {"subject__database": "database", "subject__name": "subject"}
    search_fields = ["name", "subject__name", "subject__database__name", "original_name"]
    ordering_fields = {
        "name": "name", "subject": "subject__name", "database": "subject__database__name", "state": "state",
        "frame_count": "frame_count", "size": "size", "created_at": "created_at",
    }  # fmt: skip
    open_states = (Clip.State.PROCESSING,)
    job_kinds = ("ingest", "turn")
    parsers_of = {"create": [ApiMultiPartParser, JsonParser]}
    file_actions = ("pack", "thumbnail")

    @extend_schema(
        request={"multipart/form-data": UploadSerializer, "application/json": UploadSerializer},
        responses={201: ClipSerializer},
    )
    def create(self, request: Request) -> Response:
        """Upload one clip. Its state is `processing` until the ingest job has read all frames, then `ready` or `failed`."""
        upload = UploadSerializer(data=request.data, context=self.get_serializer_context())
        upload.is_valid(raise_exception=True)
        fields = upload.validated_data
        database = fields["database"]
        require(request.user, database.project, Role.RESEARCHER)
        try:
            clip = _add(fields, request.user)
        except ClipExists as error:
            raise Conflict(str(error), clip=error.clip.pk) from error
        except DjangoValidationError as error:
            raise serializers.ValidationError(error.message_dict) from error
        AuditEvent.record(database.project, request.user, f"uploaded {clip}")
        return Response(self.get_serializer(clip).data, status=status.HTTP_201_CREATED)

    @extend_schema(request=ClipChangeSerializer, responses=ClipSerializer)
    def partial_update(self, request: Request, pk: str) -> Response:
        """Correct the recording rate. All times of the clip are scaled; motion curve and suggestions are computed again."""
        clip = self.get_object()
        change = ClipChangeSerializer(data=request.data)
        change.is_valid(raise_exception=True)
        try:
            correct_rate(clip, change.validated_data["fps"], request.user)
        except DjangoValidationError as error:
            raise Conflict(" ".join(error.messages)) from error
        clip.refresh_from_db()
        return Response(self.get_serializer(clip).data)

    @extend_schema(
        parameters=[
            OpenApiParameter(
                "v", OpenApiTypes.STR, description="Version of the frames; with it, the answer can be cached."
            )
        ],
        responses=typed(FrameIndex),
        filters=False,
    )
    @action(detail=True)
    def frames(self, request: Request, pk: str) -> Response:
        """Return the index of the frame pack: byte offsets, time stamps and source frames, and the face boxes."""
        clip = self._ready_clip()
        try:
            index = read_index(clip)
        except InputError as error:
            raise Http404(str(error)) from error
        response = Response({**index.to_json(), "faces": clip.faces.get("boxes", [])})
        # The frames can change, so only an address with their version can be cached.
        is_fixed = request.query_params.get("v") == clip.frames_version
        response["Cache-Control"] = (
            "private, max-age=31536000, immutable" if is_fixed else "private, no-cache"
        )
        return response

    @extend_schema(
        operation_id="clips_frames_bin",
        parameters=[
            OpenApiParameter(
                "v", OpenApiTypes.STR, description="Version of the frames, which must be the present one."
            ),
            OpenApiParameter("first", OpenApiTypes.INT, description="First byte of a part."),
            OpenApiParameter("last", OpenApiTypes.INT, description="Last byte of a part."),
        ],
        responses={(200, "application/octet-stream"): OpenApiTypes.BINARY},
    )
    def pack(self, request: Request, pk: str) -> HttpResponseBase:
        """Return the encoded frames, one after another. Request a part with `Range` or `?first=…&last=…`."""
        clip = self._ready_clip()
        if "v" in request.query_params and not clip.shows(request.query_params["v"]):
            raise Http404("The frames of this clip have changed. Load the page again.")
        file = default_storage.open(clip.pack_name)
        return ranged_response(
            request, file, default_storage.size(clip.pack_name), clip.pack_name, "application/octet-stream"
        )

    @extend_schema(
        parameters=[
            OpenApiParameter(
                "v", OpenApiTypes.STR, description="Version of the frames, so that browsers keep it apart."
            )
        ],
        responses={(200, "image/jpeg"): OpenApiTypes.BINARY},
    )
    @action(detail=True)
    def thumbnail(self, request: Request, pk: str) -> HttpResponseBase:
        """Return a small image of the clip."""
        clip = self._ready_clip()
        if not default_storage.exists(clip.thumbnail_name):
            raise Http404("The thumbnail of this clip is missing from the storage. Restore it from a backup.")
        file = default_storage.open(clip.thumbnail_name)
        return ranged_response(
            request, file, default_storage.size(clip.thumbnail_name), clip.thumbnail_name, "image/jpeg"
        )

    @extend_schema(
        parameters=[
            OpenApiParameter(name, int, required=True, description=f"Frame index at which the flow {verb}.")
            for name, verb in (("from", "starts"), ("to", "ends"))
        ],
        responses={
            200: OpenApiResponse(
                typed(FlowOfFrames), "`u` and `v` in pixels, and `strain`, on a grid over the face."
            ),
            202: OpenApiResponse(
                typed(FlowState), "A worker is computing it; ask again. `state` is the state of the job."
            ),
            422: OpenApiResponse(
                None,
                "Why there is no flow, for example because the first frame shows no face.",
            ),
        },
    )
    @action(detail=True)
    def flow(self, request: Request, pk: str) -> Response:
        """Return optical flow and strain from one frame to another, as in features.

        What is requested for the first time is computed by a worker: annotators may request that, viewers see what is there.
        """
        clip = self._ready_clip()
        layer = FlowLayer(clip, *(_frame_number(request, name, clip) for name in ("from", "to")))
        if layer.exists:
            with default_storage.open(layer.name) as file:
                response = Response(json.load(file))
            response["Cache-Control"] = "private, max-age=31536000, immutable"
            return response
        require(request.user, clip.project, Role.ANNOTATOR)  # a worker will compute it
        if open_layers(clip.project_id) >= MOST_OPEN:
            raise exceptions.Throttled(wait=BUSY_SECONDS)
        job = layer.request(request.user)
        if job.state == Job.State.FAILED:
            raise NoFlow(job.error)
        context = self.get_serializer_context()
        page = ClipSerializer(clip, context=context).fields["page_url"].to_representation(clip)
        address = request.build_absolute_uri()
        waiting = {"state": job.state, "url": address, "page_url": page}
        headers = {"Cache-Control": "no-store", "Location": address, "Retry-After": str(FLOW_SECONDS)}
        return Response(waiting, status=status.HTTP_202_ACCEPTED, headers=headers)

    @extend_schema(request=TurnSerializer, responses={202: JobSerializer})
    @action(detail=True, methods=["post"])
    def turn(self, request: Request, pk: str) -> Response:
        """Turn the frames of a ready clip clockwise, for example because the face lies on its side.

        A job ingests the clip again and computes its features again. Until it is done, the clip stays as it is. Marks stay
        valid, because frames keep their indices.
        """
        clip = self.get_object()
        wanted = TurnSerializer(data=request.data)
        wanted.is_valid(raise_exception=True)
        try:
            job = request_turn(clip, wanted.validated_data["degrees"], request.user)
        except BeingIngested as error:
            raise Conflict(str(error)) from error
        shown = JobSerializer(job, context=self.get_serializer_context())
        return Response(shown.data, status=status.HTTP_202_ACCEPTED)

    def describe(self, described: Described) -> None:
        super().describe(described)
        if described.action in self.file_actions:
            described.answers_in_ranges()

    def _ready_clip(self) -> Clip:
        clip = self.get_object()
        if clip.state != Clip.State.READY:
            raise Http404(f"This clip has no frames: its state is {clip.state}. {clip.problem}".strip())
        if not default_storage.exists(clip.pack_name):
            raise Http404(
                "The frames of this clip are missing from the storage. Restore them from a backup, or upload the clip again."
            )
        return clip


def _add(fields: dict[str, Any], user: Any) -> Clip:
    """Add a clip from the file of a request, or from an upload, which is then used up."""
    about = {"name": fields.get("name", ""), "fps": fields.get("fps")}
    database, subject = fields["database"], fields["subject"]
    if "upload" not in fields:
        return add_clip(database, subject, fields["file"], user, **about)
    with take(fields["upload"], user, database.project) as file:
        clip = add_clip(database, subject, file, user, **about)
    spend(fields["upload"], user)
    return clip


def _frame_number(request: Request, name: str, clip: Clip) -> int:
    text = request.query_params.get(name, "")
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        problem = (
            f"“{text}” is not a frame index. Frame indices are whole numbers from 0."
            if text
            else "State a frame index, counted from 0."
        )
        raise serializers.ValidationError({name: [problem]})
    if int(text) >= clip.frame_count:
        problem = f"Frame {text} is not in this clip: its frames are 0–{clip.frame_count - 1}."
        raise serializers.ValidationError({name: [problem]})
    return int(text)
