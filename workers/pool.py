"""Celery's pool of processes for brokers without an event loop, such as files, that survives the death of a process.

With such a broker, idle processes wait at one queue, and the process whose turn it is holds the queue's lock. In billiard,
the lock is a semaphore. If that process is killed (by the kernel, when memory runs out), the semaphore is never released,
and the worker takes no job until it is restarted. Here it is a lock that the system releases when its holder dies. With a
broker that has an event loop, such as Redis, each process has its own pipe, and nothing changes.
"""

import fcntl
import tempfile
from typing import Any

import celery.concurrency.prefork
from billiard import pool


class ProcessLock:
    """A lock held by one process at a time (POSIX record lock), released when the process ends in any way."""

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile()  # noqa: SIM115  # stays open while the lock is used

    def acquire(self) -> None:
        fcntl.lockf(self._file, fcntl.LOCK_EX)

    def release(self) -> None:
        fcntl.lockf(self._file, fcntl.LOCK_UN)

    def __enter__(self) -> None:
        self.acquire()

    def __exit__(self, *_: Any) -> None:
        self.release()


class BlockingPool(pool.Pool):
    """A pool whose two queues use ``ProcessLock``."""

    def _setup_queues(self) -> None:
        super()._setup_queues()  # type: ignore[misc]  # not public, so missing in the stubs
        self._inqueue._rlock = ProcessLock()  # type: ignore[attr-defined]
        self._outqueue._wlock = ProcessLock()  # type: ignore[attr-defined]


class TaskPool(celery.concurrency.prefork.TaskPool):
    """``CELERY_CUSTOM_WORKER_POOL=workers.pool:TaskPool celery … worker -P custom``."""

    BlockingPool = BlockingPool
