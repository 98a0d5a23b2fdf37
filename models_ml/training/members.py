"""Several networks of one shape as one network: build, step and separate them.

The first dimension of each parameter and buffer contains the members: the part of member m of P members is the m-th of P
equal slices.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from models_ml.classes import CLASSES
from models_ml.config import BaseNet, RunConfig
from models_ml.nets.build import build
from models_ml.nets.layers import Batch, Dropout
from models_ml.training.determinism import byte_stream, stream_seed


@dataclass(frozen=True)
class MemberSeed:
    """The seed and the names from which a member's random streams are derived."""

    seed: int
    names: tuple[str, ...]


def build_members(net: BaseNet, size: int, seeds: Sequence[MemberSeed]) -> tuple[nn.Module, Batch]:
    """Return the untrained networks of all members, each from its own streams, and the ``Batch`` that their layers read."""
    with torch.random.fork_rng(devices=[]):
        network = build(net, len(seeds), size, len(CLASSES))
        for member, own in enumerate(seeds):
            torch.manual_seed(stream_seed(own.seed, *own.names, "weights"))
            single = dict(tensors(build(net, 1, size, len(CLASSES))))
            for name, tensor in tensors(network):
                part(tensor, member, len(seeds)).copy_(single[name])
    batch = Batch(streams=[{} for _ in seeds])
    for name, module in network.named_modules():
        if hasattr(module, "batch"):
            module.batch = batch
        if isinstance(module, Dropout):
            module.name = name
            for streams, own in zip(batch.streams, seeds, strict=True):
                streams[name] = byte_stream(own.seed, *own.names, "dropout", name)
    return network, batch


def take(network: nn.Module, net: BaseNet, size: int, members: Sequence[int], of: int) -> nn.Module:
    """Return some of the ``of`` members as a network of their own, on the CPU and in evaluation mode."""
    with torch.random.fork_rng(devices=[]):
        taken = build(net, len(members), size, len(CLASSES))
    sources = dict(tensors(network))
    for name, tensor in tensors(taken):
        for position, member in enumerate(members):
            part(tensor, position, len(members)).copy_(part(sources[name], member, of))
    return taken.eval()


def tensors(network: nn.Module) -> Iterator[tuple[str, Tensor]]:
    """Yield the name and value of each parameter and saved buffer, detached from autograd."""
    for name, tensor in network.state_dict(keep_vars=True).items():
        yield name, tensor.detach()


def part(tensor: Tensor, member: int, of: int) -> Tensor:
    """Return a view of one member's part of a parameter or buffer."""
    size = len(tensor) // of
    return tensor[member * size : (member + 1) * size]


class Optimizer:
    """One of torch's optimisers over all members, with a learning rate and weight decay per member.

    A member without a sample in the batch does not step: nothing of it changes, not even its momentum.
    """

    def __init__(self, network: nn.Module, configs: Sequence[RunConfig]) -> None:
        members = len(configs)
        self._parameters = list(network.parameters())
        self._all_gradients = [torch.zeros_like(parameter) for parameter in self._parameters]
        for parameter, gradient in zip(self._parameters, self._all_gradients, strict=True):
            parameter.grad = gradient
        self._parts = [[part(p.detach(), m, members) for p in self._parameters] for m in range(members)]
        self._gradients = [[part(g, m, members) for g in self._all_gradients] for m in range(members)]
        rates = [(c.train.learning_rate, c.train.weight_decay) for c in configs]
        groups = [
            {
                "params": [p for m, other in enumerate(rates) if other == rate for p in self._parts[m]],
                "lr": rate[0],
                "weight_decay": rate[1],
            }
            for rate in dict.fromkeys(rates)
        ]
        self._optimizer: torch.optim.Optimizer
        if configs[0].train.optimizer == "adam":
            self._optimizer = torch.optim.AdamW(groups, fused=True)
        else:
            self._optimizer = torch.optim.SGD(groups, momentum=0.9, fused=True)
        self._rates = [group["lr"] for group in self._optimizer.param_groups]

    def zero(self) -> None:
        torch._foreach_zero_(self._all_gradients)

    def step(self, factor: float, active: Sequence[bool]) -> None:
        """Take a step with ``factor`` times the learning rates; ``active`` says which members have samples."""
        for group, rate in zip(self._optimizer.param_groups, self._rates, strict=True):
            group["lr"] = rate * factor
        for parts, gradients, moves in zip(self._parts, self._gradients, active, strict=True):
            for tensor, gradient in zip(parts, gradients, strict=True):
                tensor.grad = gradient if moves else None
        self._optimizer.step()


class Average:
    """Exponential moving average of a network's parameters; ``swap`` exchanges the two."""

    def __init__(self, network: nn.Module, decay: float) -> None:
        self._decay = decay
        self._parameters = [p.detach() for p in network.parameters()]
        self._averages = [p.clone() for p in self._parameters]

    def update(self) -> None:
        torch._foreach_lerp_(self._averages, self._parameters, 1 - self._decay)

    def swap(self) -> None:
        for parameter, average in zip(self._parameters, self._averages, strict=True):
            kept = parameter.clone()
            parameter.copy_(average)
            average.copy_(kept)


class Snapshot:
    """The best state of each member until now."""

    def __init__(self, network: nn.Module, members: int) -> None:
        self._members = members
        self._tensors = [tensor for _, tensor in tensors(network)]
        self._kept = [tensor.clone() for tensor in self._tensors]

    def keep(self, members: Sequence[int]) -> None:
        for tensor, kept in zip(self._tensors, self._kept, strict=True):
            for member in members:
                part(kept, member, self._members).copy_(part(tensor, member, self._members))

    def restore(self) -> None:
        for tensor, kept in zip(self._tensors, self._kept, strict=True):
            tensor.copy_(kept)
