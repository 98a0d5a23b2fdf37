"""A coder’s queue: the assigned clips in order or, without assignments, all clips not annotated yet."""

from urllib.parse import quote

import pytest
from django.urls import reverse

from mer_platform.annotation.models import Assignment
from mer_platform.clips.models import Clip
from mer_platform.projects.models import Role
from tests.api.coders import *  # noqa: F403
from tests.api.coders import annotate, assign, user

pytestmark = [pytest.mark.django_db, pytest.mark.services]
URL = "/api/v1/assignments/"


@pytest.fixture
def queue_url(project) -> str:
    return f"/api/v1/projects/{project.pk}/queue/"


def test_the_queue_offers_the_callers_open_assignments_in_order(carol, dave, make_clip, queue_url):
    first, second, third = (make_clip(f"EP0{n}") for n in (1, 2, 3))
    for place, clip in enumerate((third, first, second)):
        Assignment.objects.create(clip=clip, coder=user("carol"), position=place)
    assign(make_clip("EP04"), "dave")
    assert carol.get(queue_url).json()["clip"] == third.pk
    assert carol.get(f"{queue_url}?after={third.pk}").json()["clip"] == first.pk
    carol.post(f"{URL}done/", {"clip": third.pk, "nothing": True})
    answer = carol.get(f"{queue_url}?after={second.pk}").json()
    assert (answer["clip"], answer["left"], answer["total"], answer["done"]) == (first.pk, 2, 3, 1)


def test_the_queue_returns_what_the_labeler_needs(carol, clip, project, queue_url):
    assign(clip, "carol")
    version = quote(clip.frames_version)
    assert carol.get(queue_url).json() == {
        "clip": clip.pk, "name": "EP01", "database": "CASME II", "subject": "sub01",
        "page_url": f"/projects/{project.slug}/clips/{clip.pk}/",
        "frames_url": f"/api/v1/clips/{clip.pk}/frames/?v={version}",
        "pack_url": f"/api/v1/clips/{clip.pk}/frames.bin?v={version}", "readonly": False, "database_url": "",
        "head_url": f"/api/v1/clips/{clip.pk}/frames.bin?v={version}&first=0&last=999",
        "emotions": ["happiness", "disgust", "surprise"], "next_url": f"{queue_url}?after={clip.pk}",
        "left": 1, "total": 1, "done": 0,
    }  # fmt: skip


def test_without_assignments_the_queue_holds_clips_not_annotated_yet(carol, make_clip, queue_url):
    clips = [make_clip(f"EP0{n}") for n in (1, 2, 3)]
    make_clip("EP04", state=Clip.State.PROCESSING)
    annotate(clips[0], "carol")
    assert carol.get(queue_url).json()["clip"] == clips[1].pk
    assert carol.get(f"{queue_url}?after={clips[2].pk}").json()["clip"] == clips[1].pk


def test_an_empty_queue_has_a_reason(carol, clip, queue_url):
    assign(clip, "carol")
    last = carol.get(f"{queue_url}?after={clip.pk}").json()
    assert (last["clip"], last["message"]) == (
        None,
        "This is the last clip in your queue, and it is not done yet.",
    )
    carol.post(f"{URL}done/", {"clip": clip.pk, "nothing": True})
    assert carol.get(queue_url).json()["message"] == "Your queue is empty: its only clip is done."


@pytest.mark.parametrize("after", ["-1", "9999"])
def test_after_an_unknown_clip_the_queue_starts_from_the_front(carol, clip, queue_url, after):
    assign(clip, "carol")
    assert carol.get(f"{queue_url}?after={after}").json()["clip"] == clip.pk


def test_strangers_and_viewers_have_no_queue(project, bobs_api, member, queue_url):
    assert bobs_api.get(queue_url).status_code == 404
    assert member(project, "vera", Role.VIEWER).get(queue_url).status_code == 403


def test_the_queue_page_redirects_to_the_next_clip(client, project, carol, clip, make_clip):
    assign(clip, "carol")
    client.force_login(user("carol"))
    answer = client.get(reverse("queue", args=[project.slug]))
    assert answer["Location"] == reverse("clip", args=[project.slug, clip.pk])
    assert "1 clip to code" in client.get(reverse("project", args=[project.slug])).content.decode()
    carol.post(f"{URL}done/", {"clip": clip.pk, "nothing": True})
    answer = client.get(reverse("queue", args=[project.slug]), follow=True)
    assert "Your queue is empty: its only clip is done." in answer.content.decode()
