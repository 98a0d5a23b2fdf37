"""The REST API of leaderboards, baselines and saved views."""

import re
from collections.abc import Sequence
from typing import Any

from django.core.exceptions import ValidationError as DjangoValidationError
from django.shortcuts import get_object_or_404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_serializer
from rest_framework import mixins, serializers, status
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from mer_platform.experiments.leaderboard import saved_views
from mer_platform.experiments.leaderboard.baselines import pin, unpin
from mer_platform.experiments.leaderboard.board import PAGE_SIZE, Board
from mer_platform.experiments.leaderboard.query import read_query
from mer_platform.experiments.leaderboard.serializers import LeaderboardSerializer, as_json
from mer_platform.experiments.models import Run, SavedView
from mer_platform.projects.access import require
from mer_platform.projects.models import Project, Role
from mer_platform.projects.viewsets import InProject, own_related
from mer_platform.rest.errors import Conflict, ParametersRefused
from mer_platform.rest.links import Link, creator
from mer_platform.rest.serializers import ApiModelSerializer
from mer_platform.rest.views import ApiView

LARGEST_PAGE = 200
_REPEATED = "Repeat it for several values"
PARAMETERS = {
    "ordering": "A score, setting or fact; with “-” the highest or latest first. Default: -uf1.",
    "columns": f"Keys of columns, for example uf1, f1.negative, accuracy.SMIC, train.epochs. {_REPEATED}.",
    "group": "seeds: the runs of one configuration are one entry.",
    "where": f"A condition such as train.epochs>=30, uf1>0.6 or net.name=ststnet. {_REPEATED}: all must hold, except that "
    "several “=” of one setting are alternatives. Operators: = != > >= < <= ~ (contains).",
    "q": "Words that name, experiment, composite or network contain, or the number of a run.",
    "state": f"{_REPEATED}, of which one must hold. “active” stands for all states before the end.",
    "network": f"{_REPEATED}, of which one must hold.",
    "protocol": f"In words, as runs state it. {_REPEATED}, of which one must hold.",
    "author": f"Username. {_REPEATED}, of which one must hold.",
    "tag": f"{_REPEATED}, all of which a run must have.",
    "since": "Started on or after this date.",
    "until": "Started on or before this date.",
    "starred": "true: only starred runs.",
    "archived": "true: archived runs; any: both. Default: those that are not archived.",
}
_NUMBERS = {
    "version": f"Composite versions. {_REPEATED}, of which one must hold.",
    "experiment": f"Experiments. {_REPEATED}, of which one must hold.",
    "baseline": "Runs to compare with, instead of those that are pinned: one for each version and protocol.",
}
_MANY = {"columns", "where", "state", "network", "protocol", "author", "tag", *_NUMBERS}


class Leaderboard(ApiView):
    """The runs of a project in order of a score or setting."""

    @extend_schema(
        parameters=[
            *(
                OpenApiParameter(name, OpenApiTypes.STR, many=name in _MANY, description=text)
                for name, text in PARAMETERS.items()
            ),
            *(
                OpenApiParameter(name, OpenApiTypes.INT, many=True, description=text)
                for name, text in _NUMBERS.items()
            ),
            OpenApiParameter("page", {"type": "integer", "minimum": 1}, description="From 1."),
            OpenApiParameter(
                "page_size",
                {"type": "integer", "minimum": 1, "maximum": LARGEST_PAGE},
                description=f"Default {PAGE_SIZE}, at most {LARGEST_PAGE}.",
            ),
        ],
        responses=LeaderboardSerializer,
    )
    def get(self, request: Request, pk: int) -> Response:
        """List the runs of a project with ranks, chosen columns and differences from a baseline.

        The address takes the parameters of the page of runs. Ordered by a score, runs of different versions or protocols are
        in sections: they are never ranked together. `difference` is the UF1 minus that of the baseline of the section, with
        95% interval and two-sided p, which is not adjusted for the number of runs.
        """
        project = require(request.user, get_object_or_404(Project, pk=pk), Role.VIEWER)
        board = Board(project, request.user, read_query(request.query_params))
        if board.problems:
            raise ParametersRefused(_by_name(board.problems))
        number = int(request.query_params.get("page", 1))
        page = board.page(str(number), int(request.query_params.get("page_size", PAGE_SIZE)))
        if number != page.number:
            raise NotFound(f"There is no page {number:,}: the last one is {page.paginator.num_pages:,}.")
        return Response(as_json(board, page, request))


def _by_name(problems: Sequence[str]) -> dict[str, list[str]]:
    """Return sentences about parameters, which start with the name in quotes, by the parameter."""
    found: dict[str, list[str]] = {}
    for text in problems:
        named = re.match(r"“(\w+)”", text)
        name = named[1] if named and named[1] in {*PARAMETERS, *_NUMBERS} else "non_field_errors"
        found.setdefault(name, []).append(text)
    return found


class RunBaseline(ApiView):
    """Whether a run is the baseline of its version and protocol."""

    @extend_schema(request=None, responses={204: None})
    def put(self, request: Request, pk: int) -> Response:
        """Pin the run as the baseline of its version and protocol, in place of another one."""
        try:
            pin(self._run(request, pk), request.user)
        except DjangoValidationError as error:
            raise Conflict(" ".join(error.messages)) from error
        return Response(status=status.HTTP_204_NO_CONTENT)

    @extend_schema(responses={204: None})
    def delete(self, request: Request, pk: int) -> Response:
        """Remove the run as the baseline."""
        run = self._run(request, pk)
        if not unpin(run, request.user):
            raise Conflict(f"{run} is not a baseline.")
        return Response(status=status.HTTP_204_NO_CONTENT)

    def before_body(self) -> None:
        self._run(self.request, self.kwargs["pk"])

    def _run(self, request: Request, pk: int) -> Run:
        run = get_object_or_404(Run.objects.select_related("project", "version"), pk=pk)
        require(request.user, run.project, Role.RESEARCHER)
        return run


@extend_schema_serializer(deprecate_fields=["author"])
class SavedViewSerializer(ApiModelSerializer):
    """A view of the leaderboard under a name."""

    project = own_related(Project.objects.all(), "pk")(help_text="Cannot be changed.")
    created_by = creator()
    author = serializers.CharField(
        source="created_by.username", default=None, read_only=True, help_text="Use `created_by`."
    )
    url = Link("savedview-detail", pk="pk")
    page_url = serializers.SerializerMethodField(help_text="The leaderboard with this view.")
    # Checked by the services, which also serve the page.
    name = serializers.CharField()
    query = serializers.CharField(
        help_text="Parameters of the leaderboard, for example ordering=-uar&state=finished."
    )

    class Meta:
        model = SavedView
        fields = [
            "id", "project", "name", "query", "is_default", "created_by", "author", "created_at", "changed_at", "url",
            "page_url",
        ]  # fmt: skip
        validators: list[Any] = []

    def get_page_url(self, view: SavedView) -> str:
        page = Link("runs", slug="project.slug", anchor=f"?{view.query}")
        page.bind("page_url", self)
        return str(page.to_representation(view))


class SavedViewViewSet(
    InProject,
    mixins.ListModelMixin,
    mixins.RetrieveModelMixin,
    mixins.CreateModelMixin,
    mixins.DestroyModelMixin,
):
    """Views of the leaderboard that are saved under a name, for all members of a project."""

    queryset = SavedView.objects.select_related("project", "created_by")
    serializer_class = SavedViewSerializer
    filters = {
        "project": "project", "name": "name", "is_default": "is_default", "created_by": "created_by__username",
    }  # fmt: skip
    search_fields = ["name", "query"]
    ordering_fields = ["name", "created_at", "changed_at"]

    def perform_create(self, serializer: Any) -> None:
        data = serializer.validated_data
        require(self.request.user, data["project"], Role.RESEARCHER)
        view = saved_views.save_view(data["project"], data["name"], data["query"], self.request.user)
        if data.get("is_default"):
            saved_views.change_view(view, self.request.user, is_default=True)
        serializer.instance = view

    @extend_schema(request=SavedViewSerializer(partial=True))
    def partial_update(self, request: Request, pk: str) -> Response:
        """Rename a view, replace its query, or make it the default."""
        view = self.get_object()
        form = self.get_serializer(view, data=request.data, partial=True)
        form.is_valid(raise_exception=True)
        data = form.validated_data
        if data.get("project", view.project) != view.project:
            raise serializers.ValidationError(
                {"project": "A view stays in its project. Save it there again."}
            )
        changes = {name: data[name] for name in ("name", "query", "is_default") if name in data}
        saved_views.change_view(view, request.user, **changes)
        return Response(self.get_serializer(view).data)

    def perform_destroy(self, instance: SavedView) -> None:
        saved_views.delete_view(instance, self.request.user)
