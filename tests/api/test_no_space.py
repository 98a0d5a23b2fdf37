"""A nearly full disk turns files away with 507 before they are read; labels can still be saved. An outage answers 503."""

import base64

import pytest
from botocore.exceptions import EndpointConnectionError
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import OperationalError
from django.test import Client

from mer_platform import free_space
from mer_platform.imports.models import Import

pytestmark = [pytest.mark.django_db]
LARGE = b"x" * 100_000


@pytest.fixture(autouse=True)
def nearly_full(monkeypatch, settings):
    settings.MIN_FREE_BYTES = 10**9
    monkeypatch.setattr(free_space, "disk_space", lambda: (10**9 + 50_000, 10**9))


@pytest.fixture
def browser(alice) -> Client:
    client = Client()
    client.force_login(alice)
    return client


def check(answer) -> None:
    assert answer.status_code == 507, answer.content
    body = answer.json()
    assert (body["code"], body["free_bytes"], body["floor_bytes"]) == ("storage_full", 10**9 + 50_000, 10**9)
    assert "must stay free" in body["detail"]
    assert "Ask the administrator" in body["detail"]


def test_a_clip_is_turned_away_with_how_much_is_free_and_needed(api, database):
    form = {"database": database.pk, "subject": "s1", "file": SimpleUploadedFile("a.mp4", LARGE)}
    answer = api.post("/api/v1/clips/", form, format="multipart")
    check(answer)
    assert answer.json()["needed_bytes"] > len(LARGE)


def test_a_resumable_upload_is_turned_away_when_it_is_announced(api, project):
    facts = {"filename": "a.mp4", "project": str(project.pk)}
    coded = ",".join(f"{key} {base64.b64encode(value.encode()).decode()}" for key, value in facts.items())
    headers = {"Tus-Resumable": "1.0.0", "Upload-Length": str(len(LARGE)), "Upload-Metadata": coded}
    check(api.post("/api/v1/uploads/", headers=headers))


def test_clips_to_score_are_turned_away(api):
    form = {"files": [SimpleUploadedFile("a.mp4", LARGE)]}
    check(api.post("/api/v1/scoring-batches/", form, format="multipart"))


def test_an_import_does_not_start_below_the_floor(api, project, monkeypatch):
    monkeypatch.setattr(free_space, "disk_space", lambda: (5, 10**9))
    body = {"project": project.pk, "layout": "casme2", "source": "CASME2"}
    assert api.post("/api/v1/imports/", body).status_code == 507
    assert not Import.objects.exists()


def test_a_form_shows_a_page_that_says_what_to_do(browser, project):
    answer = browser.post(
        f"/projects/{project.slug}/imports/", {"sheet": SimpleUploadedFile("a.xlsx", LARGE)},
        headers={"accept": "text/html"},
    )  # fmt: skip
    assert answer.status_code == 507
    assert "There is no room for this file" in answer.content.decode()


def test_small_requests_are_still_answered(api, database):
    assert api.patch(f"/api/v1/databases/{database.pk}/", {"fps": 100}).status_code == 200


def test_the_floor_is_2_percent_of_a_small_disk(settings, monkeypatch):
    monkeypatch.undo()
    settings.MIN_FREE_BYTES = None
    free, floor = free_space.disk_space()
    assert 0 < floor <= 1024**3
    assert free > 0


@pytest.mark.parametrize(
    "error",
    [EndpointConnectionError(endpoint_url="http://store"), OperationalError("disk I/O error")],
    ids=repr,
)
def test_what_does_not_answer_is_a_503_and_no_500(api, browser, project, monkeypatch, error):
    def fail(*_args, **_kwargs):
        raise error

    monkeypatch.setattr("mer_platform.projects.models.Project.objects.of", fail)
    answer = api.get("/api/v1/projects/")
    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
    assert answer["Retry-After"] == "10"
    page = browser.get(f"/projects/{project.slug}/")
    assert page.status_code == 503
    assert "does not answer at the moment" in page.content.decode()
