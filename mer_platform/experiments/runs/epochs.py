"""What a run's folds say of their epochs: which counted, and what each would have predicted."""

from collections import Counter, defaultdict
from typing import Any

from mer_platform.experiments.models import Run
from models_ml.classes import CLASSES
from models_ml.evaluation.oracle import Oracle, oracle_scores


def chosen_epochs(run: Run) -> dict[int, int]:
    """Folds by the epoch whose weights predicted."""
    epochs = Counter(epoch for epoch in run.folds.values_list("epoch", flat=True) if epoch is not None)
    return dict(sorted(epochs.items()))


def oracle_of(run: Run) -> Oracle | None:
    """Scores with epochs chosen on the test subjects, a leak; None unless the run recorded what each epoch predicts."""
    folds = run.folds.filter(oracle__isnull=False).values_list("pk", "oracle")
    recorded: dict[int, Any] = dict(folds)
    if not recorded:
        return None
    true: dict[int, list[int]] = defaultdict(list)
    for fold, label in run.predictions.order_by("sample__index").values_list("fold", "sample__label"):
        true[fold].append(CLASSES.index(label))
    return oracle_scores([(true[fold], predicted) for fold, predicted in recorded.items()])
