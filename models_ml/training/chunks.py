"""In chunks of how many samples networks are trained: what the caches or the GPU hold."""

import torch
from torch import Tensor, nn

CPU_CHUNK_FLOATS = 2_000_000  # of the largest map of a chunk, all members together
WEIGHTS_A_SAMPLE = 4  # for each number of the largest map


def chunk_size(network: nn.Module, size: int, device: torch.device) -> int:
    """Samples to pass through a network at once, whose gradients then add up to the batch's.

    On a CPU, so many that the largest map stays in the caches, but not so few that adding up the gradients of
    all weights takes longer than the maps; on a GPU the whole batch.
    """
    if device.type != "cpu":
        return 1 << 30
    largest = largest_map(network, size)
    weights = sum(parameter.numel() for parameter in network.parameters())
    return max(1, CPU_CHUNK_FLOATS // largest, weights // (WEIGHTS_A_SAMPLE * largest))


def largest_map(network: nn.Module, size: int) -> int:
    """Numbers in the largest output of a layer, for one sample and all members."""
    largest = 0

    def look(_module: nn.Module, _inputs: object, output: Tensor) -> None:
        nonlocal largest
        largest = max(largest, output.numel())

    hooks = [
        module.register_forward_hook(look) for module in network.modules() if not list(module.children())
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
