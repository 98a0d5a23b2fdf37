"""Passwords are hashed one at a time in each process: many sign-ins at once leave processor time and threads to pages.

A hash takes a third of a second of a processor by design. A request that waits for its turn occupies a thread: it takes one
of the places of requests that wait (``mer_platform.rest.waiting``). If all are taken, it is answered at once, with 503.
"""

import threading
from collections.abc import Callable
from typing import Any

from django.contrib.auth.hashers import PBKDF2PasswordHasher
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from mer_platform.rest.errors import API, problem_response

LONGEST_WAIT = 20.0  # seconds, a whole class at a small server; less than browsers and proxies wait
RETRY_SECONDS = 5
MESSAGE = "Many people sign in at this moment, and the password was not checked. Try again in a few seconds."
_TURN = threading.Lock()


class TooManySignIns(Exception):
    """All places of requests that wait are taken, or the turn did not come in time."""


class OneAtATime(PBKDF2PasswordHasher):
    """Django's hasher, one hash at a time per process. Its hashes are the same."""

    def encode(self, password: str, salt: str, iterations: int | None = None) -> str:
        """Return the encoded hash. Raises TooManySignIns."""
        from mer_platform.rest.waiting import PLACES  # it loads the API's views, and commands hash, too

        if _TURN.acquire(blocking=False):
            return self._encode(password, salt, iterations)
        with PLACES.one() as free:
            if not free or not _TURN.acquire(timeout=LONGEST_WAIT):
                raise TooManySignIns(MESSAGE)
            return self._encode(password, salt, iterations)

    def _encode(self, password: str, salt: str, iterations: int | None) -> str:
        try:
            return super().encode(password, salt, iterations)
        finally:
            _TURN.release()


class SignInsInTurn:
    """Middleware: answers TooManySignIns with 503, when to try again, and what happened."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self._get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> Any:
        """Return the answer to TooManySignIns; None for other exceptions."""
        if not isinstance(exception, TooManySignIns):
            return None
        if request.path.startswith(API):
            response = problem_response(request, 503, MESSAGE)
        else:
            response = render(request, "503.html", {"message": MESSAGE}, status=503)
        response["Retry-After"] = str(RETRY_SECONDS)
        return response
