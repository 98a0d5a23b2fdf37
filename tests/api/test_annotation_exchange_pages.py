"""The page of exports and imports, and the report of a file."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from mer_platform.annotation.exchange.models import AnnotationImport
from mer_platform.annotation.models import Annotation
from mer_platform.projects.models import Membership, Role
from tests.api.exchange_lab import *  # noqa: F403

pytestmark = pytest.mark.django_db

SHEET = (
    "Subject,Filename,OnsetFrame,ApexFrame,OffsetFrame,Action Units,Estimated Emotion,Coder\n"
    "6,006_1_2,5572,5583,5594,4,happiness,alice\n6,006_1_2,5640,5645,5650,4,<b>rapture</b>,alice\n"
)


@pytest.fixture
def browser(alice) -> Client:
    client = Client()
    client.force_login(alice)
    return client


@pytest.fixture
def base(project) -> str:
    return f"/projects/{project.slug}/annotations/"


def check(browser: Client, base: str, text: str = SHEET, name: str = "lab.csv", coders: str = "names"):
    return browser.post(
        base, {"file": SimpleUploadedFile(name, text.encode()), "coders": coders}, follow=True
    )


def test_a_file_is_checked_shown_confirmed_and_listed(browser, base, samm_clip, alice):
    Annotation.objects.create(clip=samm_clip, coder=alice, onset=10, apex=20, offset=30, emotion="happiness")
    page = check(browser, base)
    text = page.content.decode()
    assert "Nothing is changed yet" in text
    assert "changes 1 and" in text
    assert "&lt;b&gt;rapture&lt;/b&gt;” is not a word of CASME II" in text
    batch = AnnotationImport.objects.get()
    changes = browser.get(f"{base}imports/{batch.pk}/?show=change").content.decode()
    assert "<del>30</del>" in changes
    assert "<ins>31</ins>" in changes
    after = browser.post(f"{base}imports/{batch.pk}/confirm/", follow=True).content.decode()
    assert "0 added, 1 changed." in after
    assert Annotation.objects.get().offset == 31
    assert "lab.csv" in browser.get(base).content.decode()
    assert (
        "imported already" in browser.post(f"{base}imports/{batch.pk}/confirm/", follow=True).content.decode()
    )


def test_a_file_that_cannot_be_read_stays_on_the_page_with_the_reason(browser, base, database):
    page = check(browser, base, "no sheet")
    assert page.status_code == 422
    assert "has no header row" in page.content.decode()
    assert check(browser, base, "x", coders="nobody").status_code == 422
    assert "required" in browser.post(base, {"coders": "me"}).content.decode()


def test_a_checked_file_can_be_discarded(browser, base, samm_clip):
    check(browser, base)
    url = f"{base}imports/{AnnotationImport.objects.get().pk}/discard/"
    assert "was discarded; nothing was changed" in browser.post(url, follow=True).content.decode()
    assert not AnnotationImport.objects.exists()


def test_an_import_that_was_confirmed_is_kept(browser, base, samm_clip):
    check(browser, base)
    batch = AnnotationImport.objects.get()
    browser.post(f"{base}imports/{batch.pk}/confirm/")
    text = browser.post(f"{base}imports/{batch.pk}/discard/", follow=True).content.decode()
    assert "kept as the record" in text
    assert AnnotationImport.objects.count() == 1


def test_the_form_downloads_what_it_chooses(browser, base, coded):
    answer = browser.get(f"{base}export/", {"format": "samm.csv", "coder": "anna@lab"})
    assert answer["Content-Disposition"] == 'attachment; filename="alices-lab-annotations.samm.csv"'
    assert answer.content.decode().count("anna@lab") == 5


def test_the_form_says_what_is_wrong_with_a_choice(browser, base, coded):
    answer = browser.get(f"{base}export/", {"format": "samm.csv", "coder": "alice", "marks": "consensus"})
    assert answer.status_code == 422
    assert "nobody’s own" in answer.content.decode()
    assert "Choose a format" in browser.get(f"{base}export/", {"format": "tex"}).content.decode()


def test_every_list_of_the_report_shows(browser, base, coded, project):
    kinds = {
        "add": SHEET,
        "same": browser.get(f"{base}export/?format=casme2.csv").content.decode("utf-8-sig"),
    }
    for show, text in kinds.items():
        check(browser, base, text)
        url = f"{base}imports/{AnnotationImport.objects.first().pk}/?show={show}&page=99"
        assert browser.get(url).status_code == 200


def test_the_clips_page_leads_to_it(browser, base, project, samm_clip):
    assert f'href="{base}"' in browser.get(f"/projects/{project.slug}/clips/").content.decode()


@pytest.mark.parametrize(
    "path", ["", "export/?format=json", "imports/1/", "imports/1/confirm/", "imports/1/discard/"]
)
def test_annotators_do_not_get_there(project, base, anna, path):
    client = Client()
    client.force_login(anna)
    send = client.post if path.endswith(("confirm/", "discard/")) else client.get
    assert send(f"{base}{path}").status_code == 403
    Membership.objects.filter(user=anna).update(role=Role.RESEARCHER)
    assert send(f"{base}{path}").status_code in (200, 404)
