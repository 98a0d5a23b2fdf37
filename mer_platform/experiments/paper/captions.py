"""What captions say a figure shows."""

from collections.abc import Callable
from typing import Any

# Where the docstring of a function says more than one of its figures shows.
CAPTIONS = {
    "roc": "ROC curves, with the areas below them (AUC).",
    "precision_recall": "Precision-recall curves, with their average precision.",
    "calibration": "Reliability: share of correct predictions by the probability of the predicted class, with the "
    "expected calibration error (ECE).",
    "losses": "Mean loss by epoch: a thin line per fold, a thick one for their mean.",
    "confusion": "Confusion matrix: true classes as rows, predicted classes as columns. Colour shows the share of the row.",
}


def caption_of(draw: Callable[..., Any]) -> str:
    """Return what a function draws: the first paragraph of its docstring, in one line, or its entry in ``CAPTIONS``."""
    if draw.__name__ in CAPTIONS:
        return CAPTIONS[draw.__name__]
    return " ".join((draw.__doc__ or "").split("\n\n")[0].split())
