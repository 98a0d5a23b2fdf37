from typing import Any

from django.core.exceptions import ValidationError as DjangoValidationError
from django.db import IntegrityError, transaction
from django.http import Http404
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema, inline_serializer
from rest_framework import permissions, serializers, status, viewsets
from rest_framework.decorators import action
from rest_framework.exceptions import PermissionDenied
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from mer_platform.annotation.action_units import canonical
from mer_platform.annotation.blindness import blind_clips, check_open, seen_by
from mer_platform.annotation.checks import check_marks
from mer_platform.annotation.coding.opening import opening
from mer_platform.annotation.coding.queue import queue_of, why_empty
from mer_platform.annotation.models import Annotation, AnnotationVersion, Consensus, Suggestion
from mer_platform.annotation.spotting import queue_project
from mer_platform.api import Conflict
from mer_platform.clips.models import Clip
from mer_platform.projects.access import require, researcher_projects, role_in, row_id
from mer_platform.projects.models import Project, Role
from mer_platform.projects.viewsets import InProject, own_related


class AnnotationSerializer(serializers.ModelSerializer):
    clip = own_related(Clip.objects.all(), "project")()
    coder = serializers.CharField(source="coder.username", read_only=True)
    complete = serializers.BooleanField(read_only=True)
    deleted = serializers.BooleanField(
        read_only=True, help_text="True only in the `current` of a 409 and where deleted ones were asked for."
    )

    class Meta:
        model = Annotation
        fields = [
            "id", "key", "clip", "coder", "onset", "apex", "offset", "kind", "emotion", "action_units", "confidence",
            "note", "origin", "suggestion", "revision", "complete", "deleted", "created_at", "updated_at",
        ]  # fmt: skip
        read_only_fields = ["revision"]
        # A key that is there already is no error: see ``create``.
        extra_kwargs = {"note": {"max_length": 2000}, "key": {"validators": []}}
        validators: list[Any] = []  # the order of marks is checked below, with frames and a reason

    def validate_action_units(self, text: str) -> str:
        try:
            return canonical(text)
        except ValueError as error:
            raise serializers.ValidationError(str(error)) from error

    def validate_suggestion(self, value: Any) -> Any:
        if value is None:
            return None
        names = {"onset", "apex", "offset", "confidence"}
        if not isinstance(value, dict) or set(value) != names:
            raise serializers.ValidationError(
                f"A suggestion has {', '.join(sorted(names))}, and nothing else."
            )
        if any(isinstance(v, bool) or not isinstance(v, int | float) for v in value.values()):
            raise serializers.ValidationError("A suggestion's values are numbers.")
        return value

    def validate(self, fields: dict[str, Any]) -> dict[str, Any]:
        old = self.instance
        if isinstance(old, Annotation) and fields.pop("key", old.key) != old.key:
            raise serializers.ValidationError({"key": ["An annotation keeps its key."]})
        clip = old.clip if isinstance(old, Annotation) else fields["clip"]
        if clip.state != Clip.State.READY:
            raise serializers.ValidationError(
                {"clip": [f"This clip cannot be labelled: it is {clip.state}."]}
            )
        if isinstance(old, Annotation) and fields.get("clip", clip) != clip:
            raise serializers.ValidationError({"clip": ["An annotation stays with its clip."]})
        onset, apex, offset = (fields.get(k, getattr(old, k, None)) for k in ("onset", "apex", "offset"))
        if errors := check_marks(clip, onset, apex, offset):
            raise serializers.ValidationError(errors)
        words = clip.subject.database.emotions
        emotion = fields.get("emotion", "")
        if emotion and words and emotion not in words:
            raise serializers.ValidationError(
                {"emotion": [f"“{emotion}” is not a word of {clip.subject.database}: {', '.join(words)}."]}
            )
        return fields


class VersionSerializer(serializers.ModelSerializer):
    made_by = serializers.CharField(source="made_by.username", default=None, read_only=True)

    class Meta:
        model = AnnotationVersion
        fields = ["revision", "content", "made_by", "made_at", "client"]


class ConsensusSerializer(serializers.ModelSerializer):
    class Meta:
        model = Consensus
        fields = [
            "id",
            "clip",
            "onset",
            "apex",
            "offset",
            "kind",
            "emotion",
            "action_units",
            "origin",
            "annotation",
            "decided_at",
        ]


class SuggestionSerializer(serializers.ModelSerializer):
    class Meta:
        model = Suggestion
        fields = ["id", "onset", "apex", "offset", "confidence", "spotter"]


class AnnotationViewSet(InProject, viewsets.ModelViewSet):
    """Coders write their own annotations only. Who reads whose: see ``blindness`` (coding is blind)."""

    queryset = Annotation.objects.select_related("clip__subject__database", "coder")
    serializer_class = AnnotationSerializer
    filterset_fields = ["clip", "coder__username"]
    project_path = "clip__project"
    write_role = Role.ANNOTATOR
    http_method_names = ["get", "post", "patch", "delete", "head", "options"]

    def get_queryset(self) -> Any:
        user = self.request.user
        if self.action == "list" and self.request.query_params.get("deleted") == "true":
            self.queryset = Annotation.everything.select_related("clip__subject__database", "coder")
            return super().get_queryset().filter(coder=user, deleted_at__isnull=False)
        seen = seen_by(user, super().get_queryset())
        return seen.filter(coder_id=user.pk) if self.request.query_params.get("mine") == "true" else seen

    @extend_schema(
        parameters=[
            OpenApiParameter("mine", OpenApiTypes.BOOL, description="Only the caller's own."),
            OpenApiParameter(
                "deleted",
                OpenApiTypes.BOOL,
                description="Only the caller's own that were deleted, to `restore`.",
            ),
        ]
    )
    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().list(request, *args, **kwargs)

    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """One annotation; its `ETag` is what an edit sends back as `If-Match`."""
        return self._tagged(self.get_object())

    def get_success_headers(self, data: Any) -> dict[str, str]:
        return {**super().get_success_headers(data), "ETag": f'"{data["revision"]}"'}

    def perform_create(self, serializer: Any) -> None:
        """A ``key`` that is there already is a save whose answer got lost: 409 with what is there, and nothing twice."""
        clip = serializer.validated_data["clip"]
        require(self.request.user, clip.project, Role.ANNOTATOR)
        check_open(self.request.user, clip)
        try:
            with transaction.atomic():
                annotation = serializer.save(coder=self.request.user)
                annotation.keep_version(self.request.user, self._client())
        except IntegrityError as error:
            key = serializer.validated_data.get("key")
            own = Annotation.everything.filter(clip=clip, coder_id=self.request.user.pk)
            if (there := own.filter(key=key).first()) is None:
                raise Conflict("An annotation with this key is there already; make a new one.") from error
            raise Conflict(
                "This annotation is there already.", current=self.get_serializer(there).data
            ) from error

    @extend_schema(
        parameters=[
            OpenApiParameter(
                "If-Match",
                OpenApiTypes.STR,
                OpenApiParameter.HEADER,
                description="The revision this edit began from.",
            )
        ]
    )
    def partial_update(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Change some fields. With `If-Match`, an edit made elsewhere meanwhile is answered 409; nothing is lost."""
        with transaction.atomic():
            annotation = self.get_object()
            self._check_owner(annotation)
            current = Annotation.objects.select_for_update().get(pk=annotation.pk)
            self._check_unchanged(current)
            serializer = self.get_serializer(current, data=request.data, partial=True)
            serializer.is_valid(raise_exception=True)
            changed = serializer.save(revision=current.revision + 1)
            changed.keep_version(request.user, self._client())
        return self._tagged(changed)

    def perform_destroy(self, annotation: Annotation) -> None:
        """Out of everybody's sight, but kept: ``restore`` brings it back."""
        self._check_owner(annotation)
        with transaction.atomic():
            current = Annotation.objects.select_for_update().get(pk=annotation.pk)
            self._check_unchanged(current)
            self._set_deleted(current, timezone.now())

    @extend_schema(request=None, responses=AnnotationSerializer)
    @action(detail=True, methods=["post"])
    def restore(self, request: Request, pk: str) -> Response:
        """Bring a deleted annotation of one's own back, as it was; one that is there stays as it is."""
        with transaction.atomic():
            own = Annotation.everything.filter(coder_id=request.user.pk)
            annotation = get_object_or_404(own.select_for_update(), pk=row_id(pk))
            require(request.user, annotation.clip.project, Role.ANNOTATOR)
            check_open(request.user, annotation.clip)
            if annotation.deleted:
                self._set_deleted(annotation, None)
        return self._tagged(annotation)

    @extend_schema(responses=VersionSerializer(many=True), filters=False)
    @action(detail=True, pagination_class=None)
    def versions(self, request: Request, pk: str) -> Response:
        """Every version of this annotation, the oldest first."""
        versions = self.get_object().versions.select_related("made_by")
        return Response(VersionSerializer(versions, many=True).data)

    def _set_deleted(self, annotation: Annotation, at: Any) -> None:
        annotation.deleted_at = at
        annotation.revision += 1
        annotation.save(update_fields=["deleted_at", "revision", "updated_at"])
        annotation.keep_version(self.request.user, self._client())

    def _tagged(self, annotation: Annotation) -> Response:
        return Response(self.get_serializer(annotation).data, headers={"ETag": f'"{annotation.revision}"'})

    def _client(self) -> str:
        """What sends this: the labeler says so, anything else came by the API."""
        return self.request.headers.get("X-MER-Client", "api")

    @extend_schema(request=None, responses=ConsensusSerializer)
    @action(detail=True, methods=["post"])
    def adopt(self, request: Request, pk: str) -> Response:
        """Make this coder's marking the clip's consensus, from which composites are built."""
        annotation = self.get_object()
        require(request.user, annotation.clip.project, Role.RESEARCHER)
        try:
            consensus = Consensus.adopt(annotation, request.user)
        except DjangoValidationError as error:
            raise Conflict(str(error.message)) from error
        return Response(ConsensusSerializer(consensus).data)

    def _check_unchanged(self, current: Annotation) -> None:
        """With `If-Match`: the edit began from the current revision, or nothing happens and both are shown."""
        expected = self.request.headers.get("If-Match", "").strip('W/" ')
        if expected and expected != str(current.revision):
            raise Conflict(
                "This annotation was changed elsewhere meanwhile.", current=self.get_serializer(current).data
            )

    def _check_owner(self, annotation: Annotation) -> None:
        if annotation.coder_id != self.request.user.pk:
            raise PermissionDenied(
                f"This is the marking of {annotation.coder}; coders change only their own."
            )
        check_open(self.request.user, annotation.clip)


class ConsensusViewSet(InProject, viewsets.ReadOnlyModelViewSet):
    queryset = Consensus.objects.all()
    serializer_class = ConsensusSerializer
    filterset_fields = ["clip"]
    project_path = "clip__project"

    def get_queryset(self) -> Any:
        user = self.request.user
        own = super().get_queryset().filter(clip__project__in=researcher_projects(user))
        return own.exclude(clip__in=blind_clips(user))


class ClipSuggestions(APIView):
    """The spotter's suggestions for a clip."""

    permission_classes = [permissions.IsAuthenticated]

    @extend_schema(responses=SuggestionSerializer(many=True))
    def get(self, request: Request, pk: int) -> Response:
        """Where the spotter sees expressions: no coder's marks, so annotators may see them while they label."""
        own = Clip.objects.filter(project__in=Project.objects.of(request.user))
        clip = get_object_or_404(own.select_related("project"), pk=pk)
        require(request.user, clip.project, Role.ANNOTATOR)
        return Response(SuggestionSerializer(clip.suggestions.all(), many=True).data)


class SpotProject(APIView):
    """Spotting in all clips of a project."""

    permission_classes = [permissions.IsAuthenticated]

    @extend_schema(
        request=None,
        responses={202: inline_serializer("SpottingQueued", {"queued": serializers.IntegerField()})},
    )
    def post(self, request: Request, pk: int) -> Response:
        """Queue the spotter for every clip without a consensus, or whose consensus lacks an apex."""
        project = get_object_or_404(Project.objects.of(request.user), pk=pk)
        require(request.user, project, Role.RESEARCHER)
        return Response({"queued": len(queue_project(project))}, status=status.HTTP_202_ACCEPTED)


class ProjectQueue(APIView):
    """The caller's queue in a project."""

    permission_classes = [permissions.IsAuthenticated]

    @extend_schema(
        parameters=[
            OpenApiParameter("after", OpenApiTypes.INT, description="Id of the clip just looked at.")
        ],
        responses={
            200: OpenApiResponse(OpenApiTypes.OBJECT, description="What the labeler needs to open it.")
        },
    )
    def get(self, request: Request, pk: int) -> Response:
        """The next clip to code, with what the labeler needs to open it in place; its `clip` is null at the end."""
        project = Project.objects.of(request.user).filter(pk=pk).first()
        if project is None:
            raise Http404("No such project.")
        role = role_in(request.user, require(request.user, project, Role.ANNOTATOR))
        queue = queue_of(project, request.user)
        text = request.query_params.get("after")
        after = row_id(text) if text else None
        following = queue.next(after)
        counts = {"left": queue.left, "total": queue.total, "done": queue.done}
        if following is None:
            page_url = reverse("coding", args=[project.slug])
            return Response(
                {"clip": None, "page_url": page_url, "message": why_empty(queue, after), **counts}
            )
        clip = Clip.objects.select_related("subject__database", "project").get(pk=following)
        place = {"database": clip.database.name, "subject": clip.subject.name}
        return Response({**opening(clip, role or Role.ANNOTATOR), **place, **counts})
