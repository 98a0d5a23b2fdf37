"""Milliseconds and queries of every page and list with 100,000 clips, and with 300, on PostgreSQL.

Set DATABASE_URL: the benchmark uses the test database of that server, never the database itself. ``MER_SCALE_CLIPS`` is the
number of clips, ``MER_SCALE_KEEP=1`` keeps the filled database for the next time, ``MER_SCALE_ONLY`` measures only addresses
whose name contains it. One JSON line per address, the worst first: milliseconds of the first answer, of the median of five,
and of the small project. Standard error shows each address while it is measured.
"""

import json
import os
import re
import signal
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import django
from django.conf import settings
from django.db import connection
from django.test.utils import CaptureQueriesContext, get_runner

SMALL = 300
AIM_MS, AIM_QUERIES, AIM_RATIO = 300, 25, 2
FAST_MS = 20  # below this, a ratio says nothing
LIMIT = 30  # seconds after which an address counts as one that never answers
REPEATS = 5


class TooSlow(BaseException):
    """Not an Exception, so that no view turns it into an answer."""


def main() -> None:
    """Fill, measure, and print a JSON line per address."""
    with tempfile.TemporaryDirectory() as folder:
        os.environ["MER_DATA_DIR"] = folder
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mer_platform.settings")
        django.setup()
        plain = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
        settings.STORAGES = {**settings.STORAGES, "staticfiles": plain}
        kept = os.environ.get("MER_SCALE_KEEP") == "1"
        runner = get_runner(settings)(verbosity=0, interactive=False, keepdb=kept)
        databases = runner.setup_databases()
        try:
            projects = [_project(name, clips) for name, clips in (("Small", SMALL), ("Large", _clips()))]
            _report(*projects)
        finally:
            runner.teardown_databases(databases)


def _clips() -> int:
    return int(os.environ.get("MER_SCALE_CLIPS", 100_000))


def _project(name: str, clips: int) -> Any:
    """Return the filled project of this name, which its owner of the same name has alone."""
    from django.contrib.auth.models import User
    from django.core.management import call_command

    from mer_platform.projects.models import Project
    from tests.bench._scale_addresses import FilledProject

    slug = name.lower()
    if not Project.objects.filter(slug=slug).exists():
        User.objects.get_or_create(username=slug)
        call_command("fill", project=name, owner=slug, clips=clips)
    return FilledProject(Project.objects.get(slug=slug))


def _report(small: Any, large: Any) -> None:
    few = {asked.name: asked for asked in small.addresses()}
    only = os.environ.get("MER_SCALE_ONLY", "")
    rows = []
    for asked in large.addresses():
        if not re.search(only, asked.name):
            continue
        roles = ("owner", "coder") if asked.level in ("viewer", "annotator") else ("owner",)
        for role in roles:
            row = _compare(role, asked, few.get(asked.name), small, large)
            rows.append(row)
            print(
                f"{row['ms']:9.1f} ms {row['queries']:4} queries {row['as']:6} {row['address']}",
                file=sys.stderr,
                flush=True,
            )
    rows.sort(key=lambda row: (row["ok"], -row["ms"]))
    for row in rows:
        print(json.dumps(row), flush=True)
    print(json.dumps({"addresses": len(rows), "not ok": sum(not row["ok"] for row in rows)}))


def _compare(role: str, asked: Any, twin: Any, small: Any, large: Any) -> dict[str, Any]:
    status, queries, first, ms = _measure(getattr(large, role), asked.url)
    few = _measure(getattr(small, role), twin.url)[3] if twin else None
    ratio = ms / few if few else None
    ok = (
        status < 500
        and ms <= AIM_MS
        and queries <= AIM_QUERIES
        and (ratio is None or ratio <= AIM_RATIO or ms <= FAST_MS)
    )
    return {
        "address": asked.name, "as": role, "status": status, "first_ms": round(first), "ms": round(ms, 1),
        "small_ms": few and round(few, 1), "ratio": ratio and round(ratio, 1), "queries": queries, "ok": ok,
    }  # fmt: skip


def _measure(user: Any, url: str) -> tuple[int, int, float, float]:
    """Return status, queries, and the milliseconds of the first request and of the median."""
    from django.test import Client

    client = Client(raise_request_exception=False, headers={"host": "localhost"})
    client.force_login(user)
    try:
        with _limit():
            status, first = _timed(client, url)
            times = [_timed(client, url)[1] for _ in range(REPEATS if first < 1000 else 1)]
            with CaptureQueriesContext(connection) as captured:
                _timed(client, url)
    except TooSlow:
        connection.close()
        return 504, 0, LIMIT * 1000, LIMIT * 1000
    return status, len(captured), first, statistics.median(times)


def _timed(client: Any, url: str) -> tuple[int, float]:
    start = time.perf_counter()
    answer = client.get(url)
    if getattr(answer, "streaming", False):
        for _ in answer:
            pass
    answer.close()
    return answer.status_code, (time.perf_counter() - start) * 1000


@contextmanager
def _limit() -> Iterator[None]:
    def stop(*_: Any) -> None:
        raise TooSlow

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(LIMIT)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)
