"""A whole import can be undone: what it added goes, what it changed comes back, what changed since is left and listed."""

import json

import pytest
from django.urls import reverse

from mer_platform.annotation.assignments.completion import finish_coding
from mer_platform.annotation.exchange.models import AnnotationImport
from mer_platform.annotation.models import Annotation, Assignment, Consensus, Judgement
from mer_platform.projects.models import AuditEvent, Role
from tests.api.exchange_lab import *  # noqa: F403
from tests.api.exchange_lab import CHANGED, HEAD, checked, confirmed, content, export, sheet

pytestmark = [pytest.mark.django_db, pytest.mark.services]
MORE = "6,006_1_2,5640,5645,5650,4,disgust,alice"


def undone(api, batch: dict) -> dict:
    answer = api.post(f"/api/v1/annotation-imports/{batch['id']}/undo/")
    assert answer.status_code == 200, answer.json()
    return answer.json()


def test_an_import_is_undone_as_a_whole(api, project, ours):
    before = content("note", "confidence")
    batch = confirmed(api, checked(api, project, "lab.csv", "\n".join([CHANGED, MORE])))
    assert len(content()) == 2
    answer = undone(api, batch)
    assert (answer["state"], answer["conflicts"]) == ("undone", [])
    assert content("note", "confidence") == before
    ours.refresh_from_db()
    assert (ours.revision, ours.versions.last().client) == (3, "undo of import: lab.csv")
    assert (
        "undid the import of annotations from lab.csv: 1 added, 1 changed"
        in AuditEvent.objects.first().action
    )
    again = api.post(f"/api/v1/annotation-imports/{batch['id']}/undo/")
    assert again.status_code == 409
    assert "Only a confirmed import can be undone." in again.json()["detail"]


def test_what_was_changed_since_stays_and_is_listed(api, project, ours):
    batch = confirmed(api, checked(api, project, "lab.csv", "\n".join([CHANGED, MORE])))
    api.patch(f"/api/v1/annotations/{ours.pk}/", {"offset": 40})
    added = Annotation.objects.exclude(pk=ours.pk).get()
    api.delete(f"/api/v1/annotations/{added.pk}/")
    answer = undone(api, batch)
    assert sorted(c["why"] for c in answer["conflicts"]) == [
        "The annotation was changed after the import.",
        "The annotation was deleted after the import.",
    ]
    ours.refresh_from_db()
    assert ours.offset == 40


@pytest.mark.parametrize("kind", ["json", "casme2.csv"])
def test_an_undone_file_can_be_imported_again(api, project, coded, kind):
    before, file = content(), export(api, project, kind)
    Annotation.everything.all().delete()
    for _ in range(2):
        batch = confirmed(api, checked(api, project, f"lab.{kind.split('.')[-1]}", file))
        assert content() == before
        undone(api, batch)
        assert content() == []


def test_a_consensus_is_taken_back(api, project, samm_clip, alice):
    old = Consensus.objects.create(
        clip=samm_clip, onset=10, apex=20, offset=30, emotion="disgust", origin="adjudicated"
    )
    head = HEAD.removesuffix(",Coder")
    rows = ["6,006_1_2,5572,5583,5594,4,happiness", "6,006_1_2,5640,5645,5650,4,disgust"]
    batch = checked(api, project, "lab.csv", sheet(*rows, head=head), "consensus")
    first, second = (str(e["number"]) for e in batch["consensus"])
    url = f"/api/v1/annotation-imports/{batch['id']}/confirm/"
    api.post(url, {"choices": {first: "change", second: "add"}}, format="json")
    assert sorted(Consensus.objects.values_list("offset", flat=True)) == [31, 87]
    undone(api, batch)
    now = Consensus.objects.get()
    assert (now.pk, now.offset, now.emotion, now.origin, now.decided_at) == (
        old.pk, 30, "disgust", "adjudicated", old.decided_at,
    )  # fmt: skip


def finish(clip, coder) -> None:
    """Let the coder mark the clip as done."""
    finish_coding(Assignment.objects.get_or_create(clip=clip, coder=coder)[0])


def test_an_undo_does_not_make_a_done_coding_say_that_there_is_no_expression(api, project, samm_clip, alice):
    batch = confirmed(api, checked(api, project, "lab.csv", sheet(MORE)))
    finish(samm_clip, alice)
    (conflict,) = undone(api, batch)["conflicts"]
    assert "alice has marked the clip as done since the import. Reopen it" in conflict["why"]
    assert Annotation.objects.get().emotion == "disgust"


def test_an_undo_does_not_make_a_done_coding_incomplete(api, project, samm_clip, alice):
    Annotation.objects.create(clip=samm_clip, coder=alice, onset=10, apex=20, offset=30)
    batch = confirmed(api, checked(api, project, "lab.csv", CHANGED))
    finish(samm_clip, alice)
    (conflict,) = undone(api, batch)["conflicts"]
    assert "has marked the clip as done since" in conflict["why"]
    assert Annotation.objects.get().complete


def test_a_coding_that_was_done_before_the_import_gets_its_previous_state(
    api, project, samm_clip, ours, alice
):
    finish(samm_clip, alice)
    before = content()
    batch = checked(api, project, "lab.csv", "\n".join([CHANGED, MORE]))
    url = f"/api/v1/annotation-imports/{batch['id']}/confirm/"
    first, second = (str(entry["number"]) for entry in batch["entries"])
    api.post(url, {"choices": {first: "change", second: "add"}}, format="json")
    assert content() != before
    assert undone(api, batch)["conflicts"] == []
    assert content() == before


def test_a_judge_who_decided_since_is_not_overruled(api, project, samm_clip, alice):
    head = HEAD.removesuffix(",Coder")
    text = sheet("6,006_1_2,5572,5583,5594,4,happiness", head=head)
    batch = confirmed(api, checked(api, project, "lab.csv", text, "consensus"))
    Consensus.objects.get().save()
    assert undone(api, batch)["conflicts"][0]["why"] == "The consensus has changed since the import."
    assert Consensus.objects.exists()


def test_a_verdict_of_no_expression_is_taken_back(api, project, samm_clip, monkeypatch):
    from models_ml.formats import annotations
    from models_ml.formats.base import Finding, Marked

    rows = [
        Marked(clip="006_1_2", coder="alice", unit="index", shown=False),
        Marked(clip="006_1_2", unit="index", shown=False, agreed=True),
    ]
    monkeypatch.setattr(annotations, "read", lambda *_: Finding(annotations=rows))
    batch = confirmed(api, checked(api, project, "lab.json", json.dumps({})))
    assert (Assignment.objects.count(), Judgement.objects.count()) == (1, 1)
    assert undone(api, batch)["conflicts"] == []
    assert (Assignment.objects.count(), Judgement.objects.count()) == (0, 0)


def test_annotators_undo_nothing(api, project, ours, member, bobs_api):
    batch = confirmed(api, checked(api, project, "lab.csv", CHANGED))
    url = f"/api/v1/annotation-imports/{batch['id']}/undo/"
    assert member(project, "carol", Role.ANNOTATOR).post(url).status_code == 403
    assert bobs_api.post(url).status_code == 404


def test_an_import_without_a_record_of_what_it_did_is_not_undone(api, project, ours, client, alice):
    batch = confirmed(api, checked(api, project, "lab.csv", CHANGED))
    stored = AnnotationImport.objects.get(pk=batch["id"])
    for entry in stored.entries:
        del entry["made"]  # as imports of earlier versions
    stored.save()
    answer = api.post(f"/api/v1/annotation-imports/{batch['id']}/undo/")
    assert answer.status_code == 409
    assert "did nothing that could be undone" in answer.json()["detail"]
    client.force_login(alice)
    page = client.get(reverse("annotation-file", args=[project.slug, batch["id"]])).content.decode()
    assert "Undo the import" not in page


def test_a_consensus_of_someone_who_was_deleted_since_comes_back_without_them(api, project, samm_clip, anna):
    marks = {"onset": 10, "apex": 20, "offset": 30, "emotion": "happiness"}
    Consensus.objects.create(clip=samm_clip, decided_by=anna, origin="adopted", **marks)
    sheet_of_all = sheet("6,006_1_2,5572,5583,5594,4,disgust,")
    batch = checked(api, project, "lab.csv", sheet_of_all, "consensus")
    choices = {"choices": {str(batch["consensus"][0]["number"]): "change"}}
    url = f"/api/v1/annotation-imports/{batch['id']}/confirm/"
    assert api.post(url, choices, format="json").status_code == 200
    anna.delete()
    assert undone(api, batch)["conflicts"] == []
    agreed = Consensus.objects.get()
    assert (agreed.emotion, agreed.offset, agreed.decided_by) == ("happiness", 30, None)
