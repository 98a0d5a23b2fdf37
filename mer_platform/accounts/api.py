"""The REST API of what administrators decide for the whole installation."""

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from mer_platform.accounts.access import require_administrator
from mer_platform.accounts.models import Installation
from mer_platform.rest.serializers import ApiModelSerializer
from mer_platform.rest.views import ApiView


class InstallationSerializer(ApiModelSerializer):
    class Meta:
        model = Installation
        fields = ["projects_by", "accounts_by", "imports_by"]


class InstallationSettings(ApiView):
    """What administrators decide for the whole installation."""

    @extend_schema(responses=InstallationSerializer)
    def get(self, request: Request) -> Response:
        """Return who may create projects and accounts, and read import folders. For administrators."""
        require_administrator(request.user)
        return Response(InstallationSerializer(Installation.current()).data)

    def lock(self) -> None:
        Installation.objects.select_for_update().filter(pk=1).first()

    @extend_schema(request=InstallationSerializer, responses=InstallationSerializer)
    def patch(self, request: Request) -> Response:
        """Change these settings. For administrators."""
        require_administrator(request.user)
        form = InstallationSerializer(Installation.current(), data=request.data, partial=True)
        form.is_valid(raise_exception=True)
        form.save(changed_by=request.user)
        return Response(form.data)
