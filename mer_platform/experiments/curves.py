"""ROC and precision-recall curves and calibration of runs: computed once from their probabilities, then stored."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from django.db.models import prefetch_related_objects

from mer_platform.experiments.models import Run, StoredCurves
from mer_platform.experiments.results import samples_of
from models_ml.classes import CLASSES
from models_ml.errors import InputError
from models_ml.evaluation import METRICS_VERSION
from models_ml.evaluation.calibration import Calibration, calibration_of
from models_ml.evaluation.curves import Curves, curves_of

NO_PROBABILITIES = "{run} has predicted classes but no probabilities, so it has no curves and no calibration."
POOLED = (
    "Probabilities are pooled over all folds, though each fold has a network of its own. One network may be surer than "
    "the next, so pooled curves can lie below those of a single network."
)


@dataclass(frozen=True)
class RunCurves:
    """The curves and the calibration of one run, or why there are none."""

    run: Run
    curves: Curves | None
    calibration: Calibration | None
    missing: str


def curves_of_runs(runs: Sequence[Run]) -> list[RunCurves]:
    """Return what probabilities say of scored runs, in their order. What is not stored yet is computed and stored."""
    prefetch_related_objects(runs, "stored_curves")
    found = []
    for run in runs:
        row = getattr(run, "stored_curves", None)
        if row is None or row.code != METRICS_VERSION:
            row = _store(run)
        found.append(
            RunCurves(
                run,
                Curves.from_dict(row.curves) if row.curves else None,
                Calibration.from_dict(row.calibration) if row.calibration else None,
                row.missing,
            )
        )
    return found


def areas_as_json(found: RunCurves) -> dict[str, Any]:
    """Return areas and calibration of a run, without the points of its curves."""
    curves = asdict(found.curves) if found.curves else None
    return {
        "run": found.run.pk,
        "missing": found.missing,
        "areas": curves and curves["areas"],
        "areas_per_database": curves and curves["per_database"],
        "calibration": asdict(found.calibration) if found.calibration else None,
    }


def curves_as_json(found: RunCurves) -> dict[str, Any]:
    """Return everything that the probabilities of a run say."""
    return {
        **areas_as_json(found),
        "roc": found.curves.roc if found.curves else None,
        "precision_recall": found.curves.precision_recall if found.curves else None,
        "note": POOLED,
    }


def _store(run: Run) -> StoredCurves:
    """Compute and store a run's curves. Two processes that do so at once store the same."""
    content: dict[str, object] = {"code": METRICS_VERSION, "missing": "", "curves": None, "calibration": None}
    try:
        curves, calibration = _compute(run)
        content |= {"curves": asdict(curves), "calibration": asdict(calibration)}
    except InputError as error:
        content["missing"] = str(error)
    run.stored_curves = StoredCurves.objects.update_or_create(run=run, defaults=content)[0]
    return run.stored_curves


def _compute(run: Run) -> tuple[Curves, Calibration]:
    samples = samples_of(run.version)
    rows = list(
        run.predictions.order_by("sample__index").values_list(
            "sample__index", "sample__name", "predicted", "probabilities"
        )
    )
    with_any = [row for row in rows if row[3]]
    if not with_any:
        raise InputError(NO_PROBABILITIES.format(run=run))
    if len(with_any) < len(rows):
        name = next(name for _, name, _, probabilities in rows if not probabilities)
        raise InputError(
            f"{run} has probabilities of {len(with_any)} of {len(rows)} samples; “{name}” has none. "
            "Curves and calibration need those of all samples."
        )
    tested = [samples[index] for index, *_ in rows]
    true, probabilities = [sample.true for sample in tested], [row[3] for row in rows]
    subjects, databases = [s.subject for s in tested], [s.database for s in tested]
    pred = [CLASSES.index(predicted) for _, _, predicted, _ in rows]
    return (
        curves_of(true, probabilities, subjects, databases),
        calibration_of(true, pred, probabilities, subjects, databases),
    )
