"""A file that counts frames of a tool is read at the rate that it states, or at the given one; never at the clip's."""

import json

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from mer_platform.annotation.exchange.models import AnnotationImport
from tests.api.exchange_lab import *  # noqa: F403
from tests.api.exchange_lab import checked
from tests.api.problems import errors_of

pytestmark = [pytest.mark.django_db, pytest.mark.services_in_faults]


def task(**data) -> str:
    """A task of Label Studio with an expression on its frames 6 to 11; the clip has 200 frames per second."""
    region = {
        "type": "timelinelabels",
        "value": {"ranges": [{"start": 6, "end": 11}], "timelinelabels": ["happiness"]},
    }
    annotation = {"completed_by": {"email": "alice"}, "was_cancelled": False, "result": [region]}
    return json.dumps([{"id": 1, "data": {"video": "EP01.mp4", **data}, "annotations": [annotation]}])


def marks(batch: dict) -> list[tuple]:
    return [(e["fields"]["onset"], e["fields"]["offset"]) for e in batch["entries"]]


def test_a_stated_rate_is_converted_by_time(api, project, clip):
    batch = checked(api, project, "lab.json", task(fps=25))
    assert (marks(batch), batch["problems"]) == ([(40, 80)], [])


def test_a_file_without_rate_is_refused_once_with_what_to_do(api, project, clip):
    batch = checked(api, project, "lab.json", task())
    assert batch["entries"] == []
    (problem,) = batch["problems"]
    assert problem["code"] == "rate-unknown"
    assert "State the frame rate: that of the Label Studio project" in problem["message"]


def test_a_given_rate_is_used_and_printed(api, project, clip):
    file = SimpleUploadedFile("lab.json", task().encode())
    fields = {"project": project.pk, "file": file, "frame_rate": "100"}
    batch = api.post("/api/v1/annotation-imports/", fields, format="multipart").json()
    assert (marks(batch), batch["frame_rate"]) == ([(10, 20)], 100)
    assert batch["problems"][0]["message"] == (
        "The file does not state its frame rate: 1 annotation read at 100 frames per second, as stated."
    )
    url = f"/api/v1/annotation-imports/{batch['id']}/recheck/"
    assert marks(api.post(url, {"frame_rate": 50}, format="json").json()) == [(20, 40)]
    assert marks(api.post(url, {}, format="json").json()) == [(20, 40)]
    assert errors_of(api.post(url, {"frame_rate": 0}, format="json"), "frame_rate")


def test_the_file_wins_over_a_given_rate(api, project, clip):
    file = SimpleUploadedFile("lab.json", task(fps=25).encode())
    fields = {"project": project.pk, "file": file, "frame_rate": "100"}
    assert marks(api.post("/api/v1/annotation-imports/", fields, format="multipart").json()) == [(40, 80)]


def test_the_page_asks_for_the_rate(project, alice, clip):
    browser = Client()
    browser.force_login(alice)
    base = f"/projects/{project.slug}/annotations/"
    browser.post(base, {"file": SimpleUploadedFile("lab.json", task().encode()), "coders": "me"})
    batch = AnnotationImport.objects.get()
    url = f"{base}imports/{batch.pk}/"
    assert "State at how many frames per second the file counts." in browser.get(url).content.decode()
    refused = browser.post(f"{url}compare/", {"frame_rate": "0"}, follow=True).content.decode()
    assert "greater than or equal to 1" in refused
    browser.post(f"{url}compare/", {"frame_rate": "25"})
    batch.refresh_from_db()
    assert [(e["fields"]["onset"], e["fields"]["offset"]) for e in batch.entries] == [(40, 80)]
