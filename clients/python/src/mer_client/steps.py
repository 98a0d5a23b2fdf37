"""Operations without I/O, so that the sync and the async client share all code.

An operation is a generator. It yields what has to be done next (a request, a pause) and gets the answer back. What performs
the steps is the only code that exists twice: ``Client`` does it at once, ``AsyncClient`` awaits.
"""

from __future__ import annotations

import functools
from collections.abc import AsyncIterator, Callable, Coroutine, Generator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Concatenate, Generic, ParamSpec, TypeVar, overload

import httpx

if TYPE_CHECKING:
    from mer_client.api import Api
    from mer_client.client import AsyncClient, Client

P = ParamSpec("P")
T = TypeVar("T")


@dataclass(frozen=True)
class Request:
    """An HTTP request. ``path`` is below ``/api/v1/``, or a whole address of the same server."""

    method: str
    path: str
    params: dict[str, Any] | list[tuple[str, Any]] | None = None
    json: Any = None
    data: dict[str, Any] | None = None
    files: dict[str, tuple[str, bytes]] | None = None
    content: bytes | None = None
    headers: dict[str, str] = field(default_factory=dict)
    timeout: float | None = None
    to: Path | None = None  # the file that takes the body of a successful answer


@dataclass(frozen=True)
class Pause:
    seconds: float


Step = Request | Pause
# A request is answered by its response, or by the error of the connection; a pause by None.
Answer = httpx.Response | httpx.TransportError | None
Steps = Generator[Step, Any, T]


class operation(Generic[P, T]):  # noqa: N801 (used as a decorator)
    """A method of both clients, made of an operation. With ``AsyncClient``, it is awaited."""

    def __init__(self, steps: Callable[Concatenate[Api, P], Steps[T]]) -> None:
        self.steps = steps
        functools.update_wrapper(self, steps)  # type: ignore[arg-type]

    @overload
    def __get__(self, client: Client, owner: Any = None) -> Callable[P, T]: ...
    @overload
    def __get__(self, client: AsyncClient, owner: Any = None) -> Callable[P, Coroutine[Any, Any, T]]: ...
    @overload
    def __get__(self, client: None, owner: Any = None) -> operation[P, T]: ...
    def __get__(self, client: Any, owner: Any = None) -> Any:
        if client is None:
            return self

        @functools.wraps(self.steps)
        def bound(*args: P.args, **kwargs: P.kwargs) -> Any:
            return client._run(self.steps(client.api, *args, **kwargs))

        return bound


@dataclass(frozen=True)
class Pages(Generic[T]):
    """Rows of a list, which the server answers in pages."""

    first: Request
    read: Callable[[Any], T]


class listing(Generic[P, T]):  # noqa: N801 (used as a decorator)
    """A method of both clients that yields rows, and asks for the next page when it is needed."""

    def __init__(self, pages: Callable[Concatenate[Api, P], Steps[Pages[T]]]) -> None:
        self.pages = pages
        functools.update_wrapper(self, pages)  # type: ignore[arg-type]

    @overload
    def __get__(self, client: Client, owner: Any = None) -> Callable[P, Iterator[T]]: ...
    @overload
    def __get__(self, client: AsyncClient, owner: Any = None) -> Callable[P, AsyncIterator[T]]: ...
    @overload
    def __get__(self, client: None, owner: Any = None) -> listing[P, T]: ...
    def __get__(self, client: Any, owner: Any = None) -> Any:
        if client is None:
            return self

        @functools.wraps(self.pages)
        def bound(*args: P.args, **kwargs: P.kwargs) -> Any:
            return client._rows(self.pages(client.api, *args, **kwargs))

        return bound
