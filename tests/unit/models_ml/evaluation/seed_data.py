"""Confusion matrices of configurations with several seeds, drawn from a model whose true scores are known."""

import numpy as np
from numpy.typing import NDArray

from models_ml.evaluation.metrics import unweighted

SAMPLES = 6  # per subject
SHARES = (0.55, 0.25, 0.2)  # of the classes


def drawn(
    seed: int, subjects: int, seeds: int, skills: tuple[float, ...], deviation: float
) -> list[NDArray[np.int64]]:
    """Return the matrices (seeds, subjects, 3, 3) of each configuration on the same samples.

    Subjects and samples are hard or easy for all runs. Each run's skill deviates from its configuration's, and it favours
    some classes.
    """
    rng = np.random.default_rng(seed)
    n = subjects * SAMPLES
    owner = np.repeat(np.arange(subjects), SAMPLES)
    true = rng.choice(3, n, p=SHARES)
    ease, hardness = rng.normal(0, 0.8, subjects)[owner], rng.normal(0, 1, (n, 3))
    found = []
    for skill in skills:
        counts = np.zeros((seeds, subjects, 3, 3), dtype=np.int64)
        for own in counts:
            favour = rng.normal(0, deviation, 3)
            strength = skill + rng.normal(0, deviation) + ease
            logits = hardness + rng.normal(0, 0.6, (n, 3)) + favour + np.eye(3)[true] * strength[:, None]
            np.add.at(own, (owner, true, logits.argmax(axis=1)), 1)
        found.append(counts)
    return found


def true_score(skill: float, deviation: float) -> float:
    """Return the mean UF1 of seeds on very many subjects."""
    return float(
        np.mean(
            [
                unweighted(drawn(1000 + i, 300, 1, (skill,), deviation)[0].sum(axis=1))["uf1"][0]
                for i in range(200)
            ]
        )
    )
