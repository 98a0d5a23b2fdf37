"""A run's metrics: always recomputed from its stored predictions, never typed in."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from mer_platform.experiments.models import Prediction, Run
from models_ml.classes import CLASSES
from models_ml.evaluation.metrics import Evaluation, evaluate
from models_ml.evaluation.uncertainty import subject_bootstrap

Interval = tuple[float, float]


@dataclass(frozen=True)
class Results:
    evaluation: Evaluation
    intervals: dict[str, Interval]
    wrong: list[Prediction]

    def as_json(self) -> dict[str, Any]:
        return {
            **self.evaluation.to_dict(),
            "classes": list(CLASSES),
            "intervals_95": {name: list(interval) for name, interval in self.intervals.items()},
        }


def results_of(run: Run) -> Results:
    """Pooled over all folds; 95 % intervals from a bootstrap over subjects (DESIGN.md, "Honest evaluation")."""
    predictions = list(run.predictions.select_related("sample", "fold").order_by("sample__index"))
    true = [CLASSES.index(p.sample.label) for p in predictions]
    pred = [CLASSES.index(p.predicted) for p in predictions]
    subjects = [p.sample.subject_key for p in predictions]
    return Results(
        evaluation=evaluate(true, pred, [p.sample.database for p in predictions], subjects),
        intervals=_intervals(tuple(true), tuple(pred), tuple(subjects)),
        wrong=[p for p in predictions if not p.correct],
    )


@lru_cache(maxsize=128)
def _intervals(
    true: tuple[int, ...], pred: tuple[int, ...], subjects: tuple[str, ...]
) -> dict[str, Interval]:
    """Kept by content, so never stale: a page and its figures ask for the same ones, and each takes a tenth of a second."""
    return subject_bootstrap(true, pred, subjects)
