"""Coders see each other’s marks only after all of them are done; researchers not on clips of their own queue."""

import pytest
from django.urls import reverse

from mer_platform.annotation.models import Annotation, Consensus
from mer_platform.clips.models import Clip
from tests.api.coders import *  # noqa: F403
from tests.api.coders import MARKS, annotate, assign, user

pytestmark = [pytest.mark.django_db, pytest.mark.services]
URL = "/api/v1/assignments/"


def seen(client, clip: Clip) -> set[str]:
    rows = client.get(f"/api/v1/annotations/?clip={clip.pk}").json()["results"]
    return {row["coder"] for row in rows}


def test_coders_see_each_other_once_all_of_them_are_done(project, carol, dave, clip):
    assign(clip, "carol", "dave")
    annotate(clip, "carol")
    annotate(clip, "dave")
    assert carol.post(f"{URL}done/", {"clip": clip.pk}).status_code == 200
    assert (seen(carol, clip), seen(dave, clip)) == ({"carol"}, {"dave"})
    dave.post(f"{URL}done/", {"clip": clip.pk})
    assert seen(carol, clip) == seen(dave, clip) == {"carol", "dave"}


def test_other_annotators_stay_blind_when_the_coders_are_done(project, carol, dave, clip):
    assign(clip, "carol")
    annotate(clip, "carol")
    carol.post(f"{URL}done/", {"clip": clip.pk})
    assert seen(dave, clip) == set()


def test_a_researcher_is_blind_on_clips_of_the_own_queue(project, api, carol, clip):
    annotate(clip, "carol")
    Consensus.objects.create(clip=clip, origin="adopted", **MARKS)
    assert seen(api, clip) == {"carol"}
    assign(clip, "alice")
    assert seen(api, clip) == set()
    assert api.get(f"/api/v1/consensus/?clip={clip.pk}").json()["results"] == []
    other = Annotation.objects.get()
    assert api.get(f"/api/v1/annotations/{other.pk}/versions/").status_code == 404
    assert api.post(f"/api/v1/annotations/{other.pk}/adopt/").status_code == 404
    api.post(f"{URL}done/", {"clip": clip.pk, "nothing": True})
    assert seen(api, clip) == {"carol"}


def test_the_clip_page_shows_others_marks_only_to_users_who_may_see_them(
    client, project, carol, dave, alice, clip
):
    assign(clip, "carol", "dave")
    annotate(clip, "dave", note="dave wrote this")
    url = reverse("clip", args=[project.slug, clip.pk])

    def shows(name: str) -> bool:
        client.force_login(user(name))
        return "dave wrote this" in client.get(url).content.decode()

    assert (shows("carol"), shows("alice")) == (False, True)
    carol.post(f"{URL}done/", {"clip": clip.pk, "nothing": True})
    assert not shows("carol")
    dave.post(f"{URL}done/", {"clip": clip.pk})
    assert shows("carol")
    assign(clip, "alice")
    assert not shows("alice")


def test_a_blind_researcher_adopts_nothing_on_the_clip_page(client, project, carol, alice, clip):
    marking = annotate(clip, "carol")
    assign(clip, "alice")
    client.force_login(alice)
    url = reverse("adopt", args=[project.slug, clip.pk, marking.pk])
    assert client.post(url).status_code == 404
    assert not Consensus.objects.exists()
