"""A project with runs to rank: two networks with two seeds each, tested in two ways, on two versions."""

from mer_platform.composites.models import CompositeVersion
from mer_platform.experiments.models import Run
from mer_platform.experiments.results import results_of
from models_ml.classes import CLASSES
from tests.api.finished_runs import finished


def true_labels(version: CompositeVersion) -> list[int]:
    return [
        CLASSES.index(label) for label in version.samples.order_by("index").values_list("label", flat=True)
    ]


def run_with_errors(version: CompositeVersion, wrong: int, user, **config) -> Run:
    """Store a finished run that predicts the first ``wrong`` samples wrongly, with its results."""
    predicted = [
        (true + 1) % 3 if number < wrong else true for number, true in enumerate(true_labels(version))
    ]
    run = finished(version, predicted, user, **config)
    results_of(run)
    return run
