"""What spoke for a class: complete for every network trained by gradient, and where the evidence was put."""

import numpy as np
import pytest
import torch

from models_ml.attribution.config import AttributionConfig
from models_ml.attribution.gradients import TOLERANCE, freeze, integrated_gradients
from models_ml.attribution.occlusion import occlusion
from models_ml.checking.cases import (
    BY_GRADIENT,
    LABELS,
    NAMES,
    SIZE,
    SUBJECTS,
    batch_normalised,
    configured,
    data,
    folds_of,
    label,
    motion,
    trained,
)
from models_ml.nets.build import build
from models_ml.training.engine import TrainingData
from models_ml.training.model import TrainedModel

CLASSES = [0, 1, 2]


def model_of(net: dict, **others) -> TrainedModel:
    config = configured(net, {"epochs": 6}, **others)
    [result] = trained(data(), config, folds_of(config)[:1])
    return result.model


@pytest.mark.parametrize("net", batch_normalised(BY_GRADIENT), ids=label)
@pytest.mark.parametrize("ensemble", [1, 2])
def test_integrated_gradients_add_up_to_the_change_of_the_probability(net, ensemble):
    """Completeness: their sum is F(x) − F(0), for each class, and for the mean of an ensemble."""
    model = model_of(net, ensemble=ensemble)
    network = freeze(model.network)
    features = data().features[:3]
    before = model.predict(np.zeros_like(features[:1]))[0]
    for image, predicted in zip(features, model.predict(features), strict=True):
        values, gaps = integrated_gradients(network, image, CLASSES, 32)
        assert values.shape == (3, 3, SIZE, SIZE)
        off = np.abs(values.sum(axis=(1, 2, 3)) - (predicted - before))
        assert off.max() <= TOLERANCE
        np.testing.assert_allclose(off, gaps, atol=1e-5)
        np.testing.assert_allclose(values.sum(axis=0), 0, atol=1e-5)  # probabilities sum to 1


def test_gradients_of_a_linear_model_of_one_step_equal_its_weights():
    """Where F is linear in x, the integral is weight times motion: here logits so small that softmax is linear."""

    class Linear(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weight = torch.nn.Parameter(1e-5 * torch.randn(3, 3 * 8 * 8, generator=torch.manual_seed(0)))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return (x.flatten(1) @ self.weight.T)[:, None]

    network = freeze(Linear())
    image = np.random.default_rng(0).normal(size=(3, 8, 8)).astype(np.float32)
    values, _ = integrated_gradients(network, image, [1], 8)
    weights = network.weight.numpy().reshape(3, 3, 8, 8)
    expected = image * (weights[1] - weights.mean(axis=0)) / 3
    np.testing.assert_allclose(values[0], expected, rtol=1e-3, atol=1e-9)


@pytest.mark.parametrize("net", batch_normalised(NAMES), ids=label)
def test_occlusion_of_the_whole_image_is_the_change_to_no_motion(net):
    model = model_of(net)
    image = data().features[0]
    fall = occlusion(model.network, image, CLASSES, SIZE, SIZE)
    both = model.predict(np.stack([image, np.zeros_like(image)]))
    np.testing.assert_allclose(
        fall[:, 3], np.broadcast_to((both[0] - both[1])[:, None, None], (3, SIZE, SIZE)), atol=1e-6
    )


@pytest.mark.parametrize("method", ["occlusion", "gradients"])
def test_both_methods_find_the_patch_that_moves(method):
    """Each class moves its own third of the image in its own channel: there is the attribution of unseen samples."""
    config = configured({"name": "sssnet"}, {"epochs": 60}, features={"size": 24})
    [result] = trained(TrainingData(motion(0, LABELS, 24), LABELS, SUBJECTS), config, folds_of(config)[:1])
    network, third = freeze(result.model.network), 8
    for number, channel in enumerate((1, 1, 0)):
        [image] = motion(7, np.array([number]), 24)
        values = (
            occlusion(network, image, [number], 6, 2)
            if method == "occlusion"
            else integrated_gradients(network, image, [number], 32)[0]
        )[0, :3]
        within = values[:, third * number : third * (number + 1)].sum(axis=(1, 2))
        assert within.sum() > 0.6 * values.sum()
        assert within[channel] == within.max()


def test_the_value_of_a_pixel_is_the_mean_of_the_patches_that_cover_it():
    network = build(configured({"name": "ststnet"}).net, 1, 8, 3).eval()
    image = np.random.default_rng(1).normal(size=(3, 8, 8)).astype(np.float32)
    fall = occlusion(network, image, [2], 4, 3)[0, 0]

    def probability(occluded: np.ndarray) -> float:
        with torch.no_grad():
            return float(network(torch.from_numpy(occluded)[None]).softmax(dim=2)[0, 0, 2])

    covering = [(r, c) for r in (0, 3, 4) for c in (0, 3, 4) if r <= 5 < r + 4 and c <= 2 < c + 4]
    expected = []
    for row, column in covering:
        occluded = image.copy()
        occluded[0, row : row + 4, column : column + 4] = 0
        expected.append(probability(image) - probability(occluded))
    assert len(covering) == 2
    assert fall[5, 2] == pytest.approx(np.mean(expected), abs=1e-6)


def test_the_hash_covers_only_the_settings_of_the_method():
    hashes = {
        AttributionConfig(**settings).content_hash()
        for settings in (
            {},
            {"steps": 64},
            {"method": "gradients"},
            {"method": "gradients", "patch": 0.3},
        )
    }
    assert len(hashes) == 2
    assert AttributionConfig(patch=0.3).content_hash() not in hashes
