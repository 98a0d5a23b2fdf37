"""What the server does so that no filled-in form is lost when a session ends or a post fails.

The page itself keeps the entries of a form until the server has taken them (``frontend/static/js/keep-form.js``). It learns
that from a cookie, because the answer to a post is another page.
"""

from collections.abc import Callable
from urllib.parse import urlencode, urlsplit

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import resolve_url
from django.utils.http import url_has_allowed_host_and_scheme

from mer_platform.web import is_partial

TAKEN = "mer_form_taken"
_SECONDS = 60
_REDIRECTS = (301, 302, 303, 307, 308)


class KeepForms:
    """Middleware: leads back to the form after a new sign-in, and says which posts were taken."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self._get_response(request)
        if request.path.startswith("/api/"):
            return response
        sign_in = resolve_url(settings.LOGIN_URL)
        if response.status_code in _REDIRECTS and urlsplit(response["Location"]).path == sign_in:
            return _to_sign_in(request, response, sign_in)
        if request.method == "POST" and request.path != sign_in and _is_taken(request, response):
            response.set_cookie(TAKEN, "1", max_age=_SECONDS, samesite="Lax", secure=request.is_secure())
        return response


def _is_taken(request: HttpRequest, response: HttpResponse) -> bool:
    """Return whether the answer holds the entries or has stored them: it is neither a failure nor a lost session."""
    fragment = is_partial(request)
    refused = response.status_code >= 500 or response.status_code in (403, 404, 405, 413, 429)
    return not fragment and not refused


def _to_sign_in(request: HttpRequest, response: HttpResponse, sign_in: str) -> HttpResponse:
    """Lead back to the page with the form, not to the address that took it; and never put the sign-in into a fragment."""
    fragment = is_partial(request)
    if request.method != "POST" and not fragment:
        return response
    page = request.headers.get("HX-Current-URL") or request.headers.get("Referer", "")
    known = url_has_allowed_host_and_scheme(page, {request.get_host()}, require_https=request.is_secure())
    parts = urlsplit(page if known else "/")
    target = parts.path + (f"?{parts.query}" if parts.query else "")
    address = f"{sign_in}?{urlencode({'next': target})}"
    if fragment:
        return HttpResponse(status=204, headers={"HX-Redirect": address})
    response["Location"] = address
    return response
