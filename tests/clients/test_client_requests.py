"""How the client sends requests: further attempts, keys, errors, pages and waiting. The server is replaced."""

import asyncio
import email.utils
import time
from collections.abc import Callable

import httpx
import pytest

from mer_client import (
    ApiError,
    AsyncClient,
    BadRequest,
    Client,
    Conflict,
    ConnectionFailed,
    NotFound,
    ServerError,
    Throttled,
    TookTooLong,
)
from mer_client.api import retry_after

URL = "http://mer.test"
PROJECT = {"id": 1, "name": "Lab", "slug": "lab", "role": "owner"}


class Server:
    """Answers requests one after the other as it should, and keeps them."""

    def __init__(
        self, *answers: httpx.Response | Exception | Callable[[httpx.Request], httpx.Response]
    ) -> None:
        self.answers = list(answers)
        self.requests: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer(request) if callable(answer) else answer

    def client(self, **options) -> Client:
        return Client(URL, "mer_x", transport=httpx.MockTransport(self), **options)


def problem(status: int, **facts) -> httpx.Response:
    return httpx.Response(status, json={"status": status, **facts})


CREATED = httpx.Response(201, json=PROJECT)
BUSY = [
    problem(503, detail="Starting."),
    problem(429, detail="Slowly."),
    httpx.Response(502),
    httpx.Response(504),
]


@pytest.mark.parametrize("answer", BUSY, ids=lambda answer: answer.status_code)
def test_a_busy_server_is_asked_again_with_the_same_key(answer, pauses):
    server = Server(answer, httpx.ConnectError("refused"), CREATED)
    assert server.client().create_project("Lab").id == 1
    keys = {request.headers["Idempotency-Key"] for request in server.requests}
    assert (len(server.requests), len(keys), len(pauses)) == (3, 1, 2)


def test_two_calls_have_two_keys():
    server = Server(CREATED, CREATED)
    client = server.client()
    client.create_project("A")
    client.create_project("B")
    assert len({request.headers["Idempotency-Key"] for request in server.requests}) == 2


def test_it_waits_as_long_as_the_server_asks(pauses):
    server = Server(problem(429, detail="Slowly."), CREATED)
    server.answers[0].headers["Retry-After"] = "7"
    server.client().create_project("Lab")
    assert pauses == [7]


def test_it_does_not_wait_for_an_hour(pauses):
    answer = problem(429, detail="Slowly.", code="throttled")
    answer.headers["Retry-After"] = "3600"
    with pytest.raises(Throttled, match="Slowly"):
        Server(answer).client().create_project("Lab")
    assert pauses == []


def test_pauses_grow_and_are_bounded(pauses):
    server = Server(*[problem(503)] * 9)
    with pytest.raises(ServerError):
        server.client(retries=8).create_project("Lab")
    assert len(pauses) == 8
    assert pauses[0] <= 0.5
    assert 15 <= pauses[7] <= 30


def test_a_date_is_read_as_seconds():
    later = email.utils.formatdate(time.time() + 60, usegmt=True)
    assert 55 < retry_after(httpx.Response(503, headers={"Retry-After": later})) <= 60
    assert retry_after(httpx.Response(503, headers={"Retry-After": "soon"})) is None


def test_a_server_that_cannot_be_reached_is_an_error_in_words(pauses):
    server = Server(*[httpx.ConnectError("Connection refused")] * 3)
    with pytest.raises(ConnectionFailed, match=r"Cannot reach http://mer\.test: Connection refused"):
        server.client(retries=2).project(1)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 410, 412, 413, 500])
def test_what_cannot_succeed_is_not_sent_again(status, pauses):
    server = Server(problem(status, detail="No."))
    with pytest.raises(ApiError, match="No") as caught:
        server.client().create_project("Lab")
    assert (caught.value.status, pauses) == (status, [])


def test_a_request_that_is_still_running_is_asked_for_again(pauses):
    running = problem(409, code="idempotency_in_progress", detail="Not ended yet.")
    assert Server(running, CREATED).client().create_project("Lab").id == 1


def test_an_error_says_all_that_the_server_says():
    errors = [
        {"pointer": "/clips/3", "detail": "Clip 9 not found.", "code": "does_not_exist"},
        {"parameter": "page_size", "detail": "At most 1000."},
    ]
    answer = problem(
        400, detail="2 fields are wrong.", code="validation_failed", errors=errors, request_id="r1"
    )
    with pytest.raises(BadRequest) as caught:
        Server(answer).client().project(1)
    error = caught.value
    assert (error.code, error.request_id) == ("validation_failed", "r1")
    assert [one.pointer for one in error.errors] == ["/clips/3", "?page_size"]
    assert str(error) == "2 fields are wrong.\n/clips/3: Clip 9 not found.\n?page_size: At most 1000."


def test_a_conflict_carries_what_is_there_now():
    answer = problem(409, detail="Changed.", current={"revision": 4})
    with pytest.raises(Conflict) as caught:
        Server(answer).client().project(1)
    assert caught.value.data["current"] == {"revision": 4}


def test_an_answer_that_is_not_of_the_platform_is_an_error_too():
    with pytest.raises(NotFound, match=r"The server answered 404 \(Not Found\)"):
        Server(httpx.Response(404, text="<h1>nginx</h1>")).client().project(1)


def pages() -> Server:
    second = {"results": [{**PROJECT, "id": 2}], "next": None}
    first = {"results": [PROJECT], "next": f"{URL}/api/v1/projects/?page=2"}
    return Server(httpx.Response(200, json=first), httpx.Response(200, json=second))


def test_a_list_asks_for_the_next_page_when_it_is_needed():
    server = pages()
    found = server.client().projects()
    assert next(found).id == 1
    assert len(server.requests) == 1
    assert [project.id for project in found] == [2]
    assert server.requests[1].url.params["page"] == "2"


def test_the_token_never_goes_to_another_server():
    page = {"results": [PROJECT], "next": "http://elsewhere.test/api/v1/projects/?page=2"}
    server = Server(httpx.Response(200, json=page))
    with pytest.raises(ValueError, match=r"is not an address of http://mer\.test"):
        list(server.client().projects())
    assert len(server.requests) == 1


def test_redirects_are_not_followed():
    answer = httpx.Response(302, headers={"Location": "http://elsewhere.test/"})
    with pytest.raises(ApiError, match="302"):
        Server(answer).client().project(1)


def clip(state: str, etag: str) -> httpx.Response:
    return httpx.Response(200, json={"id": 7, "state": state, "problem": ""}, headers={"ETag": etag})


def test_waiting_asks_what_has_changed(pauses):
    server = Server(clip("processing", '"a"'), httpx.Response(304), clip("ready", '"b"'))
    assert server.client().wait_for_clip(7).state == "ready"
    assert [request.url.params["wait"] for request in server.requests] == ["30"] * 3
    assert [request.headers.get("If-None-Match") for request in server.requests] == [None, '"a"', '"a"']


def test_waiting_respects_a_server_with_too_many_waiting(pauses):
    busy = clip("processing", '"a"')
    busy.headers["Retry-After"] = "5"
    Server(busy, clip("ready", '"b"')).client().wait_for_clip(7)
    assert pauses == [5]


def test_waiting_ends(pauses):
    server = Server(clip("processing", '"a"'))
    with pytest.raises(TookTooLong, match="It continues on the server"):
        server.client().wait_for_clip(7, timeout=0)


def test_the_async_client_does_the_same(pauses):
    server = pages()
    server.answers.insert(0, problem(503))

    async def walk() -> list[int]:
        async with AsyncClient(URL, "mer_x", transport=httpx.MockTransport(server), first_pause=0) as client:
            return [project.id async for project in client.projects()]

    assert asyncio.run(walk()) == [1, 2]


def test_an_async_error_is_the_same():
    async def walk() -> None:
        transport = httpx.MockTransport(Server(problem(404, detail="Project not found.")))
        async with AsyncClient(URL, "mer_x", transport=transport) as client:
            await client.project(9)

    with pytest.raises(NotFound, match="Project not found"):
        asyncio.run(walk())


def test_both_clients_have_the_same_methods_and_each_says_what_it_does():
    names = [name for name in dir(Client) if not name.startswith("_") and name not in ("prediction_log",)]
    assert set(names) <= set(dir(AsyncClient))
    client = Server().client()
    for name in names:
        assert getattr(client, name).__doc__, f"{name} has no documentation"
