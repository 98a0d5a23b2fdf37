"""``/healthz``: this process answers. ``/readyz``: what it needs answers too. Both are quick while parts are away.

The answers contain neither addresses nor names, because anyone may read them.
"""

import os
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as StillWaiting
from pathlib import Path
from typing import Any

import redis
from django.conf import settings
from django.core.files.storage import default_storage
from django.db import connection
from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from mer_platform.free_space import disk_space
from mer_platform.jobs.broker import GPU_QUEUE, QUEUES, WEBHOOK_QUEUE
from mer_platform.jobs.models import Worker

PATIENCE_SECONDS = 2.0  # for all parts together
KEPT_SECONDS = 2.0  # an answer holds so long: many probes cost as much as one
READY, DEGRADED, UNAVAILABLE = "ready", "degraded", "unavailable"
_NEEDED = (
    "database",
    "storage",
    "disk",
)  # without these no request is served; without others, work only waits
_WORKED = (*QUEUES, WEBHOOK_QUEUE)
Part = dict[str, Any]


@never_cache
@require_GET
def healthz(request: HttpRequest) -> JsonResponse:
    """Answer 200 as long as this process answers requests."""
    return JsonResponse({"status": "ok"})


@never_cache
@require_GET
def readyz(request: HttpRequest) -> JsonResponse:
    """Answer 200 if pages and API work, else 503; ``parts`` says what is missing."""
    found = _kept.get()
    return JsonResponse(found, status=503 if found["status"] == UNAVAILABLE else 200)


def check() -> dict[str, Any]:
    """Ask all parts at the same time, and wait no longer than ``PATIENCE_SECONDS``."""
    until = time.monotonic() + PATIENCE_SECONDS
    pool = ThreadPoolExecutor(len(CHECKS), thread_name_prefix="readiness")
    asked: dict[str, Future[Part]] = {name: pool.submit(ask) for name, ask in CHECKS.items()}
    parts = {name: _answer(future, until) for name, future in asked.items()}
    pool.shutdown(wait=False)
    status = READY if all(part["ok"] for part in parts.values()) else DEGRADED
    if not all(parts[name]["ok"] for name in _NEEDED):
        status = UNAVAILABLE
    return {"status": status, "parts": parts}


def _answer(asked: "Future[Part]", until: float) -> Part:
    try:
        return asked.result(max(0, until - time.monotonic()))
    except StillWaiting:
        return {"ok": False, "detail": f"It did not answer within {PATIENCE_SECONDS:g} s."}
    except Exception:  # libraries raise many kinds, whose texts may contain addresses
        return {"ok": False, "detail": "It does not answer."}


def _database() -> Part:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    finally:
        connection.close()
    return {"ok": True}


def _broker() -> Part:
    if settings.REDIS_URL:
        limits = {"socket_timeout": PATIENCE_SECONDS / 2, "socket_connect_timeout": PATIENCE_SECONDS / 2}
        with redis.Redis.from_url(settings.REDIS_URL, **limits) as client:
            client.ping()
        return {"ok": True}
    return _writable(settings.DATA_DIR / "broker")


def _storage() -> Part:
    if not settings.STORAGE_URL:
        folder = Path(settings.MEDIA_ROOT)
        return _writable(folder if folder.exists() else settings.DATA_DIR)
    problem = getattr(default_storage, "problem", None)  # of an object store; its text names the address
    return (
        {"ok": False, "detail": "It does not answer."} if problem is not None and problem() else {"ok": True}
    )


def _disk() -> Part:
    free, floor = disk_space()
    part = {"ok": free >= floor, "free_bytes": free, "floor_bytes": floor}
    return part if part["ok"] else {**part, "detail": "Nearly full: files are turned away."}


def _workers() -> Part:
    """Return how many workers were seen lately for each queue."""
    try:
        seen = [worker.queues for worker in Worker.alive()]
    finally:
        connection.close()
    queues = {queue: sum(queue in served for served in seen) for queue in (*_WORKED, GPU_QUEUE)}
    idle = [queue for queue in QUEUES if not queues[queue]]
    if not idle:
        return {"ok": True, "queues": queues}
    return {"ok": False, "queues": queues, "detail": f"No worker was seen for: {', '.join(idle)}."}


def _writable(folder: Path) -> Part:
    if os.access(folder, os.W_OK | os.X_OK):
        return {"ok": True}
    return {"ok": False, "detail": "Its folder cannot be written."}


CHECKS: dict[str, Callable[[], Part]] = {
    "database": _database, "broker": _broker, "storage": _storage, "disk": _disk, "workers": _workers,
}  # fmt: skip


class _Kept:
    """The latest answer of this process, which one request at a time renews."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._found: dict[str, Any] = {}
        self._until = 0.0

    def get(self) -> dict[str, Any]:
        with self._lock:
            if time.monotonic() >= self._until:
                self._found = check()
                self._until = time.monotonic() + KEPT_SECONDS
            return self._found


_kept = _Kept()
