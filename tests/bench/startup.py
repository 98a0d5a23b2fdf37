"""Time until `manage.py serve` answers, at the first start and at later starts, and until it stops."""

import tempfile
import time
from pathlib import Path

from tests.bench import report
from tests.live import LivePlatform

LATER_STARTS = 3
START_LIMIT = 10.0  # seconds


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        platform = LivePlatform(Path(folder))
        try:
            for name in ("first", *["later"] * LATER_STARTS):
                began = time.monotonic()
                platform.start()
                up = time.monotonic() - began
                began = time.monotonic()
                platform.stop()
                report(
                    f"startup: {name} start",
                    up,
                    "s",
                    "limit of a second start",
                    START_LIMIT,
                    "at most",
                )
                report(
                    f"startup: stop after the {name} start",
                    time.monotonic() - began,
                    "s",
                    "limit",
                    START_LIMIT,
                    "at most",
                )
        finally:
            platform.close()
