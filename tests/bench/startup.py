"""How long `manage.py serve` takes until it answers: at the first start, and at later ones."""

import tempfile
import time
from pathlib import Path

from tests.live import LivePlatform

LATER_STARTS = 3


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
                print(f"{name} start: up after {up:.1f} s, stopped after {time.monotonic() - began:.1f} s")
        finally:
            platform.close()
