"""What a composite includes, what it leaves out and why, and that a frozen version never changes."""

import pytest

from mer_platform.annotation.models import Annotation, Consensus
from mer_platform.composites.draft import draft
from mer_platform.composites.labelmaps import suggest
from mer_platform.composites.models import CompositeVersion, Frozen, Sample, content_hash
from mer_platform.projects.models import Role

pytestmark = [pytest.mark.django_db, pytest.mark.services]
URL = "/api/v1/composite-versions/"
MAP = {"CASME II": {"happiness": "positive", "disgust": "negative", "surprise": "surprise"}}


@pytest.fixture
def labelled(make_clip):
    def make(name: str, subject: str, emotion: str = "disgust", **marks):
        clip = make_clip(name, subject)
        values = {"onset": 10, "apex": 20, "offset": 30, **marks}
        Consensus.objects.create(clip=clip, emotion=emotion, origin="adopted", **values)
        return clip

    return make


@pytest.fixture
def freeze(api, project, database):
    def post(**fields):
        data = {
            "project": project.pk,
            "name": "Lab set",
            "databases": [database.pk],
            "label_map": MAP,
            **fields,
        }
        return api.post(URL, data)

    return post


def test_it_freezes_and_counts(freeze, labelled):
    labelled("a", "sub01", "disgust")
    labelled("b", "sub01", "happiness")
    labelled("c", "sub02", "surprise")
    answer = freeze()
    assert answer.status_code == 201
    counts = answer.json()["counts"]
    assert (counts["samples"], counts["subjects"]) == (3, 2)
    assert counts["classes"] == {"negative": 1, "positive": 1, "surprise": 1}
    assert counts["databases"]["CASME II"]["subjects"] == 2


def test_only_new_content_makes_a_new_version(freeze, labelled):
    labelled("a", "sub01")
    labelled("b", "sub02")
    first, again = freeze().json(), freeze().json()
    assert again["id"] == first["id"]
    labelled("c", "sub03")
    second = freeze().json()
    assert (first["number"], second["number"]) == (1, 2)
    assert first["content_hash"] != second["content_hash"]


@pytest.mark.parametrize(
    "change", [{"apex": 21}, {"label": "positive"}, {"subject": "sub09"}, {"content_sha256": "0" * 64}]
)
def test_one_changed_field_changes_the_hash(change):
    row = {
        "content_sha256": "a" * 64,
        "database": "d",
        "subject": "s",
        "onset": 1,
        "apex": 2,
        "offset": 3,
        "label": "negative",
    }
    assert content_hash([Sample(**row)]) != content_hash([Sample(**{**row, **change})])


def test_the_hash_does_not_depend_on_the_order_of_rows():
    rows = [
        Sample(content_sha256=c * 64, database="d", subject="s", onset=1, apex=2, offset=3, label="negative")
        for c in "ab"
    ]
    assert content_hash(rows) == content_hash(rows[::-1])


def test_a_frozen_version_cannot_be_changed(freeze, labelled):
    labelled("a", "sub01")
    labelled("b", "sub02")
    version = CompositeVersion.objects.get(pk=freeze().json()["id"])
    with pytest.raises(Frozen):
        version.save()
    with pytest.raises(Frozen):
        version.samples.first().save()


def test_it_protects_the_clips_of_a_frozen_version(api, freeze, labelled):
    clip = labelled("a", "sub01")
    labelled("b", "sub02")
    freeze()
    answer = api.delete(f"/api/v1/clips/{clip.pk}/")
    assert answer.status_code == 409
    assert "the frozen version" in answer.json()["detail"]


def test_it_says_why_clips_are_left_out(database, make_clip, labelled, alice, bob):
    make_clip("unlabelled")
    make_clip("broken", state="failed")
    make_clip("faceless", face_frames=[])
    labelled("other word", "sub02", "boredom")
    half = make_clip("half")
    Annotation.objects.create(clip=half, coder=alice, onset=1)
    disputed = make_clip("disputed")
    for coder in (alice, bob):
        Annotation.objects.create(clip=disputed, coder=coder, onset=1, apex=2, offset=3, emotion="disgust")
    reasons = {entry.clip.name: entry.reason for entry in draft([database], MAP).left_out}
    assert reasons["unlabelled"] == "not annotated"
    assert reasons["broken"] == "the clip is failed"
    assert reasons["faceless"] == "no face was found in the clip"
    assert "not in the label map" in reasons["other word"]
    assert "not complete" in reasons["half"]
    assert "no consensus" in reasons["disputed"]


def test_the_complete_annotation_of_a_single_coder_is_enough(database, make_clip, alice):
    Annotation.objects.create(clip=make_clip(), coder=alice, onset=1, apex=2, offset=3, emotion="happiness")
    assert [sample.label for sample in draft([database], MAP).samples] == ["positive"]


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"label_map": {"SMIC": {}}}, "not one of the chosen databases"),
        ({"label_map": {"CASME II": {"disgust": "angry"}}}, "is not a class"),
        ({"label_map": ["disgust"]}, "must be an object"),
        ({"label_map": {"CASME II": {"a\0b": "negative"}}}, "must not contain NUL characters"),
        ({"preset": "megc2018"}, "Must be one of megc2019, not “megc2018”"),
        ({"databases": []}, "Choose at least one"),
        ({"name": ""}, "Must not be empty"),
    ],
)
def test_it_says_what_is_wrong_with_a_composite(freeze, labelled, fields, words):
    labelled("a", "sub01")
    labelled("b", "sub02")
    answer = freeze(**fields)
    assert answer.status_code == 400
    assert words in answer.content.decode()


def test_a_composite_needs_two_subjects(freeze, labelled):
    labelled("a", "sub01")
    assert "at least two" in str(freeze().json())


def test_annotators_cannot_freeze(project, database, member):
    client = member(project, "carol", Role.ANNOTATOR)
    assert (
        client.post(URL, {"project": project.pk, "name": "x", "databases": [database.pk]}).status_code == 403
    )


def test_the_suggested_map_leaves_fear_and_sadness_of_casme_ii_out(project):
    words = ["disgust", "fear", "sadness", "happiness", "others"]
    casme = project.databases.create(name="CASME II (ours)", emotions=words)
    samm = project.databases.create(name="SAMM", emotions=words)
    suggested = suggest([casme, samm])
    assert suggested[casme.name]["fear"] is None
    assert suggested[samm.name] == {
        "disgust": "negative", "fear": "negative", "sadness": "negative", "happiness": "positive", "others": None,
    }  # fmt: skip
