"""The page for exports and imports, and the report of an import."""

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
    assert "Rows to add: 0. To change: 1. Already here and equal: 0." in " ".join(text.split())
    assert "&lt;b&gt;rapture&lt;/b&gt;” is not an emotion of CASME II" in text
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


def test_a_file_that_cannot_be_read_is_rejected_with_a_reason(browser, base, database):
    page = check(browser, base, "a\0b")
    assert page.status_code == 422
    assert "is not a text file" in page.content.decode()
    assert check(browser, base, "x", coders="zoe").status_code == 422
    assert "required" in browser.post(base, {"coders": "me"}).content.decode()


def test_a_checked_file_can_be_discarded(browser, base, samm_clip):
    check(browser, base)
    url = f"{base}imports/{AnnotationImport.objects.get().pk}/discard/"
    assert "was discarded. Nothing was changed." in browser.post(url, follow=True).content.decode()
    assert not AnnotationImport.objects.exists()


def test_a_confirmed_import_cannot_be_discarded(browser, base, samm_clip):
    check(browser, base)
    batch = AnnotationImport.objects.get()
    browser.post(f"{base}imports/{batch.pk}/confirm/")
    text = browser.post(f"{base}imports/{batch.pk}/discard/", follow=True).content.decode()
    assert "Cannot discard a confirmed import" in text
    assert AnnotationImport.objects.count() == 1


def test_the_form_downloads_the_selection(browser, base, coded):
    answer = browser.get(f"{base}export/", {"format": "samm.csv", "coder": "anna@lab"})
    assert answer["Content-Disposition"] == 'attachment; filename="alices-lab-annotations.samm.csv"'
    assert answer.content.decode().count("anna@lab") == 5


def test_the_form_reports_wrong_filters(browser, base, coded):
    answer = browser.get(f"{base}export/", {"format": "samm.csv", "coder": "alice", "marks": "consensus"})
    assert answer.status_code == 422
    assert "does not belong to a coder" in answer.content.decode()
    assert "Choose a format" in browser.get(f"{base}export/", {"format": "tex"}).content.decode()


def test_each_list_of_the_report_opens(browser, base, coded, project):
    kinds = {
        "add": SHEET,
        "same": browser.get(f"{base}export/?format=casme2.csv").content.decode("utf-8-sig"),
    }
    for show, text in kinds.items():
        check(browser, base, text)
        url = f"{base}imports/{AnnotationImport.objects.first().pk}/?show={show}&page=99"
        assert browser.get(url).status_code == 200


def test_the_list_of_clips_links_to_the_page(browser, base, project, samm_clip):
    assert f'href="{base}"' in browser.get(f"/projects/{project.slug}/clips/").content.decode()


@pytest.mark.parametrize(
    "path", ["", "export/?format=json", "imports/1/", "imports/1/confirm/", "imports/1/discard/"]
)
def test_annotators_may_not_exchange_annotations(project, base, anna, path):
    client = Client()
    client.force_login(anna)
    send = client.post if path.endswith(("confirm/", "discard/")) else client.get
    assert send(f"{base}{path}").status_code == 403
    Membership.objects.filter(user=anna).update(role=Role.RESEARCHER)
    assert send(f"{base}{path}").status_code in (200, 404)


def test_problems_that_repeat_are_one_line_and_their_rows_a_step_away(browser, base, api, samm_clip):
    row = "6,006_1_2,{},5583,5594,4,happiness,alice\n"
    text = SHEET.split("\n")[0] + "\n" + "".join(row.format(word) for word in ("ten", "nine", "six"))
    page = check(browser, base, text + "6,006_9_9,5572,5583,5594,4,happiness,alice\n").content.decode()
    assert "Show all 3" in page
    assert page.count('data-label="How often"') == 2
    batch = AnnotationImport.objects.get()
    groups = api.get(f"/api/v1/annotation-imports/{batch.pk}/").json()["problem_groups"]
    assert [(group["code"], group["count"]) for group in groups] == [
        ("not-a-frame-number", 3), ("clip-unknown", 1),
    ]  # fmt: skip
    url = f"{base}imports/{batch.pk}/"
    one = {"show": "problems", "group": groups[0]["key"]}
    assert browser.get(url, one).content.decode().count('data-label="Row"') == 3
    every = browser.get(url, {"show": "problems", "rows": "1"}).content.decode()
    assert every.count('data-label="Row"') == 4
    answer = browser.get(f"{url}problems.csv", one)
    assert len(answer.content.decode("utf-8-sig").splitlines()) == 4
    assert len(browser.get(f"{url}problems.csv").content.decode("utf-8-sig").splitlines()) == 5


@pytest.mark.parametrize("clip", ["9" * 19, "9" * 40, "x", "-1"])
def test_an_id_that_no_clip_has_is_refused(api, project, clip):
    answer = api.get(f"/api/v1/projects/{project.pk}/annotations.json?clip={clip}")
    assert answer.status_code == 400
    assert clip in answer.json()["detail"]
