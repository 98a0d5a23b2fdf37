"""Rules, spotted apexes and flow pictures in a draft, and its warnings."""

import pytest

from mer_platform.annotation.models import Consensus, Suggestion
from mer_platform.clips.models import Database, FlowPicture, Subject
from mer_platform.composites.caveats import caveats
from mer_platform.composites.draft import NO_APEX, NOT_CODED, draft
from mer_platform.composites.rules import Rules, parse_rules
from tests.api.problems import errors_of

pytestmark = [pytest.mark.django_db, pytest.mark.services]
WORDS = {"happiness": "positive", "disgust": "negative", "surprise": "surprise"}


@pytest.fixture
def labelled(make_clip):
    def make(name: str, subject: str = "sub01", in_database=None, **marks):
        clip = make_clip(name, subject, **({"in_database": in_database} if in_database else {}))
        values = {"onset": 10, "apex": 20, "offset": 30, "emotion": "disgust", **marks}
        Consensus.objects.create(clip=clip, origin="imported", **values)
        return clip

    return make


@pytest.fixture
def pictured(database):
    def make(name: str, subject: str = "sub01", sha256: str = "e" * 64, in_database=database):
        person, _ = Subject.objects.get_or_create(database=in_database, name=subject)
        return FlowPicture.objects.create(
            subject=person, name=name, emotion="disgust", sha256=sha256, file="x", width=28, height=28
        )

    return make


@pytest.fixture
def drafted(project):
    def make(**rules):
        databases = list(project.databases.all())
        return draft(databases, {d.name: WORDS for d in databases}, parse_rules(rules))

    return make


def reasons(built) -> dict[str, str]:
    return {entry.item.name: entry.reason for entry in built.left_out}


def codes(built) -> list[str]:
    return [caveat.code for caveat in caveats(built.samples, Rules())]


def test_macro_expressions_are_included_only_by_a_rule(labelled, drafted):
    labelled("a")
    labelled("b", kind="macro")
    assert reasons(drafted()) == {"b": "a macro-expression, which the rules exclude"}
    assert len(drafted(kinds=["micro", "macro"]).samples) == 2


def test_the_likeliest_spotted_apex_inside_the_expression_replaces_a_missing_one(labelled, drafted):
    clip = labelled("a", apex=None)
    for onset, apex, confidence in ((0, 5, 1.0), (11, 15, 0.4), (12, 18, 0.7)):
        Suggestion.objects.create(
            clip=clip, onset=onset, apex=apex, offset=40, confidence=confidence, spotter="1"
        )
    (sample,) = drafted().samples
    assert (sample.apex, sample.apex_from) == (18, "spotted")
    assert reasons(drafted(apex="coded")) == {"a": NOT_CODED}


def test_an_expression_without_any_apex_is_left_out(labelled, drafted):
    clip = labelled("a", apex=None)
    assert reasons(drafted()) == {"a": NO_APEX}
    Suggestion.objects.create(clip=clip, onset=50, apex=55, offset=60, confidence=1, spotter="1")
    assert reasons(drafted()) == {"a": NO_APEX}


def test_rules_on_scopes_emotions_and_durations(labelled, drafted):
    labelled("a", "sub01")
    labelled("b", "sub02", offset=90)
    labelled("c", "sub03", emotion="surprise")
    built = drafted(without=["CASME II / sub01"], without_emotions=["Surprise"], longest=300)
    assert reasons(built) == {
        "a": "excluded by a rule",
        "b": "longer than 300 ms",
        "c": "emotion “surprise” is excluded by a rule",
    }


def test_flow_pictures_are_samples_without_marks(pictured, drafted):
    pictured("p")
    (sample,) = drafted().samples
    assert (sample.apex_from, sample.onset, sample.label) == ("picture", None, "negative")


@pytest.mark.parametrize(
    ("rules", "words"),
    [
        ({"material": "clips"}, "a rule includes only clips"),
        ({"longest": 100}, "whose duration is not known"),
        ({"apex": "coded"}, "whose apex may not be coded"),
    ],
)
def test_rules_that_flow_pictures_cannot_meet_leave_them_out(pictured, drafted, rules, words):
    pictured("p")
    assert words in reasons(drafted(**rules))["p"]


def test_a_rule_can_include_only_flow_pictures(labelled, pictured, drafted):
    labelled("a")
    pictured("p")
    built = drafted(material="pictures")
    assert [s.name for s in built.samples] == ["p"]
    assert reasons(built) == {"a": "a clip, but a rule includes only flow pictures"}


def test_mixed_units_and_repeated_expressions_cause_warnings(labelled, pictured, drafted):
    labelled("EP02_01f")
    pictured("sub01_EP02_01f")
    assert codes(drafted()) == ["mixed-material", "clip-and-picture"]
    assert codes(drafted(material="clips")) == []


def test_the_same_flow_picture_under_two_names_causes_a_warning(pictured, drafted):
    pictured("a", "sub01")
    pictured("b", "sub02")
    pictured("c", "sub03", sha256="f" * 64)
    (found,) = caveats(drafted().samples, Rules())
    assert (found.code, [[p.name for p in group] for group in found.groups]) == (
        "same-pictures",
        [["a", "b"]],
    )


def test_a_subject_with_two_spellings_causes_a_warning(labelled, drafted):
    labelled("a", "sub01")
    labelled("b", "Sub 1")
    (found,) = caveats(drafted().samples, Rules())
    assert found.code == "subject-two-names"
    assert "“Sub 1” and “sub01” are probably one subject" in found.message


def test_a_subject_of_two_databases_causes_a_warning(project, labelled, drafted):
    other = Database.objects.create(project=project, name="CASME SQ", emotions=[])
    labelled("a", "s15")
    labelled("b", "S15", in_database=other)
    labelled("c", "sub15", in_database=other)
    found = caveats(drafted().samples, Rules())
    assert [c.code for c in found] == ["subject-two-names", "subject-two-databases"]
    assert "“s15” is a subject of both CASME II and CASME SQ" in found[1].message


def test_copies_cause_one_warning_per_group(labelled, drafted):
    code = "1:" + bytes(range(1, 61)).hex()
    for name, subject in (("a", "sub01"), ("b", "sub01"), ("c", "sub02")):
        clip = labelled(name, subject)
        clip.save_result(fingerprint=code)
    (found,) = caveats(drafted().samples, Rules())
    assert [sorted(clip.name for clip in group) for group in found.groups] == [["a", "b", "c"]]
    assert "1 of them under different subjects" in found.message


def test_rules_are_stored_with_the_version_and_make_another_one(api, project, database, labelled):
    labelled("a", "sub01")
    labelled("b", "sub02")
    labelled("c", "sub03")
    data = {"project": project.pk, "name": "R", "databases": [database.pk]}
    first = api.post("/api/v1/composite-versions/", data).json()
    second = api.post(
        "/api/v1/composite-versions/", {**data, "rules": {"without": ["CASME II / sub03"]}}
    ).json()
    assert (first["rules"], second["rules"]) == ({}, {"without": [["CASME II", "sub03"]]})
    assert (second["number"], second["counts"]["samples"]) == (2, 2)
    wrong = api.post("/api/v1/composite-versions/", {**data, "rules": {"apex": "x"}})
    assert wrong.status_code == 400
    assert "apex: Must be one of spotted, coded, not “x”." in str(errors_of(wrong, "rules"))
