"""The published composite of 442 samples: its map, its list, and where the list takes precedence."""

import csv
import json

import pytest
from django.core.management import call_command
from django.db import connection

from mer_platform.annotation.models import Consensus, Suggestion
from mer_platform.clips.models import Clip, Database, FlowPicture, Subject
from mer_platform.composites.draft import NOT_LISTED, TWICE, draft
from mer_platform.composites.labelmaps import MEGC2019, check_label_map, suggest
from mer_platform.composites.models import CompositeVersion, content_hash
from mer_platform.composites.published import LIST, published
from mer_platform.composites.services import freeze

pytestmark = [pytest.mark.django_db, pytest.mark.services_in_faults]
NAMES = {"casme2": "CASME II", "smic": "SMIC", "samm": "SAMM"}
WORDS = {
    "casme2": {"negative": "disgust", "positive": "happiness", "surprise": "surprise"},
    "smic": {"negative": "negative", "positive": "positive", "surprise": "surprise"},
    "samm": {"negative": "contempt", "positive": "happiness", "surprise": "surprise"},
}
VOCABULARY = {
    "casme2": ["disgust", "repression", "happiness", "surprise", "fear", "sadness", "others"],
    "smic": ["negative", "positive", "surprise"],
    "samm": ["anger", "contempt", "disgust", "fear", "sadness", "happiness", "surprise", "other"],
}


@pytest.fixture
def the_442(project):
    """Each published sample as a labelled clip without frames; SMIC clips have a spotted apex instead of a coded one."""
    with LIST.open() as file:
        rows = list(csv.DictReader(file))
    databases = {
        key: Database.objects.create(project=project, name=name, emotions=VOCABULARY[key])
        for key, name in NAMES.items()
    }
    people = {
        (key, name): Subject(database=databases[key], name=name)
        for key, name in sorted({(row["database"], row["subject"]) for row in rows})
    }
    Subject.objects.bulk_create(people.values())
    clips = Clip.objects.bulk_create(
        Clip(
            project=project,
            subject=people[row["database"], row["subject"]],
            name=row["clip"],
            sha256=f"{number:064x}",
            file=f"clips/secret/{number}.zip",
            original_name=f"folder/{row['clip']}.zip",
            size=1,
            state="ready",
            frame_count=60,
            fps="200/1",
            face_frames=[[0, 59]],
        )
        for number, row in enumerate(rows, 1)
    )
    Consensus.objects.bulk_create(
        Consensus(
            clip=clip,
            onset=5,
            apex=None if row["database"] == "smic" else 20,
            offset=40,
            emotion=WORDS[row["database"]][row["label"]],
            origin="imported",
        )
        for clip, row in zip(clips, rows, strict=True)
    )
    Suggestion.objects.bulk_create(
        Suggestion(clip=clip, onset=4, apex=22, offset=39, confidence=0.8, spotter="1")
        for clip, row in zip(clips, rows, strict=True)
        if row["database"] == "smic"
    )
    return list(databases.values())


def clip_of(subject: str, name: str) -> Clip:
    return Clip.objects.get(subject__name=subject, name=name)


def add(subject: str, name: str, emotion: str, **fields) -> Clip:
    person = Subject.objects.get(name=subject)
    clip = Clip.objects.create(
        project=person.database.project, subject=person, name=name, sha256="f" * 64, file="x", original_name="x", size=1,
        state="ready", frame_count=60, fps="200/1", face_frames=[[0, 59]], **fields,
    )  # fmt: skip
    Consensus.objects.create(clip=clip, onset=5, apex=20, offset=40, emotion=emotion, origin="imported")
    return clip


def drafted(databases, **rules):
    return draft(databases, suggest(databases, MEGC2019), preset=MEGC2019, **rules)


def part(check, key):
    return next(row for row in check["databases"] if row["database"] == key)


def test_the_list_has_the_published_counts():
    assert len(published()) == 442
    labels = [entry.label for entry in published().values()]
    assert [labels.count(c) for c in ("negative", "positive", "surprise")] == [250, 109, 83]


def test_the_442_make_the_published_composite(the_442, project, capsys):
    call_command("compose", "--project", project.slug, "--label-map", "megc2019", "--json")
    printed = json.loads(capsys.readouterr().out)
    counts = printed["counts"]
    assert counts["classes"] == {"negative": 250, "positive": 109, "surprise": 83}
    assert (counts["samples"], counts["subjects"]) == (442, 68)
    assert {name: row["samples"] for name, row in counts["databases"].items()} == {
        "CASME II": 145,
        "SMIC": 164,
        "SAMM": 133,
    }
    assert printed["check"]["complete"]
    assert printed["caveats"] == []
    version = CompositeVersion.objects.get(pk=printed["id"])
    assert (printed["content_hash"], str(version)) == (version.content_hash, "MEGC2019 v1")
    spotted = version.samples.filter(apex_from="spotted")
    assert (spotted.count(), set(spotted.values_list("database", "apex"))) == (164, {("SMIC", 22)})


def test_one_changed_row_of_442_changes_the_hash_but_their_order_does_not(the_442):
    samples = drafted(the_442).samples
    before = content_hash(samples)
    assert content_hash(samples[::-1]) == before
    samples[217].apex += 1
    assert content_hash(samples) != before


def test_composing_442_takes_few_queries(the_442, django_assert_max_num_queries):
    with django_assert_max_num_queries(10, connection=connection):
        drafted(the_442)


def test_samples_that_are_not_in_the_list_are_left_out_and_reported(the_442):
    add("sub04", "EP12_01f", "disgust")
    built = drafted(the_442)
    assert [(entry.item.name, entry.reason) for entry in built.left_out] == [("EP12_01f", NOT_LISTED)]
    assert part(built.list_check, "casme2")["extra"] == [
        {
            "database": "CASME II",
            "subject": "sub04",
            "clip": "EP12_01f",
            "emotion": "disgust",
            "label": "negative",
        }
    ]
    assert built.list_check["complete"]


def test_a_class_that_differs_from_the_list_is_replaced_and_reported(the_442):
    Consensus.objects.filter(clip=clip_of("sub01", "EP02_01f")).update(emotion="others")
    Consensus.objects.filter(clip=clip_of("sub01", "EP19_05f")).update(emotion="surprise")
    built = drafted(the_442)
    assert built.counts()["classes"] == {"negative": 250, "positive": 109, "surprise": 83}
    differ = part(built.list_check, "casme2")["differ"]
    assert [(row["clip"], row["emotion"], row["mapped"], row["label"]) for row in differ] == [
        ("EP02_01f", "others", None, "positive"),
        ("EP19_05f", "surprise", "surprise", "negative"),
    ]


def test_missing_samples_are_reported_with_the_reason(the_442):
    clip_of("sub01", "EP02_01f").delete()
    Clip.objects.filter(pk=clip_of("006", "006_1_2").pk).update(face_frames=[])
    check = drafted(the_442).list_check
    assert (check["there"], check["complete"]) == (440, False)
    assert part(check, "casme2")["missing"] == [
        {"subject": "sub01", "clip": "EP02_01f", "label": "positive", "reason": "clip not found"}
    ]
    assert [row["reason"] for row in part(check, "samm")["missing"]] == ["no face was found in the clip"]


def test_all_samples_of_a_database_that_was_not_chosen_are_missing(the_442):
    check = drafted([d for d in the_442 if d.name != "SMIC"]).list_check
    assert check["there"] == 442 - 164
    assert {row["reason"] for row in part(check, "smic")["missing"]} == {
        "none of the chosen databases is SMIC"
    }


def test_names_in_other_spellings_are_the_same_names(the_442):
    Database.objects.filter(name="CASME II").update(name="casme2")
    Subject.objects.filter(name="sub01").update(name="Sub 1")
    Subject.objects.filter(name="s03").update(name="3")
    Clip.objects.filter(name="006_1_2").update(name="6_1_2")
    databases = list(Database.objects.all())
    assert drafted(databases).list_check["complete"]


def test_a_listed_clip_is_included_even_if_it_is_coded_as_macro(the_442):
    Consensus.objects.filter(clip=clip_of("006", "006_1_2")).update(kind="macro")
    add("sub04", "other", "disgust")
    Consensus.objects.filter(clip__name="other").update(kind="macro")
    built = drafted(the_442)
    assert built.list_check["complete"]
    assert [entry.reason for entry in built.left_out] == ["a macro-expression, which the rules exclude"]


def test_a_clip_takes_precedence_over_its_flow_picture(the_442):
    person = Subject.objects.get(name="sub01")
    FlowPicture.objects.create(
        subject=person,
        name="sub01_EP02_01f",
        emotion="positive",
        sha256="e" * 64,
        file="x",
        width=28,
        height=28,
    )
    built = drafted(the_442)
    assert [entry.reason for entry in built.left_out] == [TWICE]
    assert all(sample.picture is None for sample in built.samples)


def test_without_its_clip_the_flow_picture_is_used(the_442):
    clip_of("sub01", "EP02_01f").delete()
    person = Subject.objects.get(name="sub01")
    FlowPicture.objects.create(
        subject=person, name="EP02_01f", emotion="positive", sha256="e" * 64, file="x", width=28, height=28
    )
    built = drafted(the_442)
    assert built.list_check["complete"]
    assert [s.apex_from for s in built.samples if s.picture] == ["picture"]


def test_the_maps_of_the_three_databases_are_the_published_ones(the_442):
    assert suggest(the_442, MEGC2019) == {
        "CASME II": {
            "disgust": "negative", "repression": "negative", "happiness": "positive", "surprise": "surprise",
            "fear": None, "sadness": None, "others": None,
        },
        "SMIC": {"negative": "negative", "positive": "positive", "surprise": "surprise"},
        "SAMM": {
            "anger": "negative", "contempt": "negative", "disgust": "negative", "fear": "negative",
            "sadness": "negative", "happiness": "positive", "surprise": "surprise", "other": None,
        },
    }  # fmt: skip


def test_a_preset_cannot_be_combined_with_another_map_of_its_databases(the_442, project):
    own = {"CASME II": {"fear": "negative"}}
    with pytest.raises(Exception, match="MEGC2019 decides the class of “fear”"):
        check_label_map(own, the_442, MEGC2019)
    with pytest.raises(Exception, match="Preset “megc2018” not found"):
        freeze(project, "x", the_442, {}, None, preset="megc2018")


def test_the_api_returns_the_check(the_442, project, api):
    clip_of("sub01", "EP02_01f").delete()
    answer = api.post(
        "/api/v1/composite-versions/",
        {"project": project.pk, "name": "M", "databases": [d.pk for d in the_442], "preset": "megc2019"},
    )
    assert answer.status_code == 201
    check = api.get(f"/api/v1/composite-versions/{answer.json()['id']}/check/").json()
    assert (check["list_check"]["there"], check["caveats"]) == (441, [])
