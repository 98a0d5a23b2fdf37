from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from mer_platform.experiments.comparison.comparing import MAX_COMPARED, Comparison, choose_runs, compare_runs
from mer_platform.experiments.comparison.configurations import compare_seeds
from mer_platform.experiments.comparison.serializers import ComparisonSerializer
from mer_platform.experiments.comparison.subjects import by_subject
from mer_platform.experiments.curves import areas_as_json, curves_of_runs
from mer_platform.experiments.models import Run
from mer_platform.projects.access import role_in
from mer_platform.projects.models import Project, Role
from mer_platform.rest.views import ApiView
from models_ml.errors import InputError


class CompareRuns(ApiView):
    """Runs of one project side by side."""

    @extend_schema(
        parameters=[
            OpenApiParameter(
                "run",
                OpenApiTypes.INT,
                many=True,
                required=True,
                description=f"Ids of 2 to {MAX_COMPARED} runs with scores. The first is the reference for the others.",
            )
        ],
        responses=ComparisonSerializer,
    )
    def get(self, request: Request) -> Response:
        """Return the scores of runs with 95% intervals, and compare each run with the first.

        Runs are compared on the same resamples of subjects. A difference is the run's score minus the score of the first.
        Runs on different versions or protocols are not compared; `reason` says why. `disagreements` is null if you may not
        see true labels, or if the runs are not on the same samples. `configurations` compares configurations with several
        seeds over subjects and seeds.
        """
        own = Run.objects.filter(project__in=Project.objects.of(request.user).values("pk"))
        try:
            runs = choose_runs(own, request.query_params.getlist("run"), request.user)
            if len(runs) < 2:
                raise InputError("Give at least two runs, for example ?run=1&run=2.")
            if len({run.project_id for run in runs}) > 1:
                raise InputError("These runs belong to different projects. Choose runs of one project.")
        except InputError as error:
            raise serializers.ValidationError({"run": str(error)}) from error
        comparison = compare_runs(runs)
        return Response(
            {
                "runs": [
                    {
                        "id": run.pk,
                        "name": run.name,
                        "version": run.version_id,
                        "protocol": run.protocol,
                        "config_hash": run.config_hash,
                        "results": results.as_json(),
                    }
                    for run, results in zip(runs, comparison.results, strict=True)
                ],
                "against": [other.as_json() for other in comparison.against],
                "configuration": [
                    {"setting": title, "values": values} for title, values in comparison.settings
                ],
                "disagreements": _disagreements(comparison, request.user),
                "subjects": _subjects(runs),
                "configurations": [own.as_json() for own in compare_seeds(runs).configurations],
                "curves": [areas_as_json(found) for found in curves_of_runs(runs)],
            }
        )


def _subjects(runs: list[Run]) -> dict[str, Any]:
    found = by_subject(runs)
    rows = [
        {
            "subject": row.subject,
            "samples": row.samples,
            "correct": row.correct,
            "disagreement": row.disagreement,
        }
        for row in found.rows
    ]
    return {"runs": [run.pk for run in found.runs], "rows": rows}


def _disagreements(comparison: Comparison, user: Any) -> list[dict[str, Any]] | None:
    role = role_in(user, comparison.runs[0].project)
    if not comparison.on_same_samples or role is None or not role.includes(Role.RESEARCHER):
        return None
    return [
        {
            "sample": item.sample.index,
            "name": item.sample.name,
            "subject": item.sample.subject_key,
            "true_label": item.sample.label,
            "predicted": item.predicted,
        }
        for item in comparison.disagreements()
    ]
