"""Every network learns from motion, and generalises."""

from typing import Any

import numpy as np
import pytest

from models_ml.training.engine import FoldResult, FoldTask, TrainingData, train_bundle
from models_ml.training.folds import kfold
from tests.unit.models_ml.nets.cases import BY_GRADIENT, batch_normalised, configured, label, motion

LABELS = np.array([0, 1, 2] * 32)
SUBJECTS = [f"s{i % 8}" for i in range(len(LABELS))]


@pytest.mark.every_cpu
@pytest.mark.parametrize("net", batch_normalised(BY_GRADIENT), ids=label)
def test_a_network_recognises_the_motion_of_people_it_has_not_seen(net: dict[str, Any]) -> None:
    train = {"epochs": 10, "batch_size": 16, "learning_rate": 5e-3, "flip": False}
    fold = kfold(SUBJECTS, 4, seed=0)[0]
    samples = TrainingData(motion(2, LABELS), LABELS, SUBJECTS)
    [result] = train_bundle(samples, [fold], [FoldTask(configured(net, train), fold)], device="cpu")
    assert isinstance(result, FoldResult)
    right = result.probabilities.argmax(axis=1) == LABELS[list(fold.test)]
    assert right.mean() > 0.7  # one in three by chance
    assert result.losses[-1] < 0.7 * result.losses[0]
