"""Agreement is counted from finished codings; a judge's decision becomes the consensus, whole or not at all."""

import csv
import io

import pytest
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.urls import reverse
from django.utils import timezone

from mer_platform.annotation.adjudication.decisions import Decision, cases, decide
from mer_platform.annotation.models import Annotation, Assignment, Consensus, Judgement
from mer_platform.clips.models import Database
from mer_platform.composites.services import freeze
from mer_platform.projects.models import AuditEvent, Role

pytestmark = [pytest.mark.django_db, pytest.mark.services]


@pytest.fixture(autouse=True)
def coders(project, member):
    for name in ("bea", "cem"):
        member(project, name, Role.ANNOTATOR)


@pytest.fixture
def browser(client, alice):
    client.force_login(alice)
    return client


def user(name: str) -> User:
    return User.objects.get(username=name)


def mark(clip, name, onset=10, apex=20, offset=30, emotion="disgust", units="4") -> Annotation:
    frames = {"onset": onset, "apex": apex, "offset": offset}
    return Annotation.objects.create(
        clip=clip, coder=user(name), emotion=emotion, action_units=units, **frames
    )


def give(clip, *names, done=True) -> None:
    for name in names:
        at = timezone.now() if done else None
        Assignment.objects.create(clip=clip, coder=user(name), done_at=at)


def agreement(api, project, **query) -> dict:
    return api.get(f"/api/v1/projects/{project.pk}/agreement/", query).json()


# agreement


def test_it_counts_what_two_coders_said(api, project, make_clip):
    for n, (emotion, shift) in enumerate([("disgust", 0), ("disgust", 2), ("surprise", -4)]):
        clip = make_clip(f"EP0{n}", f"s{n}")
        mark(clip, "bea", emotion="surprise" if n == 2 else "happiness" if n == 1 else "disgust", units="4+7")
        mark(clip, "cem", 10 + shift, 20, 30, emotion=emotion)
    (pair,) = agreement(api, project)["pairs"]
    # Observed 2 of 3; by chance 1/3 · 2/3 + 1/3 · 0 + 1/3 · 1/3 = 1/3, so κ = 1/2.
    assert pair["kappa"] == pytest.approx(0.5)
    assert pair["reliability"] == pytest.approx(2 * 3 / 9)
    onset = pair["marks"]["onset"]
    assert onset["frames"]["mean"] == pytest.approx(-2 / 3)
    assert onset["frames"]["median_absolute"] == 2
    assert onset["ms"]["largest"] == pytest.approx(20)  # 4 frames at 200 per second
    assert pair["kappa_interval"] is None
    assert (pair["clips"], pair["matched"], pair["alone"], pair["seen_by_both"]) == (3, 3, 0, 1)


def test_expressions_that_one_coder_alone_saw_are_counted(api, project, clip):
    mark(clip, "bea")
    mark(clip, "bea", 60, 70, 80)
    mark(clip, "cem", 12, 20, 30)
    found = agreement(api, project)
    assert (found["all"]["matched"], found["all"]["alone"]) == (1, 1)
    assert found["worst"][0]["why"][0] == "only bea sees the one at 60–80"


def test_clips_in_which_both_see_nothing_are_agreement_too(api, project, clip):
    give(clip, "bea", "cem")
    found = agreement(api, project)["all"]
    assert (found["clips"], found["neither"], found["kappa"]) == (1, 1, None)


def test_a_coding_counts_once_its_coder_is_done(api, project, clip):
    mark(clip, "bea")
    mark(clip, "cem")
    give(clip, "bea")
    give(clip, "cem", done=False)
    assert agreement(api, project)["pairs"] == []
    Assignment.objects.update(done_at=timezone.now())
    assert len(agreement(api, project)["pairs"]) == 1


def test_without_assignments_only_complete_codings_count(api, project, clip):
    mark(clip, "bea")
    mark(clip, "cem", emotion="")
    assert agreement(api, project)["pairs"] == []


def test_databases_are_told_apart_with_their_own_frame_rates(api, project, database, make_clip):
    smic = Database.objects.create(project=project, name="SMIC", fps=100, emotions=["disgust"])
    for clip in (make_clip(), make_clip("v1", in_database=smic, fps="100/1")):
        mark(clip, "bea")
        mark(clip, "cem", 14)
    found = {row["name"]: row["marks"]["onset"] for row in agreement(api, project)["databases"]}
    assert [found[name]["frames"]["mean"] for name in ("CASME II", "SMIC")] == [4, 4]
    assert [found[name]["ms"]["mean"] for name in ("CASME II", "SMIC")] == pytest.approx([20, 40])
    assert len(agreement(api, project, database=smic.pk)["databases"]) == 1


def test_a_researcher_who_still_codes_a_clip_does_not_read_of_it_there(api, project, clip, browser):
    for name in ("bea", "cem"):
        mark(clip, name)
    assert agreement(api, project)["all"]["clips"] == 1
    give(clip, "bea", "cem")
    give(clip, "alice", done=False)
    assert agreement(api, project)["all"]["clips"] == 0
    answer = browser.get(reverse("adjudicate", args=[project.slug, clip.pk]))
    assert answer.status_code == 403
    assert "code it first" in answer.content.decode()


def test_strangers_and_annotators_get_no_agreement(project, bobs_api, member):
    url = f"/api/v1/projects/{project.pk}/agreement/"
    assert bobs_api.get(url).status_code == 404
    assert member(project, "dora", Role.ANNOTATOR).get(url).status_code == 403


def test_the_csv_has_a_row_for_every_expression_of_two_coders(browser, project, clip):
    mark(clip, "bea", emotion="disgust")
    mark(clip, "cem", 13)
    mark(clip, "cem", 60, 70, 80)
    Annotation.objects.filter(coder=user("cem"), onset=60).update(emotion="=1+1")
    answer = browser.get(reverse("agreement-csv", args=[project.slug]))
    rows = list(csv.DictReader(io.StringIO(answer.content.decode())))
    assert [row["seen_by"] for row in rows] == ["both", "second"]
    assert (rows[0]["onset_first"], rows[0]["onset_second"], rows[0]["onset_difference"]) == ("10", "13", "3")
    assert rows[1]["emotion_second"] == "'=1+1"


def test_the_figure_counts_differences_in_frames_and_milliseconds(browser, project, clip):
    mark(clip, "bea")
    mark(clip, "cem", 13)
    url = reverse("agreement-figure", args=[project.slug])
    onset = browser.get(url).json()["data"][0]
    assert (onset["name"], onset["x"], onset["y"]) == ("Onset", [3], [1])
    assert browser.get(f"{url}?unit=ms").json()["data"][0]["x"] == [15]


@pytest.mark.parametrize(
    ("coded_by", "words"),
    [
        ([], "No coding is finished yet"),
        (["bea"], "Only bea has coded so far"),
        (["bea", "cem"], "By pair of coders"),
    ],
)
def test_the_agreement_page_says_what_is_there(browser, project, clip, coded_by, words):
    for name in coded_by:
        mark(clip, name)
    assert words in browser.get(reverse("agreement", args=[project.slug])).content.decode()


def test_the_agreement_page_says_when_nobody_coded_the_same(browser, project, make_clip):
    mark(make_clip("a"), "bea")
    mark(make_clip("b"), "cem")
    page = browser.get(reverse("agreement", args=[project.slug])).content.decode()
    assert "bea, cem coded different clips" in page


# who waits for a judge


def test_clips_wait_where_coders_disagree_or_nothing_is_agreed(project, alice, make_clip):
    apart, near, words, agreed = (make_clip(name) for name in ("apart", "near", "words", "agreed"))
    said = {apart: (15, "disgust"), near: (12, "disgust"), words: (10, "surprise"), agreed: (10, "disgust")}
    for clip, (onset, emotion) in said.items():
        mark(clip, "bea")
        mark(clip, "cem", onset, emotion=emotion)
    Consensus.objects.create(clip=agreed, onset=10, apex=20, offset=30, emotion="disgust", origin="adopted")
    found = {case.clip.name: case.reasons for case in cases(project, alice)}
    assert found == {
        "words": ["disgust / surprise"],
        "apart": ["onset 5 frames (25 ms) apart"],
        "near": ["agreed, but no consensus yet"],
    }
    strict = {case.clip.name: case.reasons for case in cases(project, alice, tolerance=1)}
    assert strict["near"] == ["onset 2 frames (10 ms) apart"]


def test_what_is_judged_waits_no_more_until_a_coding_changes(project, alice, clip):
    mine = mark(clip, "bea")
    mark(clip, "cem", emotion="surprise")
    decide(clip, [Decision(mine)], alice)
    assert cases(project, alice) == []
    mine.apex = 21
    mine.save()
    assert cases(project, alice)[0].reasons[0] == "changed since it was judged"


# decisions


@pytest.fixture
def url(project, clip) -> str:
    return reverse("adjudicate", args=[project.slug, clip.pk])


NO_MORE = {"new-choice": "none"}


def test_the_judge_accepts_one_coding(browser, url, clip, alice):
    mine = mark(clip, "bea", units="4+7")
    mark(clip, "cem", 14, emotion="surprise")
    assert browser.post(url, {"e0-choice": mine.pk, **NO_MORE}).status_code == 302
    agreed = Consensus.objects.get()
    assert (agreed.onset, agreed.emotion, agreed.action_units) == (10, "disgust", "4+7")
    assert (agreed.origin, agreed.annotation, agreed.decided_by) == ("adjudicated", mine, alice)
    assert AuditEvent.objects.first().action == "judged CASME II/sub01/EP01: as bea"


def test_the_judge_takes_the_mean(browser, url, clip):
    mark(clip, "bea", 10, 20, 30)
    mark(clip, "cem", 13, 20, 31)
    browser.post(url, {"e0-choice": "average", **NO_MORE})
    agreed = Consensus.objects.get()
    assert (agreed.onset, agreed.apex, agreed.offset, agreed.emotion) == (12, 20, 31, "disgust")
    assert agreed.annotation is None


def test_the_mean_asks_for_what_the_coders_say_differently(browser, url, clip):
    mark(clip, "bea", emotion="disgust")
    mark(clip, "cem", 13, emotion="surprise")
    answer = browser.post(url, {"e0-choice": "average", **NO_MORE})
    assert answer.status_code == 422
    assert "Choose the emotion." in answer.content.decode()
    assert not Consensus.objects.exists()
    browser.post(url, {"e0-choice": "average", "e0-emotion": "surprise", **NO_MORE})
    assert Consensus.objects.get().emotion == "surprise"


def test_the_mean_asks_for_action_units_that_differ(browser, url, clip):
    mark(clip, "bea", units="4+7")
    mark(clip, "cem", units="7+9")
    answer = browser.post(url, {"e0-choice": "average", **NO_MORE})
    assert "action units differ" in answer.content.decode()
    browser.post(url, {"e0-choice": "average", "e0-action_units": "7", **NO_MORE})
    assert Consensus.objects.get().action_units == "7"


def test_the_order_of_action_units_is_no_difference(browser, project, alice, url, clip):
    mark(clip, "bea", units="4+7")
    mark(clip, "cem", 14, units="7+4")
    assert cases(project, alice)[0].reasons == ["onset 4 frames (20 ms) apart"]
    assert browser.post(url, {"e0-choice": "average", **NO_MORE}).status_code == 302


def test_the_judge_sets_anew(browser, url, clip):
    mark(clip, "bea")
    mark(clip, "cem", 14)
    anew = {
        "onset": 11,
        "apex": 22,
        "offset": 33,
        "emotion": "happiness",
        "action_units": "au6, 12",
        "kind": "macro",
    }
    browser.post(url, {"e0-choice": "anew", **{f"e0-{k}": v for k, v in anew.items()}, **NO_MORE})
    agreed = Consensus.objects.get()
    assert (agreed.onset, agreed.apex, agreed.offset, agreed.kind) == (11, 22, 33, "macro")
    assert agreed.action_units == "6+12"


def anew(onset, apex, offset, emotion="disgust", units="") -> dict:
    frames = {"onset": onset, "apex": apex, "offset": offset}
    return {"choice": "anew", **frames, "emotion": emotion, "action_units": units}


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({}, "Decide about this expression."),
        ({"choice": "anew"}, "Set the onset."),
        (anew(30, 20, 40), "lies before the onset (frame 30)"),
        (anew(1, 2, 100), "its frames are 0–99"),
        (anew(1, 2, 3, "boredom"), "is not a word of CASME II"),
        (anew(1, 2, 3, units="smile"), "is not an action unit"),
        ({"choice": "999999"}, "not one of the available choices"),
    ],
)
def test_a_decision_that_cannot_be_says_why_and_changes_nothing(browser, url, clip, fields, words):
    mark(clip, "bea")
    mark(clip, "cem", 14)
    before = Consensus.objects.create(
        clip=clip, onset=1, apex=2, offset=3, emotion="disgust", origin="adopted"
    )
    answer = browser.post(url, {**{f"e0-{name}": value for name, value in fields.items()}, **NO_MORE})
    assert answer.status_code == 422
    assert words in answer.content.decode()
    assert list(Consensus.objects.all()) == [before]
    assert not Judgement.objects.exists()


def test_several_expressions_are_decided_together(browser, url, clip):
    mark(clip, "bea")
    late = mark(clip, "bea", 60, 70, 80)
    mark(clip, "cem", 12)
    fields = {"e0-choice": "average", "e1-choice": late.pk, **NO_MORE}
    browser.post(url, fields)
    assert list(Consensus.objects.values_list("onset", flat=True)) == [11, 60]


def test_the_judge_may_say_that_there_is_no_expression(browser, project, alice, url, clip):
    give(clip, "bea", "cem")
    mark(clip, "bea")
    assert len(cases(project, alice)) == 1
    browser.post(url, {"e0-choice": "none", **NO_MORE})
    assert not Consensus.objects.exists()
    assert cases(project, alice) == []
    assert AuditEvent.objects.first().action == "judged CASME II/sub01/EP01: no expression"


def test_the_judge_may_add_what_nobody_saw(browser, url, clip):
    give(clip, "bea", "cem")
    new = {"onset": 40, "apex": 45, "offset": 50, "emotion": "surprise"}
    browser.post(url, {"new-choice": "anew", **{f"new-{k}": v for k, v in new.items()}})
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


def test_after_a_decision_the_next_clip_that_waits_comes(browser, project, make_clip):
    clips = [make_clip(f"EP0{n}") for n in (1, 2)]
    for clip in clips:
        mark(clip, "bea")
        mark(clip, "cem", emotion="surprise")
    mine = Annotation.objects.get(clip=clips[0], coder=user("bea"))
    url = reverse("adjudicate", args=[project.slug, clips[0].pk])
    answer = browser.post(f"{url}?tolerance=2", {"e0-choice": mine.pk, **NO_MORE})
    assert answer["Location"] == f"{reverse('adjudicate', args=[project.slug, clips[1].pk])}?tolerance=2"
    mine = Annotation.objects.get(clip=clips[1], coder=user("bea"))
    answer = browser.post(
        reverse("adjudicate", args=[project.slug, clips[1].pk]), {"e0-choice": mine.pk, **NO_MORE}
    )
    assert answer["Location"] == reverse("judge", args=[project.slug])


def test_only_researchers_judge(client, project, url, clip):
    client.force_login(user("bea"))
    assert client.get(url).status_code == 403
    assert client.post(url, NO_MORE).status_code == 403


@pytest.mark.parametrize(
    "query", ["", "?tolerance=0", "?tolerance=x&database=", "?tolerance=999999999999999999999"]
)
def test_the_judges_pages_open_whatever_is_asked(browser, project, clip, url, query):
    mark(clip, "bea")
    mark(clip, "cem", 14)
    assert browser.get(f"{reverse('judge', args=[project.slug])}{query}").status_code == 200
    assert browser.get(f"{url}{query}").status_code == 200


# what is frozen


def test_a_researcher_who_still_codes_a_clip_does_not_see_its_frozen_marks(
    api, browser, project, database, clip, alice, make_clip
):
    other = make_clip("EP09", "another subject")
    Consensus.objects.create(clip=other, onset=1, apex=2, offset=3, emotion="disgust", origin="adopted")
    Consensus.objects.create(clip=clip, onset=71, apex=72, offset=73, emotion="disgust", origin="adopted")
    version = freeze(project, "V", [database], {database.name: {"disgust": "negative"}}, alice)
    page = reverse("version", args=[project.slug, version.pk])
    assert ">71<" in browser.get(page).content.decode()
    give(clip, "alice", done=False)
    shown = browser.get(page).content.decode()
    assert ">71<" not in shown
    assert "frame=72" not in shown
    samples = api.get(f"/api/v1/composite-versions/{version.pk}/samples/").json()
    sample = next(row for row in samples if row["clip"] == clip.pk)
    assert [sample[name] for name in ("onset", "apex", "offset", "emotion", "label")] == [None] * 5
