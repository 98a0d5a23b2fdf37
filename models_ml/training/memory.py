"""Keeps memory that was used once: the maps of one step are as large as those of the next."""

import ctypes
import sys

# glibc's mallopt: blocks of up to 32 MiB come from the heap, and the heap is not given back after every step. Otherwise each
# map is made of fresh pages, and zeroing those takes the kernel longer than a convolution takes to fill them.
_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3
_LARGEST = 1 << 25  # the most that glibc allows
_KEPT = 1 << 30


def keep_memory() -> None:
    """For the rest of the process; does nothing where the C library is not glibc."""
    if not sys.platform.startswith("linux"):
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_MMAP_THRESHOLD, _LARGEST)
        mallopt(_TRIM_THRESHOLD, _KEPT)
