"""Sending to a broker that may be away, without letting a request wait for it.

Messages are only hints: upkeep announces every due job again. So a message that cannot be sent at once may be dropped, and
while the broker is away no further ones are tried, except for one from time to time.
"""

import os
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as StillSending

# A broker in the same network answers within milliseconds. Sockets have time limits too, but names do not: looking up a host
# that is gone takes many seconds. Therefore a thread sends, and the caller waits this long at most.
PATIENCE_SECONDS = 5.0
REQUEST_PATIENCE_SECONDS = 0.2  # where a person waits
PAUSE_SECONDS = 5.0  # after a failure, until the next try


class Publisher:
    """Sends in a thread of its own, one message at a time; one per process, also after a fork. Threads may share it."""

    def __init__(self, patience: float = PATIENCE_SECONDS) -> None:
        self.patience = patience
        self._start()

    def _start(self) -> None:
        self._process, self._lock = os.getpid(), threading.Lock()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="publisher")
        self._last: Future[None] | None = None
        self._last_sent = self._paused_until = 0.0

    def send(self, message: Callable[[], object]) -> None:
        """Call ``message``, which sends.

        Raises
        ------
        ConnectionError
            At once while the broker is known to be away, or after ``patience`` seconds. The message may still arrive.
        Exception
            What ``message`` raises.
        """
        if self._process != os.getpid():  # a fork has neither the thread nor, perhaps, a free lock
            self._start()
        with self._lock:
            if self.is_away():
                raise ConnectionError("the broker did not answer a moment ago")
            sent = self._last = self._thread.submit(self._call, message)
            self._last_sent = time.monotonic()
        try:
            sent.result(self.patience)
        except StillSending as error:
            raise ConnectionError(f"the broker did not answer within {self.patience:g} s") from error

    def is_away(self) -> bool:
        """Return whether this process has just found the broker away."""
        now = time.monotonic()
        is_stuck = self._last is not None and not self._last.done() and now > self._last_sent + self.patience
        return self._process == os.getpid() and (is_stuck or now < self._paused_until)

    def _call(self, message: Callable[[], object]) -> None:
        try:
            message()
        except Exception:
            self._paused_until = time.monotonic() + PAUSE_SECONDS
            raise
