"""The demo project: time of seeding with ingest and of LOSO with the default model, and its UF1 between chance and 1."""

import json
import tempfile
import time
from pathlib import Path

from tests.bench import report
from tests.live import LivePlatform, wait_until

SEEDING_LIMIT, LOSO_LIMIT = 60.0, 120.0  # seconds, on 2 cores
CHANCE, PERFECT = 1 / 3, 1.0


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        platform = LivePlatform(Path(folder), MER_DEMO="0")
        try:
            measure(platform.start())
        finally:
            platform.close()


def measure(platform: LivePlatform) -> None:
    began = time.monotonic()
    platform.manage("seed_demo", "--owner", "admin", "--wait")
    report(
        "demo: seeding and ingest",
        time.monotonic() - began,
        "s",
        "limit",
        SEEDING_LIMIT,
        "at most",
    )

    api = platform.api()
    version = wait_until(lambda: api.get("composite-versions/")["results"], "the demo's frozen version")[0][
        "id"
    ]
    began = time.monotonic()
    run = json.loads(platform.manage("train", "--composite-version", str(version), "--wait", "--json"))
    report(
        "demo: LOSO of the default model",
        time.monotonic() - began,
        "s",
        "limit",
        LOSO_LIMIT,
        "at most",
    )
    uf1 = run["results"]["uf1"]
    report("demo: UF1 of the default model", uf1, "UF1", "chance", CHANCE, "at least", 1.5)
    report("demo: UF1 of the default model", uf1, "UF1", "perfect", PERFECT, "at most", 0.95)
