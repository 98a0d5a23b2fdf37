from typing import Any

from django.core.exceptions import ValidationError as DjangoValidationError
from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.http import Http404
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import (
    OpenApiParameter,
    extend_schema,
    extend_schema_view,
)
from rest_framework import serializers, status, viewsets
from rest_framework.decorators import action
from rest_framework.exceptions import PermissionDenied
from rest_framework.request import Request
from rest_framework.response import Response

from mer_platform.annotation.blindness import blind_clips, check_open, seen_by
from mer_platform.annotation.coding.bulk import carry_out
from mer_platform.annotation.coding.bulk_serializers import (
    AnnotationOperationsSerializer,
    AnnotationResultsSerializer,
    OperationsFailedSerializer,
    OperationsFormSerializer,
)
from mer_platform.annotation.coding.opening import opening
from mer_platform.annotation.coding.queue import coding_queue, why_empty
from mer_platform.annotation.coding.serializers import (
    AnnotationSerializer,
    ConsensusSerializer,
    SuggestionSerializer,
    VersionSerializer,
)
from mer_platform.annotation.models import Annotation, Consensus
from mer_platform.annotation.shapes import CodingQueue
from mer_platform.annotation.spotting import count_waiting, queue_project
from mer_platform.clips.models import Clip
from mer_platform.projects.access import require, researcher_projects, role_in, row_id
from mer_platform.projects.models import Project, Role
from mer_platform.projects.viewsets import InProject
from mer_platform.rest.errors import Conflict
from mer_platform.rest.links import Link, page_link
from mer_platform.rest.pagination import Pagination
from mer_platform.rest.schema import ProblemSerializer, typed
from mer_platform.rest.serializers import ApiSerializer
from mer_platform.rest.sparse import asked_fields
from mer_platform.rest.views import ApiView
from mer_platform.rest.waiting import WaitingMixin


class AnnotationConflictSerializer(ProblemSerializer):
    """The annotation was changed in the meantime, or is stored already."""

    current = AnnotationSerializer(required=False, help_text="The annotation as it is stored now.")


@extend_schema_view(
    list=extend_schema(
        description="List the annotations that the caller may see.",
        parameters=[
            OpenApiParameter("mine", OpenApiTypes.BOOL, description="Only annotations of the caller."),
            OpenApiParameter(
                "deleted",
                OpenApiTypes.BOOL,
                description="Only deleted annotations of the caller, which `restore` brings back.",
            ),
        ],
    ),
    create=extend_schema(
        description="Store an annotation of the caller.\n\nIf one with this `key` is stored already (an earlier save "
        "succeeded, but its answer was lost), the answer is 409 with the stored annotation as `current`.",
        responses={201: AnnotationSerializer, 409: AnnotationConflictSerializer},
    ),
    destroy=extend_schema(
        description="Delete an annotation. It stays in the history, and `restore` brings it back.",
        responses={204: None, 412: AnnotationConflictSerializer},
    ),
)
class AnnotationViewSet(InProject, viewsets.ModelViewSet):
    """Annotations. Coders change only their own.

    Coders see the annotations of others only after all coders of the clip are done. Researchers see all annotations,
    except on clips in their own queue.
    """

    queryset = Annotation.objects.select_related("clip__subject__database", "clip__project", "coder")
    serializer_class = AnnotationSerializer
    filters = {
        "project": "clip__project", "database": "clip__subject__database", "subject": "clip__subject__name", "clip": "clip",
        "coder": "coder__username", "kind": "kind", "emotion": "emotion", "origin": "origin", "confidence": "confidence",
        "key": "key",
    }  # fmt: skip
    renamed = {"coder__username": "coder"}
    search_fields = ["clip__name", "emotion", "note", "action_units"]
    ordering_fields = {
        "clip": "clip_id", "onset": "onset", "coder": "coder__username", "emotion": "emotion", "confidence": "confidence",
        "created_at": "created_at", "updated_at": "updated_at",
    }  # fmt: skip
    project_path = "clip__project"
    write_role = Role.ANNOTATOR
    http_method_names = ["get", "post", "patch", "delete", "head", "options"]

    def get_queryset(self) -> Any:
        user = self.request.user
        if self.action == "list" and self.request.query_params.get("deleted") == "true":
            self.queryset = Annotation.everything.select_related(
                "clip__subject__database", "clip__project", "coder"
            )
            return super().get_queryset().filter(coder=user, deleted_at__isnull=False)
        seen = seen_by(user, super().get_queryset())
        return seen.filter(coder_id=user.pk) if self.request.query_params.get("mine") == "true" else seen

    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Return one annotation. Send its `ETag`, which is its quoted `revision`, back as `If-Match` when you edit it."""
        return super().retrieve(request, *args, **kwargs)

    def etag_of(self, response: Response) -> str:
        if isinstance(response.data, dict) and "revision" in response.data and not asked_fields(self.request):
            return f'"{response.data["revision"]}"'  # each change increases it, so lists give the tags of all their rows
        return super().etag_of(response)

    def shows_itself(self, response: Response) -> bool:
        return self.action == "restore" or super().shows_itself(response)

    def perform_create(self, serializer: Any) -> None:
        clip = serializer.validated_data["clip"]
        require(self.request.user, clip.project, Role.ANNOTATOR)
        check_open(self.request.user, clip)
        try:
            with transaction.atomic():
                annotation = serializer.save(coder=self.request.user)
                annotation.keep_version(self.request.user, self._client())
        except IntegrityError as error:
            key = serializer.validated_data.get("key")
            if (stored := self._own().filter(clip=clip, key=key).first()) is None:
                raise Conflict(
                    "Another annotation has this key. Send the annotation with a new key."
                ) from error
            raise Conflict(
                "This annotation is stored already.", current=self.get_serializer(stored).data
            ) from error

    @extend_schema(responses={200: AnnotationSerializer, 412: AnnotationConflictSerializer})
    def partial_update(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Change some fields. With `If-Match`, the answer is 412 if the annotation has changed since that revision."""
        with transaction.atomic():
            annotation = self.get_object()
            self._check_owner(annotation)
            current = Annotation.objects.select_for_update().get(pk=annotation.pk)
            serializer = self.get_serializer(current, data=request.data, partial=True)
            serializer.is_valid(raise_exception=True)
            changed = serializer.save(revision=current.revision + 1)
            changed.keep_version(request.user, self._client())
        return Response(self.get_serializer(changed).data)

    def perform_destroy(self, annotation: Annotation) -> None:
        self._check_owner(annotation)
        with transaction.atomic():
            current = Annotation.objects.select_for_update().get(pk=annotation.pk)
            self._set_deleted(current, timezone.now())

    @extend_schema(
        request=AnnotationOperationsSerializer,
        responses={
            200: AnnotationResultsSerializer,
            **dict.fromkeys((400, 403, 404, 409, 412), OperationsFailedSerializer),
        },
    )
    @action(detail=False, methods=["post"])
    def bulk(self, request: Request) -> Response:
        """Create, update and delete up to 1,000 annotations of the caller.

        Each operation follows the rules of a single request and has a result of its own. With `atomic`, nothing is changed
        if one fails; the answer then has the status of the first that failed, and `errors` names all.
        """
        form = OperationsFormSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        sent = form.validated_data
        results = carry_out(
            request,
            sent["operations"],
            self._client(),
            atomic=sent["atomic"],
            context=self.get_serializer_context(),
        )
        failed = sum(result["problem"] is not None for result in results)
        return Response({"succeeded": len(results) - failed, "failed": failed, "results": results})

    @extend_schema(request=None, responses=AnnotationSerializer)
    @action(detail=True, methods=["post"])
    def restore(self, request: Request, pk: str) -> Response:
        """Restore a deleted annotation of the caller. If it is not deleted, nothing changes."""
        with transaction.atomic():
            annotation = get_object_or_404(self._own().select_for_update(), pk=row_id(pk))
            require(request.user, annotation.clip.project, Role.ANNOTATOR)
            check_open(request.user, annotation.clip)
            if annotation.deleted:
                self._set_deleted(annotation, None)
        return Response(self.get_serializer(annotation).data)

    @extend_schema(responses=VersionSerializer(many=True), filters=False)
    @action(detail=True)
    def versions(self, request: Request, pk: str) -> Response:
        """List all versions of an annotation, the oldest first."""
        return self.paged(self.get_object().versions.select_related("made_by"), VersionSerializer)

    @extend_schema(request=None, responses=ConsensusSerializer)
    @action(detail=True, methods=["post"])
    def adopt(self, request: Request, pk: str) -> Response:
        """Make this annotation the consensus on its expression. Composites are built from the consensus."""
        annotation = self.get_object()
        require(request.user, annotation.clip.project, Role.RESEARCHER)
        try:
            consensus = Consensus.adopt(annotation, request.user)
        except DjangoValidationError as error:
            raise Conflict(str(error.message)) from error
        return Response(ConsensusSerializer(consensus, context=self.get_serializer_context()).data)

    def before_body(self) -> None:
        if self.action == "restore":  # other actions find no deleted annotation
            get_object_or_404(self._own(), pk=row_id(self.kwargs["pk"]))
        else:
            super().before_body()

    def _own(self) -> QuerySet[Annotation]:
        """Return the caller's annotations, with the deleted ones."""
        return Annotation.everything.filter(coder_id=self.request.user.pk)

    def _set_deleted(self, annotation: Annotation, at: Any) -> None:
        annotation.deleted_at = at
        annotation.revision += 1
        annotation.save(update_fields=["deleted_at", "revision", "updated_at"])
        annotation.keep_version(self.request.user, self._client())

    def _client(self) -> str:
        """Return the name of the client; only the labeler sends one."""
        return self.request.headers.get("X-MER-Client", "api")

    def _check_owner(self, annotation: Annotation) -> None:
        if annotation.coder_id != self.request.user.pk:
            raise PermissionDenied(
                f"Cannot change an annotation of {annotation.coder}: coders change only their own."
            )
        check_open(self.request.user, annotation.clip)


class ConsensusViewSet(InProject, viewsets.ReadOnlyModelViewSet):
    """The consensus on each expression. Only researchers see it, and not on clips that they still have to code."""

    queryset = Consensus.objects.select_related("clip__project", "decided_by")
    serializer_class = ConsensusSerializer
    filters = {
        "project": "clip__project", "database": "clip__subject__database", "subject": "clip__subject__name", "clip": "clip",
        "kind": "kind", "emotion": "emotion", "origin": "origin", "created_by": "decided_by__username",
    }  # fmt: skip
    created_field = "decided_at"
    search_fields = ["clip__name", "emotion", "action_units"]
    ordering_fields = {
        "clip": "clip_id", "onset": "onset", "emotion": "emotion", "decided_at": "decided_at", "created_at": "decided_at",
    }  # fmt: skip
    project_path = "clip__project"

    def get_queryset(self) -> Any:
        user = self.request.user
        own = super().get_queryset().filter(clip__project__in=researcher_projects(user))
        return own.exclude(clip__in=blind_clips(user))


class ClipSuggestions(ApiView):
    """The spotter's suggestions for a clip."""

    pagination_class = Pagination

    @extend_schema(responses=SuggestionSerializer(many=True))
    def get(self, request: Request, pk: int) -> Response:
        """List where the spotter sees expressions. Suggestions are not coders' marks, so all annotators may see them."""
        own = Clip.objects.filter(project__in=Project.objects.of(request.user))
        clip = get_object_or_404(own.select_related("project"), pk=pk)
        require(request.user, clip.project, Role.ANNOTATOR)
        return self.paged(clip.suggestions.all(), SuggestionSerializer)


class SpottingSerializer(ApiSerializer):
    """The spotter in a project."""

    waiting = serializers.IntegerField(help_text="Clips that wait for the spotter or are being searched.")
    url = Link("project-spot", pk="project.pk")
    page_url = page_link("clips", slug="project.slug")


class SpottingQueuedSerializer(SpottingSerializer):
    """What was queued."""

    queued = serializers.IntegerField(help_text="Clips that are searched now, or were queued before.")


class SpotProject(WaitingMixin, ApiView):
    """Spotting in all clips of a project."""

    @extend_schema(responses=SpottingSerializer)
    def get(self, request: Request, pk: int) -> Response:
        """Return how many clips the spotter still has to search."""
        project = self.watched()
        found = {"project": project, "waiting": count_waiting(project)}
        return Response(SpottingSerializer(found, context={"request": request}).data)

    @extend_schema(request=None, responses={202: SpottingQueuedSerializer})
    def post(self, request: Request, pk: int) -> Response:
        """Queue the spotter for each clip that has no consensus, or a consensus without an apex."""
        project = self.before_body()
        found = {"project": project, "queued": len(queue_project(project)), "waiting": count_waiting(project)}
        shown = SpottingQueuedSerializer(found, context={"request": request})
        return Response(shown.data, status=status.HTTP_202_ACCEPTED)

    def before_body(self) -> Project:
        return require(self.request.user, self.watched(), Role.RESEARCHER)

    def watched(self) -> Project:
        project = get_object_or_404(Project.objects.of(self.request.user), pk=self.kwargs["pk"])
        return require(self.request.user, project, Role.ANNOTATOR)

    def snapshot(self, row: Project) -> tuple[int, bool]:
        left = count_waiting(row)
        return left, not left


class ProjectQueue(ApiView):
    """The caller's queue in a project."""

    @extend_schema(
        parameters=[OpenApiParameter("after", OpenApiTypes.INT, description="Id of the clip just coded.")],
        responses=typed(CodingQueue),
    )
    def get(self, request: Request, pk: int) -> Response:
        """Return the next clip to code and what the labeler needs to open it. At the end of the queue, `clip` is null."""
        project = Project.objects.of(request.user).filter(pk=pk).first()
        if project is None:
            raise Http404("Project not found.")
        role = role_in(request.user, require(request.user, project, Role.ANNOTATOR))
        queue = coding_queue(project, request.user)
        text = request.query_params.get("after")
        after = row_id(text) if text else None
        next_clip = queue.next(after)
        counts = {"left": queue.left, "total": queue.total, "done": queue.done}
        if next_clip is None:
            page_url = reverse("coding", args=[project.slug])
            return Response({"clip": None, "page_url": page_url, "message": why_empty(queue), **counts})
        clip = Clip.objects.select_related("subject__database", "project").get(pk=next_clip)
        names = {"database": clip.database.name, "subject": clip.subject.name}
        return Response({**opening(clip, role or Role.ANNOTATOR), **names, **counts})
