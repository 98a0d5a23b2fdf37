"""Answers while something that the server needs is away or full: 503 and 507, with a sentence, on pages and in the API."""

import json
import logging
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views import defaults

from mer_platform.free_space import NoSpace, require_space
from mer_platform.rest.problems import CONTENT_TYPE, problem
from models_ml.outages import DISK_FULL, STORE_FULL, outage

log = logging.getLogger(__name__)
FULL, AWAY = 507, 503
_PAGES = {FULL: "storage_full.html", AWAY: "unavailable.html"}
_BUSY_SECONDS, _AWAY_SECONDS = 2, 10
# Without the floor, a label could not be saved on a nearly full disk. A body below this size costs little.
_SMALL = 64 * 1024
_FILES = ("multipart/form-data", "application/offset+octet-stream")
_SQLITE_AWAY = ("disk i/o error", "unable to open database", "database or disk is full", "readonly database")
_OUT_OF_MEMORY, _DISK_FULL, _CANCELLED = "53200", "53100", "57014"


@dataclass(frozen=True)
class Outage:
    """How to answer: a status, a sentence, seconds for ``Retry-After`` (0: none), and more fields for programs."""

    status: int
    detail: str
    wait: int = 0
    extra: Mapping[str, Any] = field(default_factory=dict)


def outage_of(error: BaseException) -> Outage | None:
    """Return the answer to an error that passes by itself, or None for any other error."""
    if isinstance(error, NoSpace):
        return no_space(error)
    if isinstance(error, OperationalError | InterfaceError):
        return _of_database(error)
    reason = outage(error)
    if not reason:
        return None
    if reason in (DISK_FULL, STORE_FULL):
        return Outage(
            FULL,
            f"{reason.capitalize()}: nothing was stored. Ask the administrator to free space, and try again.",
        )
    return Outage(
        AWAY, f"{reason.capitalize()} at the moment. Nothing is lost: try again in a minute.", _AWAY_SECONDS
    )


def no_space(error: NoSpace) -> Outage:
    sizes = {"free_bytes": error.free, "needed_bytes": error.needed, "floor_bytes": error.floor}
    return Outage(FULL, str(error.strerror), extra=sizes)


def _of_database(error: OperationalError | InterfaceError) -> Outage | None:
    text = str(error).lower()
    code = getattr(error.__cause__, "sqlstate", None)  # psycopg's; None for SQLite and for lost connections
    if "locked" in text or "deadlock" in text:
        return Outage(
            AWAY, "The server has too much to do at the moment. Send the request again.", _BUSY_SECONDS
        )
    if code == _CANCELLED:
        return Outage(
            AWAY,
            "The answer took longer than the server allows. Ask for less at once, or try again later.",
            _AWAY_SECONDS,
        )
    if code == _DISK_FULL or "disk is full" in text:
        return Outage(
            FULL, "The database has no room: nothing was stored. Ask the administrator to free space."
        )
    is_postgres = type(error.__cause__).__module__.partition(".")[0] == "psycopg"
    if is_postgres or isinstance(error, InterfaceError) or any(words in text for words in _SQLITE_AWAY):
        return Outage(
            AWAY, "The database does not answer at the moment. Nothing that was saved is lost: try again in a minute.",
            _AWAY_SECONDS,
        )  # fmt: skip
    return None


class Outages:
    """Middleware: refuses files before their bytes are read if they would use the disk up, and answers outages on pages.

    Views of the API answer outages themselves (``mer_platform.rest.errors``).
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if size := _bytes_of_files(request):
            try:
                require_space(size)
            except NoSpace as error:
                return answer(request, no_space(error))
        return self._get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        if (found := outage_of(error)) is None:
            return None
        log.warning("%s %s: %s", request.method, request.path, error, exc_info=error)
        return answer(request, found)


def server_error(request: HttpRequest) -> HttpResponse:
    """Answer an error outside views, such as in the middleware of sessions: as an outage if it is one."""
    error = sys.exc_info()[1]
    found = outage_of(error) if error is not None else None
    return answer(request, found) if found is not None else defaults.server_error(request)


def answer(request: HttpRequest, found: Outage) -> HttpResponse:
    """Return problem details to programs and scripts, and a page to people."""
    if request.path.startswith("/api/") or "text/html" not in request.headers.get("Accept", "text/html"):
        body = problem(request, found.status, found.detail, extra=found.extra)
        response = HttpResponse(
            json.dumps(body, ensure_ascii=False), status=found.status, content_type=CONTENT_TYPE
        )
    else:
        response = render(None, _PAGES[found.status], {"detail": found.detail}, status=found.status)
    if found.wait:
        response["Retry-After"] = str(found.wait)
    response._has_been_logged = True  # type: ignore[attr-defined]
    return response


def _bytes_of_files(request: HttpRequest) -> int:
    """Return how many bytes of files a request carries or announces; 0 if too few to matter."""
    if request.method not in ("POST", "PUT", "PATCH"):
        return 0
    announced = request.headers.get("Upload-Length", "")  # of tus
    if announced.isdecimal() and len(announced) < 19:
        return int(announced)
    length = request.headers.get("Content-Length", "")
    if not request.headers.get("Content-Type", "").startswith(_FILES) or not length.isdecimal():
        return 0
    size = int(length[:18])
    return size if size > _SMALL else 0
