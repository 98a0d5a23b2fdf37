from typing import Any

from django.core.exceptions import ValidationError as DjangoValidationError
from django.http import Http404
from drf_spectacular.utils import extend_schema
from rest_framework import mixins, serializers, status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from mer_platform.annotation.assignments import completion, planning
from mer_platform.annotation.models import Assignment
from mer_platform.annotation.shapes import AssignmentPlan
from mer_platform.clips.models import Clip, Database, Subject
from mer_platform.projects.access import require, researcher_projects, role_in
from mer_platform.projects.models import Project, Role
from mer_platform.projects.viewsets import InProject, own_related
from mer_platform.rest.errors import Conflict
from mer_platform.rest.filters import YesNoFilter
from mer_platform.rest.links import Link, creator, page_link
from mer_platform.rest.schema import typed
from mer_platform.rest.serializers import ApiModelSerializer, ApiSerializer


class AssignmentSerializer(ApiModelSerializer):
    coder = serializers.CharField(source="coder.username", read_only=True)
    created_by = creator("assigned_by")
    created_at = serializers.DateTimeField(source="assigned_at", read_only=True)
    url = Link("assignment-detail", pk="pk")
    page_url = page_link("clip", slug="clip.project.slug", pk="clip_id")

    class Meta:
        model = Assignment
        fields = [
            "id", "clip", "coder", "position", "note", "assigned_at", "done_at", "created_by", "created_at", "url",
            "page_url",
        ]  # fmt: skip
        read_only_fields = fields


class AssignmentCriteriaSerializer(ApiSerializer):
    project = own_related(Project.objects.all(), "pk")()
    coders = serializers.ListField(
        child=serializers.CharField(), allow_empty=False, help_text="Usernames of members who may annotate."
    )
    per_clip = serializers.IntegerField(default=2, min_value=1, help_text="Number of coders per clip.")
    databases = own_related(Database.objects.all(), "project")(
        many=True, required=False, help_text="Only clips of these databases, by id. Default: all."
    )
    subjects = own_related(Subject.objects.all(), "database__project")(
        many=True, required=False, help_text="Only clips of these subjects, by id. Default: all."
    )
    share = serializers.FloatField(
        default=1.0, max_value=1.0, help_text="Share of the clips, drawn at random: more than 0, at most 1."
    )
    seed = serializers.IntegerField(
        default=0, help_text="The same seed always draws the same clips and coders."
    )
    mixed = serializers.BooleanField(
        default=True, help_text="Queues are in random order; if false, in order of subjects."
    )
    without_consensus = serializers.BooleanField(
        default=False, help_text="Only clips that have no consensus."
    )
    preview = serializers.BooleanField(default=False, help_text="Only count; assign nothing.")

    def validate(self, fields: dict[str, Any]) -> dict[str, Any]:
        project, names = fields["project"], set(fields["coders"])
        coders = list(planning.coders_of(project).filter(username__in=names))
        if unknown := sorted(names - {coder.username for coder in coders}):
            raise serializers.ValidationError(
                {"coders": [f"“{unknown[0]}” is not a member of {project} who may annotate."]}
            )
        if any(d.project_id != project.pk for d in fields.get("databases", [])):
            raise serializers.ValidationError({"databases": ["All databases must belong to the project."]})
        if any(s.database.project_id != project.pk for s in fields.get("subjects", [])):
            raise serializers.ValidationError({"subjects": ["All subjects must belong to the project."]})
        return {**fields, "coders": coders}

    def criteria(self) -> planning.AssignmentCriteria:
        fields = self.validated_data
        return planning.AssignmentCriteria(
            coders=fields["coders"],
            per_clip=fields["per_clip"],
            databases=[row.pk for row in fields.get("databases", [])],
            subjects=[row.pk for row in fields.get("subjects", [])],
            share=fields["share"],
            seed=fields["seed"],
            mixed=fields["mixed"],
            without_consensus=fields["without_consensus"],
        )


class DoneSerializer(ApiSerializer):
    clip = own_related(Clip.objects.all(), "project")()
    nothing = serializers.BooleanField(
        default=False, help_text="Confirms that the clip shows no expression. Required if nothing is marked."
    )


class ReopenSerializer(ApiSerializer):
    clip = own_related(Clip.objects.all(), "project")()
    coder = serializers.CharField(
        required=False,
        help_text="Username of the coder. Default: the caller. Only researchers may name another coder.",
    )


class AssignmentViewSet(
    InProject, mixins.ListModelMixin, mixins.RetrieveModelMixin, mixins.DestroyModelMixin
):
    """The clips that each coder is asked to code. Coders see their own assignments; researchers see and make all."""

    queryset = Assignment.objects.select_related("clip__project", "coder", "assigned_by")
    serializer_class = AssignmentSerializer
    filters = {
        "project": "clip__project", "database": "clip__subject__database", "clip": "clip", "coder": "coder__username",
        "created_by": "assigned_by__username", "done": YesNoFilter("done_at", "isnull", exclude=True),
        "done_at__isnull": YesNoFilter("done_at", "isnull"),
    }  # fmt: skip
    renamed = {"clip__project": "project", "coder__username": "coder"}
    created_field = "assigned_at"
    search_fields = ["clip__name", "coder__username"]
    ordering_fields = {
        "position": "position", "clip": "clip_id", "coder": "coder__username", "assigned_at": "assigned_at",
        "done_at": "done_at", "created_at": "assigned_at",
    }  # fmt: skip
    project_path = "clip__project"
    action_roles = {"done": Role.ANNOTATOR, "reopen": Role.ANNOTATOR}

    def get_queryset(self) -> Any:
        rows, user = super().get_queryset(), self.request.user
        return rows.filter(coder=user) | rows.filter(clip__project__in=researcher_projects(user))

    @extend_schema(
        request=AssignmentCriteriaSerializer,
        responses={201: typed(AssignmentPlan), 200: typed(AssignmentPlan)},
    )
    def create(self, request: Request) -> Response:
        """Assign clips to coders, evenly (201). With `preview`, only count what would be assigned (200)."""
        form = AssignmentCriteriaSerializer(data=request.data, context=self.get_serializer_context())
        form.is_valid(raise_exception=True)
        project, criteria = form.validated_data["project"], form.criteria()
        require(request.user, project, Role.RESEARCHER)
        preview = form.validated_data["preview"]
        if preview:
            plan = planning.plan_assignments(project, criteria, request.user)
        else:
            plan = planning.assign_clips(project, criteria, request.user)
        names = {coder.pk: coder.username for coder in criteria.coders}
        answer = {
            "clips": plan.clips,
            "assignments": len(plan.entries),
            "covered": plan.covered,
            "per_coder": {names[pk]: plan.per_coder[pk] for pk in names},
        }
        return Response(answer, status=status.HTTP_200_OK if preview else status.HTTP_201_CREATED)

    def perform_destroy(self, assignment: Assignment) -> None:
        """Withdraw an assignment (409 if its coder has started)."""
        try:
            planning.withdraw_assignment(assignment, self.request.user)
        except DjangoValidationError as error:
            raise Conflict(str(error.message)) from error

    @extend_schema(request=DoneSerializer, responses={200: AssignmentSerializer, 404: None})
    @action(detail=False, methods=["post"])
    def done(self, request: Request) -> Response:
        """Mark a clip of the caller's queue as done. Calling this again changes nothing; 404 if it is not assigned."""
        form = DoneSerializer(data=request.data, context=self.get_serializer_context())
        form.is_valid(raise_exception=True)
        assignment = self._assignment(form.validated_data["clip"], request.user.username)
        require(request.user, assignment.clip.project, Role.ANNOTATOR)
        completion.finish_coding(assignment, nothing=form.validated_data["nothing"])
        return Response(self.get_serializer(assignment).data)

    @extend_schema(request=ReopenSerializer, responses={200: AssignmentSerializer, 404: None})
    @action(detail=False, methods=["post"])
    def reopen(self, request: Request) -> Response:
        """Reopen a finished clip. If all its coders are done, only a researcher may do so (409)."""
        form = ReopenSerializer(data=request.data, context=self.get_serializer_context())
        form.is_valid(raise_exception=True)
        clip = form.validated_data["clip"]
        coder = form.validated_data.get("coder", request.user.username)
        require(request.user, clip.project, Role.ANNOTATOR)
        if coder != request.user.username:
            require(request.user, clip.project, Role.RESEARCHER)
        assignment = self._assignment(clip, coder)
        role = role_in(request.user, clip.project)
        as_researcher = role is not None and role.includes(Role.RESEARCHER)
        try:
            completion.reopen_coding(assignment, request.user, as_researcher=as_researcher)
        except DjangoValidationError as error:
            raise Conflict(str(error.message)) from error
        return Response(self.get_serializer(assignment).data)

    def _assignment(self, clip: Clip, coder: str) -> Assignment:
        found = self.get_queryset().filter(clip=clip, coder__username=coder).first()
        if found is None:
            raise Http404(f"{clip} is not assigned to {coder}.")
        return found
