from drf_spectacular.utils import extend_schema, inline_serializer
from rest_framework import serializers, status, viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from mer_platform.annotation.spotting import queue_project
from mer_platform.api import InProject
from mer_platform.projects.access import role_in
from mer_platform.projects.models import Project, Role
from mer_platform.projects.services import create_project


class ProjectSerializer(serializers.ModelSerializer):
    role = serializers.SerializerMethodField(help_text="The caller's role.")

    class Meta:
        model = Project
        fields = ["id", "name", "slug", "description", "role", "created_at"]
        read_only_fields = ["slug"]

    def get_role(self, project: Project) -> str:
        return str(role_in(self.context["request"].user, project) or "")

    def create(self, fields: dict[str, str]) -> Project:
        return create_project(fields["name"], self.context["request"].user, fields.get("description", ""))


class ProjectViewSet(InProject, viewsets.ModelViewSet):
    queryset = Project.objects.all()
    serializer_class = ProjectSerializer
    project_path = ""
    write_role = Role.OWNER
    http_method_names = ["get", "post", "patch", "head", "options"]

    @extend_schema(
        request=None,
        responses={202: inline_serializer("SpottingQueued", {"queued": serializers.IntegerField()})},
    )
    @action(detail=True, methods=["post"], write_role=Role.RESEARCHER)
    def spot(self, request: Request, pk: str) -> Response:
        """Queue the spotter for every clip without a consensus, or whose consensus lacks an apex."""
        return Response({"queued": len(queue_project(self.get_object()))}, status=status.HTTP_202_ACCEPTED)
