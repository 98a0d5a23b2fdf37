"""Keep memory that was used once: the next step needs maps of the same sizes."""

import ctypes
import sys

# Parameters of glibc's mallopt. Blocks of up to 32 MiB come from the heap, and the heap is not returned to the system after
# every step. Otherwise each map consists of fresh pages, and the kernel takes longer to zero them than a convolution to fill
# them. The price: a process keeps up to 1 GiB more than it uses.
_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3
_LARGEST_BYTES = 1 << 25  # the maximum that glibc allows
_KEPT_BYTES = 1 << 30


def keep_memory() -> None:
    """Keep freed memory for the rest of the process. Does nothing where the C library is not glibc."""
    if not sys.platform.startswith("linux"):
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_MMAP_THRESHOLD, _LARGEST_BYTES)
        mallopt(_TRIM_THRESHOLD, _KEPT_BYTES)
