"""Conditional requests (RFC 9110, section 13): ETags, ``If-None-Match`` for reading and ``If-Match`` for changing.

The ETag of an answer is a hash of its content, so it is strong: two answers with the same tag are the same. A change with
``If-Match`` is compared with what ``GET`` of the same address, with the same parameters, would answer now. The comparison
and the change are one transaction, in which the row is locked, so that no change can come in between.
"""

import hashlib
import inspect
import re
from collections.abc import Callable
from typing import Any

from django.db import transaction
from django.http import HttpRequest, HttpResponseNotModified
from django.http.response import HttpResponseBase
from django.utils.http import parse_etags
from rest_framework import exceptions, status
from rest_framework.permissions import SAFE_METHODS
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from mer_platform.rest.errors import ApiError
from mer_platform.rest.schema.described import Described

RETRY_SECONDS = 2  # after which a client that does not wait looks at queued work again
_SHOWN_ONCE = {"secret", "password"}
INTEGER = {"type": "integer"}
MATCH_HELP = (
    "ETags of the state that the change is based on, or `*`. If the current one is not among them, the answer is 412 with "
    "the current state, and nothing is changed."
)
NONE_MATCH_HELP = "ETags that you have. If the current one is among them, the answer is 304, without a body."
_CODED = re.compile(r'-gzip"$')  # compressed answers have a tag of their own, see mer_platform/compression.py
_KEPT = ("ETag", "Cache-Control", "Vary", "Expires", "Content-Location", "Date", "Link", "Retry-After")


class PreconditionFailed(ApiError):
    """Error 412: ``If-Match`` or ``If-None-Match`` does not hold. ``current`` is what the address answers now."""

    status_code = status.HTTP_412_PRECONDITION_FAILED


class Describable(APIView):
    """The end of the chain of ``describe``: each mixin adds to the description of an operation, and calls the next."""

    def describe(self, described: Described) -> None:
        """Add nothing."""


class ConditionalMixin(Describable):
    """Part of ``ApiView``: each answer to ``GET`` has an ETag, and each change follows its preconditions."""

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Check access as always; then run a change in one transaction with the check of its preconditions."""
        super().initial(request, *args, **kwargs)
        name = str(request.method).lower()
        handler = getattr(self, name, None)
        if request.method not in SAFE_METHODS and handler is not None:
            setattr(self, name, self._guarded(handler))  # an instance serves one request

    @property
    def has_tag(self) -> bool:
        """Whether the address of the request is, or belongs to, one thing that ``GET`` shows."""
        return hasattr(self, "get")

    def _guarded(self, handler: Callable[..., Any]) -> Callable[..., Any]:
        def run(request: Request, *args: Any, **kwargs: Any) -> Any:
            conditions = [name for name in ("If-Match", "If-None-Match") if name in request.headers]
            if not conditions or not self.has_tag:
                return self.described(handler(request, *args, **kwargs))
            with transaction.atomic():
                self.lock()
                check_preconditions(request, self.current())
                return self.described(handler(request, *args, **kwargs))

        return run

    def described(self, response: Any) -> Any:
        """Add what an answer to a change says about the thing that it shows: its address, its ETag, when to look again.

        This happens before the answer is stored for an ``Idempotency-Key``, so that it can be given again.
        """
        if not isinstance(response, Response):
            return response
        made = response.status_code in (status.HTTP_201_CREATED, status.HTTP_202_ACCEPTED)
        data = response.data if isinstance(response.data, dict) else {}
        url = data.get("href") or data.get("url")  # of a webhook, ``url`` is the address that it sends to
        if made and url and not response.has_header("Location"):
            response["Location"] = url
        if response.status_code == status.HTTP_202_ACCEPTED and not response.has_header("Retry-After"):
            response["Retry-After"] = str(RETRY_SECONDS)
        if url and self.shows_itself(response) and not _SHOWN_ONCE & data.keys():
            response["Content-Location"] = url
            render(response, self)
            response["ETag"] = self.etag_of(response)
        return response

    def shows_itself(self, response: Response) -> bool:
        """Return whether the body of an answer to a change is what ``GET`` of its ``url`` answers."""
        return False

    def describe(self, described: Described) -> None:
        super().describe(described)
        if described.method == "GET" and any(
            "json" in str(answer) for answer in described.operation["responses"].values()
        ):
            described.add_parameter("If-None-Match", NONE_MATCH_HELP, "header")
            described.add_answer(304, "It is as the ETag says.")
            described.add_header("ETag", "Identifies this content.", ["200"])
        elif described.method != "GET" and self.is_tagged(described):
            described.add_parameter("If-Match", MATCH_HELP, "header")
            described.add_problem(412)
        made = [code for code in described.successes if code in ("201", "202")]
        described.add_header("Location", "Address of what was made or queued.", made)
        described.add_header(
            "Retry-After", "Seconds after which to look again.", [c for c in made if c == "202"], INTEGER
        )

    def is_tagged(self, described: Described) -> bool:
        """Return whether a described change has an ETag to be compared with."""
        return hasattr(self, "get")

    def lock(self) -> None:
        """Lock what the request changes until the end of the transaction. Raises the errors of access to it."""

    def current(self) -> Response:
        """Return what ``GET`` of this address would answer now."""
        return self.get(self.request, *self.args, **self.kwargs)  # type: ignore[attr-defined]

    def etag_of(self, response: Response) -> str:
        """Return the quoted ETag of a rendered answer."""
        return content_tag(response.content)

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        answer: HttpResponseBase = super().finalize_response(request, response, *args, **kwargs)
        if not answer.has_header("Cache-Control"):
            answer["Cache-Control"] = "private, no-cache"
        if isinstance(answer, Response) and request.method in ("GET", "HEAD") and answer.status_code == 200:
            answer.render()
            if not answer.has_header("ETag"):
                answer["ETag"] = self.etag_of(answer)
            return unchanged(request, answer) or answer
        return answer


class ConditionalRows(ConditionalMixin):
    """The same for a viewset: changes of a row, and actions on it, are compared with the row as ``retrieve`` shows it."""

    @property
    def has_tag(self) -> bool:
        wanted = getattr(self, "lookup_url_kwarg", None) or getattr(self, "lookup_field", "pk")
        return wanted in self.kwargs and hasattr(self, "retrieve")

    def is_tagged(self, described: Described) -> bool:
        return hasattr(self, "retrieve") and "{" in described.path

    def lock(self) -> None:
        row = self.get_object()  # type: ignore[attr-defined]
        type(row)._base_manager.select_for_update().filter(pk=row.pk).values_list("pk").first()

    def shows_itself(self, response: Response) -> bool:
        asked = "fields" in self.request.query_params  # then its ETag is that of another address
        return (
            self.action in ("create", "update", "partial_update") and hasattr(self, "retrieve") and not asked
        )

    def current(self) -> Response:
        action, self.action = self.action, "retrieve"  # type: ignore[has-type]
        try:
            known = inspect.signature(self.retrieve).parameters  # type: ignore[attr-defined]
            every = any(parameter.kind is parameter.VAR_KEYWORD for parameter in known.values())
            named = {name: value for name, value in self.kwargs.items() if every or name in known}
            return self.retrieve(self.request, **named)  # type: ignore[attr-defined]
        finally:
            self.action = action


def content_tag(content: bytes) -> str:
    """Return the strong, quoted ETag of this content.

    >>> content_tag(b"{}")
    '"44136fa355b3678a1146ad16f7e8649e"'
    """
    return f'"{hashlib.sha256(content).hexdigest()[:32]}"'


def plain_tag(tag: str) -> str:
    """Return the tag of the same content without compression.

    >>> plain_tag('"abc-gzip"')
    '"abc"'
    """
    return _CODED.sub('"', tag)


def asked_tags(request: HttpRequest | Request, header: str) -> list[str]:
    """Return the tags that a header names, or ``["*"]``. Raises ParseError if it has another form."""
    text = request.headers.get(header, "").strip()
    tags = parse_etags(text)
    if text and not tags:
        raise exceptions.ParseError(
            f'{header} must be * or ETags in double quotes, separated by commas, for example “"abc"”, not “{text[:80]}”.',
            "bad_request",
        )
    return tags


def unchanged(request: Request, response: Response) -> HttpResponseNotModified | None:
    """Return the answer 304 if the request names the ETag of the response in ``If-None-Match``, else None."""
    named = asked_tags(request, "If-None-Match")
    tag = response["ETag"]
    same = [other for other in named if other == "*" or plain_tag(other.removeprefix("W/")) == tag]
    if not same:
        return None
    headers = {name: response[name] for name in _KEPT if response.has_header(name)}
    if same[0] != "*":
        headers["ETag"] = same[0].removeprefix("W/")  # a cache looks its answer up by the tag that it sent
    return HttpResponseNotModified(headers=headers)


def check_preconditions(request: Request, current: Response) -> None:
    """Raise PreconditionFailed if a change is based on another state than the current one."""
    view: Any = request.parser_context["view"]
    render(current, view)
    tag = current["ETag"] if current.has_header("ETag") else view.etag_of(current)
    wanted, unwanted = (asked_tags(request, name) for name in ("If-Match", "If-None-Match"))
    exists = current.status_code == status.HTTP_200_OK
    # A weak tag never matches here (RFC 9110, section 13.1.1): it allows that the content differs.
    matches = exists and ("*" in wanted or tag in (plain_tag(other) for other in wanted))
    if wanted and not matches:
        raise PreconditionFailed(
            "This was changed in the meantime: If-Match does not name the ETag of its current state, which is in “current”. "
            "Apply your change to it and send it again with the new ETag.",
            current=current.data,
            etag=tag,
        )
    if unwanted and ("*" in unwanted or tag in (plain_tag(other.removeprefix("W/")) for other in unwanted)):
        raise PreconditionFailed(
            "If-None-Match names the current state, so nothing was changed.", current=current.data, etag=tag
        )


def render(response: Response, view: Any) -> None:
    """Render an answer as the view would send it."""
    if response.is_rendered:
        return
    response.accepted_renderer = view.request.accepted_renderer
    response.accepted_media_type = view.request.accepted_media_type
    response.renderer_context = view.get_renderer_context()  # type: ignore[attr-defined]
    response.render()
