"""Waiting for the workers, for commands that were asked to."""

import time
from collections.abc import Callable

POLL_SECONDS = 0.5


def wait_until(done: Callable[[], bool]) -> None:
    """Poll until ``done``. The workers report through the database, which cannot call us."""
    while not done():
        time.sleep(POLL_SECONDS)
