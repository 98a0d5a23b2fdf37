"""No malformed request is answered with anything but an error that says what to change."""

import os
import re
import time
from collections import Counter
from collections.abc import Iterable
from typing import Any

import pytest
from django.test import Client
from rest_framework.test import APIClient

from mer_platform.annotation.models import Annotation
from tests.api.malformed import Malformed, hand_written, malformed_requests
from tests.api.problems import problem_of

pytestmark = [pytest.mark.django_db, pytest.mark.services]

SECONDS = 1.0  # of the processor, for one request
SHORT = 170  # requests of the short campaign
# What Django, its REST framework, pydantic and Python say. None of it may be in an answer.
FOREIGN = re.compile(
    r"This field|Ensure this|valid (?:integer|number|string|boolean|pk)|Expected a |JSON parse error|Input should|"
    r"value is not a valid|Traceback|Exception|object at 0x|NoneType|<class|Select a valid|null characters|not allowed\.$|"
    r"[I]nvalid (?:page|cursor|data|value)|was not provided|DoesNotExist|matching query|psycopg|sqlite|django|rest_framework"
)


@pytest.fixture
def ids(project, clip, database, alice) -> dict[str, int]:
    annotation = Annotation.objects.create(clip=clip, coder=alice, onset=1)
    return {
        "projects": project.pk, "clips": clip.pk, "databases": database.pk, "annotations": annotation.pk,
        "subjects": clip.subject_id,
    }  # fmt: skip


@pytest.fixture
def caller(alice) -> APIClient:
    client = APIClient(raise_request_exception=False)
    client.force_authenticate(alice)
    return client


def send(client: Client, request: Malformed) -> tuple[Any, float]:
    """Send the request. Returns the answer, and the processor's seconds that it took."""
    start = time.thread_time()
    path, _, query = request.path.partition("?")
    sent: dict[str, Any] = {"QUERY_STRING": query, **request.headers}
    answer = client.generic(
        request.method.upper(), path, request.body or b"", content_type=request.content_type, **sent
    )
    return answer, time.thread_time() - start


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
    if short := [text for text in texts if len(text) < 12 or " " not in text]:
        return f"no sentence: {short[0]}"
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


def campaign(
    client: Client, requests: Iterable[Malformed]
) -> tuple[list[str], Counter[int], list[tuple[float, str]]]:
    """Send the requests. Returns what is wrong, how many have each status, and the slowest ten."""
    found, statuses, times = [], Counter[int](), []
    for request in requests:
        answer, seconds = send(client, request)
        statuses[answer.status_code] += 1
        name = f"{request.method.upper()} {request.path[:100]} ({request.what})"
        times.append((seconds, name))
        if problem := wrong_with(request, answer):
            found.append(f"{name}: {problem}")
    return found, statuses, sorted(times, reverse=True)[:10]


def test_malformed_requests_are_refused_in_words(caller, ids):
    every = [*malformed_requests(ids), *hand_written(ids)]
    found, statuses, _ = campaign(caller, every[:: len(every) // SHORT])
    assert not found, "\n".join(found)
    assert sum(statuses.values()) >= SHORT


@pytest.mark.campaign
@pytest.mark.timeout(1800)
def test_every_malformed_request_is_refused_in_words_and_fast(caller, ids):
    every = [*malformed_requests(ids), *hand_written(ids)][:: int(os.environ.get("MER_EVERY", 1))]
    found, statuses, slowest = campaign(caller, every)
    print(f"\n{len(every):,} malformed requests: {dict(sorted(statuses.items()))}. The slowest:")
    for seconds, name in slowest:
        print(f"  {seconds * 1000:7.1f} ms  {name}")
    assert not found, f"{len(found)} of {len(every)}:\n" + "\n".join(found[:400])
    assert len(every) >= 1_000
    assert slowest[0][0] < SECONDS, slowest


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
