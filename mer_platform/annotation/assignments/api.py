from typing import Any

from django.core.exceptions import ValidationError as DjangoValidationError
from django.http import Http404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import mixins, serializers, status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from mer_platform.annotation.assignments import completion, planning
from mer_platform.annotation.models import Assignment
from mer_platform.api import Conflict
from mer_platform.clips.models import Clip, Database, Subject
from mer_platform.projects.access import require, researcher_projects, role_in
from mer_platform.projects.models import Project, Role
from mer_platform.projects.viewsets import InProject, own_related


class AssignmentSerializer(serializers.ModelSerializer):
    coder = serializers.CharField(source="coder.username", read_only=True)

    class Meta:
        model = Assignment
        fields = ["id", "clip", "coder", "position", "assigned_at", "done_at"]
        read_only_fields = fields


class WishSerializer(serializers.Serializer):
    project = own_related(Project.objects.all(), "pk")()
    coders = serializers.ListField(
        child=serializers.CharField(), allow_empty=False, help_text="User names of members who may label."
    )
    per_clip = serializers.IntegerField(default=2, min_value=1, help_text="Coders a clip.")
    databases = own_related(Database.objects.all(), "project")(
        many=True, required=False, help_text="Ids; default: all."
    )
    subjects = own_related(Subject.objects.all(), "database__project")(
        many=True, required=False, help_text="Ids; default: all."
    )
    share = serializers.FloatField(default=1.0, max_value=1.0, help_text="Random share of the clips, 0 to 1.")
    seed = serializers.IntegerField(default=0, help_text="The same seed draws the same clips and coders.")
    mixed = serializers.BooleanField(default=True, help_text="Random order; else subject after subject.")
    without_consensus = serializers.BooleanField(default=False)
    preview = serializers.BooleanField(default=False, help_text="Only say what would be assigned.")

    def validate(self, fields: dict[str, Any]) -> dict[str, Any]:
        project, names = fields["project"], set(fields["coders"])
        coders = list(planning.coders_of(project).filter(username__in=names))
        if unknown := sorted(names - {coder.username for coder in coders}):
            raise serializers.ValidationError(
                {"coders": [f"“{unknown[0]}” is not a member of {project} who may label."]}
            )
        if any(d.project_id != project.pk for d in fields.get("databases", [])):
            raise serializers.ValidationError({"databases": ["All databases must belong to the project."]})
        if any(s.database.project_id != project.pk for s in fields.get("subjects", [])):
            raise serializers.ValidationError({"subjects": ["All subjects must belong to the project."]})
        return {**fields, "coders": coders}

    def wish(self) -> planning.Wish:
        fields = self.validated_data
        return planning.Wish(
            coders=fields["coders"],
            per_clip=fields["per_clip"],
            databases=[row.pk for row in fields.get("databases", [])],
            subjects=[row.pk for row in fields.get("subjects", [])],
            share=fields["share"],
            seed=fields["seed"],
            mixed=fields["mixed"],
            without_consensus=fields["without_consensus"],
        )


class DoneSerializer(serializers.Serializer):
    clip = own_related(Clip.objects.all(), "project")()
    nothing = serializers.BooleanField(default=False, help_text="The clip shows no expression.")


class ReopenSerializer(serializers.Serializer):
    clip = own_related(Clip.objects.all(), "project")()
    coder = serializers.CharField(
        required=False, help_text="Whose coding; default: the caller's own. Others' take a researcher."
    )


class AssignmentViewSet(
    InProject, mixins.ListModelMixin, mixins.RetrieveModelMixin, mixins.DestroyModelMixin
):
    """Which clips a coder is to code. Coders see their own; researchers see and make everybody's."""

    queryset = Assignment.objects.select_related("clip__project", "coder")
    serializer_class = AssignmentSerializer
    filterset_fields = {
        "clip": ["exact"], "clip__project": ["exact"], "coder__username": ["exact"], "done_at": ["isnull"],
    }  # fmt: skip
    project_path = "clip__project"

    def get_queryset(self) -> Any:
        rows, user = super().get_queryset(), self.request.user
        return rows.filter(coder=user) | rows.filter(clip__project__in=researcher_projects(user))

    @extend_schema(request=WishSerializer, responses={201: OpenApiTypes.OBJECT, 200: OpenApiTypes.OBJECT})
    def create(self, request: Request) -> Response:
        """Assign clips to coders, balanced; with `preview`, only count (200)."""
        form = WishSerializer(data=request.data, context=self.get_serializer_context())
        form.is_valid(raise_exception=True)
        project, wish = form.validated_data["project"], form.wish()
        require(request.user, project, Role.RESEARCHER)
        preview = form.validated_data["preview"]
        made = planning.plan(project, wish) if preview else planning.assign(project, wish, request.user)
        names = {coder.pk: coder.username for coder in wish.coders}
        answer = {
            "clips": made.clips,
            "assignments": len(made.entries),
            "covered": made.covered,
            "per_coder": {names[pk]: made.per_coder[pk] for pk in names},
        }
        return Response(answer, status=status.HTTP_200_OK if preview else status.HTTP_201_CREATED)

    def perform_destroy(self, assignment: Assignment) -> None:
        """Take a clip back that the coder has not begun; 409 otherwise."""
        try:
            planning.withdraw_one(assignment, self.request.user)
        except DjangoValidationError as error:
            raise Conflict(str(error.message)) from error

    @extend_schema(request=DoneSerializer, responses={200: AssignmentSerializer})
    @action(detail=False, methods=["post"])
    def done(self, request: Request) -> Response:
        """The caller is done with a clip that was assigned to them; 404 if it was not. Again changes nothing."""
        form = DoneSerializer(data=request.data, context=self.get_serializer_context())
        form.is_valid(raise_exception=True)
        assignment = self._of(form.validated_data["clip"], request.user.username)
        require(request.user, assignment.clip.project, Role.ANNOTATOR)
        completion.finish(assignment, nothing=form.validated_data["nothing"])
        return Response(self.get_serializer(assignment).data)

    @extend_schema(request=ReopenSerializer, responses={200: AssignmentSerializer})
    @action(detail=False, methods=["post"])
    def reopen(self, request: Request) -> Response:
        """Open a clip again that was done. Once all its coders are done, only a researcher does this (409)."""
        form = ReopenSerializer(data=request.data, context=self.get_serializer_context())
        form.is_valid(raise_exception=True)
        clip = form.validated_data["clip"]
        coder = form.validated_data.get("coder", request.user.username)
        require(request.user, clip.project, Role.ANNOTATOR)
        if coder != request.user.username:
            require(request.user, clip.project, Role.RESEARCHER)
        assignment = self._of(clip, coder)
        own = role_in(request.user, clip.project)
        try:
            completion.reopen(assignment, request.user, judge=bool(own and own.includes(Role.RESEARCHER)))
        except DjangoValidationError as error:
            raise Conflict(str(error.message)) from error
        return Response(self.get_serializer(assignment).data)

    def _of(self, clip: Clip, coder: str) -> Assignment:
        found = self.get_queryset().filter(clip=clip, coder__username=coder).first()
        if found is None:
            raise Http404(f"{clip} is not assigned to {coder}.")
        return found
