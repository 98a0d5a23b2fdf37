"""The fused stem computes what its layers compute one after the other, forwards and backwards."""

import numpy as np
import pytest
import torch
from torch import Tensor

from models_ml.config.nets.ststnet import Ststnet
from models_ml.nets.layers import Batch, flat
from models_ml.nets.ststnet import StstnetNet

MEMBERS, SAMPLES = 2, 6
COUNTS = torch.tensor([[1.0, 1, 0, 2, 1, 1], [0.0, 1, 1, 1, 3, 0]]).T


def network(norm: str = "batch", dropout: float = 0.0, size: int = 16) -> StstnetNet:
    torch.manual_seed(0)
    made = StstnetNet(Ststnet.model_validate({"norm": norm, "dropout": dropout}), MEMBERS, size, 3)
    made.conv.set_scale(torch.rand(MEMBERS, 3) + 0.5)
    if made.norm is not None:
        with torch.no_grad():
            made.norm.weight.normal_()  # of both signs: the smallest numbers of windows are wanted, too
            made.norm.bias.normal_()
    return made


def both(made: StstnetNet, x: Tensor) -> list[tuple[Tensor, dict[str, Tensor]]]:
    """What comes out and every gradient, layer by layer and fused."""
    found = []
    outward = torch.from_numpy(np.random.default_rng(1).normal(size=(len(x), MEMBERS, 3)).astype(np.float32))
    for compute in (lambda: made.classify(flat(made.layers(x), MEMBERS)), lambda: made(x)):
        batch = Batch(COUNTS, total=len(x))
        batch.streams = [{"dropout": np.random.default_rng(member)} for member in range(MEMBERS)]
        made.dropout.name, made.dropout.batch = "dropout", batch
        if made.norm is not None:
            made.norm.batch = batch
        made.zero_grad()
        out = compute()
        (out * outward * (COUNTS > 0)[:, :, None]).sum().backward()
        gradients = {name: p.grad.clone() for name, p in made.named_parameters() if p.grad is not None}
        found.append((out.detach(), gradients))
    return found


def pictures(size: int = 16) -> Tensor:
    return torch.from_numpy(np.random.default_rng(0).normal(size=(SAMPLES, 3, size, size)).astype(np.float32))


def check_the_same(made: StstnetNet, x: Tensor) -> None:
    (by_layer, expected), (fused, gradients) = both(made, x)
    assert torch.allclose(fused, by_layer, atol=1e-5)
    assert gradients.keys() == expected.keys() == {name for name, _ in made.named_parameters()}
    for name, gradient in gradients.items():
        assert torch.allclose(gradient, expected[name], rtol=1e-4, atol=1e-4), name


@pytest.mark.parametrize("size", range(16, 22))
def test_fused_equals_layer_by_layer_at_every_size(size: int) -> None:
    """Of the map, of the windows and of the average pooling: with and without a rest."""
    check_the_same(network(size=size), pictures(size))


@pytest.mark.parametrize("norm", ["batch", "none"])
@pytest.mark.parametrize("dropout", [0.0, 0.4])
def test_fused_equals_layer_by_layer_with_every_setting(norm: str, dropout: float) -> None:
    check_the_same(network(norm, dropout), pictures())


def test_a_picture_without_motion_has_one_gradient_a_window() -> None:
    """All numbers of a window are equal there: only one of them is the largest."""
    x = pictures()
    x[1:, :, 4:] = 0
    check_the_same(network(), x)


def test_the_running_statistics_are_the_same() -> None:
    found = []
    for fused in (False, True):
        made = network()
        assert made.norm is not None
        made.norm.batch = Batch(COUNTS)
        made(pictures()) if fused else made.layers(pictures())
        found.append((made.norm.running_mean, made.norm.running_var))
    (mean, variance), (fused_mean, fused_variance) = found
    assert torch.allclose(mean, fused_mean, atol=1e-6)
    assert torch.allclose(variance, fused_variance, atol=1e-6)


def test_what_is_not_a_number_stays_none() -> None:
    """So that a training that diverges is seen to diverge."""
    made = network()
    with torch.no_grad():
        made.conv.weight[3, 0, 0, 0] = torch.nan
    out = made(pictures())
    assert out[:, 0].isnan().all()
    assert not out[:, 1].isnan().any()
