"""The held-out scores of a model's run, as lists and cards show them. Nothing is computed here."""

from dataclasses import asdict
from typing import Any

from mer_platform.composites.blindness import why_scores_hidden
from mer_platform.experiments.curves import curves_of_runs
from mer_platform.experiments.results import results_of
from mer_platform.registry.models import ModelVersion
from models_ml.errors import InputError
from models_ml.evaluation.metrics import Scores

NAMES = ("uf1", "uar", "accuracy")
Known = dict[int, str]  # why scores on a version are hidden, by its id


def why_hidden(model: ModelVersion, user: Any, known: Known | None = None) -> str:
    """Return why the user may not see the scores: coding is blind. Empty if they may."""
    if model.run is None:
        return ""
    found: Known = {} if known is None else known
    version = model.run.version_id
    if version not in found:
        found[version] = why_scores_hidden(user, version)
    return found[version]


def scores_of(model: ModelVersion) -> dict[str, Any] | None:
    """Return UF1, UAR and accuracy of the run that the model comes from, with 95% intervals; None if there are none.

    An imported model has those of its card, which its maker measured.
    """
    if model.run is None:
        stored = model.provenance.get("card", {}).get("scores")
        return stored if isinstance(stored, dict) else None
    if not model.run.scored:
        return None
    try:
        results = results_of(model.run)
    except InputError:  # it has no predictions
        return None
    return {
        **_scores(results.evaluation, results.intervals),
        "per_database": {name: _scores(own, intervals) for name, own, intervals in results.databases},
    }


def details_of(model: ModelVersion) -> dict[str, Any]:
    """Return what the card adds to the scores: by class, the confusion matrix, and calibration."""
    if model.run is None or scores_of(model) is None:
        return {}
    results = results_of(model.run).as_json()
    found = curves_of_runs([model.run])[0]
    return {
        "per_class": results["per_class"],
        "intervals_95_per_class": results["intervals_95_per_class"],
        "confusion": results["confusion"],
        "calibration": _calibration(found.calibration),
        "no_calibration": found.missing,
    }


def _scores(scores: Scores, intervals: Any) -> dict[str, Any]:
    found: dict[str, Any] = {name: getattr(scores, name) for name in NAMES}
    found["samples"] = scores.samples
    found["intervals_95"] = {name: intervals.get(name) for name in NAMES} if intervals else None
    return found


def _calibration(calibration: Any) -> dict[str, Any] | None:
    if calibration is None:
        return None
    full = asdict(calibration)
    return {name: full[name] for name in ("samples", "ece", "brier", "brier_interval", "per_database")}
