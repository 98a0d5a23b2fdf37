"""A coding that its coder has marked as done changes in an import only if someone chooses so."""

import pytest
from django.urls import reverse
from django.utils import timezone

from mer_platform.annotation.models import Annotation, Assignment
from tests.api.exchange_lab import *  # noqa: F403
from tests.api.exchange_lab import CHANGED, checked, confirmed, content, sheet, upload
from tests.api.problems import errors_of, field_errors

pytestmark = [pytest.mark.django_db, pytest.mark.services_in_faults]
MORE = sheet("6,006_1_2,5640,5645,5650,4,disgust,alice")
HUGE = "9" * 6000


def done(clip, coder) -> Assignment:
    return Assignment.objects.create(clip=clip, coder=coder, done_at=timezone.now())


def choosing(api, batch: dict, choice: str) -> dict:
    (entry,) = batch["entries"]
    url = f"/api/v1/annotation-imports/{batch['id']}/confirm/"
    return api.post(url, {"choices": {str(entry["number"]): choice}}, format="json").json()


def test_the_statement_that_there_is_no_expression_stays(api, project, samm_clip, alice):
    done(samm_clip, alice)
    batch = checked(api, project, "lab.csv", MORE)
    (entry,), (problem,) = batch["entries"], batch["problems"]
    assert (entry["action"], entry["choice"], entry["choices"]) == ("add", "keep", ["add", "keep"])
    assert (problem["severity"], problem["code"]) == ("warning", "clip-done")
    assert f"alice states that {samm_clip} shows no expression." in problem["message"]
    assert confirmed(api, batch)["conflicts"] == []
    assert not Annotation.objects.exists()


@pytest.mark.parametrize(("text", "action"), [(MORE, "add"), (CHANGED, "change")])
def test_a_coding_that_is_done_stays(api, project, samm_clip, ours, alice, text, action):
    done(samm_clip, alice)
    before = content()
    batch = checked(api, project, "lab.csv", text)
    (entry,), (problem,) = batch["entries"], batch["problems"]
    assert (entry["action"], entry["choice"]) == (action, "keep")
    assert f"alice has marked {samm_clip} as done." in problem["message"]
    confirmed(api, batch)
    assert content() == before


def test_someone_may_choose_to_add_all_the_same(api, project, samm_clip, alice):
    done(samm_clip, alice)
    assert choosing(api, checked(api, project, "lab.csv", MORE), "add")["conflicts"] == []
    assert Annotation.objects.get().emotion == "disgust"


@pytest.mark.parametrize("earlier", [False, True])
def test_a_clip_that_was_marked_as_done_after_the_check_is_skipped(api, project, samm_clip, alice, earlier):
    if earlier:
        done(samm_clip, alice)
    batch = checked(api, project, "lab.csv", MORE)
    Assignment.objects.all().delete()
    done(samm_clip, alice)
    (conflict,) = choosing(api, batch, "add")["conflicts"]
    assert conflict["why"] == "alice has marked the clip as done after the check. Reopen it first."
    assert not Annotation.objects.exists()


@pytest.mark.parametrize(("there", "choice"), [(False, "add"), (True, "change")])
def test_a_coding_that_is_done_does_not_become_incomplete(api, project, samm_clip, alice, there, choice):
    if there:
        Annotation.objects.create(clip=samm_clip, coder=alice, onset=78, apex=82, offset=86)
    done(samm_clip, alice)
    before = content()
    text = sheet("6,006_1_2,5640,5645,5650,4,,alice")
    (conflict,) = choosing(api, checked(api, project, "lab.csv", text), choice)["conflicts"]
    assert "The clip is done, and this expression is not complete." in conflict["why"]
    assert content() == before


def test_a_clip_reopened_after_the_check_is_open(api, project, samm_clip, anna):
    done(samm_clip, anna)
    batch = checked(api, project, "lab.csv", sheet("6,006_1_2,5640,5645,5650,4,,anna@lab"))
    Assignment.objects.update(done_at=None)
    assert choosing(api, batch, "add")["conflicts"] == []
    assert Annotation.objects.exists()


@pytest.mark.parametrize("number", [HUGE, "-1", "x", "1" * 10])
def test_what_is_not_the_number_of_a_row_is_refused(api, client, project, ours, alice, number):
    batch = checked(api, project, "lab.csv", CHANGED)
    answer = api.post(
        f"/api/v1/annotation-imports/{batch['id']}/confirm/", {"choices": {number: "keep"}}, format="json"
    )
    assert answer.status_code == 400
    assert "is not the number of a row" in errors_of(answer, "choices")[0]
    assert len(errors_of(answer, "choices")[0]) < 100
    client.force_login(alice)
    url = reverse("annotation-file-choose", args=[project.slug, batch["id"]])
    form = {"data": f"choice-{number}=keep", "content_type": "application/x-www-form-urlencoded"}
    page = client.post(url, follow=True, **form).content.decode()
    assert "is not the number of a row" in page


def test_a_number_that_is_not_in_the_import_is_refused_on_its_page(api, client, project, ours, alice):
    batch = checked(api, project, "lab.csv", CHANGED)
    client.force_login(alice)
    url = reverse("annotation-file-choose", args=[project.slug, batch["id"]])
    assert (
        "This import has no row number 77."
        in client.post(url, {"choice-77": "keep"}, follow=True).content.decode()
    )


def test_a_member_for_a_name_that_is_not_in_the_file_is_refused(api, project, ours):
    batch = checked(api, project, "lab.csv", CHANGED)
    url = f"/api/v1/annotation-imports/{batch['id']}/recheck/"
    answer = api.post(url, {"members": {"bob": "alice"}}, format="json")
    assert answer.status_code == 400
    assert field_errors(answer) == {
        "/members": ["“lab.csv” contains no row of a coder named bob. Its coders are alice."]
    }


def test_an_upload_with_a_member_for_a_name_that_is_not_in_the_file_is_refused(api, project, ours):
    answer = upload(api, project, "lab.csv", CHANGED, members='{"bob": "alice"}')
    assert answer.status_code == 400
    assert "named bob" in errors_of(answer, "members")[0]
