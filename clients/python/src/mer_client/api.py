"""Sending requests: further attempts, errors, pages and waiting."""

from __future__ import annotations

import email.utils
import random
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import httpx

from mer_client.errors import ApiError, ConnectionFailed, TookTooLong
from mer_client.settings import Settings
from mer_client.steps import Pages, Pause, Request, Steps

# Answers after which the same request may succeed. A POST carries a key, so that it does its work only once.
TRY_AGAIN = frozenset({408, 425, 429, 502, 503, 504})
LONG_POLL = 30  # seconds; the server answers earlier if something has changed
LONGEST_PAUSE = 30.0
LONGEST_RETRY_AFTER = 300.0


@dataclass(frozen=True)
class Api:
    """A server, and how patient to be with it."""

    settings: Settings
    retries: int = 5
    first_pause: float = 0.5

    def url(self, path: str) -> str:
        """Return the address of a path. Raises ValueError for another server, which must not get the token."""
        if "://" not in path:
            return f"{self.settings.url}/{path.lstrip('/')}" if path.startswith("/") else self._below(path)
        here, there = httpx.URL(self.settings.url), httpx.URL(path)
        if (here.scheme, here.host, here.port) != (there.scheme, there.host, there.port):
            raise ValueError(f"{path} is not an address of {self.settings.url}.")
        return path

    def _below(self, path: str) -> str:
        return f"{self.settings.url}/api/v1/{path}"

    def pause(self, attempt: int, answer: httpx.Response | None = None) -> float:
        """Return how long to wait after a failed attempt, in seconds: as the server asks, or longer each time."""
        asked = retry_after(answer) if answer is not None else None
        if asked is not None:
            return asked
        longest: float = min(self.first_pause * 2.0**attempt, LONGEST_PAUSE)
        return longest * random.uniform(0.5, 1)


def retry_after(answer: httpx.Response) -> float | None:
    """Return the header ``Retry-After`` in seconds, or None."""
    text = answer.headers.get("Retry-After", "")
    try:
        return max(float(text), 0)
    except ValueError:
        pass
    try:
        return max(email.utils.parsedate_to_datetime(text).timestamp() - time.time(), 0)
    except ValueError:
        return None


def send(api: Api, request: Request, retries: int | None = None) -> Steps[httpx.Response]:
    """Send a request, again if that can help, and return the successful answer.

    Every attempt of a POST carries the same ``Idempotency-Key``, so that what it creates is created once.

    Raises
    ------
    ApiError
        If the server refuses it.
    ConnectionFailed
        If the server cannot be reached.
    """
    request = replace(request, path=api.url(request.path))
    if request.method == "POST":
        request.headers.setdefault("Idempotency-Key", uuid.uuid4().hex)
    most = api.retries if retries is None else retries
    for attempt in range(most + 1):
        answer = yield request
        if isinstance(answer, httpx.Response):
            if answer.is_success or answer.status_code == 304:
                return answer
            if not _may_succeed_later(answer) or attempt == most:
                raise ApiError.of(answer)
            pause = api.pause(attempt, answer)
            if pause > LONGEST_RETRY_AFTER:
                raise ApiError.of(answer)
        elif attempt == most:
            raise ConnectionFailed(f"Cannot reach {api.settings.url}: {_reason(answer)}") from answer
        else:
            pause = api.pause(attempt)
        yield Pause(pause)
    raise AssertionError("the last attempt returns or raises")


def _may_succeed_later(answer: httpx.Response) -> bool:
    if answer.status_code != 409:
        return answer.status_code in TRY_AGAIN
    try:
        return bool(answer.json().get("code") == "idempotency_in_progress")
    except (ValueError, AttributeError):
        return False


def _reason(error: httpx.TransportError) -> str:
    if isinstance(error, httpx.TimeoutException):
        return "it does not answer."
    return str(error) or type(error).__name__


def call(api: Api, method: str, path: str, **parts: Any) -> Steps[Any]:
    """Send a request and return the JSON of the answer, or None if it has no body."""
    answer = yield from send(api, Request(method, path, **parts))
    return answer.json() if answer.content else None


def given(**values: Any) -> dict[str, Any]:
    """Return the values that are not None."""
    return {name: value for name, value in values.items() if value is not None}


def page(api: Api, request: Request) -> Steps[tuple[list[Any], Request | None]]:
    """Return the rows of a page and the request for the next one."""
    body = (yield from send(api, request)).json()
    if isinstance(body, list):
        return body, None
    following = body.get("next")
    return body["results"], Request("GET", following) if following else None


def every(api: Api, pages: Pages[Any]) -> Steps[list[Any]]:
    """Return the rows of all pages."""
    rows: list[Any] = []
    request: Request | None = pages.first
    while request is not None:
        found, request = yield from page(api, request)
        rows += [pages.read(row) for row in found]
    return rows


def wait(
    api: Api,
    path: str,
    is_over: Callable[[Any], bool],
    what: str,
    timeout: float | None = None,
    progress: Callable[[Any], None] | None = None,
    long_polls: bool = True,
) -> Steps[Any]:
    """Return a resource once ``is_over``. If it ``long_polls``, the server holds a request until something has changed.

    Raises TookTooLong after ``timeout`` seconds.
    """
    start = time.monotonic()
    pause, tag, found = 0.1, "", None
    while True:
        left = LONG_POLL if timeout is None else min(LONG_POLL, max(start + timeout - time.monotonic(), 0))
        asked = time.monotonic()
        request = Request(
            "GET",
            path,
            params={"wait": int(left)} if long_polls else None,
            headers={"If-None-Match": tag} if tag else {},
            timeout=left + 60,
        )
        answer = yield from send(api, request)
        if answer.status_code != 304:
            found, tag = answer.json(), answer.headers.get("ETag", "")
            if progress is not None:
                progress(found)
            if is_over(found):
                return found
        if timeout is not None and time.monotonic() - start >= timeout:
            raise TookTooLong(f"{what} is not finished after {timeout:g} s. It continues on the server.")
        busy = retry_after(answer) or 0.0  # too many requests wait on the server already
        if busy or time.monotonic() - asked < pause:
            yield Pause(max(busy, pause))
            pause = min(pause * 1.5, 2.0)
