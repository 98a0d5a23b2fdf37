"""The two clients. They have the same methods; those of ``AsyncClient`` are awaited."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, ExitStack
from typing import Any, Self, TypeVar

import httpx

import mer_client
from mer_client.api import Api, page, send
from mer_client.operations import clips as _clips
from mer_client.operations import coding as _coding
from mer_client.operations import files as _files
from mer_client.operations import models as _models
from mer_client.operations import projects as _projects
from mer_client.operations import runs as _runs
from mer_client.operations import scoring as _scoring
from mer_client.progressive import PredictionLog
from mer_client.settings import find_settings
from mer_client.steps import Pages, Pause, Request, Step, Steps, listing, operation

T = TypeVar("T")


def _request(api: Api, /, method: str, path: str, **parts: Any) -> Steps[httpx.Response]:
    """Send any request, with further attempts, and return the answer. ``path`` is below ``/api/v1/``."""
    return (yield from send(api, Request(method, path, **parts)))


class _Operations:
    """What both clients can do."""

    api: Api

    projects = listing(_projects.projects)
    project = operation(_projects.project)
    create_project = operation(_projects.create_project)
    databases = listing(_projects.databases)
    create_database = operation(_projects.create_database)
    clips = listing(_clips.clips)
    clip = operation(_clips.clip)
    upload = operation(_clips.upload)
    wait_for_clip = operation(_clips.wait_for_clip)
    import_database = operation(_clips.import_database)
    annotations = listing(_coding.annotations)
    annotate = operation(_coding.annotate)
    change_annotation = operation(_coding.change_annotation)
    annotate_bulk = operation(_coding.annotate_bulk)
    export_annotations = operation(_coding.export_annotations)
    import_annotations = operation(_coding.import_annotations)
    versions = listing(_runs.versions)
    compose = operation(_runs.compose)
    runs = listing(_runs.runs)
    run = operation(_runs.run)
    train = operation(_runs.train)
    launch = operation(_runs.launch)
    wait_for_run = operation(_runs.wait_for_run)
    wait_for_experiment = operation(_runs.wait_for_experiment)
    comparison = operation(_runs.comparison)
    compare = operation(_runs.compare)
    predictions = operation(_runs.predictions)
    log_predictions = operation(_runs.log_predictions)
    download_features = operation(_runs.download_features)
    models = listing(_models.models)
    model = operation(_models.model)
    promote = operation(_models.promote)
    get_model = operation(_models.get_model)
    import_model = operation(_models.import_model)
    start_batch = operation(_scoring.start_batch)
    wait_for_batch = operation(_scoring.wait_for_batch)
    scores = listing(_scoring.scores)
    score = operation(_scoring.score)
    download_results = operation(_scoring.download_results)
    download = operation(_files.download)

    request = operation(_request)


def _options(api: Api) -> dict[str, Any]:
    headers = {
        "Authorization": f"Bearer {api.settings.token}",
        "Accept": "application/json, */*;q=0.5",
        "User-Agent": f"mer-client/{mer_client.__version__}",
    }
    return {"headers": headers, "timeout": httpx.Timeout(60, connect=10)}


def _parts(request: Request) -> dict[str, Any]:
    parts: dict[str, Any] = {"headers": request.headers}
    for name in ("params", "json", "data", "files", "content", "timeout"):
        if (value := getattr(request, name)) is not None:
            parts[name] = httpx.QueryParams(value) if name == "params" else value
    return parts


class Client(_Operations):
    """A client that returns when the work is done.

    Parameters
    ----------
    url, token
        The server's address and an API token. Default: ``MER_URL`` and ``MER_TOKEN``, or what ``mer login`` stored.
    retries
        Further attempts if the server is busy or cannot be reached.
    first_pause
        Seconds before the second attempt; each further pause is twice as long, up to 30 s.
    transport
        Another transport of httpx, for example with a proxy.

    Examples
    --------
    >>> with Client() as mer:  # doctest: +SKIP
    ...     mer.score(["a.mp4", "b.mp4"])
    """

    def __init__(
        self,
        url: str | None = None,
        token: str | None = None,
        *,
        retries: int = 5,
        first_pause: float = 0.5,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self.api = Api(find_settings(url, token), retries, first_pause)
        self._http = httpx.Client(**_options(self.api), transport=transport)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *raised: object) -> None:
        self.close()

    def close(self) -> None:
        """End the connections to the server."""
        self._http.close()

    def prediction_log(self, *args: Any, **kwargs: Any) -> PredictionLog:
        """Return a log that collects predictions fold by fold; see ``PredictionLog``."""
        return PredictionLog(self, *args, **kwargs)

    def _rows(self, pages: Steps[Pages[T]]) -> Iterator[T]:
        found = self._run(pages)
        request: Request | None = found.first
        while request is not None:
            rows, request = self._run(page(self.api, request))
            yield from map(found.read, rows)

    def _run(self, steps: Steps[T]) -> T:
        answer: Any = None
        with ExitStack() as stack:
            stack.callback(steps.close)
            while True:
                try:
                    step = steps.send(answer)
                except StopIteration as end:
                    return end.value  # type: ignore[no-any-return]
                answer = self._perform(step)

    def _perform(self, step: Step) -> httpx.Response | httpx.TransportError | None:
        if isinstance(step, Pause):
            time.sleep(step.seconds)
            return None
        try:
            if step.to is None:
                return self._http.request(step.method, step.path, **_parts(step))
            with self._http.stream(step.method, step.path, **_parts(step)) as answer:
                if not answer.is_success:
                    answer.read()
                    return answer
                with step.to.open("wb") as file:
                    for piece in answer.iter_bytes():
                        file.write(piece)
                return answer
        except httpx.TransportError as error:
            return error


class AsyncClient(_Operations):
    """A client for ``asyncio``. Its parameters are those of ``Client``.

    Lists are iterated with ``async for``; everything else is awaited.
    """

    def __init__(
        self,
        url: str | None = None,
        token: str | None = None,
        *,
        retries: int = 5,
        first_pause: float = 0.5,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self.api = Api(find_settings(url, token), retries, first_pause)
        self._http = httpx.AsyncClient(**_options(self.api), transport=transport)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *raised: object) -> None:
        await self.close()

    async def close(self) -> None:
        """End the connections to the server."""
        await self._http.aclose()

    async def _rows(self, pages: Steps[Pages[T]]) -> AsyncIterator[T]:
        found = await self._run(pages)
        request: Request | None = found.first
        while request is not None:
            rows, request = await self._run(page(self.api, request))
            for row in rows:
                yield found.read(row)

    async def _run(self, steps: Steps[T]) -> T:
        answer: Any = None
        async with AsyncExitStack() as stack:
            stack.callback(steps.close)
            while True:
                try:
                    step = steps.send(answer)
                except StopIteration as end:
                    return end.value  # type: ignore[no-any-return]
                answer = await self._perform(step)

    async def _perform(self, step: Step) -> httpx.Response | httpx.TransportError | None:
        if isinstance(step, Pause):
            await asyncio.sleep(step.seconds)
            return None
        try:
            if step.to is None:
                return await self._http.request(step.method, step.path, **_parts(step))
            async with self._http.stream(step.method, step.path, **_parts(step)) as answer:
                if not answer.is_success:
                    await answer.aread()
                    return answer
                with step.to.open("wb") as file:
                    async for piece in answer.aiter_bytes():
                        file.write(piece)
                return answer
        except httpx.TransportError as error:
            return error
