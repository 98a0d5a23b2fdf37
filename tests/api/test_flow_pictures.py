"""Flow pictures: listed and shown to researchers, protected while a frozen version uses them."""

import pytest
from django.urls import reverse

from mer_platform.clips.models import FlowPicture
from mer_platform.projects.models import AuditEvent, Membership, Role
from tests.pictures import add_picture, freeze_pictures, picture_bytes

pytestmark = [pytest.mark.django_db, pytest.mark.services_in_faults]
URL = "/api/v1/flow-pictures/"


@pytest.fixture
def picture(project) -> FlowPicture:
    return add_picture(project, "SMIC", "s01", "s01_ne_01", "negative", 0)


@pytest.fixture
def browser(client, alice):
    client.force_login(alice)
    return client


def test_it_lists_and_filters(api, project, picture):
    add_picture(project, "SAMM", "006", "006_1_2", "surprise", 1)
    assert api.get(URL).json()["count"] == 2
    rows = api.get(f"{URL}?subject__name=s01").json()["results"]
    assert [(r["name"], r["database_name"], r["subject"], r["emotion"]) for r in rows] == [
        ("s01_ne_01", "SMIC", "s01", "negative")
    ]


def test_its_file_is_the_imported_image(api, picture):
    answer = api.get(f"{URL}{picture.pk}/file/")
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "image/png")
    assert answer.getvalue() == picture_bytes("negative", 0)
    assert api.get(f"{URL}{picture.pk}/file/", HTTP_IF_NONE_MATCH=answer.headers["ETag"]).status_code == 304


def test_a_flow_picture_missing_from_the_storage_is_reported(api, picture):
    FlowPicture.objects.update(file="pictures/gone.png")
    answer = api.get(f"{URL}{picture.pk}/file/")
    assert answer.status_code == 404
    assert "missing from the storage" in answer.json()["detail"]


def test_only_an_unused_flow_picture_can_be_deleted(api, project, picture):
    assert api.delete(f"{URL}{picture.pk}/").status_code == 204
    assert "deleted the flow picture SMIC/s01/s01_ne_01" in AuditEvent.objects.first().action
    used = freeze_pictures(project).samples.first().picture
    answer = api.delete(f"{URL}{used.pk}/")
    assert answer.status_code == 409
    assert "Cannot delete CASME II/sub01/sub01_0: the frozen version" in answer.json()["detail"]


def test_annotators_and_strangers_cannot_see_their_labels(project, picture, member, bobs_api):
    carol = member(project, "carol", Role.ANNOTATOR)
    assert carol.get(URL).json()["results"] == bobs_api.get(URL).json()["results"] == []
    for path in ("", "file/"):
        assert carol.get(f"{URL}{picture.pk}/{path}").status_code == 403
        assert bobs_api.get(f"{URL}{picture.pk}/{path}").status_code == 404
    assert carol.delete(f"{URL}{picture.pk}/").status_code == 403


def test_their_page_shows_and_filters_them(browser, project, picture):
    add_picture(project, "SAMM", "006", "006_1_2", "surprise", 1)
    url = reverse("pictures", args=[project.slug])
    page = browser.get(url).content.decode()
    assert reverse("flow-picture-file", args=[picture.pk]) in page
    found = browser.get(url, {"q": "006 surprise"}).content.decode()
    assert ("006_1_2" in found, "s01_ne_01" in found) == (True, False)
    assert "No flow picture matches these filters" in browser.get(url, {"q": "nobody"}).content.decode()


def test_their_empty_page_explains_what_they_are(browser, project):
    assert "No flow pictures" in browser.get(reverse("pictures", args=[project.slug])).content.decode()


def test_a_project_with_only_flow_pictures_is_not_shown_as_empty(browser, project, picture):
    assert "1 flow picture" in browser.get(reverse("clips", args=[project.slug])).content.decode()
    assert "1 flow picture, no clips" in browser.get(reverse("project", args=[project.slug])).content.decode()


def test_annotators_see_neither_the_page_nor_a_link_to_it(client, project, picture, bob):
    Membership.objects.create(project=project, user=bob, role=Role.ANNOTATOR)
    client.force_login(bob)
    assert client.get(reverse("pictures", args=[project.slug])).status_code == 403
    for name in ("clips", "project"):
        page = client.get(reverse(name, args=[project.slug])).content.decode()
        assert reverse("pictures", args=[project.slug]) not in page
