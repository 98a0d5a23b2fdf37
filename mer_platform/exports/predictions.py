"""The predictions of runs as a table, which can be uploaded again as an external run."""

from collections.abc import Iterator, Sequence
from typing import Any

from django.shortcuts import get_object_or_404
from rest_framework.exceptions import ValidationError

from mer_platform.annotation.blindness import check_sees_all
from mer_platform.experiments.comparison.comparing import choose_runs
from mer_platform.experiments.models import Prediction, Run
from mer_platform.projects.access import require
from mer_platform.projects.models import Project, Role
from mer_platform.table_files import ExportRow, ExportTable
from models_ml.classes import CLASSES
from models_ml.errors import InputError

PROBABILITIES = tuple(f"p_{name}" for name in CLASSES)
COLUMNS: dict[str, type] = {
    "sample": int, "database": str, "subject": str, "clip": str, "true": str, "predicted": str,
    **dict.fromkeys(PROBABILITIES, float), "fold": str, "run": int, "version_sha256": str,
}  # fmt: skip


def predictions(runs: Sequence[Run]) -> ExportTable:
    """Return a row for each prediction of each run, in the order of the runs and of the version's samples.

    ``sample`` is the number of the sample in its version, from 0. Probabilities are empty for an external run without them.
    """
    name = f"run-{runs[0].pk}" if len(runs) == 1 else "runs"
    return ExportTable(f"{name}-predictions", COLUMNS, _rows(runs))


def _rows(runs: Sequence[Run]) -> Iterator[ExportRow]:
    fields = (
        "sample__index",
        "sample__database",
        "sample__subject",
        "sample__name",
        "sample__label",
        "predicted",
    )
    for run in runs:
        found = Prediction.objects.filter(run=run).order_by("sample__index")
        for *names, probabilities, fold in found.values_list(*fields, "probabilities", "fold__name"):
            shares = probabilities or (None,) * len(PROBABILITIES)
            yield (*names, *shares, fold, run.pk, run.version.content_hash)


def run_to_export(user: Any, pk: int) -> Run:
    """Return a run whose predictions the user may export. Raises Http404, PermissionDenied or ValidationError."""
    own = Run.objects.filter(project__in=Project.objects.of(user).values("pk"))
    get_object_or_404(own, pk=pk)
    return runs_to_export(user, [str(pk)])[0]


def runs_to_export(user: Any, ids: Sequence[str]) -> list[Run]:
    """Return scored runs of one project whose predictions the user may export: they state the labels of samples.

    Raises ValidationError for the field ``run``, or PermissionDenied.
    """
    own = Run.objects.filter(project__in=Project.objects.of(user).values("pk")).select_related("project")
    try:
        runs = choose_runs(own, ids, user)
        if not runs:
            raise InputError("Give at least one run, for example ?run=1&run=2.")
        if len({run.project_id for run in runs}) > 1:
            raise InputError("These runs belong to different projects. Choose runs of one project.")
    except InputError as error:
        raise ValidationError({"run": str(error)}) from error
    require(user, runs[0].project, Role.RESEARCHER)
    check_sees_all(user, runs[0].project)
    return runs
