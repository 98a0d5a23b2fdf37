"""The REST API of composites: what all versions of one share."""

from django.core.exceptions import ValidationError as DjangoValidationError
from django.db.models import Count
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import mixins, serializers
from rest_framework.request import Request
from rest_framework.response import Response

from mer_platform.composites.models import Composite
from mer_platform.composites.serializers import ChangeCompositeSerializer, CompositeSerializer
from mer_platform.composites.services import NameTaken, change
from mer_platform.projects.viewsets import InProject
from mer_platform.rest.errors import Conflict


class CompositeViewSet(InProject, mixins.ListModelMixin, mixins.RetrieveModelMixin):
    """Composites: the names and descriptions of frozen versions. Freezing a version under a new name makes one.

    A composite stays when its last version is deleted, so that the number of a version is never used for another one.
    """

    queryset = Composite.objects.select_related("project").annotate(version_count=Count("versions"))
    serializer_class = CompositeSerializer
    filters = {"project": "project", "name": "name"}
    search_fields = ["name", "description"]
    ordering_fields = {"name": "name", "created_at": "created_at", "versions": "version_count"}

    @extend_schema(
        request=ChangeCompositeSerializer,
        responses={
            200: CompositeSerializer,
            409: OpenApiResponse(
                description="The project has another composite of this name: `composite` is its id."
            ),
        },
    )
    def partial_update(self, request: Request, pk: str) -> Response:
        """Change the name or the description. Versions keep their numbers and hashes."""
        composite = self.get_object()
        form = ChangeCompositeSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        try:
            change(composite, request.user, **form.validated_data)
        except NameTaken as error:
            raise Conflict(" ".join(error.messages), composite=error.other.pk) from error
        except DjangoValidationError as error:
            raise serializers.ValidationError(error.message_dict) from error
        return Response(self.get_serializer(self.get_object()).data)
