"""Problem details (RFC 9457): the one form in which the API answers errors."""

from collections.abc import Mapping
from typing import Any

from django.core.exceptions import DisallowedHost

from mer_platform.rest.request_ids import request_id

CONTENT_TYPE = "application/problem+json"

# What can go wrong, by code: its title, which is the same each time.
TITLES = {
    "bad_request": "The request cannot be understood",
    "malformed_json": "The body is not JSON that the API reads",
    "malformed_form": "The form cannot be read",
    "validation_failed": "Values of the request cannot be used",
    "unknown_field": "The body has fields that do not exist",
    "unknown_parameter": "The address has parameters that do not exist",
    "not_authenticated": "Sign-in required",
    "token_expired": "The API token has expired",
    "csrf_failed": "The session is not that of the page",
    "permission_denied": "Your role does not allow this",
    "wrong_scope": "The API token does not allow this",
    "not_found": "Not found",
    "method_not_allowed": "The address does not take this method",
    "not_acceptable": "The API cannot answer in the accepted format",
    "conflict": "The state of the resource does not allow this",
    "idempotency_key_reused": "The key was used for another request",
    "idempotency_in_progress": "The first request with this key is still running",
    "gone": "No longer there",
    "tus_version": "The upload follows another version of tus",
    "checksum_mismatch": "The bytes were changed on their way",
    "length_required": "The request does not state its length",
    "precondition_failed": "The resource has changed",
    "precondition_required": "The request must say which state it changes",
    "too_large": "The request is too large",
    "unsupported_media_type": "The address does not take this type of body",
    "range_not_satisfiable": "The file does not have the requested range",
    "cannot_be_computed": "The result cannot be computed",
    "throttled": "Too many requests",
    "internal_error": "The server made an error",
    "unavailable": "The server cannot answer now",
    "storage_full": "The server has no room for this",
}
CODES_BY_STATUS = {
    400: "bad_request", 401: "not_authenticated", 403: "permission_denied", 404: "not_found", 405: "method_not_allowed",
    406: "not_acceptable", 409: "conflict", 410: "gone",
    411: "length_required", 412: "precondition_failed", 413: "too_large",
    415: "unsupported_media_type", 416: "range_not_satisfiable", 422: "cannot_be_computed", 428: "precondition_required",
    429: "throttled", 500: "internal_error", 503: "unavailable", 507: "storage_full",
}  # fmt: skip


def problem(
    request: Any,
    status: int,
    detail: str,
    code: str = "",
    errors: list[dict[str, str]] | None = None,
    extra: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Return the body of an error. ``extra`` adds fields, and replaces none of the standard ones."""
    code = code or CODES_BY_STATUS.get(status, "bad_request" if status < 500 else "internal_error")
    return {
        **(extra or {}),
        "type": _address(request, f"/api/errors/{code}/"),
        "title": TITLES.get(code) or TITLES[CODES_BY_STATUS.get(status, "bad_request")],
        "status": status,
        "detail": detail,
        "code": code,
        "instance": request.path,
        "request_id": request_id(),
        "errors": errors or [],
    }


def _address(request: Any, path: str) -> str:
    try:
        return str(request.build_absolute_uri(path))
    except DisallowedHost:
        return path
