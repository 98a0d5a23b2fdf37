"""Search for network settings whose training writes outside of its memory.

Run it as a program under glibc's checking allocator, which aborts when a block's end was overwritten (see
``checked_environment``). Each case runs in a fork of its own, so that a crash names the case and ends nothing else.

    python -m tests.unit.models_ml.nets.memory_search SEED CASES_PER_NETWORK

prints one JSON line per case that crashed, and a last one: how many cases there were, and the signals that ended the
checks of the search itself (``main``).
"""

import ctypes
import json
import os
import random
import sys
from collections.abc import Callable
from typing import Any

import torch
from annotated_types import Ge
from pydantic import ValidationError
from torch.nn import functional

from models_ml.config import NET_CONFIGS, RunConfig
from models_ml.nets.base import BaseNet, multiply_adds
from models_ml.nets.build import build
from models_ml.nets.layers import convolve
from tests.surroundings import AVX2

STEPS = 3  # a block is checked when it is freed, so the first step already shows it
TRIES = 1000  # random settings often do not fit each other
LARGEST = 3_000_000  # multiply-adds of one sample: what crashes does so in small maps too
CLASSES = 3


def checked_environment() -> dict[str, str]:
    """Return the environment of a CPU with AVX2 only, under glibc's checking allocator."""
    return {
        **os.environ,
        **AVX2,
        "OMP_NUM_THREADS": "1",
        "LD_PRELOAD": "libc_malloc_debug.so.0",
        "MALLOC_CHECK_": "3",
    }


def signal_of(case: Callable[[], None]) -> int:
    """Run a case in a fork; return the signal that ended it, 0 if it ended normally."""
    child = os.fork()
    if not child:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
        try:
            case()
        except BaseException:
            os._exit(1)
        os._exit(0)
    status = os.waitpid(child, 0)[1]
    if os.WIFEXITED(status) and os.WEXITSTATUS(status):
        raise RuntimeError("a case raised an exception; run it without a fork")
    return os.WTERMSIG(status)


def step(network: torch.nn.Module, size: int, samples: int) -> None:
    """Train on random images for a few steps."""
    for _ in range(STEPS):
        logits = network(torch.randn(samples, 3, size, size))
        functional.cross_entropy(
            logits.flatten(0, 1), torch.randint(CLASSES, (logits.shape[:2].numel(),))
        ).backward()


def strided_convolution(convolution: Callable[..., torch.Tensor]) -> None:
    """Run the case that was found first: few channels, one group, in channels-last memory."""
    for samples in (2, 6, 8):
        for _ in range(40):
            x = torch.randn(samples, 4, 16, 16).contiguous(memory_format=torch.channels_last).requires_grad_()
            weight = torch.randn(8, 4, 1, 1, requires_grad=True)
            y = convolution(x, weight, None, (2, 2), (0, 0))
            y.backward(torch.randn_like(y))


def sampled(net: type[BaseNet], rng: random.Random) -> dict[str, Any]:
    """Return random settings of a network, small numbers first: they are the ones that tests forget."""
    chosen: dict[str, Any] = {}
    for name, field in net.model_fields.items():
        least = next((limit.ge for limit in field.metadata if isinstance(limit, Ge)), None)
        choices = getattr(field.annotation, "__args__", ())
        if name == "kernels":
            chosen[name] = rng.sample(range(1, 7), rng.randint(1, 3))
        elif field.annotation is int and least is not None:
            chosen[name] = rng.choice([least, *(least + more for more in (1, 2, 3, 4, 6, 7))])
        elif field.annotation is float and name != "dropout":
            chosen[name] = rng.choice([0.01, 0.03, 0.05, 0.1])
        elif choices and all(isinstance(choice, str) for choice in choices):
            chosen[name] = rng.choice(choices)
    return chosen


def case_of(net: type[BaseNet], rng: random.Random) -> dict[str, Any] | None:
    """Return a small valid case of a network: its settings, the input's size, members and samples."""
    for _ in range(TRIES):
        case = {
            "net": sampled(net, rng),
            "size": rng.choice([12, 14, 15, 16, 17, 20, 21, 28]),
            "members": rng.choice([1, 1, 2, 3]),
            "samples": rng.choice([1, 2, 3, 6, 8]),
        }
        try:
            config = RunConfig.model_validate({"features": {"size": case["size"]}, "net": case["net"]})
        except ValidationError:
            continue
        if multiply_adds(config.net, config.features.size) * case["members"] <= LARGEST:
            return case
    return None


def trains(case: dict[str, Any]) -> Callable[[], None]:
    def run() -> None:
        torch.manual_seed(0)
        config = RunConfig.model_validate({"features": {"size": case["size"]}, "net": case["net"]})
        network = build(config.net, case["members"], case["size"], CLASSES)
        step(network.to(memory_format=torch.channels_last), case["size"], case["samples"])  # type: ignore[call-overload]

    return run


def main(seed: int, cases_per_network: int) -> None:
    torch.set_num_threads(1)
    rng = random.Random(seed)
    count = 0
    for name, net in NET_CONFIGS.items():
        if not net.trained_by_gradient:
            continue
        for _ in range(cases_per_network):
            if (case := case_of(net, rng)) is None:
                raise RuntimeError(f"no small case of {name} was found")
            count += 1
            if number := signal_of(trains(case)):
                print(json.dumps({"crashed": case, "signal": number}), flush=True)
    summary = {
        "cases": count,
        "instructions": torch.backends.cpu.get_cpu_capability(),
        "overrun": signal_of(write_past_a_block),
        "strided_by_torch": signal_of(lambda: strided_convolution(functional.conv2d)),
        "strided_by_us": signal_of(lambda: strided_convolution(convolve)),
    }
    print(json.dumps(summary))


def write_past_a_block() -> None:
    """Do on purpose what the search looks for."""
    block = torch.empty(25)
    ctypes.memset(block.data_ptr(), 0, block.nbytes + 1)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
