"""Which member a name in a file stands for: by e-mail address, username or choice, which the project remembers."""

import json

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from mer_platform.annotation.exchange.models import AnnotationImport, CoderName
from mer_platform.annotation.models import Annotation
from mer_platform.projects.models import Membership, Role
from tests.api.exchange_lab import *  # noqa: F403
from tests.api.exchange_lab import HEAD, checked, confirmed, sheet
from tests.api.problems import errors_of

pytestmark = [pytest.mark.django_db, pytest.mark.services]


@pytest.fixture
def ben(project) -> User:
    user = User.objects.create_user("ben", "Ben@x.org", "correct horse 5", first_name="Ben", last_name="Lee")
    Membership.objects.create(project=project, user=user, role=Role.ANNOTATOR)
    return user


def rows_of(*coders: str) -> str:
    return sheet(*(f"6,006_1_2,{5572 + n},5583,5594,4,happiness,{coder}" for n, coder in enumerate(coders)))


def named(batch: dict) -> list[tuple]:
    return [(e["name"], e["rows"], e["member"], e["proposed"], e["why"]) for e in batch["names"]]


def test_e_mail_addresses_and_usernames_are_known(api, project, samm_clip, ben):
    batch = checked(api, project, "lab.csv", rows_of("ben@X.org", "Alice"))
    assert named(batch) == [
        ("Alice", 1, "alice", "", "username"),
        ("ben@X.org", 1, "ben", "", "e-mail address"),
    ]
    assert {e["coder_name"] for e in batch["entries"]} == {"alice", "ben"}


@pytest.mark.parametrize("name", ["BL", "Ben Lee", "Lee"])
def test_names_and_initials_are_only_proposed(api, project, samm_clip, ben, name):
    batch = checked(api, project, "lab.csv", rows_of("alice", name))
    assert (name, 1, "", "ben", "name or initials") in named(batch)
    assert [e["coder_name"] for e in batch["entries"]] == ["alice"]


def test_a_name_without_member_is_listed_once_with_its_rows(api, project, samm_clip):
    batch = checked(api, project, "lab.csv", rows_of("alice", "7", "7"))
    assert [(p["code"], p["message"]) for p in batch["problems"]] == [
        (
            "coder-unknown",
            "This project has no member “7” (2 rows). Choose under “Who coded” which member that is.",
        )
    ]


def test_a_choice_is_compared_again_and_remembered(api, project, samm_clip, ben):
    batch = checked(api, project, "lab.csv", rows_of("7", "8"))
    assert batch["entries"] == []
    url = f"/api/v1/annotation-imports/{batch['id']}/recheck/"
    again = api.post(url, {"members": {"7": "ben", "8": "alice"}}, format="json").json()
    assert [e["coder_name"] for e in again["entries"]] == ["ben", "alice"]
    assert (again["problems"], again["id"]) == ([], batch["id"])
    confirmed(api, again)
    assert set(CoderName.objects.values_list("name", "user__username")) == {("7", "ben"), ("8", "alice")}
    assert api.post(url, {"members": {}}, format="json").status_code == 409
    later = checked(api, project, "next.csv", rows_of("7"))
    assert named(later) == [("7", 1, "ben", "", "chosen before")]


def test_the_upload_can_name_the_members(api, project, samm_clip, ben):
    file = SimpleUploadedFile("lab.csv", rows_of("7").encode())
    fields = {"project": project.pk, "file": file, "members": json.dumps({"7": "ben"})}
    answer = api.post("/api/v1/annotation-imports/", fields, format="multipart")
    assert [e["coder_name"] for e in answer.json()["entries"]] == ["ben"]


def test_a_member_that_there_is_not_is_refused(api, project, samm_clip, member):
    member(project, "vera", Role.VIEWER)
    batch = checked(api, project, "lab.csv", rows_of("7", "8"))
    url = f"/api/v1/annotation-imports/{batch['id']}/recheck/"
    again = api.post(url, {"members": {"7": "zoe", "8": "vera"}}, format="json").json()
    assert [
        "no member “zoe”" in again["problems"][0]["message"],
        "viewer" in again["problems"][1]["message"],
    ] == [
        True,
        True,
    ]
    assert not CoderName.objects.exists()
    assert api.post(url, {"members": [1]}, format="json").status_code == 400


def test_the_page_asks_who_coded(project, alice, samm_clip, ben):
    browser = Client()
    browser.force_login(alice)
    base = f"/projects/{project.slug}/annotations/"
    browser.post(base, {"file": SimpleUploadedFile("lab.csv", rows_of("BL").encode()), "coders": "names"})
    batch = AnnotationImport.objects.get()
    text = browser.get(f"{base}imports/{batch.pk}/").content.decode()
    assert "Who coded" in text
    assert "name or initials: check this" in " ".join(text.split())
    browser.post(f"{base}imports/{batch.pk}/compare/", {"member-0": "ben"})
    browser.post(f"{base}imports/{batch.pk}/confirm/")
    assert Annotation.objects.get().coder == ben


def test_initials_of_two_members_are_not_proposed(api, project, samm_clip, ben):
    other = User.objects.create_user("bert", password="correct horse 6", first_name="Bert", last_name="Low")
    Membership.objects.create(project=project, user=other, role=Role.ANNOTATOR)
    assert named(checked(api, project, "lab.csv", rows_of("BL"))) == [("BL", 1, "", "", "")]


def test_a_file_without_any_coder_offers_the_other_ways(api, project, samm_clip):
    text = sheet("6,006_1_2,5572,5583,5594,4,happiness", head=HEAD.removesuffix(",Coder"))
    file = SimpleUploadedFile("lab.csv", text.encode())
    answer = api.post(
        "/api/v1/annotation-imports/", {"project": project.pk, "file": file}, format="multipart"
    )
    assert "“All are mine” or “The consensus of the clips”" in errors_of(answer, "file")[0]
