"""A clip is done only if its coding is complete; afterwards it changes only if it is reopened."""

import pytest
from django.urls import reverse

from mer_platform.annotation.models import Assignment
from mer_platform.projects.models import AuditEvent
from tests.api.coders import *  # noqa: F403
from tests.api.coders import annotate, assign, user
from tests.api.problems import errors_of, field_errors

pytestmark = [pytest.mark.django_db, pytest.mark.services]
URL = "/api/v1/assignments/"


def test_finishing_twice_changes_nothing(carol, clip):
    assign(clip, "carol")
    annotate(clip, "carol")
    first = carol.post(f"{URL}done/", {"clip": clip.pk}).json()
    again = carol.post(f"{URL}done/", {"clip": clip.pk})
    assert (again.status_code, again.json()["done_at"]) == (200, first["done_at"])


@pytest.mark.parametrize(
    ("missing", "words"),
    [("apex", "The expression has no apex yet."), ("emotion", "The expression has no emotion yet.")],
)
def test_a_clip_with_incomplete_annotations_is_not_done(carol, clip, missing, words):
    assign(clip, "carol")
    annotate(clip, "carol", **{missing: "" if missing == "emotion" else None})
    answer = carol.post(f"{URL}done/", {"clip": clip.pk})
    assert answer.status_code == 400
    assert field_errors(answer) == {f"/{missing}": [words]}
    assert Assignment.objects.get().done_at is None


def test_the_error_names_the_incomplete_expression(carol, clip):
    assign(clip, "carol")
    annotate(clip, "carol")
    annotate(clip, "carol", onset=50, apex=None, offset=60)
    answer = carol.post(f"{URL}done/", {"clip": clip.pk})
    assert field_errors(answer) == {"/apex": ["Expression 2 has no apex yet."]}


def test_a_clip_without_expressions_is_done_only_after_confirmation(carol, clip):
    assign(clip, "carol")
    answer = carol.post(f"{URL}done/", {"clip": clip.pk})
    assert "confirm that the clip shows none" in errors_of(answer, "nothing")[0]
    assert carol.post(f"{URL}done/", {"clip": clip.pk, "nothing": True}).status_code == 200


def test_a_clip_with_marked_expressions_cannot_show_nothing(carol, clip):
    assign(clip, "carol")
    annotate(clip, "carol")
    answer = carol.post(f"{URL}done/", {"clip": clip.pk, "nothing": True})
    assert "Delete them first" in errors_of(answer, "nothing")[0]


def test_a_clip_that_is_not_assigned_cannot_be_finished(carol, clip):
    answer = carol.post(f"{URL}done/", {"clip": clip.pk})
    assert answer.status_code == 404
    assert "is not assigned to carol" in answer.json()["detail"]


def test_marks_of_a_finished_clip_change_only_after_reopening(carol, dave, clip):
    assign(clip, "carol", "dave")
    marking = annotate(clip, "carol")
    url = f"/api/v1/annotations/{marking.pk}/"
    carol.post(f"{URL}done/", {"clip": clip.pk})
    for answer in (
        carol.patch(url, {"apex": 21}),
        carol.delete(url),
        carol.post("/api/v1/annotations/", {"clip": clip.pk}),
    ):
        assert answer.status_code == 403
        assert "Reopen it to change your marks" in answer.json()["detail"]
    assert carol.post(f"{URL}reopen/", {"clip": clip.pk}).json()["done_at"] is None
    assert carol.patch(url, {"apex": 21}).status_code == 200


def test_when_all_coders_are_done_only_a_researcher_reopens_the_clip(api, carol, dave, clip):
    for task in assign(clip, "carol", "dave"):
        annotate(clip, task.coder.username)
    for client in (carol, dave):
        client.post(f"{URL}done/", {"clip": clip.pk})
    answer = carol.post(f"{URL}reopen/", {"clip": clip.pk})
    assert answer.status_code == 409
    assert "Ask a researcher" in answer.json()["detail"]
    assert dave.post(f"{URL}reopen/", {"clip": clip.pk, "coder": "carol"}).status_code == 403
    assert api.post(f"{URL}reopen/", {"clip": clip.pk, "coder": "carol"}).status_code == 200
    assert "reopened CASME II/sub01/EP01 for carol" in AuditEvent.objects.first().action


def test_a_finished_clip_opens_read_only_and_can_be_reopened(client, project, carol, dave, clip):
    assign(clip, "carol", "dave")
    annotate(clip, "carol")
    carol.post(f"{URL}done/", {"clip": clip.pk})
    client.force_login(user("carol"))
    page = client.get(reverse("clip", args=[project.slug, clip.pk])).content.decode()
    assert "readonly></mer-labeler>" in page
    client.post(reverse("reopen", args=[project.slug, clip.pk]))
    assert Assignment.objects.get(coder=user("carol")).done_at is None
