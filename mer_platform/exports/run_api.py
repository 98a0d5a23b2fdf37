"""What leaves of runs: their predictions as files."""

from django.http import HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request

from mer_platform.experiments.comparison.comparing import MAX_COMPARED
from mer_platform.exports.api import TableView, table_response
from mer_platform.exports.predictions import predictions, run_to_export, runs_to_export

RUNS = OpenApiParameter(
    "run",
    OpenApiTypes.INT,
    many=True,
    required=True,
    description=f"Ids of 1 to {MAX_COMPARED} runs with scores.",
)


class RunPredictionsView(TableView):
    @extend_schema(responses=OpenApiTypes.BINARY)
    def get(self, request: Request, pk: int) -> HttpResponseBase:
        """Download the predictions of a run: sample, true and predicted class, probabilities and fold.

        The file can be uploaded again as an external run.
        """
        return table_response(predictions([run_to_export(request.user, pk)]), self.kind)


class ComparedPredictionsView(TableView):
    @extend_schema(parameters=[RUNS], responses=OpenApiTypes.BINARY)
    def get(self, request: Request) -> HttpResponseBase:
        """Download the predictions of several runs of one project, one below the other; `run` says whose a row is."""
        return table_response(
            predictions(runs_to_export(request.user, request.query_params.getlist("run"))), self.kind
        )
