"""How certain a prediction is, from the probabilities of the networks of an ensemble. Needs only NumPy."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from models_ml.registry.temperature import calibrated


@dataclass(frozen=True)
class Certainty:
    """One prediction.

    Attributes
    ----------
    probabilities
        (classes,), the mean of the networks, after the temperature if there is one.
    confidence
        The largest of them.
    margin
        By how much it exceeds the second largest.
    entropy
        Of the probabilities: 0 if one class is certain, 1 if all are equally likely.
    disagreement
        Mutual information of class and network, before the temperature: 0 if all networks predict the same, 1 if each is
        certain of another class. None for a single network.
    """

    probabilities: NDArray[np.float64]
    confidence: float
    margin: float
    entropy: float
    disagreement: float | None


def certainties(members: ArrayLike, temperature: float | None = None) -> list[Certainty]:
    """Return the certainty of each prediction.

    The disagreement is the mutual information between the class and the network that predicts it (BALD; Houlsby et al.
    2011, arXiv:1112.5745): the entropy of the mean minus the mean of the entropies, which is also the Jensen–Shannon
    divergence of the networks' predictions (Lin 1991, IEEE Trans. Inf. Theory 37(1)). It is divided by its largest
    possible value, the logarithm of the number of networks or of classes, if that is smaller. Unlike the entropy, it is
    small where all networks find the same classes equally likely.

    Parameters
    ----------
    members
        (N, networks, classes), rows of which sum to 1.
    temperature
        Divides the logarithms of the mean probabilities (Guo et al. 2017, ICML), above 0; None leaves them as they are.

    Examples
    --------
    >>> [sure] = certainties([[[0.9, 0.1, 0.0]]])
    >>> round(sure.confidence, 2), round(sure.margin, 2), sure.disagreement
    (0.9, 0.8, None)
    >>> [agree, differ] = certainties([[[0.5, 0.5], [0.5, 0.5]], [[1, 0], [0, 1]]])
    >>> (agree.entropy, agree.disagreement), (differ.entropy, differ.disagreement)
    ((1.0, 0.0), (1.0, 1.0))
    >>> [warm] = certainties([[[0.8, 0.2]]], temperature=2)
    >>> [float(round(p, 3)) for p in warm.probabilities]
    [0.667, 0.333]
    """
    given = np.asarray(members, dtype=np.float64)
    count, networks, classes = given.shape
    means = given.mean(axis=1)
    shown = means if temperature is None else calibrated(means, temperature)
    ordered = np.sort(shown, axis=1)
    second = ordered[:, -2] if classes > 1 else np.zeros(count)
    entropy = _entropy(shown) / np.log(max(classes, 2))
    most = np.log(max(2, min(networks, classes)))
    information = np.clip((_entropy(means) - _entropy(given).mean(axis=1)) / most, 0, 1)
    return [
        Certainty(
            shown[i],
            float(ordered[i, -1]),
            float(ordered[i, -1] - second[i]),
            float(min(1.0, entropy[i])),
            float(information[i]) if networks > 1 else None,
        )
        for i in range(count)
    ]


def _entropy(probabilities: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the entropy in nats along the last axis."""
    logarithms = np.log(np.where(probabilities > 0, probabilities, 1.0))
    found: NDArray[np.float64] = np.maximum(0.0, -(probabilities * logarithms).sum(axis=-1))
    return found
