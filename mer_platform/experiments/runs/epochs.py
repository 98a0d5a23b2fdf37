"""The epochs of a run's folds: which ones made the predictions, and what each would have predicted."""

from collections import Counter, defaultdict
from typing import Any

from mer_platform.experiments.models import Run
from models_ml.classes import CLASSES
from models_ml.evaluation.oracle import Oracle, oracle_scores


def chosen_epochs(run: Run) -> dict[int, int]:
    """Return the number of folds by the epoch whose weights made the predictions."""
    epochs = Counter(epoch for epoch in run.folds.values_list("epoch", flat=True) if epoch is not None)
    return dict(sorted(epochs.items()))


def oracle_of(run: Run) -> Oracle | None:
    """Return the scores with epochs chosen on the test subjects (a leak), or None if the run did not record them."""
    folds = run.folds.filter(oracle__isnull=False).values_list("pk", "oracle")
    recorded: dict[int, Any] = dict(folds)
    if not recorded:
        return None
    true: dict[int, list[int]] = defaultdict(list)
    for fold, label in run.predictions.order_by("sample__index").values_list("fold", "sample__label"):
        true[fold].append(CLASSES.index(label))
    return oracle_scores([(true[fold], predicted) for fold, predicted in recorded.items()])
