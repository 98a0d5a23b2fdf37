"""Memory of a browser's processes while a page is used, from /proc."""

import contextlib
import threading
from pathlib import Path
from typing import Any, Self

from playwright.sync_api import Browser, Page

from tests.bench import report

LIMIT_MIB = 1024  # decoded frames may take half of it, see frame-cache.js


class MemoryWatch:
    """Samples the memory of the page's renderer and the GPU process, and keeps the peaks."""

    def __init__(self, browser: Browser, page: Page) -> None:
        self._page = page
        info = browser.new_browser_cdp_session().send("SystemInfo.getProcessInfo")["processInfo"]
        self._pids = {"renderer": [], "GPU": []}
        for process in info:
            if process["type"] in ("renderer", "GPU"):
                self._pids[process["type"]].append(process["id"])
        self._stop = threading.Event()
        self.peak = {"renderer": 0.0, "GPU": 0.0, "both": 0.0}

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()
        self.heap = self._page.evaluate("performance.memory.usedJSHeapSize") / 2**20

    def _watch(self) -> None:
        while not self._stop.wait(0.25):
            renderer = max((_resident(pid) for pid in self._pids["renderer"]), default=0.0)
            gpu = sum(_resident(pid) for pid in self._pids["GPU"])
            for name, value in (("renderer", renderer), ("GPU", gpu), ("both", renderer + gpu)):
                self.peak[name] = max(self.peak[name], value)

    def report(self, clip: dict[str, Any]) -> None:
        what = f"while stepping through {clip['frame_count']} frames"
        for name in ("renderer", "GPU", "both"):
            report(
                f"labeler: peak resident memory, {name}, {what}",
                self.peak[name],
                "MiB",
                "our own limit",
                LIMIT_MIB,
                "at most",
            )
        report("labeler: JavaScript heap at the end", self.heap, "MiB", "our own limit", LIMIT_MIB, "at most")


def _resident(pid: int) -> float:
    with contextlib.suppress(OSError, StopIteration):
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
        return int(next(line for line in lines if line.startswith("Pss:")).split()[1]) / 1024
    return 0.0
