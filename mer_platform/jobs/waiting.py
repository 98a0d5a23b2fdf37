"""Waiting for workers, for commands with ``--wait``."""

import time
from collections.abc import Callable

POLL_SECONDS = 0.2


def wait_until(done: Callable[[], bool]) -> None:
    """Poll until ``done`` returns true: the workers report through the database, which cannot notify."""
    while not done():
        time.sleep(POLL_SECONDS)
