"""Long polling: ``?wait=30`` answers when the state or progress of something changes, when it ends, or after 30 seconds.

A request that waits occupies a thread of the web process. Therefore only some may wait at the same time in each process;
the others are answered at once, with ``Retry-After``. While it waits, a request has no connection to the database.
"""

import threading
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from typing import Any, ClassVar

from django.conf import settings
from django.db import connection
from rest_framework.request import Request
from rest_framework.response import Response

from mer_platform.rest.conditional import (
    INTEGER,
    ConditionalMixin,
    ConditionalRows,
    asked_tags,
    plain_tag,
    render,
)
from mer_platform.rest.schema.described import Described
from mer_platform.rest.stopping import STOPPING

MOST_SECONDS = 30
FIRST_POLL_SECONDS, POLL_SECONDS = (
    0.05,
    1.0,
)  # the pause between two looks grows, because short work ends soon
BUSY_SECONDS = 5  # after which a client may ask again if too many wait already
WAIT_HELP = (
    f"Seconds to wait, 0 to {MOST_SECONDS}: the answer comes as soon as state or progress differ from the ETag in "
    "`If-None-Match` (without one, from now), when the work has ended, or after these seconds. If too many requests wait "
    "already, it comes at once, with `Retry-After`."
)


class Places:
    """The requests of this process that may wait at the same time."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._taken = 0

    @contextmanager
    def one(self) -> Iterator[bool]:
        """Take a place for as long as the context lasts. Whether there was one is the context's value."""
        with self._lock:
            free = self._taken < settings.MOST_WAITING
            self._taken += free
        try:
            yield free
        finally:
            with self._lock:
                self._taken -= free


PLACES = Places()


class WaitingMixin(ConditionalMixin):
    """A view of something that works in the background: ``GET`` takes ``?wait=``."""

    waiting_actions: ClassVar[Collection[str]] = ("get",)

    def watched(self) -> Any:
        """Return what ``snapshot`` takes. Raises the errors of access to it."""

    def snapshot(self, row: Any) -> tuple[Any, bool]:
        """Return a value that differs once state or progress have changed, and whether the work has ended.

        It is called at least once per second, so it makes one or two small queries.
        """
        raise NotImplementedError

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        asked = request.method == "GET" and getattr(self, "action", "get") in self.waiting_actions
        if asked and "wait" in request.query_params:
            self.get = self._waiting(self.get)  # type: ignore[has-type]

    def describe(self, described: Described) -> None:
        super().describe(described)
        if described.method == "GET" and described.action in self.waiting_actions:
            schema = {"type": "integer", "minimum": 0, "maximum": MOST_SECONDS, "default": 0}
            described.add_parameter("wait", WAIT_HELP, schema=schema)
            described.add_header("Retry-After", "Seconds after which to ask again.", ["200"], INTEGER)

    def _waiting(self, handler: Callable[..., Response]) -> Callable[..., Response]:
        def run(request: Request, *args: Any, **kwargs: Any) -> Response:
            seconds = int(request.query_params["wait"])  # in its range, by the description
            row = self.watched()
            mark, ended = self.snapshot(row)
            tag, response = self._tagged(handler, request, *args, **kwargs)
            named = [plain_tag(name.removeprefix("W/")) for name in asked_tags(request, "If-None-Match")]
            if ended or not seconds or (named and tag not in named):
                return response
            with PLACES.one() as free:
                if not free:
                    response["Retry-After"] = str(BUSY_SECONDS)
                    return response
                return self._changed(
                    row, mark, tag, seconds, lambda: self._tagged(handler, request, *args, **kwargs)
                )

        return run

    def _changed(
        self, row: Any, mark: Any, tag: str, seconds: float, look: Callable[[], tuple[str, Response]]
    ) -> Response:
        """Return the answer once it has another tag or the work has ended, or the last one when time is up."""
        until = time.monotonic() + seconds
        pause = FIRST_POLL_SECONDS
        while (left := until - time.monotonic()) > 0:
            release_connection()
            if STOPPING.wait(min(pause, left)):
                break
            pause = min(1.5 * pause, POLL_SECONDS)
            now, ended = self.snapshot(row)
            if now != mark:
                mark = now
                new, response = look()
                if new != tag or ended:
                    return response
        return look()[1]

    def _tagged(
        self, handler: Callable[..., Response], request: Request, *args: Any, **kwargs: Any
    ) -> tuple[str, Response]:
        response = handler(request, *args, **kwargs)
        render(response, self)
        return self.etag_of(response), response


class WaitingRows(WaitingMixin, ConditionalRows):
    """A viewset whose rows have work in the background: ``retrieve`` takes ``?wait=``."""

    waiting_actions: ClassVar[Collection[str]] = ("retrieve",)

    def watched(self) -> Any:
        return self.get_object()  # type: ignore[attr-defined]


def release_connection() -> None:
    """Close the connection to the database, so that what waits takes none from what works."""
    if not connection.in_atomic_block:
        connection.close()
