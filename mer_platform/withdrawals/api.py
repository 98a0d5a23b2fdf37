"""The API of withdrawals: the preview, the withdrawal itself, and the certificates."""

from typing import Any

from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import mixins, serializers, status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from mer_platform.clips.database_api import SubjectViewSet
from mer_platform.clips.models import Subject
from mer_platform.deletion.api import DeletableSubjectViewSet
from mer_platform.projects.access import require
from mer_platform.projects.models import Role
from mer_platform.projects.viewsets import InProject
from mer_platform.rest.links import Link, creator, page_link
from mer_platform.rest.schema import TypedField
from mer_platform.rest.serializers import ApiModelSerializer, ApiSerializer
from mer_platform.withdrawals.affected import WORDS, Affected
from mer_platform.withdrawals.models import Withdrawal
from mer_platform.withdrawals.services import Choices, withdraw
from mer_platform.withdrawals.shapes import MarkedVersion


class WithdrawalPreviewSerializer(ApiSerializer):
    """What `POST` to the same address erases or marks."""

    rows = serializers.DictField(
        child=serializers.IntegerField(),
        help_text="How many rows of each kind contain the person; kinds without rows are left out. Kinds: "
        f"{', '.join(WORDS)}.",
    )
    not_counted = serializers.IntegerField(
        help_text="How many of the clips you still have to code. They go too, but `rows` leaves out their consensus, their "
        "scores and what others marked on them, because coding is blind."
    )
    clips = serializers.ListField(
        child=serializers.CharField(), help_text="Clips and flow pictures that are erased."
    )
    versions = serializers.ListField(
        child=serializers.CharField(), help_text="Frozen versions in which tombstones replace samples."
    )
    runs = serializers.ListField(
        child=serializers.IntegerField(),
        help_text="Ids of the runs on these versions. Their results stay, and are marked.",
    )
    models = serializers.ListField(
        child=serializers.IntegerField(), help_text="Ids of the models that were trained on the person."
    )
    sources = serializers.ListField(
        child=serializers.CharField(),
        help_text="Folders outside of the platform from which the database was imported. They are not erased.",
    )


class WithdrawSerializer(ApiSerializer):
    """The confirmation of a withdrawal."""

    confirm = serializers.CharField(
        help_text="The name of the subject, to confirm that nothing else is meant."
    )
    retire_models = serializers.BooleanField(
        default=False, help_text="Also archive the models that were trained on the person."
    )
    erase_weights = serializers.BooleanField(
        default=False, help_text="Also erase the kept networks of folds of affected runs."
    )


class WithdrawalSerializer(ApiModelSerializer):
    """The certificate of a withdrawal. It contains no name of the person."""

    withdrawn_by = creator("withdrawn_by")
    created_at = serializers.DateTimeField(source="withdrawn_at", read_only=True)
    counts = serializers.DictField(
        child=serializers.IntegerField(),
        read_only=True,
        help_text="How many rows of each kind were erased or marked.",
    )
    contents = serializers.ListField(
        child=serializers.CharField(), read_only=True, help_text="SHA-256 of each erased recording."
    )
    versions = TypedField(
        list[MarkedVersion], read_only=True, help_text="What became of each frozen version."
    )
    completed_at = serializers.DateTimeField(
        read_only=True, allow_null=True, help_text="When nothing of the person was left; null before."
    )
    url = Link("withdrawal-detail", pk="pk")
    page_url = page_link("withdrawal")

    class Meta:
        model = Withdrawal
        fields = [
            "id", "project", "key", "database", "pseudonym", "contents", "counts", "versions", "retired_models",
            "erased_weights", "withdrawn_by", "withdrawn_at", "created_at", "applied_at", "files_erased", "files_shared",
            "files_erased_at", "database_cleaned_at", "completed_at", "url", "page_url",
        ]  # fmt: skip
        read_only_fields = fields


def preview_of(subject: Subject, viewer: Any) -> dict[str, Any]:
    """Return what a withdrawal would erase or mark, for someone who may see the project."""
    affected = Affected(subject)
    contents = affected.contents
    return {
        "rows": affected.counts(viewer),
        "not_counted": contents.blind_clips(viewer),
        "clips": [
            str(row)
            for rows in (contents.clips, contents.pictures)
            for row in rows.select_related("subject__database")
        ],
        "versions": [str(version) for version in affected.versions],
        "runs": list(affected.runs.values_list("pk", flat=True)),
        "models": list(affected.models.values_list("pk", flat=True)),
        "sources": affected.sources(),
    }


class WithdrawableSubjectViewSet(DeletableSubjectViewSet):
    __doc__ = SubjectViewSet.__doc__

    @extend_schema(responses=WithdrawalPreviewSerializer, filters=False)
    @action(detail=True, pagination_class=None)
    def withdrawal(self, request: Request, pk: str) -> Response:
        """Say what withdrawing the person erases, and what it marks. For owners; nothing changes before `POST`."""
        subject = self.get_object()
        require(request.user, subject.database.project, Role.OWNER)
        return Response(WithdrawalPreviewSerializer(preview_of(subject, request.user)).data)

    @extend_schema(
        operation_id="subjects_withdraw",
        request=WithdrawSerializer,
        responses={
            201: WithdrawalSerializer,
            400: OpenApiResponse(description="`confirm` is not the name of the subject. Nothing was erased."),
        },
        filters=False,
    )
    @withdrawal.mapping.post
    def withdraw(self, request: Request, pk: str) -> Response:
        """Withdraw the person, and return the certificate. For owners. This cannot be undone.

        Recordings, codings and scores are erased. Frozen versions keep a tombstone with hash and label in place of each
        sample, so that results can still be explained. Files follow within a few minutes: see `completed_at`.
        """
        subject = self.get_object()
        require(request.user, subject.database.project, Role.OWNER)
        form = WithdrawSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        fields = form.validated_data
        if fields["confirm"].strip() != subject.name:
            raise serializers.ValidationError(
                {
                    "confirm": [
                        f"“{fields['confirm']}” is not the name of this subject. Send its name to withdraw the person."
                    ]
                }
            )
        choices = Choices(fields["retire_models"], fields["erase_weights"])
        done = withdraw(subject, request.user, choices)
        shown = WithdrawalSerializer(done, context=self.get_serializer_context())
        return Response(shown.data, status=status.HTTP_201_CREATED)


class WithdrawalViewSet(InProject, mixins.ListModelMixin, mixins.RetrieveModelMixin):
    """Certificates of withdrawals: what was erased, when and by whom. For researchers."""

    queryset = Withdrawal.objects.select_related("project", "withdrawn_by")
    serializer_class = WithdrawalSerializer
    read_role = Role.RESEARCHER
    filters = {"project": "project", "database": "database", "pseudonym": "pseudonym", "key": "key"}
    created_field = "withdrawn_at"
    search_fields = ["pseudonym", "database"]
    ordering_fields = ["withdrawn_at", "database"]
