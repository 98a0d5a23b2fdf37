"""A file of annotations is checked, shown and imported: what it changes, what it rejects, and who may import."""

import json
import uuid

import pytest

from mer_platform.annotation.models import Annotation, Consensus
from mer_platform.projects.models import AuditEvent, Membership, Project, Role
from mer_platform.projects.services import create_project
from models_ml.formats import EXPORTS
from tests.api.exchange_lab import *  # noqa: F403
from tests.api.exchange_lab import CHANGED, HEAD, checked, confirmed, content, export, sheet, upload
from tests.api.problems import errors_of

pytestmark = [pytest.mark.django_db, pytest.mark.services]


def problems(batch: dict) -> list[tuple]:
    return [(p["row"], p["column"], p["code"]) for p in batch["problems"]]


def test_a_change_is_shown_first_and_made_when_confirmed(api, project, ours, alice):
    batch = checked(api, project, "lab.csv", CHANGED)
    assert batch["entries"][0]["changed"] == {"offset": [30, 31], "action_units": ["", "4"]}
    ours.refresh_from_db()
    assert ours.offset == 30
    confirmed(api, batch)
    ours.refresh_from_db()
    assert (ours.offset, ours.action_units, ours.note, ours.revision) == (31, "4", "kept", 2)
    version = ours.versions.last()
    assert (version.client, version.made_by, version.content["offset"]) == ("import: lab.csv", alice, 31)
    assert "imported annotations from lab.csv: 0 added, 1 changed" in AuditEvent.objects.first().action


def test_each_row_that_cannot_be_imported_is_named(api, project, samm_clip, anna, member):
    member(project, "vera", Role.VIEWER)
    batch = checked(
        api,
        project,
        "lab.csv",
        sheet(
            "6,006_9_9,5572,5583,5594,4,happiness,alice",
            "6,006_1_2,5572,5577,5594,4,happiness,alice",
            "6,006_1_2,5594,5583,5572,4,happiness,alice",
            "6,006_1_2,5572,5583,5594,4+smile,happiness,alice",
            "6,006_1_2,5572,5583,5594,4,rapture,alice",
            "6,006_1_2,5572,5583,5594,4,happiness,zoe",
            "6,006_1_2,5572,5583,5594,4,happiness,vera",
            "6,006_1_2,ten,5583,5594,4,happiness,alice",
            ",006_1_2,5572,5583,5594,4,happiness,alice",
            "7,006_1_2,5572,5583,5594,4,happiness,alice",
            "6,006_1_2,5572,/,5594,4,happiness,alice",
        ),
    )
    assert sorted(problems(batch)) == [
        (2, "filename", "clip-unknown"),
        (3, "apex", "frame-absent"),
        (4, "apex", "marks-wrong"),
        (4, "offset", "marks-wrong"),
        (5, "action_units", "action-units-unreadable"),
        (6, "emotion", "emotion-unknown"),
        (7, "coder", "coder-unknown"),
        (8, "coder", "coder-unknown"),
        (9, "onset", "not-a-frame-number"),
        (10, "subject", "subject-missing"),
        (11, "filename", "clip-unknown"),
    ]
    messages = {p["code"]: p["message"] for p in batch["problems"]}
    expected = "The apex (frame 5577) is not in CASME II/006/006_1_2: its frames are numbered 5562–5662."
    assert messages["frame-absent"] == expected
    assert "“rapture” is not an emotion of CASME II: happiness, disgust" in messages["emotion-unknown"]
    assert batch["counts"]["add"] == 2  # the last row, and row 5 without the unit that cannot be read


def test_an_apex_of_0_means_no_apex_as_in_samm(api, project, samm_clip):
    batch = checked(api, project, "lab.csv", sheet("6,006_1_2,5572,0,5594,4,happiness,alice"))
    assert batch["entries"][0]["fields"]["apex"] is None


def test_a_clip_of_two_subjects_is_not_guessed(api, project, make_clip):
    make_clip("EP01", "sub01")
    make_clip("EP01", "sub1")
    batch = checked(api, project, "lab.csv", sheet("1,EP01,1,2,3,,happiness,alice"))
    assert batch["problems"][0]["code"] == "clip-ambiguous"
    assert "CASME II/sub01/EP01, CASME II/sub1/EP01" in batch["problems"][0]["message"]


def test_a_clip_that_is_not_ready_is_named(api, project, make_clip):
    make_clip("EP01", "sub01", state="processing")
    batch = checked(api, project, "lab.csv", sheet("1,EP01,1,2,3,,happiness,alice"))
    assert "is processing" in batch["problems"][0]["message"]


def test_an_annotation_that_changed_after_the_check_is_skipped(api, project, ours):
    batch = checked(api, project, "lab.csv", CHANGED)
    api.patch(f"/api/v1/annotations/{ours.pk}/", {"offset": 40})
    done = confirmed(api, batch)
    ours.refresh_from_db()
    assert ours.offset == 40
    assert done["conflicts"][0]["why"] == "The annotation was changed after the check."


def test_an_annotation_that_was_deleted_after_the_check_is_skipped(api, project, ours):
    batch = checked(api, project, "lab.csv", CHANGED)
    api.delete(f"/api/v1/annotations/{ours.pk}/")
    assert "deleted after the check" in confirmed(api, batch)["conflicts"][0]["why"]
    assert not Annotation.objects.exists()


def test_nothing_is_added_to_a_coding_that_changed_after_the_check(api, project, samm_clip):
    batch = checked(api, project, "lab.csv", CHANGED)
    api.post("/api/v1/annotations/", {"clip": samm_clip.pk, "onset": 10})
    done = confirmed(api, batch)
    assert "alice changed the coding of this clip after the check" in done["conflicts"][0]["why"]
    assert Annotation.objects.count() == 1


def test_the_same_file_checked_twice_is_imported_once(api, project, samm_clip):
    first, second = (checked(api, project, "lab.csv", CHANGED) for _ in range(2))
    confirmed(api, first)
    assert len(confirmed(api, second)["conflicts"]) == 1
    assert Annotation.objects.count() == 1
    answer = api.post(f"/api/v1/annotation-imports/{first['id']}/confirm/")
    assert answer.status_code == 409
    assert "is imported already" in answer.json()["detail"]


def test_an_unfinished_annotation_is_changed_only_if_chosen(api, project, samm_clip, alice):
    Annotation.objects.create(clip=samm_clip, coder=alice, onset=11)
    batch = checked(
        api,
        project,
        "lab.csv",
        sheet("6,006_1_2,5572,5583,5594,4,happiness,alice", "6,006_1_2,5640,5645,5650,4,disgust,alice"),
    )
    assert [(e["action"], e["choice"], e["choices"]) for e in batch["entries"]] == [
        ("add", "add", ["add", "change", "keep"]),
        ("add", "add", ["add", "keep"]),
    ]


def test_a_repeated_row_is_imported_once(api, project, samm_clip):
    row = "6,006_1_2,5572,5583,5594,4,happiness,alice"
    batch = checked(api, project, "lab.csv", sheet(row, row))
    assert (batch["counts"]["add"], batch["problems"][0]["code"]) == (1, "duplicate-row")


def test_a_sheet_without_coders_can_be_imported_as_the_callers_own(api, project, samm_clip):
    text = sheet("6,006_1_2,5572,5583,5594,4,happiness", head=HEAD.removesuffix(",Coder"))
    refused = upload(api, project, "lab.csv", text)
    assert refused.status_code == 400
    assert "does not name the coders" in errors_of(refused, "file")[0]
    confirmed(api, checked(api, project, "lab.csv", text, "me"))
    assert content()[0][1] == "alice"


def test_codings_of_several_coders_cannot_all_be_the_callers(api, project, coded):
    answer = upload(api, project, "lab.csv", export(api, project, "casme2.csv"), "me")
    assert answer.status_code == 400
    assert "contains codings of alice, anna@lab" in errors_of(answer, "file")[0]


def test_a_unit_that_cannot_be_read_costs_that_unit_only(api, project, ours, alice):
    batch = checked(api, project, "lab.csv", CHANGED.replace(",4,", ',"4+smile+L14B?+12E+12A",'))
    assert batch["entries"][0]["changed"] == {"offset": [30, 31], "action_units": ["", "4+L14B?"]}
    assert [(p["row"], p["column"], p["severity"]) for p in batch["problems"]] == [
        (2, "action_units", "warning")
    ] * 2
    assert batch["problems"][1]["message"] == (
        "“12E” and “12A” contradict each other. Write the unit once. Imported as 4+L14B?."
    )
    confirmed(api, batch)
    ours.refresh_from_db()
    assert ours.action_units == "4+L14B?"


def test_the_lossless_format_restores_the_units_of_each_consensus(api, project, samm_clip):
    """Also units that were stored before they were checked."""
    units = ["4+7", "A12", "ref(7B)+43", "10A/B", "(R6 or R12)+R15", "L14B?", "smile"]
    for number, written in enumerate(units):
        marks = {"onset": 5 * number, "apex": 5 * number + 1, "offset": 5 * number + 2, "emotion": "disgust"}
        Consensus.objects.create(clip=samm_clip, action_units=written, origin="imported", **marks)
    exported = export(api, project, "json")
    unchanged = checked(api, project, "all.json", exported)
    assert (unchanged["problems"], {row["action"] for row in unchanged["consensus"]}) == ([], {"same"})
    Consensus.objects.all().delete()
    batch = checked(api, project, "all.json", exported)
    assert batch["problems"] == []
    confirmed(api, batch)
    assert list(Consensus.objects.order_by("onset").values_list("action_units", flat=True)) == units


def test_lossless_clips_with_different_bytes_are_rejected(api, project, coded, samm_clip):
    file = export(api, project, "json").decode().replace(samm_clip.sha256, "0" * 64)
    batch = checked(api, project, "lab.json", file)
    assert {p["code"] for p in batch["problems"]} == {"clip-differs"}
    assert batch["counts"]["same"] == 3


def test_a_key_of_another_coder_is_not_used(api, project, ours, member, anna):
    document = json.loads(export(api, project, "json"))
    entry = document["clips"][0]["annotations"][0]
    entry["coder"], entry["versions"] = "anna@lab", []
    confirmed(api, checked(api, project, "lab.json", json.dumps(document)))
    assert Annotation.objects.get(coder=anna).key != ours.key
    ours.refresh_from_db()
    assert ours.revision == 1


def test_a_deleted_annotation_is_not_imported_again(api, project, ours):
    file = export(api, project, "json")
    api.delete(f"/api/v1/annotations/{ours.pk}/")
    batch = checked(api, project, "lab.json", file)
    assert problems(batch) == [(1, "key", "deleted-here")]


def test_an_older_revision_is_marked(api, project, ours):
    file = export(api, project, "json")
    api.patch(f"/api/v1/annotations/{ours.pk}/", {"offset": 40})
    batch = checked(api, project, "lab.json", file)
    assert (batch["entries"][0]["older"], batch["entries"][0]["changed"]) == (True, {"offset": [40, 30]})


def test_an_existing_consensus_is_not_changed(api, project, ours, alice):
    Consensus.adopt(ours, alice)
    file = export(api, project, "json")
    Consensus.objects.update(offset=33)
    batch = checked(api, project, "lab.json", file)
    assert (problems(batch), batch["counts"]["consensus"]) == ([(1, "", "consensus-differs")], 0)


@pytest.mark.parametrize("kind", EXPORTS)
def test_coding_is_blind(project, coded, member, bobs_api, kind):
    carol = member(project, "carol", Role.ANNOTATOR)
    url = f"/api/v1/projects/{project.pk}/annotations.{kind}"
    assert "researcher" in carol.get(url).json()["detail"]
    assert bobs_api.get(url).status_code == 404


def test_annotators_import_nothing_and_strangers_see_nothing(api, project, ours, member, bobs_api):
    carol = member(project, "carol", Role.ANNOTATOR)
    batch = checked(api, project, "lab.csv", CHANGED)
    url = f"/api/v1/annotation-imports/{batch['id']}/"
    assert upload(carol, project, "lab.csv", CHANGED).status_code == 403
    assert (carol.get(url).status_code, carol.post(f"{url}confirm/").status_code) == (403, 403)
    assert carol.get("/api/v1/annotation-imports/").json()["results"] == []
    assert (bobs_api.get(url).status_code, bobs_api.post(f"{url}confirm/").status_code) == (404, 404)
    assert (
        f"Project {project.pk} not found."
        in errors_of(upload(bobs_api, project, "lab.csv", CHANGED), "project")[0]
    )


def test_nothing_is_added_for_a_coder_who_left_after_the_check(api, project, samm_clip, anna):
    batch = checked(api, project, "lab.csv", CHANGED.replace("alice", "anna@lab"))
    Membership.objects.filter(user=anna).delete()
    assert "is no longer an annotator in this project" in confirmed(api, batch)["conflicts"][0]["why"]


def test_a_check_can_be_discarded_and_an_import_not(api, project, samm_clip):
    first, second = (checked(api, project, "lab.csv", CHANGED) for _ in range(2))
    assert api.delete(f"/api/v1/annotation-imports/{first['id']}/").status_code == 204
    confirmed(api, second)
    assert api.delete(f"/api/v1/annotation-imports/{second['id']}/").status_code == 409


def test_wrong_filters_are_reported(api, project, coded):
    url = f"/api/v1/projects/{project.pk}/annotations.json"
    assert "zoe" in errors_of(api.get(url, {"coder": "zoe"}), "coder")[0]
    assert api.get(url, {"clip": 999_999}).status_code == 400
    assert (
        "does not belong to a coder"
        in errors_of(api.get(url, {"coder": "alice", "marks": "consensus"}), "coder")[0]
    )


def test_a_file_of_another_project_gets_new_keys(api, project, ours, alice, make_clip, samm_clip):
    file = export(api, project, "json")
    other: Project = create_project("Second lab", alice)
    moved = json.loads(file)
    database = samm_clip.database
    copy = type(database).objects.create(project=other, name="CASME II", emotions=database.emotions)
    make_clip("006_1_2", "006", copy)
    from tests.api.exchange_lab import with_index

    clip = with_index(copy.subjects.get().clips.get(), list(range(1, 101)), list(range(100)), "1/200")
    moved["clips"][0]["sha256"] = clip.sha256
    confirmed(api, checked(api, other, "lab.json", json.dumps(moved)))
    made = Annotation.objects.get(clip=clip)
    assert made.key != ours.key
    assert isinstance(made.key, uuid.UUID)
