"""Measures what a coder does in the labeler: steps, held keys, play and pause, reaching the last frame, a random walk."""

import random
import time
from statistics import median, quantiles
from typing import Any

from tests.bench import report
from tests.labeler_page import LabelerPage

LABEL_STUDIO = "Label Studio 1.23"
LIMIT = "required limit"
PRESSES_A_SECOND = 30


def through_the_clip(tab: LabelerPage, clip: dict[str, Any]) -> None:
    """Step forward 30 times per second, from the moment the page opens to the last frame."""
    count = clip["frame_count"]
    tab.page.goto(tab.address(clip), wait_until="commit")
    tab.page.wait_for_selector("mer-labeler[ready]")
    tab.page.evaluate(
        "() => { const at = performance.now(); const look = () => {"
        "  const s = document.querySelector('mer-labeler').state;"
        "  if (s.fetched === s.count) window.allFrames = performance.now(); else setTimeout(look, 20); }; look(); }"
    )
    tab.clear()
    press_evenly(tab, "ArrowRight", count - 1)
    tab.settle()
    frames = [frame for frame in tab.frames if frame["key"] == "ArrowRight"]
    waits = [frame["at"] - frame["keyAt"] for frame in frames]
    late = sum(wait > 1000 / PRESSES_A_SECOND for wait in waits)
    name = f"labeler: {count - 1} steps at {PRESSES_A_SECOND}/s from the moment the page opens"
    shown = {frame["index"] for frame in frames}
    report(f"{name}: frames never shown", count - 1 - len(shown - {0}), "frames", "none", 1, "at most", 0)
    waited = tab.page.evaluate("merProbe.waits")
    report(f"{name}: presses whose frame was not ready", waited, "waits", "none", 1, "at most", 0)
    report(f"{name}: pixels later than the next press", late, "times", "none", 1, "at most", 0)
    report(f"{name}: longest wait for pixels", max(waits), "ms", LIMIT, 1000, "at most")
    report(f"{name}: number ≠ pixels", _disagreements(tab), "times", "none", 1, "at most", 0)
    all_frames = tab.page.evaluate("window.allFrames ?? -1")
    report("labeler: page opened → all frames fetched", all_frames, "ms", "our own limit", 10_000, "at most")


def press_evenly(tab: LabelerPage, key: str, presses: int) -> None:
    started = time.monotonic()
    for number in range(presses):
        delay = started + number / PRESSES_A_SECOND - time.monotonic()
        if delay > 0:
            time.sleep(delay)
        tab.press(key)


def single_steps(tab: LabelerPage, clip: dict[str, Any]) -> None:
    """Time single steps and jumps all over the clip, from key press to pixels in the canvas and to the screen."""
    tab.open(clip)
    tab.everything_loaded()
    last = clip["frame_count"] - 1
    chance = random.Random(5)
    all_waits: list[float] = []
    to_screen: list[float] = []
    for quarter in range(4):
        waits = []
        for _ in range(25):
            tab.go_to(min(last - 2, int((quarter + chance.random()) * last / 4)))
            tab.page.wait_for_timeout(5 + 20 * chance.random())
            tab.clear()
            tab.press("ArrowRight")
            tab.until("merProbe.frames[0]?.painted > 0")
            frame = tab.frames[0]
            waits.append(frame["at"] - frame["keyAt"])
            to_screen.append(frame["painted"] - frame["keyAt"])
        report(
            f"labeler: key press → new pixels, quarter {quarter + 1} of the clip (median)",
            median(waits),
            "ms",
            LIMIT,
            8,
            "at most",
        )
        all_waits += waits
    for name, waits in (
        ("pixels in the canvas", all_waits),
        ("the animation frame that shows them", to_screen),
    ):
        report(f"labeler: key press → {name} (median)", median(waits), "ms", LIMIT, 8, "at most")
        report(f"labeler: key press → {name} (median)", median(waits), "ms", LABEL_STUDIO, 90, "at most")
        report(f"labeler: key press → {name} (p99)", p99(waits), "ms", LIMIT, 16.7, "at most")
        report(f"labeler: key press → {name} (p99)", p99(waits), "ms", LABEL_STUDIO, 160, "at most")
    seeks = []
    for _ in range(60):
        wanted = chance.randrange(last)
        seeks.append(
            tab.page.evaluate(
                "async wanted => { const started = performance.now(); merProbe.clear();"
                " document.querySelector('mer-labeler').goTo(wanted);"
                " while (!merProbe.frames.some(f => f.index === wanted)) await new Promise(r => setTimeout(r));"
                " return merProbe.frames.at(-1).at - started; }",
                wanted,
            )
        )
    report("labeler: jump to any frame → new pixels (median)", median(seeks), "ms", LIMIT, 8, "at most")
    report("labeler: jump to any frame → new pixels (p99)", p99(seeks), "ms", LIMIT, 16.7, "at most")


def held_keys(tab: LabelerPage, clip: dict[str, Any]) -> None:
    """Press a key 90 times, 30 times per second."""
    tab.open(clip)
    tab.everything_loaded()
    start = clip["frame_count"] // 3
    tab.go_to(start)
    tab.clear()
    press_evenly(tab, "ArrowRight", 90)
    tab.settle()
    lost = start + 90 - tab.read()["shown"]
    shown = {frame["index"] for frame in tab.frames}
    checked = tab.page.evaluate("merProbe.looked")
    report("labeler: 90 presses at 30/s: lost", lost, "presses", LABEL_STUDIO, 17, "at most", 0)
    report(
        "labeler: 90 presses at 30/s: frames not shown", 90 - len(shown), "frames", "none", 1, "at most", 0
    )
    share = 100 * _disagreements(tab) / checked
    report(
        "labeler: 90 presses at 30/s: number ≠ pixels, of animation frames",
        share,
        "%",
        LABEL_STUDIO,
        68,
        "at most",
        0,
    )


def play_and_pause(tab: LabelerPage, clip: dict[str, Any], times: int = 200) -> None:
    """Play a 200 fps clip at full speed and pause: check that the number matches the pixels, at once and later."""
    tab.open(clip)
    tab.everything_loaded()
    for _ in range(5):
        tab.press("]")
    chance = random.Random(9)
    wrong = 0
    tab.clear()
    for number in range(times):
        if number % 10 == 0:
            tab.go_to(chance.randrange(clip["frame_count"] - 100))
        tab.press("Space")
        tab.page.wait_for_timeout(20 + 60 * chance.random())
        tab.press("Space")
        at_once = tab.read()
        tab.page.evaluate("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
        later = tab.read()
        wrong += not at_once["shown"] == at_once["burnt"] == later["shown"] == later["burnt"]
    report(
        f"labeler: wrong after play and pause, of {times}",
        wrong,
        "times",
        f"{LABEL_STUDIO}, 8 of 40",
        times / 5,
        "at most",
        0,
    )
    report("labeler: number ≠ pixels while playing", _disagreements(tab), "frames", "none", 1, "at most", 0)


def last_frame_by_every_way(tab: LabelerPage, clip: dict[str, Any]) -> None:
    last = clip["frame_count"] - 1
    source = clip["first_source_number"] + last
    tab.open(clip)
    tab.everything_loaded()

    def typed(number: int, label: str) -> None:
        tab.press("g")
        tab.page.get_by_role("radio", name=label).check()
        tab.page.get_by_role("textbox", name="Number").fill(str(number))
        tab.press("Enter")

    def played() -> None:
        tab.go_to(last - 20)
        tab.press("Space")
        tab.until("document.querySelector('mer-labeler').state.index === argument", last)

    def clicked() -> None:
        box = tab.page.locator(".timeline").bounding_box()
        assert box
        tab.page.mouse.click(box["x"] + box["width"] - 8, box["y"] + box["height"] / 2)

    def stepped(key: str, before: int) -> None:
        tab.go_to(last - before)
        tab.press(key)

    ways = {
        "End": lambda: tab.press("End"),
        "its index typed": lambda: typed(last, "Frame index"),
        "its source number typed": lambda: typed(source, "Source frame number"),
        "a step": lambda: stepped("ArrowRight", 1),
        "ten steps": lambda: stepped("Shift+ArrowRight", 4),
        "play": played,
        "a click on the timeline": clicked,
        "the address": lambda: tab.page.goto(f"{tab.address(clip)}?frame={last}"),
    }
    failed = []
    for name, way in ways.items():
        if name != "the address":
            tab.go_to(0)
        way()
        tab.page.wait_for_selector("mer-labeler[ready]")
        tab.settle()
        seen = tab.read()
        if not seen["shown"] == seen["burnt"] == last:
            failed.append(f"{name}: {seen}")
    for problem in failed:
        print(f"# last frame not reached by {problem}", flush=True)
    report(
        f"labeler: ways to the last frame that fail, of {len(ways)}",
        len(failed),
        "ways",
        LABEL_STUDIO,
        1,
        "at most",
        0,
    )


def walks(
    tab: LabelerPage, clips: dict[str, dict[str, Any]], times: dict[str, list[float]], actions: int
) -> None:
    """Walk randomly through a clip of every format: steps, jumps, play and reverse."""
    for name, clip in clips.items():
        tab.open(clip)
        tab.everything_loaded()
        started = time.monotonic()
        done = tab.walk(11, actions, times[name])
        for wrong in [w for w in done["wrong"] if w][:3]:
            print(f"# {name}: {wrong}", flush=True)
        print(
            f"# {name}: {actions} actions, {done['compared']} frames compared, {time.monotonic() - started:.0f} s",
            flush=True,
        )
        report(
            f"labeler: {name}: wrong in a random walk of {actions}",
            len(done["wrong"]),
            "times",
            f"{LABEL_STUDIO}, 67 %" if name == "vfr" else "none",
            round(0.67 * actions) if name == "vfr" else 1,
            "at most",
            0,
        )


def p99(values: list[float]) -> float:
    return quantiles(values, n=100, method="inclusive")[98]


def _disagreements(tab: LabelerPage) -> int:
    return tab.page.evaluate(
        "merProbe.wrong.length + merProbe.frames.filter(f => f.shown !== f.burnt || f.index !== f.shown).length"
    )
