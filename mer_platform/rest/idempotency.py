"""``Idempotency-Key``: a POST that is sent again does its work once.

The first request with a key claims it, in a transaction of its own. What the request then does, and its answer, are
committed in one transaction that fails if the claim has passed to another attempt. So a process that is killed at any
point leaves both or neither, and two attempts that run at the same time cannot both succeed.

Only successful answers are kept. An error rolls back what its request did and frees the key: the same request, or a
corrected one, may use it again.
"""

import hashlib
import json
import re
import time
import uuid
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any

from django.db import IntegrityError, transaction
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.utils import timezone
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from mer_platform.processes import is_alive, owner_name
from mer_platform.rest.conditional import Describable
from mer_platform.rest.errors import Conflict
from mer_platform.rest.models import KEPT_HOURS, KeyedRequest
from mer_platform.rest.schema.described import Described

HEADER = "Idempotency-Key"
REPLAYED = "Idempotent-Replayed"
DESCRIPTION = (
    "Makes it safe to send this request again: with the same key, the work is done once. 1 to 255 printable ASCII "
    f"characters without spaces, for example a UUID. For {KEPT_HOURS} hours, the same request with the same key gets the "
    f"stored answer, with the header `{REPLAYED}: true`. Another request with that key gets 409."
)
KEY = re.compile(r"[!-~]{1,255}")
CLAIM_SECONDS = 120.0  # longer than a request may take; on the same host, an ended process is noticed at once
WAIT_SECONDS = 5.0  # a repeated request waits for the end of the first one: the web has few threads
POLL_SECONDS = 0.05
SAYING_HEADERS = ("Upload-Length", "Upload-Metadata")  # what a POST without a body says


class IdempotentPosts(Describable):
    """A view that handles each POST with an ``Idempotency-Key`` once.

    ``idempotent_posts = False`` ignores the key: for a POST that changes nothing.
    """

    idempotent_posts = True

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        name = str(request.method).lower()
        handler = getattr(self, name, None)
        if name == "post" and handler and self.idempotent_posts and HEADER in request.headers:
            # The user is known and may use this view. An instance serves one request, so that this is for this one only.
            setattr(self, name, partial(_handle_once, self, handler))

    def describe(self, described: Described) -> None:
        """Declare the header in the description of each POST."""
        super().describe(described)
        if described.method == "POST" and self.idempotent_posts:
            schema = {"type": "string", "minLength": 1, "maxLength": 255, "pattern": f"^{KEY.pattern}$"}
            described.add_parameter(HEADER, DESCRIPTION, "header", schema)
            described.add_header(REPLAYED, "“true” if this answer was stored for an earlier request.")
            described.add_problem(409)


def _handle_once(
    view: APIView, handler: Callable[..., HttpResponseBase], request: Request, *args: Any, **kwargs: Any
) -> HttpResponseBase:
    key = request.headers[HEADER]
    if not KEY.fullmatch(key):
        raise serializers.ValidationError(
            {HEADER: ["The key must have 1 to 255 printable ASCII characters, without spaces."]}
        )
    attempt = _claim(request, key)
    if attempt.status is not None:
        return HttpResponse(
            bytes(attempt.body), status=attempt.status, headers={**attempt.headers, REPLAYED: "true"}
        )
    kept = False
    try:
        with transaction.atomic():
            response = handler(request, *args, **kwargs)
            if response.status_code >= 400:
                transaction.set_rollback(True)
            elif not response.streaming:
                _keep(attempt, view, request, response)
                kept = True
    except BaseException:
        _release(attempt)
        raise
    if not kept:
        _release(attempt)
    return response


def _claim(request: Request, key: str) -> KeyedRequest:
    """Return the row of the key: claimed by this attempt, or with the answer to give again.

    Raises Conflict if the key belongs to another request, or if an earlier attempt has not ended after a short wait.
    """
    address = f"{request.method} {request.get_full_path()}"
    fingerprint = _fingerprint(request, address)
    mine: dict[str, Any] = {"claim": uuid.uuid4().hex, "process": owner_name()}
    whose = {"user_id": request.user.pk, "token": getattr(request.auth, "pk", None) or 0, "key": key}
    until = time.monotonic() + WAIT_SECONDS
    while True:
        mine["claimed_until"] = timezone.now() + timedelta(seconds=CLAIM_SECONDS)
        try:
            row, created = KeyedRequest.objects.get_or_create(
                **whose, defaults={"address": address, "fingerprint": fingerprint, **mine}
            )
        except IntegrityError:  # it was stored and removed again between two looks
            continue
        if created:
            return row
        if row.created_at < timezone.now() - timedelta(hours=KEPT_HOURS):
            KeyedRequest.objects.filter(pk=row.pk, claim=row.claim).delete()
            continue
        if row.fingerprint != fingerprint:
            raise Conflict(
                f"The key was used for another request: {row.address}, {_ago(row)}. Use a new key for a new request.",
                code="idempotency_key_reused",
            )
        if row.status is not None:
            return row
        if _is_abandoned(row):
            taken = KeyedRequest.objects.filter(pk=row.pk, claim=row.claim, status=None).update(**mine)
            if taken:
                row.claim = mine["claim"]
                return row
            continue
        if time.monotonic() > until:
            raise _in_progress()
        time.sleep(POLL_SECONDS)


def _release(attempt: KeyedRequest) -> None:
    KeyedRequest.objects.filter(pk=attempt.pk, claim=attempt.claim).delete()


def _ago(row: KeyedRequest) -> str:
    minutes = int((timezone.now() - row.created_at).total_seconds() // 60)
    return "less than a minute ago" if minutes < 1 else f"{minutes} min ago"


def _in_progress() -> Conflict:
    error = Conflict(
        "The first request with this key has not ended yet. Send it again in a few seconds, with the same key.",
        code="idempotency_in_progress",
    )
    error.wait = 2  # type: ignore[attr-defined]  # seconds: DRF makes it the header Retry-After
    return error


def _is_abandoned(row: KeyedRequest) -> bool:
    """Return whether the attempt that claimed the key has ended without an answer."""
    return row.claimed_until < timezone.now() or not is_alive(row.process)


def _keep(attempt: KeyedRequest, view: APIView, request: Request, response: HttpResponseBase) -> None:
    """Store the answer, in the transaction of the work. Raises Conflict if the claim has passed to another attempt."""
    headers = dict(response.items())
    if isinstance(response, Response):
        renderer = request.accepted_renderer
        context = {**view.get_renderer_context(), "response": response}
        body = b"" if response.data is None else renderer.render(response.data, None, context)
        charset = f"; charset={renderer.charset}" if renderer.charset else ""
        headers["Content-Type"] = response.content_type or f"{renderer.media_type}{charset}"
    else:
        body = getattr(response, "content", b"")
    kept = KeyedRequest.objects.filter(pk=attempt.pk, claim=attempt.claim, status=None).update(
        status=response.status_code, headers=headers, body=body
    )
    if not kept:
        raise _in_progress()


def _fingerprint(request: Request, address: str) -> str:
    """Return the SHA-256 of what a request says. Two multipart bodies with the same fields and files are equal."""
    digest = hashlib.sha256(address.encode())
    digest.update("\n".join(request.headers.get(name, "") for name in SAYING_HEADERS).encode())
    content_type = (request.content_type or "").partition(";")[0].strip().lower()
    digest.update(f"\n{content_type}\n".encode())
    if content_type != "multipart/form-data":
        digest.update(request.body)
        return digest.hexdigest()
    _ = request.data  # parses the body; files larger than a few megabytes are on the disk
    fields = sorted((name, request.POST.getlist(name)) for name in request.POST)
    files = [
        (name, file.name, file.size, _sha256(file))
        for name in sorted(request.FILES)
        for file in request.FILES.getlist(name)
    ]
    digest.update(json.dumps([fields, files]).encode())
    return digest.hexdigest()


def _sha256(file: Any) -> str:
    digest = hashlib.sha256()
    for chunk in file.chunks():
        digest.update(chunk)
    file.seek(0)
    return digest.hexdigest()
