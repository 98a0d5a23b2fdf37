"""The labeler compared with Label Studio 1.23: exactness, waits, latency and memory, on clips with numbered frames.

Label Studio's figures were measured with barcoded 1,000-frame 640×480 clips on a 2-core machine. Set ``QUICK=1`` in the
environment to use two formats with 300 frames.
"""

import os
import tempfile
import time
from fractions import Fraction
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, sync_playwright

from tests.bench import report
from tests.bench._labeler_clips import COUNT, make_clips, uneven_times
from tests.bench._labeler_keys import presses
from tests.bench._labeler_memory import MemoryWatch
from tests.bench._labeler_play import (
    held_keys,
    last_frame_by_every_way,
    play_and_pause,
    single_steps,
    through_the_clip,
    walks,
)
from tests.conftest import CHROMIUM_FLAGS
from tests.labeler_page import LabelerPage, upload_clips
from tests.live import LivePlatform
from tests.surroundings import find_chromium

QUICK = os.environ.get("QUICK") == "1"
LABEL_STUDIO = "Label Studio 1.23"
LIMIT = "required limit"


def main() -> None:
    names = ["h264-200", "vfr"] if QUICK else None
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        (Path(folder) / "clips").mkdir()
        paths = make_clips(Path(folder) / "clips", 300 if QUICK else COUNT, names)
        platform = LivePlatform(Path(folder) / "platform")
        (Path(folder) / "platform").mkdir()
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=CHROMIUM_FLAGS)
        try:
            platform.start()
            started = time.monotonic()
            clips = upload_clips(platform.api(), "Bench", list(paths.values()), 200)
            print(f"# {len(clips)} clips ready after {time.monotonic() - started:.0f} s", flush=True)
            print(f"# load average {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores", flush=True)
            measure(browser, platform, clips)
            print(f"# load average {os.getloadavg()[0]:.1f} at the end", flush=True)
        finally:
            browser.close()
            platform.close()


def measure(browser: Browser, platform: LivePlatform, clips: dict[str, dict[str, Any]]) -> None:
    context = browser.new_context()
    tab = LabelerPage(context, platform)
    tab.sign_in(platform.password)
    state = context.storage_state()
    clip = clips["h264-200"]
    opening(browser, platform, state, clip)
    with MemoryWatch(browser, tab.page) as memory:
        through_the_clip(tab, clip)
    memory.report(clip)
    single_steps(tab, clip)
    held_keys(tab, clip)
    play_and_pause(tab, clip)
    last_frame_by_every_way(tab, clip)
    next_clip(tab, clip)
    walks(tab, clips, true_times(clips), 200 if QUICK else 1000)
    presses(tab, platform, list(clips.values())[:2])
    context.close()


def opening(browser: Browser, platform: LivePlatform, state: Any, clip: dict[str, Any]) -> None:
    """Time from navigation to the first frame on screen, with and without the platform's scripts in the browser's cache."""
    for kind in ("nothing cached", "scripts cached"):
        taken = []
        for _ in range(5):
            context = browser.new_context(storage_state=state)
            tab = LabelerPage(context, platform)
            if kind == "scripts cached":
                other = tab.address(clip).rsplit("/", 2)[0] + "/"
                tab.page.goto(other)  # the list of clips
                tab.open(clip)
                tab.page.goto(other)
            tab.open(clip)
            tab.until("merProbe.frames[0]?.painted > 0")
            taken.append(tab.frames[0]["painted"])
            context.close()
        value = sorted(taken)[2]
        name = f"labeler: page opened → first frame on screen, {kind} (median of 5)"
        report(name, value, "ms", LIMIT, 300, "at most")
        report(name, value, "ms", LABEL_STUDIO, 3000, "at most")


def next_clip(tab: LabelerPage, clip: dict[str, Any]) -> None:
    """Time from the key for the next clip to its first frame on screen."""
    taken = []
    tab.open(clip)
    for _ in range(3 if QUICK else 4):
        tab.page.wait_for_timeout(1500)  # a coder looks at a clip for at least this long
        before = tab.page.evaluate("document.querySelector('mer-labeler').getAttribute('clip')")
        tab.clear()
        tab.press("n")
        tab.until("merProbe.frames.some(f => f.clip !== argument && f.painted > 0)", before)
        first = next(frame for frame in tab.frames if frame["clip"] != before)
        assert first["burnt"] == first["shown"] == 0, first
        taken.append(first["painted"] - first["keyAt"])
    value = sorted(taken)[len(taken) // 2]
    report("labeler: next clip → its first frame on screen (median)", value, "ms", LIMIT, 150, "at most")
    report(
        "labeler: next clip → its first frame on screen (median)", value, "ms", LABEL_STUDIO, 800, "at most"
    )
    report("labeler: next clip → its first frame on screen (worst)", max(taken), "ms", LIMIT, 150, "at most")


def true_times(clips: dict[str, dict[str, Any]]) -> dict[str, list[float]]:
    """Return when each frame is shown, in ms, from how the clips were written, not from what the platform reports."""
    times = {}
    for name, clip in clips.items():
        rate = Fraction(30000, 1001) if name == "h264-29.97" else Fraction(200)
        count = clip["frame_count"]
        times[name] = (
            [float(t) for t in uneven_times(count)]
            if name == "vfr"
            else [float(i / rate * 1000) for i in range(count)]
        )
    return times
