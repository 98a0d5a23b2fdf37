"""The REST API of a project's members and their roles."""

from typing import Any

from django.core.exceptions import ValidationError
from django.http import Http404
from drf_spectacular.utils import extend_schema
from rest_framework import mixins, serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from mer_platform.projects.access import require, row_id
from mer_platform.projects.models import Membership, Project, Role
from mer_platform.projects.services import add_member, change_role, remove_member
from mer_platform.projects.viewsets import InProject
from mer_platform.rest.errors import Conflict
from mer_platform.rest.links import Link, page_link
from mer_platform.rest.serializers import ApiModelSerializer, ApiSerializer


class MemberSerializer(ApiModelSerializer):
    username = serializers.CharField(source="user.username", read_only=True)
    url = Link("project-member-detail", project_pk="project_id", pk="pk")
    page_url = page_link("members", slug="project.slug")

    class Meta:
        model = Membership
        fields = ["id", "user", "username", "role", "url", "page_url"]
        read_only_fields = ["user"]


class NewMemberSerializer(MemberSerializer):
    password = serializers.CharField(
        allow_null=True,
        help_text="The one-time password of the new account, shown only here; null if the person had an account.",
    )

    class Meta(MemberSerializer.Meta):
        fields = [*MemberSerializer.Meta.fields, "password"]


class AddMemberSerializer(ApiSerializer):
    username = serializers.CharField(
        max_length=150, help_text="If the name is new, an account with a one-time password is created."
    )
    role = serializers.ChoiceField(Role.choices, default=Role.ANNOTATOR)


class MemberViewSet(InProject, mixins.ListModelMixin, mixins.RetrieveModelMixin, mixins.DestroyModelMixin):
    """The members of a project. Viewers see them, owners change them."""

    queryset = Membership.objects.select_related("user", "project")
    serializer_class = MemberSerializer
    write_role = Role.OWNER
    filters = {"role": "role", "user": "user", "username": "user__username"}
    search_fields = ["user__username"]
    ordering_fields = {"username": "user__username", "role": "role"}
    # The answer may hold a password, which is stored nowhere. A name that is added again is refused.
    idempotent_posts = False

    def get_queryset(self) -> Any:
        return super().get_queryset().filter(project=self._project())

    def _project(self) -> Project:
        project = (
            Project.objects.of(self.request.user).filter(pk=row_id(str(self.kwargs["project_pk"]))).first()
        )
        if project is None:
            raise Http404("Project not found.")
        return project

    @extend_schema(request=AddMemberSerializer, responses={201: NewMemberSerializer})
    def create(self, request: Request, project_pk: int) -> Response:
        """Add a member. A new name gets an account, whose password is shown only here. `Idempotency-Key` has no effect."""
        project = require(request.user, self._project(), Role.OWNER)
        form = AddMemberSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        fields = form.validated_data
        try:
            membership, password = add_member(project, fields["username"], Role(fields["role"]), request.user)
        except ValidationError as error:
            raise serializers.ValidationError({"username": error.messages}) from error
        membership.password = password  # type: ignore[attr-defined]
        answer = Response(
            NewMemberSerializer(membership, context=self.get_serializer_context()).data,
            status=status.HTTP_201_CREATED,
        )
        answer["Cache-Control"] = "no-store"
        return answer

    @extend_schema(request=MemberSerializer, responses=MemberSerializer)
    def partial_update(self, request: Request, project_pk: int, pk: int) -> Response:
        """Give a member another role. 409 for the last owner."""
        membership = self.get_object()
        form = MemberSerializer(membership, data=request.data, partial=True)
        form.is_valid(raise_exception=True)
        try:
            if "role" in form.validated_data:
                change_role(membership, Role(form.validated_data["role"]), request.user)
        except ValidationError as error:
            raise Conflict(" ".join(error.messages)) from error
        return Response(self.get_serializer(membership).data)

    @extend_schema(description="Remove a member. Their annotations are kept. 409 for the last owner.")
    def destroy(self, request: Request, project_pk: int, pk: int) -> Response:
        try:
            remove_member(self.get_object(), request.user)
        except ValidationError as error:
            raise Conflict(" ".join(error.messages)) from error
        return Response(status=status.HTTP_204_NO_CONTENT)
