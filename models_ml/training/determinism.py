"""The same numbers every time: random streams by name, one thread, deterministic kernels."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch.utils import deterministic


def stream_seed(seed: int, *names: str) -> int:
    """A number of its own for each (seed, names), 64 bits."""
    digest = hashlib.sha256("\0".join([str(seed), *names]).encode()).digest()
    return int.from_bytes(digest[:8], "big")


def stream(seed: int, *names: str) -> torch.Generator:
    """A random stream of its own for each (seed, names), however many others were drawn before.

    >>> stream(0, "s01", "order").initial_seed() == stream(0, "s01", "order").initial_seed()
    True
    >>> stream(0, "s01", "order").initial_seed() == stream(0, "s02", "order").initial_seed()
    False
    """
    return torch.Generator().manual_seed(stream_seed(seed, *names) - 2**63)


def byte_stream(seed: int, *names: str) -> np.random.Generator:
    """As ``stream``, for a great many small numbers: NumPy's SFC64 draws them several times as fast."""
    return np.random.Generator(np.random.SFC64(stream_seed(seed, *names)))


@contextmanager
def reproducible(device: torch.device) -> Iterator[None]:
    """One CPU thread and deterministic kernels inside; whatever was set before, afterwards.

    A sum split over threads depends in its last bits on their number. On CUDA an operation without a
    deterministic kernel warns instead of failing. These are settings of the whole process: train in one
    thread of it at a time.
    """
    threads = torch.get_num_threads()
    was_deterministic = torch.are_deterministic_algorithms_enabled()
    was_warning = torch.is_deterministic_algorithms_warn_only_enabled()
    filling: Any = deterministic  # a module whose only name is made when it is loaded; the stubs lack it
    was_filling = filling.fill_uninitialized_memory
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True, warn_only=device.type == "cuda")
    # Nothing here reads what it has not written; filling every fresh map would take longer than to compute it.
    filling.fill_uninitialized_memory = False
    try:
        yield
    finally:
        filling.fill_uninitialized_memory = was_filling
        torch.use_deterministic_algorithms(was_deterministic, warn_only=was_warning)
        torch.set_num_threads(threads)
