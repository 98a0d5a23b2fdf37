"""Frame numbers beyond what the database stores are refused in words, on each database and at each door."""

import json

import pytest
from django.urls import reverse

from mer_platform.annotation.models import Annotation
from mer_platform.clips.models import Clip
from tests.api.exchange_lab import *  # noqa: F403
from tests.api.exchange_lab import checked, sheet
from tests.api.problems import errors_of

pytestmark = [pytest.mark.django_db, pytest.mark.services]
LARGE = [2**31 - 1, 2**31, 2**63, 10**30]


@pytest.fixture(params=LARGE, ids=str)
def large(request) -> int:
    return request.param


def test_annotations_refuse_them(api, clip, large):
    answer = api.post("/api/v1/annotations/", {"clip": clip.pk, "onset": large})
    assert answer.status_code == 400
    assert errors_of(answer, "onset")
    kept = api.post("/api/v1/annotations/", {"clip": clip.pk, "onset": 3}).json()
    answer = api.patch(f"/api/v1/annotations/{kept['id']}/", {"offset": large})
    assert answer.status_code == 400
    assert errors_of(answer, "offset")
    assert Annotation.objects.get().offset is None


def test_the_flow_between_them_is_refused(api, clip, large):
    answer = api.get(f"/api/v1/clips/{clip.pk}/flow/", {"from": 0, "to": large})
    assert answer.status_code == 400
    assert errors_of(answer, "to")


def test_pages_open_at_the_last_frame(client, alice, project, clip, large):
    client.force_login(alice)
    assert client.get(reverse("clip", args=[project.slug, clip.pk]), {"frame": str(large)}).status_code == 200


@pytest.mark.parametrize("name", ["lab.csv", "lab.json"])
def test_imports_of_annotations_report_them(api, project, samm_clip, large, name):
    if name == "lab.csv":
        text = sheet(f"6,006_1_2,5572,5583,{large},4,happiness,alice")
    else:
        region = {
            "type": "timelinelabels",
            "value": {"ranges": [{"start": 3, "end": large}], "timelinelabels": ["happiness"]},
        }
        task = {"id": 1, "data": {"video": "006_1_2.mp4"}, "annotations": [{"id": 1, "result": [region]}]}
        text = json.dumps([task])
    batch = checked(api, project, name, text)
    assert [p["severity"] for p in batch["problems"]].count("error") >= 1
    assert not batch["entries"]


def test_lists_of_clips_name_the_first_source_frame(api, clip):
    Clip.objects.update(first_source_number=2**31 - 1)
    assert api.get(f"/api/v1/clips/{clip.pk}/").json()["first_source_number"] == 2**31 - 1
