"""Reproducible numbers: named random streams, one thread, deterministic kernels."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch.utils import deterministic


def stream_seed(seed: int, *names: str) -> int:
    """Return a 64-bit number that depends on the seed and all names."""
    digest = hashlib.sha256("\0".join([str(seed), *names]).encode()).digest()
    return int.from_bytes(digest[:8], "big")


def stream(seed: int, *names: str) -> torch.Generator:
    """Return the random stream of a seed and names. It does not depend on other streams.

    >>> stream(0, "s01", "order").initial_seed() == stream(0, "s01", "order").initial_seed()
    True
    >>> stream(0, "s01", "order").initial_seed() == stream(0, "s02", "order").initial_seed()
    False
    """
    return torch.Generator().manual_seed(stream_seed(seed, *names) - 2**63)


def byte_stream(seed: int, *names: str) -> np.random.Generator:
    """Return a stream like ``stream``, for many small numbers: NumPy's SFC64 draws them several times as fast."""
    return np.random.Generator(np.random.SFC64(stream_seed(seed, *names)))


@contextmanager
def reproducible(device: torch.device) -> Iterator[None]:
    """Use one CPU thread and deterministic kernels inside the context; restore the settings afterwards.

    The last bits of a sum over threads depend on their number. On CUDA, an operation without a deterministic kernel warns
    instead of failing. These settings apply to the whole process, so train in one thread at a time.
    """
    threads = torch.get_num_threads()
    was_deterministic = torch.are_deterministic_algorithms_enabled()
    was_warning = torch.is_deterministic_algorithms_warn_only_enabled()
    filling: Any = deterministic  # the stubs do not have the module's setting
    was_filling = filling.fill_uninitialized_memory
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True, warn_only=device.type == "cuda")
    # Nothing here reads memory before writing it, and filling every new map would take longer than computing it.
    filling.fill_uninitialized_memory = False
    try:
        yield
    finally:
        filling.fill_uninitialized_memory = was_filling
        torch.use_deterministic_algorithms(was_deterministic, warn_only=was_warning)
        torch.set_num_threads(threads)
