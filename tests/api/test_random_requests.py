"""Random requests to each operation are answered as the API's description says, and never with a 500."""

import pytest
from rest_framework.test import APIClient
from schemathesis.errors import InvalidSchema

from mer_platform.annotation.models import Annotation, Consensus
from mer_platform.composites.services import freeze
from tests.api import fuzzing
from tests.api.finished_runs import finished

pytestmark = pytest.mark.django_db
WORDS = ["disgust", "happiness", "surprise"]
CLASSES = ["negative", "positive", "surprise"]


@pytest.fixture
def ids(project, database, make_clip, alice):
    """Rows of each kind, by the first part of the addresses, and by the names of fields."""
    clips = [make_clip(f"clip{number}", f"s{number // 3}") for number in range(6)]
    for number, clip in enumerate(clips):
        Consensus.objects.create(
            clip=clip, onset=1, apex=5, offset=9, emotion=WORDS[number % 3], origin="adopted"
        )
    annotation = Annotation.objects.create(
        clip=clips[0], coder=alice, onset=1, apex=5, offset=9, emotion="disgust"
    )
    classes = {database.name: dict(zip(WORDS, CLASSES, strict=True))}
    version = freeze(project, "Six", [database], classes, alice)
    run = finished(version, [0, 1, 2, 0, 1, 1], alice, net={"name": "majority"})
    rows = {
        "projects": project, "databases": database, "clips": clips[0], "annotations": annotation,
        "composite-versions": version, "runs": run, "experiments": run.experiment, "subjects": clips[0].subject,
    }  # fmt: skip
    fields = {
        "project": project.pk, "database": database.pk, "databases": [database.pk], "clip": clips[0].pk,
        "clips": [clip.pk for clip in clips], "version": version.pk, "run": run.pk, "runs": [run.pk], "ids": [run.pk],
    }  # fmt: skip
    return {**{name: {"id": row.pk} for name, row in rows.items()}, "version": version.pk, "fields": fields}


@pytest.fixture
def caller(alice) -> APIClient:
    """A client that answers a crash of the platform as a browser would see it."""
    client = APIClient(raise_request_exception=False)
    client.force_authenticate(alice)
    return client


def run_all(caller: APIClient, ids: dict, examples: int, number: int) -> int:
    """Send random requests to all operations. Raises AssertionError with what is wrong at each."""
    sent, wrong = 0, {}
    for operation in fuzzing.operations():
        try:
            sent += fuzzing.fuzz(caller, operation, ids, examples, number)
        except InvalidSchema:
            raise
        except (AssertionError, Exception, BaseExceptionGroup) as error:
            wrong[operation.label] = str(error)[:1500]
    assert not wrong, "\n\n".join(f"{label}: {text}" for label, text in wrong.items())
    return sent


def test_a_few_random_requests_to_each_operation(caller, ids):
    assert run_all(caller, ids, examples=2, number=1) > 300


@pytest.mark.campaign
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("number", [2, 3])
def test_many_random_requests_to_each_operation(caller, ids, number):
    run_all(caller, ids, examples=60, number=number)
