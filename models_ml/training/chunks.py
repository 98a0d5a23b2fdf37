"""The number of samples that pass through a network at once: a chunk of a batch.

Chunks of a batch add up their gradients, so their size changes no result except for rounding.
"""

import torch
from torch import Tensor, nn

# Numbers in the largest map of a chunk on a CPU, all members together (8 MB). Smaller chunks stay in the caches, larger
# ones save additions of gradients. In `make bench NAME=training` (tests/bench/training.py), ``vgg_m_spp`` takes the same
# time with 1,000,000, so the larger limit is chosen.
CPU_CHUNK_FLOATS = 2_000_000
# A network with many weights gets larger chunks: at least one sample per so many weights for each number of the largest map.
# Otherwise, adding up the gradients of all weights takes longer than computing the maps.
WEIGHTS_PER_MAP_NUMBER = 4


def chunk_size(network: nn.Module, size: int, device: torch.device) -> int:
    """Return how many samples to pass through a network at once.

    On a CPU, the largest map of a chunk should stay in the caches, but adding up the gradients of all weights must not take
    longer than computing the maps. On a GPU, the chunk is the whole batch.

    Parameters
    ----------
    network
        The network of a bundle.
    size
        Side of its input in pixels.
    device
        Where it is trained.
    """
    if device.type != "cpu":
        return 1 << 30
    largest = largest_map(network, size)
    weights = sum(parameter.numel() for parameter in network.parameters())
    return max(1, CPU_CHUNK_FLOATS // largest, weights // (WEIGHTS_PER_MAP_NUMBER * largest))


def largest_map(network: nn.Module, size: int) -> int:
    """Return how many numbers the largest output of a layer has, for one sample and all members."""
    largest = 0

    def measure(_module: nn.Module, _inputs: object, output: Tensor) -> None:
        nonlocal largest
        largest = max(largest, output.numel())

    hooks = [
        module.register_forward_hook(measure) for module in network.modules() if not list(module.children())
    ]
    was_training = network.training
    try:
        with torch.inference_mode():
            network.eval()(torch.zeros(1, 3, size, size, device=next(network.parameters()).device))
    finally:
        network.train(was_training)
        for hook in hooks:
            hook.remove()
    return largest
