"""What runs on one version predicted, sample by sample, and which samples a reader asks for."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mer_platform.composites.models import CompositeVersion
from mer_platform.experiments.models import Prediction, Run
from mer_platform.experiments.results import ABSENT, KnownSample, predicted_classes, samples_of
from models_ml.classes import CLASSES
from models_ml.errors import InputError

Mask = NDArray[np.bool_]
NO_PREDICTION = -1
CONFIDENT = 0.8  # from this probability on, a prediction counts as confident


@dataclass(frozen=True)
class Outcomes:
    """The predictions of runs on one version.

    true : (N,) positions in ``CLASSES``, in the order of the version's samples
    predicted : (R, N) positions in ``CLASSES``, or ``NO_PREDICTION``
    """

    runs: Sequence[Run]
    samples: Sequence[KnownSample]
    predicted: NDArray[np.int8]

    @property
    def version(self) -> CompositeVersion:
        return self.runs[0].version

    @cached_property
    def true(self) -> NDArray[np.int8]:
        return np.array([sample.true for sample in self.samples], np.int8)

    @cached_property
    def tested(self) -> Mask:
        """(R, N), whether a run predicted a sample."""
        return self.predicted != NO_PREDICTION

    @cached_property
    def wrong(self) -> Mask:
        """(R, N), whether a run predicted a sample, and wrongly."""
        return self.tested & (self.predicted != self.true)

    @cached_property
    def votes(self) -> NDArray[np.int64]:
        """(C, N), the number of runs that predict a class."""
        return np.stack([(self.predicted == position).sum(axis=0) for position in range(len(CLASSES))])

    @cached_property
    def disagreement(self) -> NDArray[np.float64]:
        """(N,) entropy of the votes in bits: 0 where all runs agree, 1.58 where three classes have equal votes."""
        shares = self.votes / np.maximum(self.votes.sum(axis=0), 1)
        return -(shares * np.log2(shares, where=shares > 0, out=np.zeros_like(shares))).sum(axis=0)


def outcomes_of(runs: Sequence[Run]) -> Outcomes:
    """Return the predictions of runs with scores, at least one. Raises InputError if they are on different versions."""
    first = runs[0]
    for run in runs[1:]:
        if run.version_id != first.version_id:
            raise InputError(
                f"{first} is on {first.version}, {run} on {run.version}. The samples of two versions differ, so choose "
                "runs on the same version."
            )
    digits = [
        [NO_PREDICTION if digit == ABSENT else int(digit) for digit in line]
        for line in predicted_classes(runs)
    ]
    samples = samples_of(first.version)
    return Outcomes(runs, samples, np.array(digits, np.int8).reshape(len(runs), len(samples)))


@dataclass(frozen=True)
class Confidence:
    """How sure a run is of each sample: the probability of the predicted class, and the gap to the highest of the others.

    Both are (N,) and NaN where the run has no probabilities. The gap is negative where other code predicted a class that is
    not the most probable.
    """

    probability: NDArray[np.float64]
    margin: NDArray[np.float64]


def confidence_of(run: Run, samples: int) -> Confidence:
    probability, margin = np.full(samples, np.nan), np.full(samples, np.nan)
    rows = Prediction.objects.filter(run=run).values_list("sample__index", "probabilities", "predicted")
    known: list[tuple[int, Any, str]] = [row for row in rows if row[1]]
    if known:
        indices = [index for index, *_ in known]
        others = np.array([values for _, values, _ in known], np.float64)
        places = np.arange(len(known)), np.array([CLASSES.index(predicted) for *_, predicted in known])
        probability[indices] = others[places]
        others[places] = -np.inf
        margin[indices] = probability[indices] - others.max(axis=1)
    return Confidence(probability, margin)


def probabilities_of(runs: Sequence[Run], indices: Sequence[int]) -> dict[tuple[int, int], list[float]]:
    """Return the probabilities of a few samples in one query, by the run's id and the sample's index."""
    rows = Prediction.objects.filter(run__in=runs, sample__index__in=indices)
    found: Any = rows.values_list("run", "sample__index", "probabilities")
    return {(run, index): values for run, index, values in found if values}
