from typing import Any

import pytest
import torch
from models_ml.nets.dropout import Dropout
from torch.nn import functional

from models_ml.config import NetConfig, RunConfig, map_sizes
from models_ml.nets.registry import build, multiply_adds, parameter_count
from models_ml.nets.spp import SpatialGrids, SpatialPyramid
from models_ml.nets.vgg_m import LocalResponseNorm, VggMSpp


@pytest.mark.parametrize("size", [14, 28, 61])
@pytest.mark.parametrize("layers", [1, 2, 3, 4, 5])
def test_the_maps_have_the_sides_the_configuration_computes(size: int, layers: int) -> None:
    net = NetConfig(layers=layers, placement=1, kernels=(2,), width=0.05)
    network = VggMSpp(net, in_channels=3, size=size, classes=3)
    sides: list[int] = []
    for layer in network.layers:
        layer.register_forward_hook(lambda _module, _inputs, output: sides.append(output.shape[-1]))
    network(torch.zeros(1, 3, size, size))
    assert sides == [side for _, side in map_sizes(net, size)]


@pytest.mark.parametrize(
    "net",
    [
        {"layers": 1, "placement": 1, "kernels": [2, 6]},
        {"layers": 5, "placement": 3, "kernels": [1, 5], "pooling": "max"},
        {"layers": 5, "placement": 5, "kernels": [1, 2]},
        {"layers": 2, "placement": 2, "fusion": "grid", "kernels": [1, 2, 4, 6]},
        {"layers": 3, "placement": 3, "fusion": "grid", "kernels": [5], "pooling": "max"},
        {"width": 0.02, "reduction": 0.01, "dropout": 0},
    ],
)
@pytest.mark.parametrize("size", [28, 70])
def test_every_form_of_the_network_runs_and_has_gradients_everywhere(net: dict[str, Any], size: int) -> None:
    config = RunConfig.model_validate({"net": net, "features": {"size": size}})
    network = build(config.net, in_channels=3, size=size, classes=4)
    logits = network(torch.randn(2, 3, size, size, generator=torch.Generator().manual_seed(0)))
    assert logits.shape == (2, 4)
    logits.square().sum().backward()
    assert all(parameter.grad is not None for parameter in network.parameters())


def test_the_pyramid_keeps_the_map_and_adds_one_branch_a_kernel() -> None:
    x = torch.randn(2, 8, 6, 6, generator=torch.Generator().manual_seed(0))
    pyramid = SpatialPyramid(8, kernels=[2, 6], pooling="average", branch_channels=3)
    out = pyramid(x)
    assert out.shape == (2, 8 + 2 * 3, 6, 6)
    assert torch.equal(out[:, :8], x)


def test_a_kernel_of_the_maps_side_pools_the_whole_map() -> None:
    x = torch.randn(1, 4, 6, 6, generator=torch.Generator().manual_seed(0))
    pyramid = SpatialPyramid(4, kernels=[6], pooling="average", branch_channels=2)
    expected = functional.relu(pyramid.reduce[0](x.mean(dim=(2, 3), keepdim=True)))
    assert torch.allclose(pyramid(x)[:, 4:], expected.expand(1, 2, 6, 6), atol=1e-6)


@pytest.mark.parametrize("kernel", [1, 2, 4, 5, 6])
def test_every_position_of_the_map_reaches_every_branch(kernel: int) -> None:
    x = torch.ones(1, 1, 6, 6, requires_grad=True)
    pyramid = SpatialPyramid(1, [kernel], pooling="average", branch_channels=1)
    torch.nn.init.ones_(pyramid.get_parameter("reduce.0.weight"))
    pyramid(x)[:, 1:].sum().backward()
    assert x.grad is not None
    assert (x.grad > 0).all()


def test_grids_flatten_the_mean_of_each_bin() -> None:
    x = torch.arange(16.0).reshape(1, 1, 4, 4)
    assert SpatialGrids(1, [1, 2], "average")(x).tolist() == [[7.5, 2.5, 4.5, 10.5, 12.5]]
    assert SpatialGrids(1, [2], "max")(x).tolist() == [[5.0, 7.0, 13.0, 15.0]]


def test_local_response_norm_equals_torchs() -> None:
    x = torch.randn(2, 24, 5, 5, generator=torch.Generator().manual_seed(0)) * 30
    reference = functional.local_response_norm(x, size=5, alpha=5e-4, beta=0.75, k=2)
    assert torch.allclose(LocalResponseNorm(24)(x), reference, rtol=1e-5)


def test_dropout_draws_from_its_own_stream() -> None:
    layer = Dropout(0.5)
    x = torch.ones(4, 50)
    layer.generator = torch.Generator().manual_seed(1)
    first = layer(x)
    torch.manual_seed(99)
    layer.generator.manual_seed(1)
    assert torch.equal(layer(x), first)
    assert set(first.unique().tolist()) == {0.0, 2.0}


def test_dropout_does_nothing_in_evaluation() -> None:
    x = torch.ones(2, 3)
    assert Dropout(0.9).eval()(x) is x


def test_costs_are_counted_and_leave_the_network_as_it_was() -> None:
    network = build(NetConfig(layers=1, placement=1, kernels=(6,), width=1 / 96, reduction=1.0))
    # conv 1×3×5×5 + 1, branch 1×1 + 1, hidden 5×(2×6×6) + 5, output 3×5 + 3
    assert parameter_count(network) == 76 + 2 + 365 + 18
    assert multiply_adds(network, size=28) == 14 * 14 * 75 + 1 + 360 + 15
    assert network.training
