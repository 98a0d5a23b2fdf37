"""What holds for every network of the registry."""

from typing import Any

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from models_ml.config import NET_CONFIGS, BaseNet, RunConfig
from models_ml.nets.base import multiply_adds, parameter_count
from models_ml.nets.build import build
from models_ml.training.members import MemberSeed, build_members, take, tensors
from models_ml.training.model import TrainedModel
from tests.unit.models_ml.nets.cases import NAMES, SIZE, configured, label, motion, variants

DEFAULTS = [{"name": name} for name in NAMES]


def net_of(settings: dict[str, Any]) -> BaseNet:
    return NET_CONFIGS[settings["name"]].model_validate(settings)


def test_every_configuration_has_its_network() -> None:
    for name, config in NET_CONFIGS.items():
        assert RunConfig.model_validate({"net": {"name": name}}).net == config()
        assert config.title
        assert config().describe()


@pytest.mark.parametrize("settings", DEFAULTS, ids=label)
def test_a_network_maps_images_to_logits(settings: dict[str, Any]) -> None:
    net = net_of(settings)
    network = build(net, members=2, size=28)
    logits = network(torch.zeros(3, 3, 28, 28))
    assert logits.shape == (3, 2, 3)
    assert 2 * parameter_count(net, 28) == sum(parameter.numel() for parameter in network.parameters())
    assert logits.isfinite().all()
    logits.square().sum().backward()
    assert all(parameter.grad is not None for parameter in network.parameters())


@pytest.mark.parametrize("settings", variants(NAMES), ids=label)
def test_the_configuration_counts_the_weights_and_operations_of_its_network(settings: dict[str, Any]) -> None:
    net = net_of(settings)
    network = build(net, size=SIZE).eval()
    assert parameter_count(net, SIZE) == sum(parameter.numel() for parameter in network.parameters())
    with FlopCounterMode(display=False) as counter:
        network(torch.zeros(1, 3, SIZE, SIZE))
    assert multiply_adds(net, SIZE) == counter.get_total_flops() / 2


@pytest.mark.parametrize("settings", variants(NAMES), ids=label)
def test_members_do_not_influence_each_other(settings: dict[str, Any]) -> None:
    net = net_of(settings)
    seeds = [MemberSeed(seed, ("fold",)) for seed in (3, 1, 2)]
    images = torch.from_numpy(motion(1, [0, 1, 2, 1], SIZE))
    together, _ = build_members(net, SIZE, seeds)
    logits = together.eval()(images).detach()
    rounding = 1e-6 * max(1.0, float(logits.abs().max()))
    for member, seed in enumerate(seeds):
        alone, _ = build_members(net, SIZE, [seed])
        assert torch.allclose(logits[:, member], alone.eval()(images)[:, 0], rtol=0, atol=rounding)
        taken = take(together, net, SIZE, [member], len(seeds))
        for (name, tensor), (_, other) in zip(tensors(taken), tensors(alone), strict=True):
            assert torch.equal(tensor, other), name


@pytest.mark.parametrize("settings", variants(NAMES), ids=label)
def test_a_model_is_the_same_after_saving_and_loading(settings: dict[str, Any]) -> None:
    config = configured(settings, ensemble=2)
    model = TrainedModel(config, build(config.net, members=2, size=SIZE).eval())
    loaded = TrainedModel.load_bytes(model.save_bytes())
    images = motion(1, [0, 1, 2])
    assert loaded.predict(images).tobytes() == model.predict(images).tobytes()
