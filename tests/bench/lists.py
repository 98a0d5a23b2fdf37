"""Queries and milliseconds of each list of the API, with 1,000 rows.

A page of 100 rows, and the last page from a cursor; the best of three calls in one process, on the test database.
"""

import os
import tempfile
import time
from collections.abc import Callable
from typing import Any

import django
from django.conf import settings
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext, get_runner, setup_test_environment

ROWS = 1000


def main() -> None:
    """Print a table."""
    with tempfile.TemporaryDirectory() as folder:
        os.environ["MER_DATA_DIR"] = folder
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mer_platform.settings")
        django.setup()
        setup_test_environment()
        runner = get_runner(settings)(verbosity=0, interactive=False)
        databases = runner.setup_databases()
        try:
            _measure()
        finally:
            runner.teardown_databases(databases)


def _measure() -> None:
    from django.contrib.auth.models import User  # these imports need the setup
    from rest_framework.test import APIClient

    from mer_platform.projects.services import create_project
    from tests.api.list_lab import ListLab

    user = User.objects.create_user("bench")
    api = APIClient()
    api.force_authenticate(user)
    lab = ListLab(user, create_project("Bench", user))
    print(f"{'list':46} rows queries  first page  1,000 rows  page 10 from a cursor")
    for path, (address, add) in lab.lists().items():
        _fill(api, address, add)
        rows = api.get(f"{address}?page_size=1").data["count"]
        queries, first = _timed(api, address)
        _, large = _timed(api, f"{address}?page_size=1000")
        _, deep = _timed(api, _tenth(api, address))
        print(
            f"{path[7:]:46} {rows:4} {queries:7} {first:8.0f} ms {large:8.0f} ms {deep:8.0f} ms", flush=True
        )


def _fill(api: Any, address: str, add: Callable[[], Any]) -> None:
    with transaction.atomic():
        for _ in range(ROWS - api.get(f"{address}?page_size=1").data["count"]):
            add()


def _tenth(api: Any, address: str) -> str:
    url = f"{address}?cursor="
    for _ in range(9):
        url = api.get(url).data["next"] or url
    return url


def _timed(api: Any, url: str) -> tuple[int, float]:
    """Return the queries of a request, and its milliseconds."""
    best = float("inf")
    for _ in range(3):
        with CaptureQueriesContext(connection) as captured:
            start = time.perf_counter()
            assert api.get(url).status_code == 200
            best = min(best, time.perf_counter() - start)
    return len(captured), best * 1000
