"""The API's viewsets of runs and experiments, with their deletion, one or many, and its preview."""

from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema, extend_schema_view
from rest_framework import mixins, serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from mer_platform.deletion.contents import WORDS
from mer_platform.deletion.run_contents import RunContents
from mer_platform.deletion.run_services import delete_runs
from mer_platform.deletion.services import CannotDelete
from mer_platform.experiments.managing.api import asked_rows
from mer_platform.experiments.managing.choosing import MOST_AT_ONCE
from mer_platform.experiments.managing.serializers import IdsSerializer, SkippedSerializer
from mer_platform.experiments.runs.api import RunViewSet
from mer_platform.experiments.sweeps.api import ExperimentViewSet
from mer_platform.projects.access import require
from mer_platform.rest.errors import Conflict
from mer_platform.rest.serializers import ApiSerializer


class RunDeletionSerializer(ApiSerializer):
    """What a deletion would remove."""

    possible = serializers.BooleanField(help_text="Whether it, or at least one of several, can be deleted.")
    reason = serializers.CharField(help_text="Why nothing can be deleted; empty if something can.")
    rows = serializers.DictField(
        child=serializers.IntegerField(),
        help_text=f"How many rows of each kind go; kinds without rows are left out. Kinds: {', '.join(WORDS)}.",
    )
    not_counted = serializers.IntegerField(
        help_text="How many clips of the versions of these runs you still have to code. If there are any, `rows` leaves out "
        "the predictions on these versions, because coding is blind."
    )
    bytes = serializers.IntegerField(
        help_text="Size of kept networks of folds and of attributions. Models, and features that nothing else needs, go too."
    )
    skipped = SkippedSerializer(many=True, help_text="What stays, and why.")


class DeletedSerializer(ApiSerializer):
    deleted = serializers.ListField(child=serializers.IntegerField(), help_text="Ids of what was deleted.")
    skipped = SkippedSerializer(many=True, help_text="What stays, and why.")


def _preview(contents: RunContents, user: Any) -> Response:
    reason = contents.refusal()
    preview = {
        "possible": not reason,
        "reason": reason,
        "rows": contents.counts(user),
        "not_counted": contents.not_counted(user),
        "bytes": contents.bytes(),
        "skipped": _skipped(contents),
    }
    return Response(RunDeletionSerializer(preview).data)


def _skipped(contents: RunContents) -> list[dict[str, Any]]:
    return [{"id": kept.row.pk, "reason": kept.reason} for kept in contents.kept]


class DeletableRunsMixin(mixins.DestroyModelMixin):
    """A viewset of runs or experiments that can be deleted, one by one or many at once."""

    @extend_schema(responses=RunDeletionSerializer, filters=False)
    @action(detail=True, pagination_class=None)
    def deletion(self, request: Request, pk: str) -> Response:
        """Say what deleting it would remove. Nothing is deleted before `DELETE`."""
        row = self.get_object()  # type: ignore[attr-defined]
        require(request.user, row.project, self.write_role)  # type: ignore[attr-defined]
        return _preview(RunContents.of([row]), request.user)

    @extend_schema(
        parameters=[
            OpenApiParameter(
                "id",
                OpenApiTypes.INT,
                many=True,
                required=True,
                description=f"Repeat it for each of at most {MOST_AT_ONCE:,}.",
            )
        ],
        responses=RunDeletionSerializer,
        filters=False,
    )
    @action(detail=False, pagination_class=None, url_path="deletion")
    def deletion_of_many(self, request: Request) -> Response:
        """Say what deleting several of one project would remove. Nothing is deleted before `POST` to `delete/`."""
        return _preview(
            self._asked({"ids": [int(text) for text in request.query_params.getlist("id")]}), request.user
        )

    @extend_schema(
        request=IdsSerializer, responses={200: DeletedSerializer, 409: OpenApiResponse()}, filters=False
    )
    @action(detail=False, methods=["post"], pagination_class=None, url_path="delete")
    def delete_many(self, request: Request) -> Response:
        """Delete several of one project, all at once. What a scoring batch needs stays, with a reason; 409 if all stays."""
        contents = self._asked(request.data)
        try:
            contents = delete_runs(contents.asked, request.user)
        except CannotDelete as error:
            raise Conflict(str(error), skipped=_skipped(contents)) from error
        return Response({"deleted": [row.pk for row in contents.rows], "skipped": _skipped(contents)})

    def perform_destroy(self, instance: Any) -> None:
        try:
            delete_runs([instance], self.request.user)  # type: ignore[attr-defined]
        except CannotDelete as error:
            raise Conflict(str(error)) from error

    def _asked(self, data: Any) -> RunContents:
        form = IdsSerializer(data=data)
        form.is_valid(raise_exception=True)
        model = self.queryset.model  # type: ignore[attr-defined]
        return RunContents.of(asked_rows(model, form.validated_data["ids"], self.request.user))  # type: ignore[attr-defined]


_described = extend_schema_view(
    destroy=extend_schema(
        description="Delete it with its predictions, folds and models, and stop its jobs. An experiment goes with its last "
        "run. `GET` of `deletion/` says what goes. Files follow within a few minutes. This cannot be undone.",
        responses={
            204: None,
            409: OpenApiResponse(description="A scoring batch needs its model. Nothing was deleted."),
        },
    )
)


@_described
class DeletableRunViewSet(DeletableRunsMixin, RunViewSet):
    __doc__ = RunViewSet.__doc__


@_described
class DeletableExperimentViewSet(DeletableRunsMixin, ExperimentViewSet):
    __doc__ = ExperimentViewSet.__doc__
