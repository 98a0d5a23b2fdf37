"""Ending at once, under ``manage.py serve``.

Celery ends step by step and sleeps between the steps, together up to seven seconds. Nothing here needs that: jobs are
resumed, and upkeep ends the leases of dead processes and announces their jobs again. The pool's processes end with this one
(Celery asks the kernel for that, and the supervisor ends the group). Elsewhere, Celery's own stop lets running jobs finish.
"""

import os
import signal
from types import FrameType
from typing import Any

from celery import signals


@signals.worker_ready.connect
def end_at_once_on_sigterm(**_: Any) -> None:
    if os.environ.get("MER_STOP_AT_ONCE") == "1":
        signal.signal(signal.SIGTERM, _end)


def _end(_number: int, _frame: FrameType | None) -> None:
    os._exit(0)
