"""``make test``: the whole suite with the embedded defaults, then the tests that need a browser, servers or Node.

Tests whose requirements are missing are skipped with a message; with ``MER_REQUIRE_ALL=1`` they fail. Arguments are passed
to pytest. ``make faults`` (``--campaigns``) runs the long tests that ``make test`` leaves out, each three times.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import redis

from tests.prepared import collected_static_files, migrated_database, migrated_file, share_prepared
from tests.surroundings import AVX2, absent_services, all_required, find_chromium, service_addresses

ROOT = Path(__file__).resolve().parent.parent
# These start whole platforms, which wait much: two files at a time, each in one process. Those with a browser run alone,
# since a page that is short of processor time scrolls and draws late. The rest runs in one process per core.
FAULTS, BROWSER = "tests/faults", "tests/browser"
WHOLE = [FAULTS, BROWSER]
SIDE_BY_SIDE = sorted(
    str(folder.relative_to(ROOT))
    for folder in (ROOT / "tests").iterdir()
    if any(folder.rglob("test_*.py")) and f"tests/{folder.name}" not in WHOLE
)
NETWORKS = "tests/unit/models_ml/nets"
NOT_LONG = "not campaign"
BY_TWO_FILES = ["-n", "2", "--dist", "loadfile"]
# Tests create and drop thousands of tables and rows, which no crash of the server needs to survive.
NO_SYNC = {"PGOPTIONS": "-c synchronous_commit=off"}
CAMPAIGN_ROUNDS = 3
NO_TESTS = 5  # pytest's exit code if no test was selected: fine where -k selects tests of another part


@dataclass
class Suite:
    """Runs one part after the other, and records which failed and which were skipped."""

    arguments: list[str]
    failed: list[str] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)

    def pytest(self, title: str, *options: str, **environment: str) -> None:
        command = [sys.executable, "-m", "pytest", "-q", *options, *self.arguments]
        self.run(title, command, **environment)

    def run(self, title: str, command: list[str], **environment: str) -> None:
        print(f"\n━━━ {title} ━━━", flush=True)
        plain = {
            k: v for k, v in os.environ.items() if k not in ("DATABASE_URL", "REDIS_URL", "MER_DATA_DIR")
        }
        code = subprocess.run(command, cwd=ROOT, env={**plain, **environment}).returncode
        if code and not (code == NO_TESTS and self.arguments):
            self.failed.append(title)

    def skip(self, what: str, because: str) -> None:
        line = f"{'MISSING' if all_required() else 'SKIPPED'}: {what}: {because}"
        self.skipped.append(line)
        print(f"\n!!! {line} !!!", flush=True)


def main(arguments: list[str]) -> int:
    share_prepared()
    if not arguments:
        prepare()
    if arguments[:1] == ["--campaigns"]:
        return campaigns(Suite(arguments[1:]))
    suite = Suite(arguments)
    browser = find_chromium()
    short = ["-m", NOT_LONG if browser else f"{NOT_LONG} and not browser"]
    processes = ["-n", str(min(os.cpu_count() or 1, 8))]
    one_thread = {"OMP_NUM_THREADS": "1"}
    suite.pytest(
        "Embedded: SQLite, filesystem broker", *processes, "-m", NOT_LONG, *SIDE_BY_SIDE, **one_thread
    )
    suite.pytest("Embedded: whole platforms", *BY_TWO_FILES, *short, FAULTS)
    suite.pytest("Embedded: browser", *short, BROWSER)
    suite.pytest(
        "Networks on a CPU with AVX2 only",
        *processes,
        "-m",
        "every_cpu",
        NETWORKS,
        **one_thread,
        **AVX2,
    )
    if not browser:
        suite.skip("the browser tests", "Chromium not found; install it or set MER_CHROMIUM")
    if absent := absent_services():
        suite.skip("the tests on PostgreSQL and Redis", f"{' and '.join(absent)} did not answer")
    else:
        addresses = service_addresses() | NO_SYNC
        only = ["-m", f"services and {NOT_LONG}"]
        suite.pytest("PostgreSQL and Redis", *processes, *only, *SIDE_BY_SIDE, **one_thread, **addresses)
        suite.pytest("PostgreSQL and Redis: whole platforms", *BY_TWO_FILES, *only, *WHOLE, **addresses)
        with redis.Redis.from_url(addresses["REDIS_URL"]) as client:
            client.flushdb()
    javascript(suite)
    return report(suite)


def prepare() -> None:
    """Make what all parts copy, before a test waits for it."""
    makers: list[Callable[[], object]] = [migrated_file, collected_static_files]
    if not absent_services():
        makers.append(lambda: migrated_database(service_addresses()["DATABASE_URL"]))
    with ThreadPoolExecutor() as pool:
        for made in [pool.submit(make) for make in makers]:
            made.result()


def campaigns(suite: Suite) -> int:
    """Run the long tests, with the embedded defaults and on PostgreSQL and Redis: a fault does not show each time."""
    places: dict[str, dict[str, str]] = {"embedded": {}}
    if absent := absent_services():
        suite.skip("the campaigns on PostgreSQL and Redis", f"{' and '.join(absent)} did not answer")
    else:
        places["PostgreSQL and Redis"] = service_addresses() | NO_SYNC
    for place, addresses in places.items():
        for number in range(1, CAMPAIGN_ROUNDS + 1):
            suite.pytest(
                f"Campaigns, {place}, round {number}", "-m", "campaign", *SIDE_BY_SIDE, *WHOLE, **addresses
            )
    if addresses := places.get("PostgreSQL and Redis"):
        only = ["-m", f"services_in_faults and {NOT_LONG}"]
        suite.pytest("Once more on PostgreSQL and Redis", *only, *SIDE_BY_SIDE, **addresses)
    return report(suite)


def javascript(suite: Suite) -> None:
    files = sorted(str(path) for path in (ROOT / "tests" / "unit" / "js").rglob("*.test.*js"))
    if suite.arguments or not files:
        return
    if node := shutil.which("node"):
        suite.run("JavaScript", [node, "--test", "--test-reporter=dot", *files])
    else:
        suite.skip("the JavaScript tests", "Node not found")


def report(suite: Suite) -> int:
    print()
    for line in [*suite.skipped, *(f"FAILED: {title}" for title in suite.failed)]:
        print(line)
    if suite.failed or (suite.skipped and all_required()):
        return 1
    print("All tests that ran have passed.")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
