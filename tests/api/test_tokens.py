"""API tokens: what they may do, where, and until when."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.urls import reverse
from django.utils import timezone
from rest_framework.test import APIClient

from mer_platform.clips.models import Database
from mer_platform.projects.models import ApiToken, Membership, Project, Role
from mer_platform.projects.services import create_project

pytestmark = pytest.mark.django_db


def client_of(user: User, **limits) -> APIClient:
    _, secret = ApiToken.make(user, "script", **limits)
    return APIClient(headers={"Authorization": f"Bearer {secret}"})


def test_a_token_without_limits_does_all_that_its_user_may(alice, project, clip):
    api = client_of(alice)
    assert api.get(f"/api/v1/clips/{clip.pk}/").status_code == 200
    assert api.patch(f"/api/v1/projects/{project.pk}/", {"name": "New"}).status_code == 200


def test_an_expired_token_is_refused_and_says_so(alice, project):
    api = client_of(alice, expires_at=timezone.now() - timedelta(days=1))
    refused = api.get("/api/v1/projects/")
    assert (refused.status_code, refused.json()["code"]) == (401, "token_expired")
    assert "expired on" in refused.json()["detail"]
    assert (
        client_of(alice, expires_at=timezone.now() + timedelta(days=1)).get("/api/v1/me/").status_code == 200
    )


@pytest.mark.parametrize(
    ("scopes", "method", "path", "needed"),
    [
        (["clips:read"], "get", "projects/", "projects:read"),
        (["projects:read"], "patch", "projects/{project}/", "projects:write"),
        (["clips:read"], "get", "projects/{project}/agreement/", "labels:read"),
        (["labels:write"], "delete", "clips/{clip}/", "clips:write"),
        (["clips:write"], "get", "runs/", "runs:read"),
        (["runs:write"], "get", "models/", "models:read"),
        (["models:write"], "post", "scoring-batches/", "scoring:write"),
        (["projects:write"], "get", "me/tokens/", "*"),
    ],
)
def test_a_request_outside_the_scopes_names_the_needed_one(
    alice, project, clip, scopes, method, path, needed
):
    address = "/api/v1/" + path.format(project=project.pk, clip=clip.pk)
    refused = getattr(client_of(alice, scopes=scopes), method)(address)
    assert refused.status_code == 403
    assert refused.json()["code"] == "wrong_scope"
    assert refused.json()["scope"] == needed
    assert f"“{needed}”" in refused.json()["detail"]
    assert getattr(client_of(alice, scopes=[needed]), method)(address).status_code != 403


def test_who_may_write_an_area_may_read_it(alice, clip):
    assert client_of(alice, scopes=["clips:write"]).get(f"/api/v1/clips/{clip.pk}/").status_code == 200


def test_a_scope_gives_no_role(alice, project, clip):
    bob = User.objects.create_user("bob2")
    Membership.objects.create(project=project, user=bob, role=Role.VIEWER)
    refused = client_of(bob, scopes=["clips:write"]).delete(f"/api/v1/clips/{clip.pk}/")
    assert "researcher" in refused.json()["detail"]


@pytest.fixture
def second(alice) -> Project:
    second = create_project("Second lab", alice)
    Database.objects.create(project=second, name="SAMM", fps=200)
    return second


def test_a_token_limited_to_a_project_sees_no_other(alice, clip, project, second):
    api = client_of(alice, projects=[second])
    assert [p["name"] for p in api.get("/api/v1/projects/").json()["results"]] == ["Second lab"]
    assert [d["name"] for d in api.get("/api/v1/databases/").json()["results"]] == ["SAMM"]
    assert api.get(f"/api/v1/clips/{clip.pk}/").status_code == 404
    assert api.get(f"/api/v1/projects/{project.pk}/members/").status_code == 404
    assert api.post("/api/v1/databases/", {"project": project.pk, "name": "X", "fps": 200}).status_code == 400
    assert [p["id"] for p in api.get("/api/v1/me/").json()["projects"]] == [second.pk]


def test_a_token_limited_to_a_project_makes_none(alice, second):
    assert client_of(alice, projects=[second]).post("/api/v1/projects/", {"name": "X"}).status_code == 403


def test_a_limited_token_does_not_widen_when_its_project_is_deleted(alice, project, second):
    api = client_of(alice, projects=[second])
    second.delete()
    assert api.get("/api/v1/projects/").json()["results"] == []


def test_a_token_shows_itself(alice, project):
    token = client_of(alice, scopes=["runs:read"], projects=[project]).get("/api/v1/me/").json()["token"]
    assert (token["scopes"], token["projects"], token["limited"]) == (["runs:read"], [project.pk], True)


def test_the_secret_of_a_new_token_is_shown_once(api, alice):
    made = api.post("/api/v1/me/tokens/", {"name": "script", "scopes": ["clips:read"]})
    assert made.status_code == 201
    assert made["Cache-Control"] == "no-store"
    secret = made.json()["secret"]
    assert APIClient(headers={"Authorization": f"Bearer {secret}"}).get("/api/v1/clips/").status_code == 200
    [listed] = api.get("/api/v1/me/tokens/").json()["results"]
    assert "secret" not in listed
    assert secret not in api.get(f"/api/v1/me/tokens/{listed['id']}/").content.decode()
    left = timezone.now() + timedelta(days=90) - ApiToken.objects.get().expires_at
    assert abs(left) < timedelta(minutes=5)


def test_the_secret_is_not_kept_for_an_idempotency_key(api):
    for _ in range(2):
        made = api.post("/api/v1/me/tokens/", {"name": "script"}, headers={"Idempotency-Key": "k"})
        assert made.status_code == 201
    assert ApiToken.objects.count() == 2


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"name": "x", "scopes": ["everything"]}, "scopes"),
        ({"name": "x", "scopes": []}, "scopes"),
        ({"name": "x", "expires_at": "2020-01-01T00:00:00Z"}, "expires_at"),
        ({"name": "x", "projects": [10_000]}, "projects"),
        ({"scopes": ["*"]}, "name"),
    ],
)
def test_a_token_that_cannot_be_made_is_refused_by_field(api, body, field):
    refused = api.post("/api/v1/me/tokens/", body)
    assert refused.status_code == 400
    assert field in refused.content.decode()
    assert not ApiToken.objects.exists()


def test_a_token_makes_none_that_outlives_it(alice):
    until = timezone.now() + timedelta(days=3)
    api = client_of(alice, expires_at=until)
    assert api.post("/api/v1/me/tokens/", {"name": "x", "expires_at": None}).status_code == 400
    made = api.post("/api/v1/me/tokens/", {"name": "x"})
    assert made.status_code == 201
    assert ApiToken.objects.get(pk=made.json()["id"]).expires_at == until


def test_a_limited_token_makes_none(alice, project):
    refused = client_of(alice, projects=[project]).post("/api/v1/me/tokens/", {"name": "x"})
    assert (refused.status_code, refused.json()["code"]) == (403, "wrong_scope")


def test_a_token_is_revoked_by_its_user_only(api, alice, bobs_api):
    token, secret = ApiToken.make(alice, "script")
    assert bobs_api.delete(f"/api/v1/me/tokens/{token.pk}/").status_code == 404
    assert api.delete(f"/api/v1/me/tokens/{token.pk}/").status_code == 204
    assert APIClient(headers={"Authorization": f"Bearer {secret}"}).get("/api/v1/me/").status_code == 401


def test_the_account_shows_roles_and_changes_names(api, alice, project):
    me = api.get("/api/v1/me/").json()
    assert me["username"] == "alice"
    assert me["projects"] == [{"id": project.pk, "name": project.name, "slug": project.slug, "role": "owner"}]
    assert me["token"] is None
    assert api.patch("/api/v1/me/", {"first_name": "Alice"}).json()["first_name"] == "Alice"
    assert (
        client_of(alice, scopes=["clips:read"]).patch("/api/v1/me/", {"first_name": "X"}).status_code == 403
    )
    api.patch("/api/v1/me/", {"username": "root", "is_staff": True})
    alice.refresh_from_db()
    assert (alice.username, alice.first_name, alice.is_staff) == ("alice", "Alice", False)


def test_the_page_makes_limited_tokens(client, alice, project):
    client.force_login(alice)
    form = {"name": "script", "days": "7", "scopes": ["clips:read"], "projects": [project.pk]}
    page = client.post(reverse("tokens"), form).content.decode()
    assert "Copy it now" in page
    token = ApiToken.objects.get()
    assert token.scopes == ["clips:read"]
    assert list(token.projects.all()) == [project]
    assert timedelta(days=6) < token.expires_at - timezone.now() < timedelta(days=7)
    shown = client.get(reverse("tokens")).content.decode()
    assert "<code>clips:read</code>" in shown
    assert "in" in shown


def test_the_page_refuses_projects_of_others(client, alice, project, other_project):
    client.force_login(alice)
    client.post(reverse("tokens"), {"name": "x", "projects": [other_project.pk]})
    assert not ApiToken.objects.exists()
