"""What can go wrong. Every error is a ``MerError``, and its text says what to do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import httpx


class MerError(Exception):
    """Base of all errors of this package."""


class NotConfigured(MerError):
    """No address or no token was given."""


class ConnectionFailed(MerError):
    """The server could not be reached, also after further attempts."""


class TookTooLong(MerError):
    """What was waited for did not end in time. It continues on the server."""


class WorkFailed(MerError):
    """The server could not do what was asked for: a clip cannot be read, a run failed, …"""

    def __init__(self, text: str, data: Any = None) -> None:
        super().__init__(text)
        self.data = data


class Damaged(MerError):
    """A file that was downloaded does not have the hash that the server states."""


@dataclass(frozen=True)
class FieldError:
    """What is wrong with one part of a request: a JSON pointer into the body, or the name of a parameter."""

    pointer: str
    detail: str
    code: str = ""

    def __str__(self) -> str:
        return f"{self.pointer}: {self.detail}" if self.pointer else self.detail


class ApiError(MerError):
    """The server refused a request.

    Attributes
    ----------
    status
        The HTTP status.
    code
        What happened, for programs: ``"validation_failed"``, ``"wrong_scope"``, ….
    detail
        What happened, for people.
    errors
        What is wrong with each part of the request.
    request_id
        Name it when you report a problem to an administrator.
    data
        The whole answer, which can contain more, such as ``current``.
    """

    def __init__(self, status: int, data: dict[str, Any], request_id: str = "") -> None:
        self.status = status
        self.data = data
        self.code = str(data.get("code") or "")
        self.detail = str(data.get("detail") or f"The server answered {status}.")
        self.request_id = str(data.get("request_id") or request_id)
        self.errors = _field_errors(data)
        lines = [self.detail, *(str(error) for error in self.errors if error.detail not in self.detail)]
        lines += _problems(data)
        super().__init__("\n".join(lines))

    @classmethod
    def of(cls, answer: httpx.Response) -> ApiError:
        """Return the error that an answer states."""
        try:
            data = answer.json()
        except ValueError:
            data = None
        if not isinstance(data, dict):
            reason = answer.reason_phrase or "no reason"
            data = {"detail": f"The server answered {answer.status_code} ({reason})."}
        kind = BY_STATUS.get(answer.status_code, ServerError if answer.status_code >= 500 else ApiError)
        return kind(answer.status_code, data, answer.headers.get("X-Request-ID", ""))


class BadRequest(ApiError):
    """400: a part of the request is not as it must be; ``errors`` says which."""


class NotAuthenticated(ApiError):
    """401: the token is missing, unknown or has expired."""


class NotAllowed(ApiError):
    """403: your role in the project, or the scope of the token, does not include this."""


class NotFound(ApiError):
    """404: it does not exist in your projects."""


class Conflict(ApiError):
    """409 or 412: it was changed in the meantime, or exists already."""


class Gone(ApiError):
    """410: it existed, and was removed."""


class TooLarge(ApiError):
    """413: a file or a body is too large."""


class Throttled(ApiError):
    """429: too many requests, also after further attempts."""


class ServerError(ApiError):
    """5xx: an error of the server."""


BY_STATUS: dict[int, type[ApiError]] = {
    400: BadRequest,
    401: NotAuthenticated,
    403: NotAllowed,
    404: NotFound,
    409: Conflict,
    410: Gone,
    412: Conflict,
    413: TooLarge,
    429: Throttled,
}


def _problems(data: dict[str, Any]) -> list[str]:
    """Return what is wrong with the rows of a file, if the answer is about one."""
    found = data.get("problems")
    if not isinstance(found, list):
        return []
    errors = [one for one in found if isinstance(one, dict) and one.get("severity") == "error"]
    return [str(one["message"]) for one in errors if one.get("message")][:5]


def _field_errors(data: dict[str, Any]) -> list[FieldError]:
    found = data.get("errors")
    if not isinstance(found, list):
        return []
    return [
        FieldError(
            str(error.get("pointer") or (f"?{error['parameter']}" if error.get("parameter") else "")),
            str(error.get("detail", "")),
            str(error.get("code", "")),
        )
        for error in found
        if isinstance(error, dict)
    ]
