"""Suggestions of the spotter: who sees them, who may request them, and for which clips."""

import pytest
from django.core.management import CommandError, call_command

from mer_platform.annotation.models import Annotation, Consensus, Suggestion
from mer_platform.annotation.spotting import clips_to_spot
from mer_platform.clips.models import Clip
from mer_platform.jobs.models import Job
from mer_platform.projects.models import Role

pytestmark = [pytest.mark.django_db, pytest.mark.services]


@pytest.fixture
def suggestion(clip) -> Suggestion:
    return Suggestion.objects.create(clip=clip, onset=12, apex=25, offset=40, confidence=0.8, spotter="2")


def url(clip: Clip) -> str:
    return f"/api/v1/clips/{clip.pk}/suggestions/"


def test_an_annotator_sees_the_suggestions_but_no_other_coders_marks(
    clip, suggestion, member, project, alice
):
    Annotation.objects.create(clip=clip, coder=alice, onset=1, apex=2, offset=3)
    answer = member(project, "ann", Role.ANNOTATOR).get(url(clip))
    assert answer.status_code == 200
    assert answer.json()["results"] == [
        {"id": suggestion.pk, "onset": 12, "apex": 25, "offset": 40, "confidence": 0.8, "spotter": "2"}
    ]


def test_a_viewer_and_a_stranger_do_not_see_them(clip, suggestion, member, project, bobs_api):
    assert member(project, "vic", Role.VIEWER).get(url(clip)).status_code == 403
    assert bobs_api.get(url(clip)).status_code == 404


def test_a_clip_without_suggestions_has_an_empty_list(api, clip):
    assert api.get(url(clip)).json()["results"] == []


def test_a_researcher_queues_the_clips_with_something_to_find(member, project, make_clip):
    known, open_, no_apex = make_clip("known"), make_clip("open"), make_clip("no apex")
    make_clip("no face", face_frames=[])
    make_clip("arriving", state=Clip.State.PROCESSING)
    Consensus.objects.create(clip=known, onset=1, apex=5, offset=9, emotion="disgust", origin="adopted")
    Consensus.objects.create(clip=no_apex, onset=1, offset=9, emotion="disgust", origin="imported")
    answer = member(project, "res", Role.RESEARCHER).post(f"/api/v1/projects/{project.pk}/spot/")
    assert (answer.status_code, answer.json()["queued"]) == (202, 2)
    assert {job.payload["clip"] for job in Job.objects.filter(kind="spot")} == {open_.pk, no_apex.pk}


def test_a_second_request_queues_nothing_new(api, project, clip):
    for _ in range(2):
        assert api.post(f"/api/v1/projects/{project.pk}/spot/").json()["queued"] == 1
    assert Job.objects.filter(kind="spot").count() == 1


def test_annotators_and_strangers_queue_nothing(member, project, clip, bobs_api):
    annotator = member(project, "ann", Role.ANNOTATOR)
    assert annotator.post(f"/api/v1/projects/{project.pk}/spot/").status_code == 403
    assert bobs_api.post(f"/api/v1/projects/{project.pk}/spot/").status_code == 404
    assert not Job.objects.exists()


def test_only_the_owner_changes_the_project(member, project):
    researcher = member(project, "res", Role.RESEARCHER)
    assert researcher.patch(f"/api/v1/projects/{project.pk}/", {"name": "Mine"}).status_code == 403


def test_the_page_queues_and_shows_how_many_are_left(client, alice, project, clip):
    client.force_login(alice)
    page = client.post(f"/projects/{project.slug}/clips/spot/", follow=True).content.decode()
    assert "Spotting expressions in 1 clip." in page
    assert "spotting, 1 to go" in page
    Job.objects.update(state=Job.State.DONE)
    again = client.post(f"/projects/{project.slug}/clips/spot/", follow=True).content.decode()
    assert "Nothing to spot" in again
    assert "to go" not in again


def test_an_annotator_may_not_start_the_spotter(client, member, project, clip):
    from django.contrib.auth.models import User

    member(project, "ann", Role.ANNOTATOR)
    client.force_login(User.objects.get(username="ann"))
    assert "Spot expressions" not in client.get(f"/projects/{project.slug}/clips/").content.decode()
    assert client.post(f"/projects/{project.slug}/clips/spot/").status_code == 403


@pytest.mark.parametrize(("role", "shown"), [(Role.ANNOTATOR, True), (Role.VIEWER, False)])
def test_the_clip_page_shows_suggestions_to_annotators(
    client, member, project, clip, suggestion, role, shown
):
    from django.contrib.auth.models import User

    member(project, "sam", role)
    client.force_login(User.objects.get(username="sam"))
    page = client.get(f"/projects/{project.slug}/clips/{clip.pk}/").content.decode()
    assert ("12–25–40" in page) is shown


def test_the_command_reports_an_unknown_project():
    with pytest.raises(CommandError, match="Project “nowhere” not found"):
        call_command("spot", "--project", "nowhere")


def test_a_clip_with_an_expression_without_apex_is_spotted(project, clip):
    Consensus.objects.create(clip=clip, onset=1, apex=5, offset=9, emotion="disgust", origin="imported")
    assert not clips_to_spot(project).exists()
    Consensus.objects.create(clip=clip, onset=20, offset=30, emotion="disgust", origin="imported")
    assert clips_to_spot(project).get() == clip
