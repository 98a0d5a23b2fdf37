"""The API's viewsets of what can be deleted, with the deletion itself and its preview."""

from typing import Any

from drf_spectacular.utils import OpenApiResponse, extend_schema, extend_schema_view
from rest_framework import mixins, serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from mer_platform.clips.api import ClipViewSet
from mer_platform.clips.database_api import DatabaseViewSet, SubjectViewSet
from mer_platform.clips.picture_api import FlowPictureViewSet
from mer_platform.deletion.contents import WORDS, Contents
from mer_platform.deletion.services import CannotDelete, delete
from mer_platform.projects.access import require
from mer_platform.projects.api import ProjectViewSet
from mer_platform.rest.errors import Conflict
from mer_platform.rest.serializers import ApiSerializer


class DeletionSerializer(ApiSerializer):
    """What `DELETE` of the same address removes."""

    possible = serializers.BooleanField(help_text="Whether it can be deleted.")
    reason = serializers.CharField(help_text="Why it cannot be deleted; empty if it can.")
    versions = serializers.ListField(
        child=serializers.IntegerField(),
        help_text="Ids of the frozen versions that contain its recordings. They stay, so it cannot be deleted.",
    )
    rows = serializers.DictField(
        child=serializers.IntegerField(),
        help_text=f"How many rows of each kind go; kinds without rows are left out. Kinds: {', '.join(WORDS)}.",
    )
    not_counted = serializers.IntegerField(
        help_text="How many of its clips you still have to code. They go too, but `rows` leaves out their consensus, their "
        "scores and what others marked on them, because coding is blind."
    )
    bytes = serializers.IntegerField(
        help_text="Size of the uploaded clips and of the exports. Their frames, features and models go too. A file stays "
        "while a clip of another project has the same content."
    )


class DeletableMixin(mixins.DestroyModelMixin):
    """A viewset whose rows can be deleted with all that belongs to them."""

    @extend_schema(responses=DeletionSerializer, filters=False)
    @action(detail=True, pagination_class=None)
    def deletion(self, request: Request, pk: str) -> Response:
        """Say what deleting it would remove. Nothing is deleted before `DELETE`."""
        target = self.get_object()  # type: ignore[attr-defined]
        contents = Contents.of(target)
        require(request.user, contents.project, self.write_role)  # type: ignore[attr-defined]
        reason = contents.refusal()
        preview = {
            "possible": not reason,
            "reason": reason,
            "versions": list(contents.versions().values_list("pk", flat=True)),
            "rows": contents.counts(request.user),
            "not_counted": contents.blind_clips(request.user),
            "bytes": contents.bytes(),
        }
        return Response(DeletionSerializer(preview).data)

    def perform_destroy(self, instance: Any) -> None:
        try:
            delete(instance, self.request.user)  # type: ignore[attr-defined]
        except CannotDelete as error:
            versions = list(Contents.of(instance).versions().values_list("pk", flat=True))
            raise Conflict(str(error), versions=versions) from error


_described = extend_schema_view(
    destroy=extend_schema(
        description="Delete it with all that belongs to it, and cancel its jobs. `GET` of `deletion/` says what goes. Its "
        "files follow within a few minutes. This cannot be undone.",
        responses={
            204: None,
            409: OpenApiResponse(
                description="Frozen versions contain its recordings; `versions` has their ids. Nothing was deleted."
            ),
        },
    )
)


@_described
class DeletableDatabaseViewSet(DeletableMixin, DatabaseViewSet):
    __doc__ = DatabaseViewSet.__doc__


@_described
class DeletableSubjectViewSet(DeletableMixin, SubjectViewSet):
    __doc__ = SubjectViewSet.__doc__


@_described
class DeletableClipViewSet(DeletableMixin, ClipViewSet):
    __doc__ = ClipViewSet.__doc__


@_described
class DeletableFlowPictureViewSet(DeletableMixin, FlowPictureViewSet):
    __doc__ = FlowPictureViewSet.__doc__


@_described
class DeletableProjectViewSet(DeletableMixin, ProjectViewSet):
    __doc__ = ProjectViewSet.__doc__
    http_method_names = [*ProjectViewSet.http_method_names, "delete"]
