"""Gunicorn's hooks (``--config python:mer_platform.serving.web_hooks``): web processes that end when they are asked to.

Without them, requests that wait for progress hold a process until it is killed. After the last request, Python also needs
seconds on a busy machine to take a large process apart.
"""

import os
import signal
import sys
from pathlib import Path
from types import FrameType
from typing import Any

from mer_platform.rest.stopping import STOPPING

keepalive = 75  # seconds; longer than proxies keep idle connections, which would otherwise use one that was just closed


def on_starting(_server: Any) -> None:
    """Remove what the web processes of an earlier start have counted for /metrics."""
    if folder := os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        for left in Path(folder).glob("*.db"):
            left.unlink(missing_ok=True)


def post_worker_init(worker: Any) -> None:
    """Answer the requests that wait as soon as the process is asked to end."""

    def stop(number: int, frame: FrameType | None) -> None:
        STOPPING.set()
        worker.handle_exit(number, frame)

    signal.signal(signal.SIGTERM, stop)


def worker_exit(_server: Any, worker: Any) -> None:
    if worker.booted:  # otherwise its exit code says why it did not start
        _end()


def on_exit(_server: Any) -> None:
    if isinstance(
        sys.exc_info()[1], StopIteration | KeyboardInterrupt
    ):  # it was asked to end; else its exit code says why
        _end()


def _end() -> None:
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)
