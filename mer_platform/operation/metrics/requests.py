"""What each web process counts: requests, their duration, and sign-ins; and the access log."""

import logging
import time
from collections.abc import Callable
from typing import Any

from django.contrib.auth.signals import user_logged_in, user_login_failed
from django.http import HttpRequest, HttpResponse
from django.utils.functional import SimpleLazyObject
from prometheus_client import CollectorRegistry, Counter, Histogram

COUNTED = CollectorRegistry()
REQUESTS = Counter(
    "mer_requests", "Requests, by route and status.", ["method", "route", "status"], registry=COUNTED
)
SECONDS = Histogram(
    "mer_request_seconds",
    "Time until the answer begins.",
    ["method", "route"],
    buckets=(0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30),
    registry=COUNTED,
)
SIGN_INS = Counter("mer_sign_ins", "Sign-ins on the page, by result.", ["result"], registry=COUNTED)
METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}
access = logging.getLogger("mer_platform.access")


class CountRequests:
    """Middleware: counts each request under its route, and writes it to the access log.

    The route is the pattern of the address, so that the number of series does not grow with the data. The log has the path
    without the query, which may contain what people searched for.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        started = time.perf_counter()
        response = self._get_response(request)
        seconds = time.perf_counter() - started
        match = request.resolver_match
        route = match.route if match else "unknown"
        method = request.method if request.method in METHODS else "other"
        REQUESTS.labels(method, route, response.status_code).inc()
        SECONDS.labels(method, route).observe(seconds)
        access.info(
            "%s %s %s",
            method,
            request.path,
            response.status_code,
            extra={
                "method": method,
                "path": request.path,
                "route": route,
                "status": response.status_code,
                "milliseconds": round(seconds * 1000, 1),
                "user_id": _user_id(request),
                "address": request.META.get("REMOTE_ADDR", ""),
            },
        )
        return response


def _user_id(request: HttpRequest) -> int | None:
    """Return who asked, if the answer needed to know: the log costs no query."""
    user = getattr(request, "user", None)
    if isinstance(user, SimpleLazyObject):
        user = getattr(request, "_cached_user", None)
    return getattr(user, "pk", None)


def _signed_in(**_: Any) -> None:
    SIGN_INS.labels("accepted").inc()


def _refused(**_: Any) -> None:
    SIGN_INS.labels("refused").inc()


user_logged_in.connect(_signed_in, dispatch_uid="metrics")
user_login_failed.connect(_refused, dispatch_uid="metrics")
