"""Users see only the projects they belong to, and do only what their role allows."""

import pytest
from rest_framework.test import APIClient

from mer_platform.projects.models import ApiToken, Role
from tests.api.problems import field_errors, problem_of

pytestmark = pytest.mark.django_db


def test_it_answers_401_without_credentials(clip):
    assert APIClient().get(f"/api/v1/clips/{clip.pk}/").status_code == 401


def test_it_accepts_a_token_and_stores_only_its_hash(alice, clip):
    token, secret = ApiToken.make(alice, "script")
    client = APIClient(headers={"Authorization": f"Bearer {secret}"})
    assert client.get(f"/api/v1/clips/{clip.pk}/").status_code == 200
    assert secret not in str(ApiToken.objects.filter(pk=token.pk).values().get())


def test_it_refuses_a_wrong_token_and_says_why(clip):
    answer = APIClient(headers={"Authorization": "Bearer mer_nonsense"}).get(f"/api/v1/clips/{clip.pk}/")
    assert answer.status_code == 401
    assert "is unknown" in answer.json()["detail"]


def test_it_refuses_the_token_of_a_deactivated_user(alice, clip):
    _, secret = ApiToken.make(alice, "script")
    alice.is_active = False
    alice.save()
    assert APIClient(headers={"Authorization": f"Bearer {secret}"}).get("/api/v1/clips/").status_code == 401


@pytest.mark.parametrize("path", ["", "frames/", "frames.bin", "thumbnail/"])
def test_it_hides_clips_of_other_projects(bobs_api, clip, path):
    answer = bobs_api.get(f"/api/v1/clips/{clip.pk}/{path}")
    assert answer.status_code == 404
    assert problem_of(answer)["detail"] == "Clip not found in your projects."


def test_it_lists_only_own_clips(bobs_api, clip):
    assert bobs_api.get("/api/v1/clips/").json()["results"] == []


def test_it_lists_only_own_projects(bobs_api, project, other_project):
    assert [p["name"] for p in bobs_api.get("/api/v1/projects/").json()["results"]] == ["Bob's lab"]


def test_it_refuses_ids_of_another_project_as_references(bobs_api, clip, database):
    answer = bobs_api.post("/api/v1/annotations/", {"clip": clip.pk, "onset": 1})
    assert answer.status_code == 400
    assert field_errors(answer) == {"/clip": [f"Clip {clip.pk} not found in your projects."]}


@pytest.mark.parametrize(("role", "status"), [(Role.VIEWER, 403), (Role.ANNOTATOR, 201)])
def test_it_lets_annotators_label_but_not_viewers(project, clip, member, role, status):
    client = member(project, "carol", role)
    assert client.post("/api/v1/annotations/", {"clip": clip.pk, "onset": 1}).status_code == status


@pytest.mark.parametrize(("role", "status"), [(Role.ANNOTATOR, 403), (Role.RESEARCHER, 204)])
def test_it_lets_researchers_delete_clips_but_not_annotators(project, clip, member, role, status):
    assert member(project, "carol", role).delete(f"/api/v1/clips/{clip.pk}/").status_code == status


def test_it_names_the_required_role(project, clip, member):
    answer = member(project, "carol", Role.VIEWER).delete(f"/api/v1/clips/{clip.pk}/")
    assert "researcher" in answer.json()["detail"]
