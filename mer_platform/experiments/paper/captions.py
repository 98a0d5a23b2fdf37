"""What captions say of the origin of numbers: the runs, the version with its hash, and the protocol."""

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

from mer_platform.experiments.models import Run

NAMED = 8  # runs that a caption names; of more it gives only the numbers
HASH = 12  # characters of a content hash


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


def provenance(runs: Sequence[Run]) -> str:
    """Return the sentences that say which runs, which version and which protocol numbers are of."""
    if not runs:
        return ""
    versions = list(dict.fromkeys(run.version for run in runs))
    protocols = list(dict.fromkeys(run.protocol for run in runs))
    on = "; ".join(f"{version} (content hash {version.content_hash[:HASH]})" for version in versions)
    return (
        f"{_runs(runs)}. Composite version{'' if len(versions) == 1 else 's'}: {on}. "
        f"Protocol{'' if len(protocols) == 1 else 's'}: {'; '.join(protocols)}."
    )


def _runs(runs: Sequence[Run]) -> str:
    if len(runs) == 1:
        return f"Run #{runs[0].pk} {runs[0].name}"
    if len(runs) <= NAMED:
        return f"Runs {', '.join(f'#{run.pk} {run.name}' for run in runs)}"
    return f"Runs {numbers_in_words([run.pk for run in runs])}"


def numbers_in_words(ids: Sequence[int]) -> str:
    """Return numbers of runs as a short list.

    >>> numbers_in_words([3, 1, 2, 7])
    '#1–#3, #7'
    """
    known = sorted(set(ids))
    starts = [known[0], *(after for before, after in pairwise(known) if after != before + 1)]
    ends = [*(before for before, after in pairwise(known) if after != before + 1), known[-1]]
    return ", ".join(
        f"#{low}" if low == high else f"#{low}–#{high}" for low, high in zip(starts, ends, strict=True)
    )
