from rest_framework import serializers, viewsets

from mer_platform.projects.access import role_in
from mer_platform.projects.models import Project, Role
from mer_platform.projects.services import create_project
from mer_platform.projects.viewsets import InProject
from mer_platform.rest.serializers import ApiModelSerializer


class ProjectSerializer(ApiModelSerializer):
    role = serializers.SerializerMethodField(help_text="Your role in the project.")

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
