"""Members and roles in the API."""

import pytest
from django.contrib.auth.models import User

from mer_platform.projects.models import Membership, Role

pytestmark = pytest.mark.django_db


@pytest.fixture
def members(project) -> str:
    return f"/api/v1/projects/{project.pk}/members/"


def test_an_owner_adds_a_new_person_and_gets_the_password_once(api, members, client):
    added = api.post(members, {"username": "carol", "role": "annotator"})
    assert added.status_code == 201
    assert client.login(username="carol", password=added.json()["password"])
    assert "password" not in api.get(f"{members}{added.json()['id']}/").json()


def test_a_person_with_an_account_gets_no_password(api, members, bob):
    assert api.post(members, {"username": "bob", "role": "viewer"}).json()["password"] is None
    assert api.post(members, {"username": "bob", "role": "viewer"}).status_code == 400


def test_members_are_listed_for_viewers_and_hidden_from_strangers(project, members, member, bobs_api):
    listed = member(project, "carol", Role.VIEWER).get(members).json()["results"]
    assert [(m["username"], m["role"]) for m in listed] == [("alice", "owner"), ("carol", "viewer")]
    assert bobs_api.get(members).status_code == 404
    assert bobs_api.post(members, {"username": "alice"}).status_code == 404


def test_only_owners_change_members(project, members, member):
    researcher = member(project, "carol", Role.RESEARCHER)
    own = Membership.objects.get(user__username="carol")
    assert researcher.post(members, {"username": "dave"}).status_code == 403
    assert researcher.patch(f"{members}{own.pk}/", {"role": "owner"}).status_code == 403
    assert researcher.delete(f"{members}{own.pk}/").status_code == 403
    assert not User.objects.filter(username="dave").exists()


def test_an_owner_changes_roles_and_removes_members(api, project, members, member):
    member(project, "carol", Role.VIEWER)
    address = f"{members}{Membership.objects.get(user__username='carol').pk}/"
    assert api.patch(address, {"role": "researcher"}).json()["role"] == "researcher"
    assert api.patch(address, {"role": "king"}).status_code == 400
    assert api.delete(address).status_code == 204
    assert api.get(address).status_code == 404


def test_the_last_owner_stays(api, project, members, alice):
    own = f"{members}{project.memberships.get(user=alice).pk}/"
    assert api.delete(own).status_code == 409
    assert api.patch(own, {"role": "viewer"}).status_code == 409
    assert project.memberships.get(user=alice).role == Role.OWNER


def test_a_member_of_another_project_is_not_found(api, members, other_project, bob):
    other = other_project.memberships.get(user=bob)
    assert api.patch(f"{members}{other.pk}/", {"role": "viewer"}).status_code == 404


def test_a_username_that_is_not_allowed_is_refused(api, members):
    assert api.post(members, {"username": "a b", "role": "viewer"}).status_code == 400
