"""The id of each request: in the header ``X-Request-ID`` of the answer, in the body of errors, and in the log.

A job keeps the id of the request that asked for it, and so do the jobs that follow from it: the worker's log lines have it.
"""

import logging
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from uuid import uuid4

from django.http import HttpRequest, HttpResponse

HEADER = "X-Request-ID"
_PLAIN = re.compile(r"[A-Za-z0-9._-]{1,64}")
_current: ContextVar[str] = ContextVar("request_id", default="-")
_job: ContextVar[str] = ContextVar("job_id", default="-")


def request_id() -> str:
    """Return the id of the request that this thread answers, or works for; “-” outside requests."""
    return _current.get()


@contextmanager
def working_on(job: int, request: str) -> Iterator[None]:
    """Add to this thread's log lines the id of its job, and the id of the request that asked for the job (empty: none)."""
    before = _current.set(request or "-"), _job.set(str(job))
    try:
        yield
    finally:
        _current.reset(before[0])
        _job.reset(before[1])


class RequestIds:
    """Middleware: gives each request an id. A client's own id counts if it is short and plain."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        given = request.headers.get(HEADER, "")
        own = given if _PLAIN.fullmatch(given) else uuid4().hex
        _current.set(own)  # and not reset: Django logs refusals after all middleware
        response = self._get_response(request)
        response[HEADER] = own
        return response


class RequestIdFilter(logging.Filter):
    """Adds ``request_id`` and ``job_id`` to each line of the log."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.request_id = request_id()
        record.job_id = _job.get()
        return True
