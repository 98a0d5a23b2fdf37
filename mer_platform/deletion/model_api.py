"""The API's viewset of models, with their deletion and its preview."""

from drf_spectacular.utils import OpenApiResponse, extend_schema, extend_schema_view
from rest_framework import mixins, serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from mer_platform.deletion.model_services import delete_model, why_kept
from mer_platform.deletion.services import CannotDelete
from mer_platform.projects.access import require
from mer_platform.registry.api import ModelVersionViewSet
from mer_platform.registry.models import ModelVersion
from mer_platform.rest.errors import Conflict
from mer_platform.rest.serializers import ApiSerializer


class ModelDeletionSerializer(ApiSerializer):
    """What the deletion of a model would remove."""

    possible = serializers.BooleanField()
    reason = serializers.CharField(help_text="Why it cannot be deleted; empty if it can.")
    aliases = serializers.ListField(child=serializers.CharField(), help_text="Aliases that go with it.")
    events = serializers.IntegerField(help_text="Lines of its history that go with it.")
    batches = serializers.IntegerField(help_text="Scoring batches that need it, so that it stays.")


@extend_schema_view(
    destroy=extend_schema(
        description="Delete a model with its history, aliases and files. Its run stays, and can be registered again. "
        "`GET` of `deletion/` says what goes. This cannot be undone.",
        responses={
            204: None,
            409: OpenApiResponse(description="It is in production, or a scoring batch needs it."),
        },
    )
)
class DeletableModelViewSet(mixins.DestroyModelMixin, ModelVersionViewSet):
    __doc__ = ModelVersionViewSet.__doc__

    @extend_schema(responses=ModelDeletionSerializer, filters=False)
    @action(detail=True, pagination_class=None)
    def deletion(self, request: Request, pk: str) -> Response:
        """Say what deleting the model would remove. Nothing is deleted before `DELETE`."""
        model = self.get_object()
        require(request.user, model.project, self.write_role)
        reason = why_kept(model)
        preview = {
            "possible": not reason,
            "reason": reason,
            "aliases": [alias.name for alias in model.aliases.all()],
            "events": model.events.count(),
            "batches": model.batches.count(),
        }
        return Response(ModelDeletionSerializer(preview).data)

    def perform_destroy(self, instance: ModelVersion) -> None:
        try:
            delete_model(instance, self.request.user)
        except CannotDelete as error:
            raise Conflict(str(error)) from error
