from functools import cached_property

from rest_framework import serializers, viewsets

from mer_platform.projects.models import Membership, Project, Role
from mer_platform.projects.services import create_project
from mer_platform.projects.viewsets import InProject
from mer_platform.rest.links import Link, page_link
from mer_platform.rest.serializers import ApiModelSerializer


class ProjectSerializer(ApiModelSerializer):
    role = serializers.SerializerMethodField(help_text="Your role in the project.")
    url = Link("project-detail", pk="pk")
    page_url = page_link("project", slug="slug")

    class Meta:
        model = Project
        fields = ["id", "name", "slug", "description", "role", "created_at", "url", "page_url"]
        read_only_fields = ["slug"]

    @cached_property
    def _roles(self) -> dict[int, str]:
        """The user's roles, by project, in one query for all rows of a list."""
        user = self.context["request"].user
        return dict(Membership.objects.filter(user_id=user.pk).values_list("project_id", "role"))

    def get_role(self, project: Project) -> str:
        return self._roles.get(project.pk, "")

    def create(self, fields: dict[str, str]) -> Project:
        return create_project(fields["name"], self.context["request"].user, fields.get("description", ""))


class ProjectViewSet(InProject, viewsets.ModelViewSet):
    queryset = Project.objects.all()
    serializer_class = ProjectSerializer
    project_path = ""
    write_role = Role.OWNER
    action_roles = {"create": None}  # who creates a project becomes its owner
    filters = {"name": "name", "slug": "slug"}
    search_fields = ["name", "slug", "description"]
    ordering_fields = ["name", "created_at"]
    http_method_names = ["get", "post", "patch", "head", "options"]
