"""The errors of the REST API, in one form: problem details, for all that is below ``/api/``."""

import json
import logging
import re
from collections.abc import Callable, Mapping
from typing import Any

from django.core.exceptions import (
    PermissionDenied,
    RequestDataTooBig,
    SuspiciousOperation,
    TooManyFieldsSent,
    TooManyFilesSent,
)
from django.core.exceptions import ValidationError as DjangoValidationError
from django.db import DataError, IntegrityError
from django.db.models import ProtectedError
from django.http import Http404, HttpRequest, HttpResponse
from django.views import defaults
from rest_framework import exceptions, status
from rest_framework.response import Response
from rest_framework.serializers import as_serializer_error

from mer_platform.rest.outages import Outage, outage_of
from mer_platform.rest.pointers import Place, flattened, pointer
from mer_platform.rest.problems import CODES_BY_STATUS, CONTENT_TYPE, problem
from mer_platform.rest.wording import in_our_words

log = logging.getLogger(__name__)
NO_MATCH = re.compile(r"No (\w+) matches the given query\.")  # what get_object_or_404 says
API = "/api/"
_WITHOUT_BODY = (
    "GET",
    "HEAD",
    "OPTIONS",
    "DELETE",
)  # here, errors by name are about parameters of the address
_SUMMED_UP = 3  # errors that ``detail`` repeats
# Codes of Django REST framework that are called differently here.
_CODES = {
    "error": "", "parse_error": "malformed_json", "authentication_failed": "not_authenticated",
    "invalid": "validation_failed",
}  # fmt: skip


class ApiError(exceptions.APIException):
    """An error of the API. ``extra`` is added to the answer next to ``detail``."""

    def __init__(self, detail: str, code: str = "", **extra: Any) -> None:
        super().__init__(detail, code or CODES_BY_STATUS[self.status_code])
        self.extra = extra


class Conflict(ApiError):
    """Error 409: the object was changed, or is in use."""

    status_code = status.HTTP_409_CONFLICT


class TooLarge(ApiError):
    """Error 413: the body has more bytes than the address takes."""

    status_code = status.HTTP_413_REQUEST_ENTITY_TOO_LARGE


class Unavailable(ApiError):
    """Error 503 or 507: something that the server needs is away, or full. ``wait``: seconds, for ``Retry-After``."""

    def __init__(self, found: Outage) -> None:
        self.status_code = found.status
        super().__init__(found.detail, **found.extra)
        if found.wait:
            self.wait = found.wait


class Refused(exceptions.ValidationError):
    """Error 400: values of the request, by field; ``extra`` is added to the answer.

    ``sentence`` replaces the summary of the errors.
    """

    def __init__(
        self, detail: Any = (), sentence: str = "", code: str = "validation_failed", **extra: Any
    ) -> None:
        super().__init__(detail)
        self.sentence, self.code, self.extra = sentence, code, extra


class ParametersRefused(Refused):
    """Error 400: parameters of the address, by name."""


def _library_handler() -> Callable[..., Response | None]:
    # Imported late: the module of views loads the parsers of the settings, and these import this module.
    from rest_framework.views import exception_handler as handler

    return handler


def exception_handler(error: Exception, context: Mapping[str, Any]) -> Response | None:
    """Answer every error that is not the server's as problem details, so that bad input never gives a 500."""
    error = _as_api_error(error)
    response = _library_handler()(error, dict(context))
    if response is None or not isinstance(error, exceptions.APIException):
        return None
    request = context["request"]
    if isinstance(error, exceptions.ValidationError):
        body = _of_values(error, request)
    else:
        code = str(getattr(error.detail, "code", ""))
        code = _CODES.get(code, code)
        detail = in_our_words(str(error.detail))
        if str(error.detail).startswith("CSRF Failed"):
            code = "csrf_failed"
        elif str(error.detail).startswith("Multipart"):
            code = "malformed_form"
        listed = getattr(error, "errors", None)
        body = problem(request, error.status_code, detail, code, listed, getattr(error, "extra", None))
    response.data = body
    response.content_type = CONTENT_TYPE
    return response


def _as_api_error(error: Exception) -> Exception:
    """Return errors of models, of parsing and of lookups as those of the API."""
    if isinstance(error, DjangoValidationError):
        return exceptions.ValidationError(as_serializer_error(error))
    if isinstance(error, ProtectedError):
        used_by = sorted({str(obj) for obj in error.protected_objects})[:3]
        return Conflict(f"Cannot delete this: it is used by {', '.join(used_by)}.")
    if isinstance(error, Http404):
        return exceptions.NotFound(_not_found(str(error)) or None)
    if isinstance(error, PermissionDenied):
        return exceptions.PermissionDenied(str(error) or None)
    if isinstance(error, IntegrityError | DataError):
        return _of_database(error)
    if (found := outage_of(error)) is not None:
        log.warning("Answered with %s: %s", found.status, error, exc_info=error)
        return Unavailable(found)
    if isinstance(error, RequestDataTooBig):
        return TooLarge(
            "The values of the request are larger than the server accepts. Send large data as a file."
        )
    if isinstance(error, TooManyFieldsSent | TooManyFilesSent):
        return TooLarge("The form has more fields or files than the server accepts. Send it in parts.")
    if isinstance(error, SuspiciousOperation):
        return exceptions.ParseError(
            "The request has a header or a file name that the server does not accept.", "bad_request"
        )
    return error


def _of_database(error: Exception) -> Exception:
    """Return what a client can do about an error of the database; other errors of it are the server's, and stay."""
    text = str(error).lower()
    found: Exception = error
    if "unique" in text or "duplicate key" in text:
        found = Conflict(
            "The same was created at the same moment by another request. Look at what is there now."
        )
    elif "foreign key" in text:
        found = Conflict(
            "Something that this refers to was deleted at the same moment. Look at what is there now."
        )
    elif isinstance(error, DataError):
        found = exceptions.ValidationError("A value of the request is larger than the database can store.")
    if found is not error:
        log.warning("Answered with %s: %s", found, error, exc_info=error)
    return found


def _not_found(text: str) -> str:
    match = NO_MATCH.fullmatch(text)
    if match is None:
        return text
    kind = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", match[1])
    where = "" if kind == "Project" else " in your projects"
    return f"{kind.capitalize()} not found{where}."


def _of_values(error: exceptions.ValidationError, request: Any) -> dict[str, Any]:
    in_address = isinstance(error, ParametersRefused) or request.method in _WITHOUT_BODY
    found = flattened(error.detail, None if in_address else _document(request))
    sentence = getattr(error, "sentence", "")
    listed = [_listed(place, text, code, in_address) for place, text, code in found]
    code = getattr(error, "code", "") or "validation_failed"
    for single in ("unknown_field", "unknown_parameter"):
        if found and all(each == single for _, _, each in found):
            code = single
    return problem(
        request, error.status_code, sentence or _summary(found), code, listed, getattr(error, "extra", None)
    )


def _document(request: Any) -> Any:
    """Return the parsed body, if it could be parsed."""
    return getattr(request, "_full_data", None)


def _listed(place: Place, text: str, code: str, in_address: bool) -> dict[str, str]:
    error = {"detail": text, "code": code}
    if not in_address:
        return {"pointer": pointer(place), **error}
    return {"parameter": ".".join(place), **error} if place else error


def _summary(found: list[tuple[Place, str, str]]) -> str:
    """Return the first errors in one text.

    >>> _summary([(("onset",), "Must be 0 or more.", "min_value")])
    'onset: Must be 0 or more.'
    """
    parts = [f"{'/'.join(place)}: {text}" if place else text for place, text, _ in found[:_SUMMED_UP]]
    if more := len(found) - len(parts):
        parts.append(f"And {more:,} more.")
    return " ".join(parts) or "The request has values that cannot be used."


def problem_response(request: HttpRequest, status_code: int, detail: str, code: str = "") -> HttpResponse:
    """Return an error of the API where no view of it runs."""
    body = json.dumps(problem(request, status_code, detail, code), ensure_ascii=False)
    return HttpResponse(body, status=status_code, content_type=CONTENT_TYPE)


def page_not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer a path that does not exist: problem details below ``/api/``, elsewhere a page."""
    if not request.path.startswith(API):
        return defaults.page_not_found(request, exception)
    return problem_response(request, 404, _missing(request))


def _missing(request: HttpRequest) -> str:
    path = request.path if len(request.path) <= 100 else f"{request.path[:100]}…"
    hint = "" if path.endswith("/") else " Addresses of the API end with “/”."
    return f"There is nothing at {path}.{hint} The API is described at /api/docs/."


class ApiProblems:
    """Middleware: answers what Django and other middleware refuse below ``/api/`` as problem details, too."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not request.path.startswith(API):
            return self._get_response(request)
        if "chunked" in request.headers.get("Transfer-Encoding", "").lower() and not request.headers.get(
            "Content-Length"
        ):
            return problem_response(
                request, 411, "State the length of the body (Content-Length): a chunked body is not read."
            )
        response = self._get_response(request)
        if _loses_its_method(request, response):
            return problem_response(request, 404, f"Addresses of the API end with “/”: use {request.path}/.")
        if response.status_code < 400 or response.get("Content-Type", "").startswith(CONTENT_TYPE):
            return response
        return _reworded(request, response)


def _loses_its_method(request: HttpRequest, response: HttpResponse) -> bool:
    """Return whether it is a redirect to the address with “/”, which clients follow with GET, without the body."""
    return response.status_code in (301, 302) and request.method not in ("GET", "HEAD", "OPTIONS")


def _reworded(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    code = response.status_code
    sentences = {
        400: "The request has a header, an address or a body that the server does not accept.",
        403: "Your role does not allow this.",
        404: _missing(request),
        405: f"This address does not take {request.method}.",
        416: "The file does not have this range. Ask for bytes within its size, which Content-Range states.",
        500: "The server made an error. Try again; if it fails again, give the administrator the request id.",
    }
    kept = ("Allow", "Content-Range", "Retry-After", "WWW-Authenticate")
    answer = problem_response(request, code, sentences.get(code, response.reason_phrase))
    for name in kept:
        if name in response:
            answer[name] = response[name]
    answer._has_been_logged = getattr(response, "_has_been_logged", False)  # type: ignore[attr-defined]
    return answer
