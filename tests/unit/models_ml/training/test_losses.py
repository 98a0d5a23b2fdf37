import numpy as np
import pytest
import torch

from models_ml.training.losses import Loss, class_weights
from tests.unit.models_ml.training.cases import with_train


def test_balanced_weights_give_each_class_the_same_total() -> None:
    labels = np.array([0] * 6 + [1] * 3 + [2])
    totals = class_weights(labels, "balanced") * torch.tensor([6.0, 3.0, 1.0])
    assert torch.allclose(totals, totals[:1].expand(3))
    assert totals.sum().item() == pytest.approx(len(labels))


def test_the_losses_equal_torch_and_the_focal_paper() -> None:
    logits, labels = torch.linspace(-2, 3, 30).cos().view(5, 2, 3), torch.tensor([0, 1, 2, 0, 1])
    weights = torch.tensor([[1.0, 2.0, 0.5], [1.0, 1.0, 1.0]])
    settings = [with_train(label_smoothing=0.0).train, with_train(loss="focal", focal_gamma=2).train]
    loss = Loss(settings, weights)(logits, torch.nn.functional.one_hot(labels, 3).float())
    plain = torch.nn.functional.cross_entropy(logits[:, 0], labels, weights[0], reduction="none")
    chance = logits[:, 1].softmax(dim=1)[torch.arange(5), labels]
    assert torch.allclose(loss[:, 0], plain, atol=1e-6)
    assert torch.allclose(loss[:, 1], -((1 - chance) ** 2) * chance.log(), atol=1e-6)
