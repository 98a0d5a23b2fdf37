"""Server time of the pages of runs, with 1,000 runs of 442 predictions, and what a browser fetches and an open page costs.

    make bench NAME=dashboards
    .venv/bin/python -m tests.bench dashboards 260     # fewer runs; at least 240

With DATABASE_URL (and REDIS_URL) in the environment, the platform runs on PostgreSQL (and Redis).
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

import requests
from playwright.sync_api import Browser, sync_playwright

from tests.bench import report
from tests.conftest import CHROMIUM_FLAGS
from tests.live import ROOT, LivePlatform
from tests.surroundings import find_chromium

RUNS = 1000
ASKED = 15  # times each page is asked for
LIMIT_MS = 150.0
FIRST_VISIT_KB, LATER_VISIT_KB = 2000.0, 200.0  # compressed
WATCHED = 60.0  # seconds for which a page stays open
CORE_SHARE = 0.01
JIFFIES = os.sysconf("SC_CLK_TCK")


def main() -> None:
    runs = int(sys.argv[2]) if sys.argv[2:] else RUNS
    with tempfile.TemporaryDirectory() as folder:
        platform = LivePlatform(Path(folder), MER_UPKEEP_SECONDS="60", MER_JOB_REQUEUE_SECONDS="60")
        try:
            filled = fill(platform.start(), runs)
            paths = addresses(filled)
            measure_pages(platform, paths, f"{len(filled['runs'])} runs")
            platform.stop()
            platform.start()
            after_restart(platform, paths)
            measure_browser(platform, paths)
        finally:
            platform.close()


def fill(platform: LivePlatform, runs: int) -> dict[str, Any]:
    began = time.monotonic()
    command = [sys.executable, "-m", "tests.bench._dashboards_fill", str(runs)]
    done = subprocess.run(command, cwd=ROOT, env=platform.env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    filled = json.loads(done.stdout.splitlines()[-1])
    where = "PostgreSQL" if "DATABASE_URL" in os.environ else "SQLite"
    print(f"# {len(filled['runs'])} runs stored on {where} in {time.monotonic() - began:.0f} s", flush=True)
    return filled


def addresses(filled: dict[str, Any]) -> dict[str, str]:
    project, api = f"/projects/{filled['slug']}/", "/api/v1/"
    chosen = "&".join(f"run={pk}" for pk in filled["runs"][::37][:20])
    experiment = filled["experiment"]
    return {
        "leaderboard": f"{project}runs/",
        "leaderboard, page 10 by UAR": f"{project}runs/?page=10&sort=-uar",
        "run page": f"{project}runs/{filled['runs'][-1]}/",
        "comparison of 20 runs": f"{project}runs/compare/?{chosen}",
        "answer over 240 configurations": f"{project}experiments/{experiment}/answer/",
        "effects over 240 configurations": f"{project}experiments/{experiment}/effects/",
        "lines of 240 configurations": f"{project}experiments/{experiment}/figures/parallel.json",
        "experiment page, 240 runs": f"{project}experiments/{experiment}/",
        "API: runs": f"{api}runs/?project={filled['project']}",
        "API: comparison of 20 runs": f"{api}runs/compare/?{chosen}",
        "API: ranking of 240 configurations": f"{api}experiments/{experiment}/ranking/",
    }


def signed_in(platform: LivePlatform) -> requests.Session:
    session = requests.Session()
    page = f"{platform.url}/sign-in/"
    session.get(page, timeout=60)
    form = {
        "username": "admin",
        "password": platform.password,
        "csrfmiddlewaretoken": session.cookies["csrftoken"],
    }
    assert session.post(page, form, headers={"Referer": page}, timeout=60).ok
    return session


def asked(platform: LivePlatform, session: requests.Session, path: str) -> float:
    """Return the milliseconds until the whole answer is there."""
    began = time.monotonic()
    answer = session.get(platform.url + path, timeout=60, allow_redirects=False)
    taken = 1000 * (time.monotonic() - began)
    assert answer.status_code == 200, f"{path}: {answer.status_code} {answer.text[:300]}"
    return taken


def measure_pages(platform: LivePlatform, paths: dict[str, str], size: str) -> None:
    session = signed_in(platform)
    for name, path in paths.items():
        first = asked(platform, session, path)
        value = median(asked(platform, session, path) for _ in range(ASKED))
        title = f"dashboards: {name}, {size}: answer (median of {ASKED}, the first took {first:.0f} ms)"
        report(title, value, "ms", "required limit", LIMIT_MS, "at most")


def after_restart(platform: LivePlatform, paths: dict[str, str]) -> None:
    """Ask each page once, right after the start: what is kept in memory is gone."""
    session = signed_in(platform)
    asked(platform, session, "/health/")
    for name, path in paths.items():
        title = f"dashboards: {name}: first answer after a restart"
        report(title, asked(platform, session, path), "ms", "required limit", LIMIT_MS, "at most")


def measure_browser(platform: LivePlatform, paths: dict[str, str]) -> None:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=CHROMIUM_FLAGS)
        for name in ("leaderboard", "run page", "comparison of 20 runs"):
            visits(browser, platform, name, paths[name])
        open_page(browser, platform, paths)
        browser.close()


def visits(browser: Browser, platform: LivePlatform, name: str, path: str) -> None:
    """Count the bytes that come over the wire at the first visit and at a later one."""
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    page = context.new_page()
    network = context.new_cdp_session(page)
    network.send("Network.enable")
    received: list[float] = []
    network.on("Network.loadingFinished", lambda event: received.append(event["encodedDataLength"]))
    page.goto(f"{platform.url}/sign-in/?next={path.replace('?', '%3F').replace('&', '%26')}")
    page.get_by_label("Username").fill("admin")
    page.get_by_label("Password").fill(platform.password)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_load_state("networkidle")
    first = sum(received) / 1000
    received.clear()
    page.goto(platform.url + path)
    page.wait_for_load_state("networkidle")
    report(f"dashboards: {name}: first visit", first, "kB", "required limit", FIRST_VISIT_KB, "at most")
    later = sum(received) / 1000
    report(f"dashboards: {name}: later visit", later, "kB", "required limit", LATER_VISIT_KB, "at most")
    context.close()


def open_page(browser: Browser, platform: LivePlatform, paths: dict[str, str]) -> None:
    """Compare the server's use of the CPU while pages of finished runs are open with its use while none is."""
    session = signed_in(platform)
    idle = cpu_seconds(platform)
    time.sleep(WATCHED / 2)
    idle = (cpu_seconds(platform) - idle) / (WATCHED / 2)
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    context.add_cookies(
        [{"name": c.name, "value": str(c.value), "url": platform.url} for c in session.cookies]
    )
    shown = ("leaderboard", "run page", "comparison of 20 runs", "experiment page, 240 runs")
    for name in shown:
        page = context.new_page()
        page.goto(platform.url + paths[name])
        page.wait_for_load_state("networkidle")
    busy = cpu_seconds(platform)
    time.sleep(WATCHED)
    busy = (cpu_seconds(platform) - busy) / WATCHED
    each = max(busy - idle, 0.0) / len(shown)
    report(
        f"dashboards: an open page of finished runs ({len(shown)} open; the idle platform takes {idle:.4f})",
        each,
        "cores",
        "required limit",
        CORE_SHARE,
        "at most",
    )
    context.close()


def cpu_seconds(platform: LivePlatform) -> float:
    """Return the CPU time of the platform's processes so far."""
    total = 0.0
    for pid in platform.processes():
        try:
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:  # it has just ended
            continue
        total += (int(fields[11]) + int(fields[12])) / JIFFIES
    return total
