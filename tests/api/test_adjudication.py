"""Clips on which coders disagree wait for a judge, whose decision becomes the consensus, whole or not at all."""

import pytest
from django.core.exceptions import ValidationError
from django.urls import reverse

from mer_platform.annotation.adjudication.decisions import Decision, decide, open_cases
from mer_platform.annotation.models import Annotation, Consensus, Judgement
from mer_platform.composites.services import freeze
from mer_platform.projects.models import AuditEvent, Role
from tests.api.coders import annotate, assign, user

pytestmark = [pytest.mark.django_db, pytest.mark.services]


@pytest.fixture(autouse=True)
def coders(project, member):
    for name in ("bea", "cem"):
        member(project, name, Role.ANNOTATOR)


@pytest.fixture
def browser(client, alice):
    client.force_login(alice)
    return client


# clips that wait for a judge


def test_clips_wait_if_coders_disagree_or_there_is_no_consensus(project, alice, make_clip):
    apart, near, emotions, agreed = (make_clip(name) for name in ("apart", "near", "emotions", "agreed"))
    coded = {
        apart: (15, "disgust"),
        near: (12, "disgust"),
        emotions: (10, "surprise"),
        agreed: (10, "disgust"),
    }
    for clip, (onset, emotion) in coded.items():
        annotate(clip, "bea")
        annotate(clip, "cem", onset=onset, emotion=emotion)
    Consensus.objects.create(clip=agreed, onset=10, apex=20, offset=30, emotion="disgust", origin="adopted")
    found = {case.clip.name: case.reasons for case in open_cases(project, alice)}
    assert found == {
        "emotions": ["disgust / surprise"],
        "apart": ["onset 5 frames (25 ms) apart"],
        "near": ["agreed, but no consensus yet"],
    }
    strict = {case.clip.name: case.reasons for case in open_cases(project, alice, tolerance=1)}
    assert strict["near"] == ["onset 2 frames (10 ms) apart"]


def test_a_decided_clip_waits_again_only_if_a_coding_changes(project, alice, clip):
    mine = annotate(clip, "bea")
    annotate(clip, "cem", emotion="surprise")
    decide(clip, [Decision(mine)], alice)
    assert open_cases(project, alice) == []
    mine.apex = 21
    mine.save()
    assert open_cases(project, alice)[0].reasons[0] == "changed since the last decision"


# decisions


@pytest.fixture
def url(project, clip) -> str:
    return reverse("adjudicate", args=[project.slug, clip.pk])


NO_OTHER = {"new-choice": "none"}


def test_the_judge_chooses_a_coders_annotation(browser, url, clip, alice):
    mine = annotate(clip, "bea", action_units="4+7")
    annotate(clip, "cem", onset=14, emotion="surprise")
    assert browser.post(url, {"e0-choice": mine.pk, **NO_OTHER}).status_code == 302
    agreed = Consensus.objects.get()
    assert (agreed.onset, agreed.emotion, agreed.action_units) == (10, "disgust", "4+7")
    assert (agreed.origin, agreed.annotation, agreed.decided_by) == ("adjudicated", mine, alice)
    assert AuditEvent.objects.first().action == "adjudicated CASME II/sub01/EP01: annotation of bea"


def test_the_judge_chooses_the_mean(browser, url, clip):
    annotate(clip, "bea", onset=10, apex=20, offset=30)
    annotate(clip, "cem", onset=13, apex=20, offset=31)
    browser.post(url, {"e0-choice": "average", **NO_OTHER})
    agreed = Consensus.objects.get()
    assert (agreed.onset, agreed.apex, agreed.offset, agreed.emotion) == (12, 20, 31, "disgust")
    assert agreed.annotation is None


def test_the_mean_asks_for_an_emotion_on_which_coders_differ(browser, url, clip):
    annotate(clip, "bea", emotion="disgust")
    annotate(clip, "cem", onset=13, emotion="surprise")
    answer = browser.post(url, {"e0-choice": "average", **NO_OTHER})
    assert answer.status_code == 422
    assert "Choose the emotion." in answer.content.decode()
    assert not Consensus.objects.exists()
    browser.post(url, {"e0-choice": "average", "e0-emotion": "surprise", **NO_OTHER})
    assert Consensus.objects.get().emotion == "surprise"


def test_the_mean_asks_for_action_units_that_differ(browser, url, clip):
    annotate(clip, "bea", action_units="4+7")
    annotate(clip, "cem", action_units="7+9")
    answer = browser.post(url, {"e0-choice": "average", **NO_OTHER})
    assert "action units differ" in answer.content.decode()
    browser.post(url, {"e0-choice": "average", "e0-action_units": "7", **NO_OTHER})
    assert Consensus.objects.get().action_units == "7"


def test_the_order_of_action_units_does_not_matter(browser, project, alice, url, clip):
    annotate(clip, "bea", action_units="4+7")
    annotate(clip, "cem", onset=14, action_units="7+4")
    assert open_cases(project, alice)[0].reasons == ["onset 4 frames (20 ms) apart"]
    assert browser.post(url, {"e0-choice": "average", **NO_OTHER}).status_code == 302


def test_the_judge_sets_new_marks(browser, url, clip):
    annotate(clip, "bea")
    annotate(clip, "cem", onset=14)
    fields = {
        "onset": 11,
        "apex": 22,
        "offset": 33,
        "emotion": "happiness",
        "action_units": "au6, 12",
        "kind": "macro",
    }
    browser.post(url, {"e0-choice": "manual", **{f"e0-{k}": v for k, v in fields.items()}, **NO_OTHER})
    agreed = Consensus.objects.get()
    assert (agreed.onset, agreed.apex, agreed.offset, agreed.kind) == (11, 22, 33, "macro")
    assert agreed.action_units == "6+12"


def manual(onset, apex, offset, emotion="disgust", units="") -> dict:
    frames = {"onset": onset, "apex": apex, "offset": offset}
    return {"choice": "manual", **frames, "emotion": emotion, "action_units": units}


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({}, "Choose an annotation, the mean, new marks"),
        ({"choice": "manual"}, "Set the onset."),
        (manual(30, 20, 40), "lies before the onset (frame 30)"),
        (manual(10, 20, 2**31), "its frames are 0–99"),
        (manual(10, 20, 10**30), "its frames are 0–99"),
        (manual(1, 2, 100), "its frames are 0–99"),
        (manual(1, 2, 3, "boredom"), "is not an emotion of CASME II"),
        (manual(1, 2, 3, units="smile"), "is not an action unit"),
        ({"choice": "999999"}, "not one of the available choices"),
    ],
)
def test_a_decision_with_errors_reports_them_and_changes_nothing(browser, url, clip, fields, words):
    annotate(clip, "bea")
    annotate(clip, "cem", onset=14)
    before = Consensus.objects.create(
        clip=clip, onset=1, apex=2, offset=3, emotion="disgust", origin="adopted"
    )
    answer = browser.post(url, {**{f"e0-{name}": value for name, value in fields.items()}, **NO_OTHER})
    assert answer.status_code == 422
    assert words in answer.content.decode()
    assert list(Consensus.objects.all()) == [before]
    assert not Judgement.objects.exists()


def test_several_expressions_are_decided_together(browser, url, clip):
    annotate(clip, "bea")
    late = annotate(clip, "bea", onset=60, apex=70, offset=80)
    annotate(clip, "cem", onset=12)
    fields = {"e0-choice": "average", "e1-choice": late.pk, **NO_OTHER}
    browser.post(url, fields)
    assert list(Consensus.objects.values_list("onset", flat=True)) == [11, 60]


def test_the_judge_may_decide_that_there_is_no_expression(browser, project, alice, url, clip):
    assign(clip, "bea", "cem", done=True)
    annotate(clip, "bea")
    assert len(open_cases(project, alice)) == 1
    browser.post(url, {"e0-choice": "none", **NO_OTHER})
    assert not Consensus.objects.exists()
    assert open_cases(project, alice) == []
    assert AuditEvent.objects.first().action == "adjudicated CASME II/sub01/EP01: no expression"


@pytest.mark.parametrize(
    ("written", "sentence"),
    [
        ("12E+12A", "“12E” and “12A” contradict each other. Write the unit once."),
        ("smile", "“smile” is not an action unit."),
    ],
)
def test_units_that_cannot_be_read_are_refused_with_a_reason(browser, url, clip, written, sentence):
    assign(clip, "bea", "cem", done=True)
    new = {"onset": 40, "apex": 45, "offset": 50, "emotion": "surprise", "action_units": written}
    answer = browser.post(url, {"new-choice": "manual", **{f"new-{k}": v for k, v in new.items()}})
    assert sentence in answer.content.decode()
    assert not Consensus.objects.exists()


def test_the_judge_may_add_an_expression_that_no_coder_saw(browser, url, clip):
    assign(clip, "bea", "cem", done=True)
    new = {"onset": 40, "apex": 45, "offset": 50, "emotion": "surprise"}
    browser.post(url, {"new-choice": "manual", **{f"new-{k}": v for k, v in new.items()}})
    assert Consensus.objects.get().onset == 40


def test_decisions_are_all_or_nothing(clip, alice):
    good = Decision(
        fields={"onset": 1, "apex": 2, "offset": 3, "kind": "micro", "emotion": "disgust", "action_units": ""}
    )
    bad = Decision(fields={**good.fields, "apex": 9})
    with pytest.raises(ValidationError) as error:
        decide(clip, [good, bad], alice)
    assert "lies before the apex (frame 9)" in error.value.message_dict["1.offset"][0]
    assert not Consensus.objects.exists()


def test_after_a_decision_the_next_waiting_clip_opens(browser, project, make_clip):
    clips = [make_clip(f"EP0{n}") for n in (1, 2)]
    for clip in clips:
        annotate(clip, "bea")
        annotate(clip, "cem", emotion="surprise")
    mine = Annotation.objects.get(clip=clips[0], coder=user("bea"))
    url = reverse("adjudicate", args=[project.slug, clips[0].pk])
    answer = browser.post(f"{url}?tolerance=2", {"e0-choice": mine.pk, **NO_OTHER})
    assert answer["Location"] == f"{reverse('adjudicate', args=[project.slug, clips[1].pk])}?tolerance=2"
    mine = Annotation.objects.get(clip=clips[1], coder=user("bea"))
    answer = browser.post(
        reverse("adjudicate", args=[project.slug, clips[1].pk]), {"e0-choice": mine.pk, **NO_OTHER}
    )
    assert answer["Location"] == reverse("judge", args=[project.slug])


def test_only_researchers_judge(client, project, url, clip):
    client.force_login(user("bea"))
    assert client.get(url).status_code == 403
    assert client.post(url, NO_OTHER).status_code == 403


@pytest.mark.parametrize(
    "query", ["", "?tolerance=0", "?tolerance=x&database=", "?tolerance=999999999999999999999"]
)
def test_the_judges_pages_open_with_any_query(browser, project, clip, url, query):
    annotate(clip, "bea")
    annotate(clip, "cem", onset=14)
    assert browser.get(f"{reverse('judge', args=[project.slug])}{query}").status_code == 200
    assert browser.get(f"{url}{query}").status_code == 200


# frozen versions


def test_a_researcher_does_not_see_frozen_marks_of_a_clip_of_the_own_queue(
    api, browser, project, database, clip, alice, make_clip
):
    other = make_clip("EP09", "another subject")
    Consensus.objects.create(clip=other, onset=1, apex=2, offset=3, emotion="disgust", origin="adopted")
    Consensus.objects.create(clip=clip, onset=71, apex=72, offset=73, emotion="disgust", origin="adopted")
    version = freeze(project, "V", [database], {database.name: {"disgust": "negative"}}, alice)
    page = reverse("version", args=[project.slug, version.pk])
    assert ">71<" in browser.get(page).content.decode()
    assign(clip, "alice")
    shown = browser.get(page).content.decode()
    assert ">71<" not in shown
    assert "frame=72" not in shown
    samples = api.get(f"/api/v1/composite-versions/{version.pk}/samples/").json()["results"]
    sample = next(row for row in samples if row["clip"] == clip.pk)
    assert [sample[name] for name in ("onset", "apex", "offset", "emotion", "label")] == [None] * 5
