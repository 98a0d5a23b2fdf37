"""Marks are exact, in order, and never overwritten unnoticed; the database itself enforces the order."""

import pytest
from django.db import IntegrityError, transaction

from mer_platform.annotation.models import Annotation, Consensus
from mer_platform.projects.models import Role
from tests.api.problems import errors_of

pytestmark = [pytest.mark.django_db, pytest.mark.services]
URL = "/api/v1/annotations/"


@pytest.fixture
def annotation(api, clip) -> dict:
    return api.post(
        URL, {"clip": clip.pk, "onset": 10, "apex": 20, "offset": 30, "emotion": "disgust"}
    ).json()


def test_it_saves_marks_one_by_one(api, clip):
    first = api.post(URL, {"clip": clip.pk, "onset": 10}).json()
    assert (first["onset"], first["apex"], first["complete"]) == (10, None, False)
    second = api.patch(f"{URL}{first['id']}/", {"apex": 20, "offset": 30, "emotion": "disgust"}).json()
    assert (second["onset"], second["apex"], second["offset"], second["complete"]) == (10, 20, 30, True)


@pytest.mark.parametrize(
    ("marks", "field", "words"),
    [
        ({"onset": 30, "apex": 20}, "apex", "lies before the onset (frame 30)"),
        ({"apex": 30, "offset": 20}, "offset", "lies before the apex (frame 30)"),
        ({"onset": 30, "offset": 20}, "offset", "lies before the onset (frame 30)"),
        ({"onset": 100}, "onset", "its frames are 0–99"),
        ({"onset": -1}, "onset", "Must be 0 or more"),
        ({"onset": 1.5}, "onset", "whole number"),
        ({"emotion": "boredom"}, "emotion", "is not an emotion of CASME II"),
        ({"confidence": 6}, "confidence", ""),
    ],
)
def test_wrong_marks_are_rejected_with_a_reason(api, clip, marks, field, words):
    answer = api.post(URL, {"clip": clip.pk, **marks})
    assert answer.status_code == 400
    assert words in errors_of(answer, field)[0]
    assert not Annotation.objects.exists()


def test_it_checks_a_changed_mark_against_the_stored_ones(api, annotation):
    answer = api.patch(f"{URL}{annotation['id']}/", {"apex": 31})
    assert answer.status_code == 400
    assert Annotation.objects.get().apex == 20


@pytest.mark.parametrize("marks", [{"onset": 21}, {"offset": 19}, {"apex": None, "onset": 31}])
def test_the_database_rejects_marks_in_the_wrong_order(annotation, marks):
    with pytest.raises(IntegrityError), transaction.atomic():
        Annotation.objects.filter(pk=annotation["id"]).update(**marks)


def test_it_answers_412_with_the_current_state_when_it_was_changed_elsewhere(api, annotation):
    url = f"{URL}{annotation['id']}/"
    api.patch(url, {"note": "from the other tab"}, headers={"If-Match": '"1"'})
    answer = api.patch(url, {"note": "from this tab"}, headers={"If-Match": '"1"'})
    assert answer.status_code == 412
    assert answer.json()["etag"] == '"2"'
    assert answer.json()["current"]["note"] == "from the other tab"
    assert Annotation.objects.get().note == "from the other tab"


def test_it_does_not_delete_what_was_changed_elsewhere(api, annotation):
    url = f"{URL}{annotation['id']}/"
    api.patch(url, {"note": "from the other tab"}, headers={"If-Match": '"1"'})
    assert api.delete(url, headers={"If-Match": '"1"'}).status_code == 412
    assert api.delete(url, headers={"If-Match": '"2"'}).status_code == 204


def test_a_clip_may_show_several_expressions(api, clip, annotation):
    assert api.post(URL, {"clip": clip.pk, "onset": 50}).status_code == 201
    assert [row["onset"] for row in api.get(f"{URL}?clip={clip.pk}&mine=true").json()["results"]] == [10, 50]


def test_a_repeated_save_does_not_create_a_second_annotation(api, clip, annotation):
    answer = api.post(URL, {"clip": clip.pk, "key": annotation["key"], "onset": 10})
    assert answer.status_code == 409
    assert answer.json()["current"]["id"] == annotation["id"]
    assert Annotation.objects.count() == 1


def test_each_answer_has_an_etag_for_the_next_edit(api, clip):
    made = api.post(URL, {"clip": clip.pk, "onset": 10})
    url = f"{URL}{made.json()['id']}/"
    assert made["ETag"] == '"1"'
    assert api.patch(url, {"apex": 20}, headers={"If-Match": made["ETag"]})["ETag"] == '"2"'
    assert api.get(url)["ETag"] == '"2"'
    api.delete(url)
    assert api.post(f"{url}restore/")["ETag"] == '"4"'


def test_a_repeated_save_of_a_deleted_annotation_returns_it_as_deleted(api, clip, annotation):
    api.delete(f"{URL}{annotation['id']}/")
    answer = api.post(URL, {"clip": clip.pk, "key": annotation["key"], "onset": 10})
    assert answer.status_code == 409
    assert (answer.json()["current"]["id"], answer.json()["current"]["deleted"]) == (annotation["id"], True)


def test_restoring_twice_changes_nothing(api, annotation):
    url = f"{URL}{annotation['id']}/"
    api.delete(url)
    assert [api.post(f"{url}restore/").json()["revision"] for _ in range(2)] == [3, 3]


def test_a_key_of_another_coder_is_rejected_without_showing_the_annotation(project, clip, annotation, member):
    carol = member(project, "carol", Role.ANNOTATOR)
    answer = carol.post(URL, {"clip": clip.pk, "key": annotation["key"]})
    assert answer.status_code == 409
    assert "current" not in answer.json()


def test_all_versions_are_kept_with_user_and_client(api, annotation):
    url = f"{URL}{annotation['id']}/"
    api.patch(url, {"apex": 21}, headers={"X-MER-Client": "labeler"})
    versions = api.get(f"{url}versions/").json()["results"]
    assert [(v["revision"], v["content"]["apex"], v["made_by"], v["client"]) for v in versions] == [
        (1, 20, "alice", "api"),
        (2, 21, "alice", "labeler"),
    ]


def test_a_deleted_annotation_can_be_restored(api, annotation):
    url = f"{URL}{annotation['id']}/"
    assert api.delete(url, headers={"If-Match": '"1"'}).status_code == 204
    assert api.get(url).status_code == 404
    restored = api.post(f"{url}restore/").json()
    assert (restored["apex"], restored["revision"]) == (20, 3)
    assert api.get(url).status_code == 200


def test_only_the_coder_sees_their_deleted_annotations(project, api, clip, annotation, member):
    api.delete(f"{URL}{annotation['id']}/")
    query = f"{URL}?clip={clip.pk}&deleted=true"
    assert [(row["id"], row["deleted"]) for row in api.get(query).json()["results"]] == [
        (annotation["id"], True)
    ]
    assert member(project, "carol", Role.RESEARCHER).get(query).json()["results"] == []
    assert api.patch(f"{URL}{annotation['id']}/", {"onset": 1}).status_code == 404


def test_only_the_coder_restores_an_annotation(project, api, annotation, member):
    api.delete(f"{URL}{annotation['id']}/")
    assert (
        member(project, "carol", Role.RESEARCHER).post(f"{URL}{annotation['id']}/restore/").status_code == 404
    )


@pytest.mark.parametrize(
    ("written", "stored"),
    [
        ("4+L10", "4+L10"),
        ("au4, 10l", "4+L10"),
        ("R12A+14", "R12A+14"),
        ("R6 or R12；14？", "(R6 or R12)+14?"),
        ("", ""),
    ],
)
def test_action_units_are_stored_in_one_form(api, clip, written, stored):
    assert api.post(URL, {"clip": clip.pk, "action_units": written}).json()["action_units"] == stored


@pytest.mark.parametrize(
    ("written", "words"),
    [
        ("smile", "“smile” is not an action unit"),
        ("4+99", "no action unit 99"),
        ("L4R", "“L4R”"),
        ("12E+12A", "contradict each other"),
    ],
)
def test_an_unreadable_action_unit_is_named(api, clip, written, words):
    answer = api.post(URL, {"clip": clip.pk, "action_units": written})
    assert answer.status_code == 400
    assert words in errors_of(answer, "action_units")[0]


def test_an_accepted_suggestion_is_kept(api, clip):
    offered = {"onset": 10, "apex": 20, "offset": 30, "confidence": 0.8}
    fields = {"onset": 10, "apex": 22, "offset": 30, "origin": "corrected", "suggestion": offered}
    stored = api.post(URL, {"clip": clip.pk, **fields}).json()
    assert (stored["origin"], stored["suggestion"]) == ("corrected", offered)
    assert api.post(URL, {"clip": clip.pk, "suggestion": {"apex": 3}}).status_code == 400


def test_coders_do_not_see_each_others_marks(project, clip, annotation, member):
    carol = member(project, "carol", Role.ANNOTATOR)
    assert carol.get(URL).json()["results"] == []
    assert carol.get(f"{URL}{annotation['id']}/").status_code == 404


def test_researchers_see_but_do_not_change_the_marks_of_others(project, clip, annotation, member):
    carol = member(project, "carol", Role.RESEARCHER)
    assert len(carol.get(URL).json()["results"]) == 1
    assert carol.get(f"{URL}?mine=true").json()["results"] == []
    assert carol.patch(f"{URL}{annotation['id']}/", {"onset": 1}).status_code == 403


def test_a_complete_annotation_is_adopted_as_consensus(api, clip, annotation):
    assert api.post(f"{URL}{annotation['id']}/adopt/").status_code == 200
    consensus = Consensus.objects.get(clip=clip)
    assert (consensus.onset, consensus.apex, consensus.offset, consensus.emotion) == (10, 20, 30, "disgust")


def test_an_incomplete_annotation_is_not_adopted(api, clip):
    half = api.post(URL, {"clip": clip.pk, "onset": 10}).json()
    assert api.post(f"{URL}{half['id']}/adopt/").status_code == 409
    assert not Consensus.objects.exists()


def test_a_failed_clip_cannot_be_annotated(api, make_clip):
    broken = make_clip("broken", state="failed", problem="It is a text file.")
    assert api.post(URL, {"clip": broken.pk, "onset": 1}).status_code == 400
