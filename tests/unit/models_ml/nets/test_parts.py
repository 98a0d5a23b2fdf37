"""The layers of networks."""

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional

from models_ml.config import RunConfig, VggMSpp
from models_ml.nets.build import build
from models_ml.nets.hoof_svm.network import histograms
from models_ml.nets.layers import (
    Batch,
    BatchNorm,
    Conv,
    Dropout,
    InputConv,
    Linear,
    flatten_members,
    join_channels,
)
from models_ml.nets.transformer import Attention, LayerNorm
from models_ml.nets.vgg_m.lrn import LocalResponseNorm
from models_ml.nets.vgg_m.network import Network
from models_ml.nets.vgg_m.spp import SpatialGrids, SpatialPyramid


def noise(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("size", [14, 28, 61])
@pytest.mark.parametrize("layers", [1, 2, 3, 4, 5])
def test_the_maps_of_vgg_m_have_the_sides_that_the_configuration_computes(size: int, layers: int) -> None:
    net = VggMSpp(layers=layers, placement=1, kernels=(2,), width=0.05)
    network = Network(net, members=1, size=size, classes=3)
    sides: list[int] = []
    for layer in network.layers:
        layer.register_forward_hook(lambda _module, _inputs, output: sides.append(output.shape[-1]))
    network(torch.zeros(1, 3, size, size))
    assert sides == [layer.side for layer in net.layers_for(size) if layer.name.startswith("layer")]


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
@pytest.mark.parametrize("size", [28, 56])
def test_every_form_of_vgg_m_runs_and_has_gradients_everywhere(net: dict[str, Any], size: int) -> None:
    config = RunConfig.model_validate({"net": {"width": 0.05, **net}, "features": {"size": size}})
    network = build(config.net, members=2, size=size, classes=4)
    logits = network(noise(1, 3, size, size))
    assert logits.shape == (1, 2, 4)
    logits.square().sum().backward()
    assert all(parameter.grad is not None for parameter in network.parameters())


def test_the_pyramid_keeps_the_map_and_adds_one_branch_per_kernel() -> None:
    x = noise(2, 8, 6, 6)
    pyramid = SpatialPyramid(1, 8, kernels=[2, 6], pooling="average", branch_channels=3)
    out = pyramid(x)
    assert out.shape == (2, 8 + 2 * 3, 6, 6)
    assert torch.equal(out[:, :8], x)


def test_a_kernel_as_large_as_the_map_pools_the_whole_map() -> None:
    x = noise(1, 4, 6, 6)
    pyramid = SpatialPyramid(1, 4, kernels=[6], pooling="average", branch_channels=2)
    expected = functional.relu(pyramid.reduce[0](x.mean(dim=(2, 3), keepdim=True)))
    assert torch.allclose(pyramid(x)[:, 4:], expected.expand(1, 2, 6, 6), atol=1e-6)


@pytest.mark.parametrize("kernel", [1, 2, 4, 5, 6])
def test_every_position_of_the_map_reaches_every_branch(kernel: int) -> None:
    x = torch.ones(1, 1, 6, 6, requires_grad=True)
    pyramid = SpatialPyramid(1, 1, [kernel], pooling="average", branch_channels=1)
    torch.nn.init.ones_(pyramid.get_parameter("reduce.0.weight"))
    torch.nn.init.zeros_(pyramid.get_parameter("reduce.0.bias"))
    pyramid(x)[:, 1:].sum().backward()
    assert x.grad is not None
    assert (x.grad > 0).all()


def test_grids_flatten_the_mean_of_each_bin() -> None:
    x = torch.arange(16.0).reshape(1, 1, 4, 4)
    assert SpatialGrids(1, 1, [1, 2], "average")(x).flatten(1).tolist() == [[7.5, 2.5, 4.5, 10.5, 12.5]]
    assert SpatialGrids(1, 1, [2], "max")(x).flatten(1).tolist() == [[5.0, 7.0, 13.0, 15.0]]


def test_local_response_norm_equals_torchs() -> None:
    x = noise(2, 24, 5, 5) * 30
    reference = functional.local_response_norm(x, size=5, alpha=5e-4, beta=0.75, k=2)
    assert torch.allclose(LocalResponseNorm(1, 24)(x), reference, rtol=1e-5)
    members = LocalResponseNorm(2, 12)(x)
    alone = [functional.local_response_norm(part, 5, 5e-4, 0.75, 2) for part in x.split(12, dim=1)]
    assert torch.allclose(members, torch.cat(alone, dim=1), rtol=1e-5)


def test_each_member_sees_the_image_at_its_own_scale() -> None:
    layer, x = InputConv(2, 4, 3, channels=(0, 2)), noise(2, 3, 6, 6)
    layer.set_scale(torch.tensor([[1.0, 9, 1], [2, 9, 5]]))
    scaled = x[:, [0, 2]] / torch.tensor([2.0, 5]).view(1, 2, 1, 1)
    second = functional.conv2d(scaled, layer.weight[4:], layer.bias[4:] if layer.bias is not None else None)
    assert torch.allclose(layer(x)[:, 4:], second, atol=1e-6)


def test_members_of_a_layer_are_independent_layers() -> None:
    x = noise(2, 6, 5, 5)
    conv, linear = Conv(2, 3, 4, 3), Linear(2, 3, 4)
    assert conv.bias is not None
    for member, part in enumerate(x.split(3, dim=1)):
        own = slice(4 * member, 4 * member + 4)
        alone = functional.conv2d(part, conv.weight[own], conv.bias[own])
        assert torch.allclose(conv(x)[:, own], alone, atol=1e-6)
        vector = x[:, :, 0, 0].unflatten(1, (2, 3))
        alone = functional.linear(vector[:, member], linear.weight[member], linear.bias[member])
        assert torch.allclose(linear(vector)[:, member], alone, atol=1e-6)


def test_maps_are_joined_and_flattened_within_each_member() -> None:
    one, two = noise(2, 4, 3, 3), noise(2, 2, 3, 3, seed=1)
    both = join_channels([one, two], members=2)
    assert torch.equal(both, torch.cat([one[:, :2], two[:, :1], one[:, 2:], two[:, 1:]], dim=1))
    assert torch.equal(flatten_members(both, 2)[:, 1], torch.cat([one[:, 2:], two[:, 1:]], dim=1).flatten(1))


@pytest.mark.parametrize("shape", [(8, 6, 4, 4), (8, 2, 3)], ids=["maps", "vectors"])
def test_batch_norm_uses_only_samples_that_count(shape: tuple[int, ...]) -> None:
    x, layer = noise(*shape), BatchNorm(2, 3)
    weights = torch.ones(8, 2)
    weights[5:, 1] = 0
    layer.batch = Batch(weights=weights)
    out = layer(x)
    channels = x.flatten(1, 2) if x.dim() == 3 else x
    normal = out.flatten(1, 2) if out.dim() == 3 else out
    reference = torch.nn.BatchNorm1d(3) if x.dim() == 3 else torch.nn.BatchNorm2d(3)
    assert torch.allclose(normal[:5, 3:], reference(channels[:5, 3:]), atol=1e-5)
    assert reference.running_var is not None
    assert torch.allclose(layer.running_var[3:], reference.running_var, atol=1e-6)


def test_dropout_draws_from_each_members_own_stream() -> None:
    def masks(seeds: list[int]) -> Tensor:
        layer = Dropout(len(seeds), 0.5)
        layer.name = "dropout"
        layer.batch = Batch(streams=[{"dropout": np.random.default_rng(seed)} for seed in seeds])
        return layer(torch.ones(4, len(seeds), 50))

    together = masks([1, 2])
    assert torch.equal(together[:, :1], masks([1]))
    assert torch.equal(together[:, 1:], masks([2]))
    assert set(together.unique().tolist()) == {0.0, 2.0}


def test_dropout_of_whole_maps_drops_whole_maps() -> None:
    dropped = Dropout(2, 0.5, whole_maps=True)(torch.ones(8, 6, 4, 4))
    assert (dropped == dropped[:, :, :1, :1]).all()
    assert set(dropped.unique().tolist()) == {0.0, 2.0}


def test_dropout_does_nothing_in_evaluation() -> None:
    x = torch.ones(2, 1, 3)
    assert Dropout(1, 0.9).eval()(x) is x


def test_layer_norm_equals_torchs_in_each_member() -> None:
    x, layer = noise(2, 8, 3, 3), LayerNorm(2, 4)
    layer.weight.data, layer.bias.data = noise(2, 4, seed=1), noise(2, 4, seed=2)
    second = x[:, 4:].permute(0, 2, 3, 1)
    expected = functional.layer_norm(second, (4,), layer.weight[1], layer.bias[1]).permute(0, 3, 1, 2)
    assert torch.allclose(layer(x)[:, 4:], expected, atol=1e-6)


def test_attention_equals_torchs() -> None:
    layer = Attention(1, 8, heads=2)
    reference = torch.nn.MultiheadAttention(8, 2, batch_first=True)
    reference.in_proj_weight.data = layer.query_key_value.weight.data.flatten(1)
    reference.out_proj.weight.data = layer.out.weight.data.flatten(1)
    assert layer.out.bias is not None
    reference.out_proj.bias.data = layer.out.bias.data
    x = noise(3, 8, 4, 4)
    tokens = x.flatten(2).transpose(1, 2)
    expected = reference(tokens, tokens, tokens)[0].transpose(1, 2).reshape(3, 8, 4, 4)
    assert torch.allclose(layer(x), expected, atol=1e-6)


def test_attention_in_blocks_is_attention_in_each_block() -> None:
    blocks = Attention(2, 8, heads=2, cuts=2)
    whole = Attention(2, 8, heads=2)
    whole.load_state_dict(blocks.state_dict())
    x = noise(3, 16, 4, 4)
    assert torch.allclose(blocks(x)[:, :, 2:, :2], whole(x[:, :, 2:, :2]), atol=1e-6)


def test_histograms_count_motion_by_direction_and_cell() -> None:
    images = torch.zeros(1, 3, 4, 4)
    images[0, 0, 0, 0], images[0, 1, 3, 3] = 3.0, -1.0  # rightward, top left; upward, bottom right
    found = histograms(images, grid=2, bins=4)[0].reshape(4, 2, 2)
    assert found[0, 0, 0] == pytest.approx(0.75)
    assert found[3, 1, 1] == pytest.approx(0.25)
    assert found.sum().item() == pytest.approx(1)
    diagonal = torch.ones(1, 2, 4, 4)
    assert histograms(diagonal, grid=1, bins=4)[0].tolist() == pytest.approx([0.5, 0.5, 0, 0], abs=1e-6)
    assert histograms(torch.zeros(1, 2, 4, 4), grid=1, bins=4).tolist() == [[0, 0, 0, 0]]
