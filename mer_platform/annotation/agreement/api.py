from typing import Any

from django.http import Http404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import permissions
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from mer_platform.annotation.agreement import comparisons
from mer_platform.annotation.agreement.comparisons import Compared
from mer_platform.projects.access import require, row_id
from mer_platform.projects.models import Project, Role


class ProjectAgreement(APIView):
    """How well the coders of a project agree."""

    permission_classes = [permissions.IsAuthenticated]

    @extend_schema(
        parameters=[
            OpenApiParameter("database", OpenApiTypes.INT, description="Only this database's clips.")
        ],
        responses={
            200: OpenApiResponse(OpenApiTypes.OBJECT, description="all, pairs, databases, worst clips")
        },
    )
    def get(self, request: Request, pk: int) -> Response:
        """R on action units, κ and α on emotion, differences of marks: of all coders, per pair and per database.

        A number is null where it is not defined. Differences are the second coder's mark minus the first's.
        """
        project = Project.objects.of(request.user).filter(pk=pk).first()
        if project is None:
            raise Http404("No such project.")
        require(request.user, project, Role.RESEARCHER)
        asked = request.query_params.get("database")
        if asked and not project.databases.filter(pk=row_id(asked)).exists():
            raise Http404("This project has no such database.")
        coded = comparisons.coded_clips(project, request.user, row_id(asked) if asked else None)
        compared = comparisons.compare(coded)
        return Response(
            {
                "all": comparisons.whole_report(coded, compared).as_json(),
                "pairs": [
                    {"coders": list(pair), **comparisons.pair_report(items).as_json(), "worst": _worst(items)}
                    for pair, items in comparisons.by_pair(compared).items()
                ],
                "databases": [_of_database(items) for items in comparisons.by_database(coded).values()],
                "worst": _worst(compared),
            }
        )


def _of_database(coded: list[comparisons.Coded]) -> dict[str, Any]:
    compared = comparisons.compare(coded)
    database = coded[0].clip.database
    report = comparisons.whole_report(coded, compared).as_json()
    return {"database": database.pk, "name": database.name, **report, "worst": _worst(compared)}


def _worst(compared: list[Compared]) -> list[dict[str, Any]]:
    return [
        {
            "clip": item.clip.pk,
            "name": item.clip.name,
            "coders": [item.first, item.second],
            "why": item.reasons(),
        }
        for item in comparisons.worst(compared)
    ]
