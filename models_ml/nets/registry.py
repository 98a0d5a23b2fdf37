"""The networks by name, and what they cost."""

from collections.abc import Callable
from typing import cast

import torch
from torch import Tensor, nn

from models_ml.config import NetConfig
from models_ml.nets.vgg_m import VggMSpp

Builder = Callable[[NetConfig, int, int, int], nn.Module]

NETWORKS: dict[str, Builder] = {"vgg_m_spp": VggMSpp}


def build(net: NetConfig, in_channels: int = 3, size: int = 28, classes: int = 3) -> nn.Module:
    """The network that ``net`` describes, freshly initialised from torch's global random stream.

    It maps (N, in_channels, size, size) float32 to (N, classes) logits.

    >>> network = build(NetConfig())
    >>> network(torch.zeros(2, 3, 28, 28)).shape
    torch.Size([2, 3])
    >>> parameter_count(network), multiply_adds(network, size=28)
    (194971, 1947088)
    """
    return NETWORKS[net.name](net, in_channels, size, classes)


def parameter_count(network: nn.Module) -> int:
    """Number of trained weights."""
    return sum(parameter.numel() for parameter in network.parameters())


def multiply_adds(network: nn.Module, size: int, in_channels: int = 3) -> int:
    """Multiply-adds of the convolutions and linear layers for one sample, by running it once."""
    total = 0

    def count(module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        nonlocal total
        total += output.numel() * cast(Tensor, module.weight)[0].numel()

    layers = [module for module in network.modules() if isinstance(module, nn.Conv2d | nn.Linear)]
    hooks = [layer.register_forward_hook(count) for layer in layers]
    was_training = network.training
    try:
        with torch.inference_mode():
            network.eval()(torch.zeros(1, in_channels, size, size))
    finally:
        network.train(was_training)
        for hook in hooks:
            hook.remove()
    return total
