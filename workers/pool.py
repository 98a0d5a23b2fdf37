"""Celery's pool of processes for brokers without an event loop, such as files, that outlives each of its processes.

There, idle processes wait for work at one queue, and the one whose turn it is holds the queue's lock. In billiard the lock
is a semaphore: if that process is killed (by the kernel, when memory runs out) nobody ever gets it again, and the worker is
deaf until it is started anew. Here it is a lock that the system takes back from whoever has died. Where the broker has an
event loop, as Redis has, every process has a pipe of its own, and nothing is changed.
"""

import fcntl
import tempfile
from typing import Any

import celery.concurrency.prefork
from billiard import pool


class ProcessLock:
    """Held by one process at a time (POSIX record lock); free again when that ends, however it does."""

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile()  # noqa: SIM115  # open as long as the lock is used

    def acquire(self) -> None:
        fcntl.lockf(self._file, fcntl.LOCK_EX)

    def release(self) -> None:
        fcntl.lockf(self._file, fcntl.LOCK_UN)

    def __enter__(self) -> None:
        self.acquire()

    def __exit__(self, *_: Any) -> None:
        self.release()


class BlockingPool(pool.Pool):
    def _setup_queues(self) -> None:
        super()._setup_queues()  # type: ignore[misc]  # the stubs lack what is not public
        self._inqueue._rlock = ProcessLock()  # type: ignore[attr-defined]
        self._outqueue._wlock = ProcessLock()  # type: ignore[attr-defined]


class TaskPool(celery.concurrency.prefork.TaskPool):
    """``CELERY_CUSTOM_WORKER_POOL=workers.pool:TaskPool celery … worker -P custom``."""

    BlockingPool = BlockingPool
