from typing import Any

from django.http import Http404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from mer_platform.annotation.agreement import comparisons
from mer_platform.annotation.agreement.comparisons import ClipComparison, CodedClip
from mer_platform.annotation.shapes import Agreement
from mer_platform.projects.access import require, row_id
from mer_platform.projects.models import Project, Role
from mer_platform.rest.schema import typed
from mer_platform.rest.views import ApiView


class ProjectAgreement(ApiView):
    """How well the coders of a project agree."""

    @extend_schema(
        parameters=[
            OpenApiParameter("database", OpenApiTypes.INT, description="Only clips of this database.")
        ],
        responses=typed(Agreement),
    )
    def get(self, request: Request, pk: int) -> Response:
        """Return the agreement of all coders, per pair and per database.

        R is computed on the action units that a coder is sure of (without question mark, parentheses, reference or choice),
        Cohen's κ and Krippendorff's α on emotions. Differences of marks are the second coder's frame minus the first
        coder's. A number is null if it is not defined.
        """
        project = Project.objects.of(request.user).filter(pk=pk).first()
        if project is None:
            raise Http404("Project not found.")
        require(request.user, project, Role.RESEARCHER)
        asked = request.query_params.get("database")
        if asked and not project.databases.filter(pk=row_id(asked)).exists():
            raise Http404("Database not found in this project.")
        coded = comparisons.coded_clips(project, request.user, row_id(asked) if asked else None)
        compared = comparisons.compare(coded)
        return Response(
            {
                "all": comparisons.summarise_all(coded, compared).as_json(),
                "pairs": [
                    {
                        "coders": list(pair),
                        **comparisons.summarise_pair(items).as_json(),
                        "worst": _worst(items),
                    }
                    for pair, items in comparisons.by_pair(compared).items()
                ],
                "databases": [_database_entry(items) for items in comparisons.by_database(coded).values()],
                "worst": _worst(compared),
            }
        )


def _database_entry(coded: list[CodedClip]) -> dict[str, Any]:
    compared = comparisons.compare(coded)
    database = coded[0].clip.database
    summary = comparisons.summarise_all(coded, compared).as_json()
    return {"database": database.pk, "name": database.name, **summary, "worst": _worst(compared)}


def _worst(compared: list[ClipComparison]) -> list[dict[str, Any]]:
    return [
        {
            "clip": item.clip.pk,
            "name": item.clip.name,
            "coders": [item.first, item.second],
            "why": item.reasons(),
        }
        for item in comparisons.worst(compared)
    ]
