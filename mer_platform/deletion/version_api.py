"""The API's viewset of frozen versions, with their deletion and its preview."""

from drf_spectacular.utils import OpenApiResponse, extend_schema, extend_schema_view
from rest_framework import mixins, serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from mer_platform.composites.api import CompositeVersionViewSet
from mer_platform.composites.models import CompositeVersion
from mer_platform.deletion.services import CannotDelete
from mer_platform.deletion.version_services import delete_version, uses_of, why_kept
from mer_platform.projects.access import require
from mer_platform.rest.errors import Conflict
from mer_platform.rest.serializers import ApiSerializer


class VersionDeletionSerializer(ApiSerializer):
    """What the deletion of a version would remove."""

    possible = serializers.BooleanField()
    reason = serializers.CharField(help_text="Why it cannot be deleted; empty if it can.")
    samples = serializers.IntegerField(help_text="Samples that go with it. The clips stay.")
    needed_by = serializers.DictField(
        child=serializers.IntegerField(),
        help_text="How many experiments, runs, feature sets and feature exports need it, so that it stays.",
    )


@extend_schema_view(
    destroy=extend_schema(
        description="Delete a version that no experiment, run, feature set or feature export needs. The clips stay. `GET` "
        "of `deletion/` says what goes. This cannot be undone.",
        responses={204: None, 409: OpenApiResponse(description="Something needs it. Nothing was deleted.")},
    )
)
class DeletableVersionViewSet(mixins.DestroyModelMixin, CompositeVersionViewSet):
    __doc__ = CompositeVersionViewSet.__doc__

    @extend_schema(responses=VersionDeletionSerializer, filters=False)
    @action(detail=True, pagination_class=None)
    def deletion(self, request: Request, pk: str) -> Response:
        """Say what deleting the version would remove. Nothing is deleted before `DELETE`."""
        version = self.get_object()
        require(request.user, version.project, self.write_role)
        reason = why_kept(version)
        preview = {
            "possible": not reason,
            "reason": reason,
            "samples": version.samples.count(),
            "needed_by": uses_of(version),
        }
        return Response(VersionDeletionSerializer(preview).data)

    def perform_destroy(self, instance: CompositeVersion) -> None:
        try:
            delete_version(instance, self.request.user)
        except CannotDelete as error:
            raise Conflict(str(error)) from error
