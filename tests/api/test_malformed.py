"""No malformed request is answered with anything but an error that says what to change."""

import logging
import os
import re
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from django.test import Client

from mer_platform.annotation.models import Annotation
from mer_platform.settings import BASE_DIR
from mer_platform.uploads.models import Upload
from tests.api.access_lab import Lab
from tests.api.malformed import Malformed, hand_written, malformed_requests, row_ids, sample
from tests.api.problems import problem_of

pytestmark = [pytest.mark.django_db, pytest.mark.services]

SECONDS = 1.0  # for one request, of the processor and by the clock
SHORT = 1_000  # requests of the short campaign
# What Django, its REST framework, pydantic and Python say, and paths of the server. None of it may be in an answer.
FOREIGN = re.compile(
    r"This field|This list|Ensure |valid (?:integer|number|string|boolean|pk|choice)|Expected a |JSON parse error|"
    r"Input should|Value error|Extra inputs|Field required|value is not a valid|Traceback|Exception|object at 0x|NoneType|"
    r"<class|Select a valid|null characters|not allowed\.$|\b[Ii]nvalid\b|was not provided|DoesNotExist|matching query|"
    r"psycopg|sqlite|django|rest_framework|pydantic|object is not|\bdict\b|\bstr\b|\bint\b|/home/|/tmp/|/var/|"
    r"not one of the values to choose from|" + re.escape(f"{BASE_DIR}/")  # it names no values
)
STARTS = re.compile(r"[“A-Z]")


@pytest.fixture(autouse=True)
def _without_log() -> Iterator[None]:
    logging.disable(logging.CRITICAL)  # thousands of refusals
    yield
    logging.disable(logging.NOTSET)


@pytest.fixture
def lab(db) -> Lab:
    """A project with a row of each kind, which its owner may change."""
    made = Lab()
    owner = made.users["owner"]
    Annotation.objects.update(coder=owner)
    Upload.objects.update(created_by=owner)
    return made


@pytest.fixture
def ids(lab) -> dict[str, Any]:
    return row_ids(lab.rows)


@pytest.fixture
def caller(lab) -> Client:
    return lab.client("owner", is_api=True)


def send(client: Client, request: Malformed) -> tuple[Any, float, float]:
    """Send the request. Returns the answer, and the seconds that it took: of the processor, and by the clock."""
    path, _, query = request.path.partition("?")
    sent: dict[str, Any] = {"QUERY_STRING": query, **request.headers}
    clock, start = time.perf_counter(), time.thread_time()
    answer = client.generic(
        request.method.upper(), path, request.body or b"", content_type=request.content_type, **sent
    )
    return answer, time.thread_time() - start, time.perf_counter() - clock


def wrong_with(request: Malformed, answer: Any) -> str:
    """Return what is wrong with the answer to a malformed request; empty if nothing is."""
    if not 400 <= answer.status_code < 500:
        return f"status {answer.status_code}"
    try:
        body = problem_of(answer)
    except (AssertionError, ValueError) as error:
        return f"no problem details: {error}"
    texts = [body["detail"], *(error["detail"] for error in body["errors"])]
    if foreign := [text for text in texts if FOREIGN.search(text)]:
        return f"the words of a library: {foreign[0]}"
    unclear = [text for text in texts if len(text.split()) < 3 or not text.endswith((".", "…"))]
    if unclear := unclear or [text for text in texts[1:] if not STARTS.match(text)]:
        return f"no sentence: {unclear[0]}"
    places = {
        f"?{error['parameter']}" if "parameter" in error else error.get("pointer") for error in body["errors"]
    }
    if (
        body["status"] == 400
        and request.named
        and not any(str(place).startswith(request.named) for place in places)
    ):
        return f"{request.named} is not named: {body['detail'][:200]}"
    return ""


@dataclass
class Found:
    """What a campaign found: what is wrong, how many answers have each status, and the times of each request."""

    wrong: list[str] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)
    times: list[tuple[float, float, str]] = field(default_factory=list)

    def slowest(self) -> list[tuple[float, float, str]]:
        return sorted(self.times, reverse=True)[:10]


def campaign(client: Client, requests: Iterable[Malformed]) -> Found:
    """Send the requests. One that is slow is sent again, because other processes and first calls can delay it."""
    found = Found()
    for request in requests:
        answer, processor, clock = send(client, request)
        if clock > SECONDS:
            answer, processor, clock = send(client, request)
        found.statuses[answer.status_code] += 1
        name = f"{request.method.upper()} {request.path[:100]} ({request.what})"
        found.times.append((processor, clock, name))
        if problem := wrong_with(request, answer):
            found.wrong.append(f"{name}: {problem}")
        if processor > SECONDS:
            found.wrong.append(f"{name}: {processor:.1f} s of the processor")
    return found


def test_malformed_requests_are_refused_in_words(caller, ids):
    every = [*malformed_requests(ids), *hand_written(ids)]
    found = campaign(caller, sample(every, SHORT))
    assert not found.wrong, f"{len(found.wrong)}:\n" + "\n".join(found.wrong)
    assert sum(found.statuses.values()) >= SHORT


@pytest.mark.campaign
@pytest.mark.timeout(1800)
def test_every_malformed_request_is_refused_in_words_and_fast(caller, ids):
    every = [*malformed_requests(ids), *hand_written(ids)][:: int(os.environ.get("MER_EVERY", 1))]
    found = campaign(caller, every)
    print(f"\n{len(every):,} malformed requests: {dict(sorted(found.statuses.items()))}. The slowest:")
    for processor, clock, name in found.slowest():
        print(f"  {processor * 1000:7.1f} ms of the processor, {clock * 1000:7.1f} ms  {name}")
    assert not found.wrong, f"{len(found.wrong)} of {len(every)}:\n" + "\n".join(found.wrong)
    assert len(every) >= 1_000
    assert max(clock for _, clock, _ in found.times) < SECONDS


def test_a_sample_has_each_operation_and_each_rule(ids):
    every = [*malformed_requests(ids), *hand_written(ids)]
    some = sample(every, SHORT)
    assert {request.rule for request in some} == {request.rule for request in every}
    assert {request.operation for request in some} == {request.operation for request in every}


@pytest.mark.parametrize("method", ["options", "head"])
def test_options_and_head_are_answered_everywhere(caller, ids, method):
    for path in (
        "clips/",
        f"clips/{ids['clips']}/",
        "runs/",
        "runs/1/",
        "nothing/",
        "scoring-batches/",
        "runs/compare/",
    ):
        assert getattr(caller, method)(f"/api/v1/{path}").status_code < 500, path
