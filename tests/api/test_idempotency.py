"""`Idempotency-Key`: a POST that is sent again does its work once, also if the first one was cut off."""

import uuid
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone
from rest_framework.test import APIClient

from mer_platform.clips.models import Clip
from mer_platform.processes import owner_name
from mer_platform.projects import api as projects_api
from mer_platform.projects.models import ApiToken, AuditEvent, Project
from mer_platform.rest import idempotency
from mer_platform.rest.models import KeyedRequest, forget_old_answers

pytestmark = [pytest.mark.django_db, pytest.mark.services]
PROJECTS = "/api/v1/projects/"


def post(client: APIClient, body: dict, key: str = "k1", url: str = PROJECTS, **options):
    return client.post(url, body, headers={"Idempotency-Key": key}, **options)


def test_the_same_request_gets_the_same_answer_and_makes_one_row(api):
    first, second = (post(api, {"name": "Lab"}) for _ in range(2))
    assert first.status_code == second.status_code == 201
    assert first.content == second.content
    assert first["Content-Type"] == second["Content-Type"]
    assert "Idempotent-Replayed" not in first
    assert second["Idempotent-Replayed"] == "true"
    assert Project.objects.count() == 1


def test_another_body_with_the_same_key_is_refused(api):
    post(api, {"name": "Lab"})
    refused = post(api, {"name": "Other lab"})
    assert refused.status_code == 409
    assert refused.json()["code"] == "idempotency_key_reused"
    assert "POST /api/v1/projects/" in refused.json()["detail"]
    assert Project.objects.count() == 1


def test_another_address_with_the_same_key_is_refused(api):
    post(api, {"name": "Lab"})
    assert post(api, {"name": "Lab"}, url="/api/v1/databases/").json()["code"] == "idempotency_key_reused"


def test_other_keys_users_and_tokens_do_not_share_answers(api, alice, bobs_api):
    _, secret = ApiToken.make(alice, "script")
    token = APIClient(headers={"Authorization": f"Bearer {secret}"})
    ids = {
        post(client, {"name": "Lab"}, key).json()["id"]
        for client, key in ((api, "k1"), (api, "k2"), (bobs_api, "k1"))
    }
    # The test client's header of the token would replace the key, so that both are given.
    both = {"Authorization": f"Bearer {secret}", "Idempotency-Key": "k1"}
    ids.add(token.post(PROJECTS, {"name": "Lab"}, headers=both).json()["id"])
    assert len(ids) == 4


def test_without_a_key_each_request_makes_a_row(api):
    for _ in range(2):
        assert api.post(PROJECTS, {"name": "Lab"}).status_code == 201
    assert Project.objects.count() == 2
    assert not KeyedRequest.objects.exists()


@pytest.mark.parametrize("key", ["", " ", "a b", "x" * 256, "Schlüssel", "a\tb"])
def test_a_key_is_printable_ascii_of_at_most_255_characters(api, key):
    refused = post(api, {"name": "Lab"}, key)
    assert refused.status_code == 400
    assert "1 to 255 printable ASCII" in refused.content.decode()
    assert not Project.objects.exists()


def test_the_longest_key_works(api):
    assert post(api, {"name": "Lab"}, "~" * 255).status_code == 201


def test_an_error_frees_the_key_for_a_corrected_request(api):
    assert post(api, {"name": ""}).status_code == 400
    assert post(api, {"name": "Lab"}).status_code == 201
    assert "Idempotent-Replayed" in post(api, {"name": "Lab"})


def test_an_error_in_the_middle_of_the_work_leaves_nothing(api, monkeypatch):
    def fail(*args, **options):
        raise ValueError("the machine is on fire")

    with monkeypatch.context() as patch:
        patch.setattr(AuditEvent, "record", fail)
        api.raise_request_exception = False
        assert post(api, {"name": "Lab"}).status_code == 500
    assert not Project.objects.exists()
    assert not KeyedRequest.objects.exists()
    assert post(api, {"name": "Lab"}).status_code == 201


def test_a_request_that_lost_its_claim_leaves_nothing(api, monkeypatch):
    """Its process was slow, and a second attempt took the key over: only one of them may do the work."""
    create = projects_api.create_project

    def slow(*args):
        KeyedRequest.objects.update(claim="the second attempt")
        return create(*args)

    monkeypatch.setattr(projects_api, "create_project", slow)
    lost = post(api, {"name": "Lab"})
    assert (lost.status_code, lost.json()["code"]) == (409, "idempotency_in_progress")
    assert not Project.objects.exists()


def claimed(alice: User, api: APIClient, process: str, seconds: float) -> None:
    """Leave the key as a process does that has started to handle the request and has not ended."""
    post(api, {"name": "Lab"})
    Project.objects.all().delete()
    until = timezone.now() + timedelta(seconds=seconds)
    KeyedRequest.objects.update(status=None, body=b"", headers={}, process=process, claimed_until=until)


def test_a_request_that_runs_elsewhere_is_waited_for_and_then_refused(api, alice, monkeypatch):
    claimed(alice, api, owner_name(), 60)
    monkeypatch.setattr(idempotency, "WAIT_SECONDS", 0.1)
    refused = post(api, {"name": "Lab"})
    assert (refused.status_code, refused.json()["code"]) == (409, "idempotency_in_progress")
    assert int(refused["Retry-After"]) >= 1
    assert not Project.objects.exists()


def test_a_waiting_request_gets_the_answer_of_the_first(api, alice, monkeypatch):
    claimed(alice, api, owner_name(), 60)

    def ends(seconds: float) -> None:
        KeyedRequest.objects.update(
            status=201, headers={"Content-Type": "application/json"}, body=b'{"id":7}'
        )

    monkeypatch.setattr(idempotency.time, "sleep", ends)
    answer = post(api, {"name": "Lab"})
    assert (answer.status_code, answer.json()) == (201, {"id": 7})
    assert answer["Idempotent-Replayed"] == "true"


@pytest.mark.parametrize(
    ("process", "seconds"),
    [("another-host:1", -1), (f"{owner_name().rpartition(':')[0]}:{2**22 + 1}", 60)],
    ids=["elsewhere", "here"],
)
def test_the_key_of_a_dead_process_can_be_used_again(api, alice, process, seconds):
    """Its claim has expired, or it ran on this host and is gone. Process numbers end at 2²²."""
    claimed(alice, api, process, seconds)
    assert post(api, {"name": "Lab"}).status_code == 201
    assert Project.objects.count() == 1
    assert "Idempotent-Replayed" in post(api, {"name": "Lab"})


def test_answers_are_kept_for_a_day(api):
    post(api, {"name": "Lab"})
    assert forget_old_answers() == 0
    KeyedRequest.objects.update(created_at=timezone.now() - timedelta(hours=25))
    assert post(api, {"name": "Other lab"}).status_code == 201  # before upkeep, too
    KeyedRequest.objects.update(created_at=timezone.now() - timedelta(hours=25))
    assert forget_old_answers() == 1


def test_an_uploaded_file_is_compared_by_its_content(api, database):
    def upload(content: bytes, name: str = "EP01.mp4"):
        file = SimpleUploadedFile(name, content)
        fields = {"database": database.pk, "subject": "sub01", "file": file}
        return post(api, fields, url="/api/v1/clips/", format="multipart")

    content = uuid.uuid4().bytes * 300_000  # 4.8 MB: more than Django keeps in memory
    first, second = upload(content), upload(content)
    assert first.status_code == 201, first.content
    assert first.content == second.content
    assert second["Idempotent-Replayed"] == "true"
    assert upload(content + b"x").status_code == 409
    assert upload(content, "EP02.mp4").status_code == 409
    assert Clip.objects.count() == 1


def test_a_key_does_not_go_around_the_check_of_access(client, alice, project):
    api = APIClient()
    assert post(api, {"name": "Lab"}).status_code in (401, 403)
    assert not KeyedRequest.objects.exists()


def test_other_methods_ignore_the_key(api, project):
    url = f"{PROJECTS}{project.pk}/"
    for _ in range(2):
        assert api.patch(url, {"name": "New"}, headers={"Idempotency-Key": "k1"}).status_code == 200
    assert api.get(url, headers={"Idempotency-Key": "k1"}).status_code == 200
    assert not KeyedRequest.objects.exists()
