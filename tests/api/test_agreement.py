"""Agreement between coders: the API, the page, its CSV and its figure count finished codings only."""

import csv
import io

import pytest
from django.urls import reverse
from django.utils import timezone

from mer_platform.annotation.models import Annotation, Assignment
from mer_platform.clips.models import Database
from mer_platform.projects.models import Role
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


def agreement(api, project, **query) -> dict:
    return api.get(f"/api/v1/projects/{project.pk}/agreement/", query).json()


def test_only_units_that_a_coder_is_sure_of_are_compared(api, project, make_clip):
    clip = make_clip("EP01")
    annotate(clip, "bea", action_units="4+R10B+12?+(6 or 7)+ref(43)+(9)")
    annotate(clip, "cem", action_units="4+10+17")
    (pair,) = agreement(api, project)["pairs"]
    assert pair["reliability"] == pytest.approx(2 * 2 / (2 + 3))


def test_it_compares_what_two_coders_coded(api, project, make_clip):
    for n, (emotion, shift) in enumerate([("disgust", 0), ("disgust", 2), ("surprise", -4)]):
        clip = make_clip(f"EP0{n}", f"s{n}")
        annotate(
            clip,
            "bea",
            emotion="surprise" if n == 2 else "happiness" if n == 1 else "disgust",
            action_units="4+7",
        )
        annotate(clip, "cem", onset=10 + shift, emotion=emotion)
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
    annotate(clip, "bea")
    annotate(clip, "bea", onset=60, apex=70, offset=80)
    annotate(clip, "cem", onset=12, apex=20, offset=30)
    found = agreement(api, project)
    assert (found["all"]["matched"], found["all"]["alone"]) == (1, 1)
    assert found["worst"][0]["why"][0] == "only bea sees the expression at 60–80"


def test_clips_in_which_neither_coder_sees_an_expression_count(api, project, clip):
    assign(clip, "bea", "cem", done=True)
    found = agreement(api, project)["all"]
    assert (found["clips"], found["neither"], found["kappa"]) == (1, 1, None)


def test_a_coding_counts_once_its_coder_is_done(api, project, clip):
    annotate(clip, "bea")
    annotate(clip, "cem")
    assign(clip, "bea", done=True)
    assign(clip, "cem")
    assert agreement(api, project)["pairs"] == []
    Assignment.objects.update(done_at=timezone.now())
    assert len(agreement(api, project)["pairs"]) == 1


def test_without_assignments_only_complete_codings_count(api, project, clip):
    annotate(clip, "bea")
    annotate(clip, "cem", emotion="")
    assert agreement(api, project)["pairs"] == []


def test_each_database_uses_its_own_frame_rate(api, project, database, make_clip):
    smic = Database.objects.create(project=project, name="SMIC", fps=100, emotions=["disgust"])
    for clip in (make_clip(), make_clip("v1", in_database=smic, fps="100/1")):
        annotate(clip, "bea")
        annotate(clip, "cem", onset=14)
    found = {row["name"]: row["marks"]["onset"] for row in agreement(api, project)["databases"]}
    assert [found[name]["frames"]["mean"] for name in ("CASME II", "SMIC")] == [4, 4]
    assert [found[name]["ms"]["mean"] for name in ("CASME II", "SMIC")] == pytest.approx([20, 40])
    assert len(agreement(api, project, database=smic.pk)["databases"]) == 1


def test_a_researcher_does_not_see_a_clip_of_the_own_queue(api, project, clip, browser):
    for name in ("bea", "cem"):
        annotate(clip, name)
    assert agreement(api, project)["all"]["clips"] == 1
    assign(clip, "bea", "cem", done=True)
    assign(clip, "alice")
    assert agreement(api, project)["all"]["clips"] == 0
    answer = browser.get(reverse("adjudicate", args=[project.slug, clip.pk]))
    assert answer.status_code == 403
    assert "Finish coding it" in answer.content.decode()


def test_strangers_and_annotators_get_no_agreement(project, bobs_api, member):
    url = f"/api/v1/projects/{project.pk}/agreement/"
    assert bobs_api.get(url).status_code == 404
    assert member(project, "dora", Role.ANNOTATOR).get(url).status_code == 403


def test_the_csv_has_a_row_for_every_expression_of_two_coders(browser, project, clip):
    annotate(clip, "bea", emotion="disgust")
    annotate(clip, "cem", onset=13)
    annotate(clip, "cem", onset=60, apex=70, offset=80)
    Annotation.objects.filter(coder=user("cem"), onset=60).update(emotion="=1+1")
    answer = browser.get(reverse("agreement-csv", args=[project.slug]))
    rows = list(csv.DictReader(io.StringIO(answer.content.decode())))
    assert [row["seen_by"] for row in rows] == ["both", "second"]
    assert (rows[0]["onset_first"], rows[0]["onset_second"], rows[0]["onset_difference"]) == ("10", "13", "3")
    assert rows[1]["emotion_second"] == "'=1+1"


def test_the_figure_counts_differences_in_frames_and_milliseconds(browser, project, clip):
    annotate(clip, "bea")
    annotate(clip, "cem", onset=13)
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
def test_the_agreement_page_shows_what_is_missing(browser, project, clip, coded_by, words):
    for name in coded_by:
        annotate(clip, name)
    assert words in browser.get(reverse("agreement", args=[project.slug])).content.decode()


def test_the_agreement_page_says_that_no_clip_was_coded_twice(browser, project, make_clip):
    annotate(make_clip("a"), "bea")
    annotate(make_clip("b"), "cem")
    page = browser.get(reverse("agreement", args=[project.slug])).content.decode()
    assert "bea, cem coded different clips" in page
