"""What leaves of runs: their predictions as files."""

from django.http import HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request

from mer_platform.experiments.comparison.comparing import MAX_COMPARED
from mer_platform.exports.api import BINARY, table_response
from mer_platform.exports.predictions import predictions, run_to_export, runs_to_export
from mer_platform.rest.views import ApiView

RUNS = OpenApiParameter(
    "run",
    OpenApiTypes.INT,
    many=True,
    required=True,
    description=f"Ids of 1 to {MAX_COMPARED} runs with scores.",
)


class RunPredictionsView(ApiView):
    @extend_schema(responses=BINARY)
    def get(self, request: Request, pk: int, kind: str) -> HttpResponseBase:
        """Download the predictions of a run: sample, true and predicted class, probabilities and fold.

        The file can be uploaded again as an external run.
        """
        return table_response(predictions([run_to_export(request.user, pk)]), kind)


class ComparedPredictionsView(ApiView):
    @extend_schema(parameters=[RUNS], responses=BINARY)
    def get(self, request: Request, kind: str) -> HttpResponseBase:
        """Download the predictions of several runs of one project, one below the other; `run` says whose a row is."""
        return table_response(
            predictions(runs_to_export(request.user, request.query_params.getlist("run"))), kind
        )
