"""A client of a server in this process, whose connections can break."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

import mer_client
from mer_platform.projects.models import ApiToken
from tests.pipeline.conftest import work  # noqa: F401
from tests.platform_fixtures import *  # noqa: F403

Breaking = Callable[[httpx.Request, int], str]


class BadLine(httpx.HTTPTransport):
    """A connection that breaks. ``breaks`` gets each request and its number, and says when: "before", "after" or never."""

    def __init__(self, breaks: Breaking) -> None:
        super().__init__()
        self.breaks = breaks
        self.sent: list[httpx.Request] = []

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self.sent.append(request)
        when = self.breaks(request, len(self.sent))
        if when == "before":
            raise httpx.ConnectError("the line is cut", request=request)
        answer = super().handle_request(request)
        if when == "after":
            answer.read()
            raise httpx.ReadError("the line is cut", request=request)
        return answer

    def bytes_sent(self) -> int:
        """Return the bytes of all parts of files."""
        return sum(len(request.content) for request in self.sent if request.method == "PATCH")


@pytest.fixture(autouse=True)
def own_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests neither see nor change what the person who runs them has stored."""
    monkeypatch.setenv("MER_CONFIG", str(tmp_path / "config" / "config.json"))
    monkeypatch.setenv("MER_STATE_DIR", str(tmp_path / "state"))
    for name in ("MER_URL", "MER_TOKEN"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The pauses of the client, which are not made."""
    made: list[float] = []
    monkeypatch.setattr("mer_client.client.time.sleep", made.append)
    return made


@pytest.fixture
def token(alice) -> str:
    return ApiToken.make(alice, "script")[1]


@pytest.fixture
def connect(live_server, token, project) -> Iterator[Callable[..., mer_client.Client]]:
    """Make clients of the server; ``breaks`` says when their line breaks."""
    made: list[mer_client.Client] = []

    def make(breaks: Breaking | None = None, **options: Any) -> mer_client.Client:
        transport = BadLine(breaks or (lambda request, number: ""))
        client = mer_client.Client(live_server.url, token, transport=transport, first_pause=0, **options)
        client.line = transport  # type: ignore[attr-defined]
        made.append(client)
        return client

    yield make
    for client in made:
        client.close()


@pytest.fixture
def mer(connect) -> mer_client.Client:
    return connect()
