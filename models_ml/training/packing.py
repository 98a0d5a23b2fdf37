"""In chunks of how many samples networks are trained: what the caches or the GPU hold."""

import torch
from torch import Tensor, nn

CPU_CHUNK_FLOATS = 1_000_000  # of the largest map of a chunk, all members together


def chunk_size(network: nn.Module, size: int, members: int, place: torch.device) -> int:
    """Samples to pass through a network at once, whose gradients then add up to the batch's.

    On a CPU, so many that the largest map stays in the second-level cache; on a GPU the whole batch.
    """
    if place.type != "cpu":
        return 1 << 30
    return max(1, CPU_CHUNK_FLOATS // largest_map(network, size))


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
