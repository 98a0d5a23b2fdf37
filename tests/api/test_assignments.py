"""Clips are assigned evenly, and withdrawn only if their coder has not started."""

from collections import Counter
from itertools import combinations

import pytest
from django.urls import reverse

from mer_platform.annotation.assignments.planning import AssignmentCriteria, plan_assignments
from mer_platform.annotation.models import Annotation, Assignment, Consensus
from mer_platform.clips.models import Clip
from mer_platform.projects.models import Membership, Role
from tests.api.coders import *  # noqa: F403
from tests.api.coders import MARKS, annotate, assign, user
from tests.api.problems import errors_of

pytestmark = [pytest.mark.django_db, pytest.mark.services]
URL = "/api/v1/assignments/"


@pytest.fixture
def browser(client, alice):
    client.force_login(alice)
    return client


def criteria(project, *coders: str, **fields) -> dict:
    return {"project": project.pk, "coders": list(coders), **fields}


@pytest.mark.parametrize("per_clip", [1, 2, 3])
def test_coders_get_about_the_same_number_and_all_pairs_meet(project, api, member, make_clip, per_clip):
    names = [f"coder{n}" for n in range(4)]
    for name in names:
        member(project, name, Role.ANNOTATOR)
    for n in range(25):
        make_clip(f"clip {n}", f"s{n % 5}")
    answer = api.post(URL, criteria(project, *names, per_clip=per_clip, seed=7), format="json")
    assert answer.status_code == 201
    counts = answer.json()["per_coder"].values()
    assert max(counts) - min(counts) <= 1
    assert sum(counts) == 25 * per_clip
    teams = [
        Assignment.objects.filter(clip=clip).values_list("coder", flat=True) for clip in Clip.objects.all()
    ]
    assert {len(team) for team in teams} == {per_clip}
    met = Counter(pair for team in teams for pair in combinations(sorted(team), 2))
    if per_clip > 1:
        assert len(met) == 6
        assert max(met.values()) - min(met.values()) <= 2


def test_the_same_seed_draws_the_same_clips_and_another_does_not(project, api, carol, make_clip):
    for n in range(20):
        make_clip(f"clip {n}")

    def drawn(seed):
        chosen = AssignmentCriteria([user("carol")], per_clip=1, share=0.5, seed=seed)
        return plan_assignments(project, chosen, user("alice")).entries

    assert drawn(1) == drawn(1)
    assert len(drawn(1)) == 10
    assert {clip for clip, _ in drawn(1)} != {clip for clip, _ in drawn(2)}


def test_a_preview_counts_and_assigns_nothing(project, api, carol, dave, clip):
    answer = api.post(URL, criteria(project, "carol", "dave", preview=True), format="json")
    assert answer.status_code == 200
    assert answer.json() == {
        "clips": 1, "assignments": 2, "covered": 0, "per_coder": {"carol": 1, "dave": 1},
    }  # fmt: skip
    assert not Assignment.objects.exists()


def test_clips_are_chosen_by_database_subject_and_consensus(project, api, carol, database, make_clip):
    wanted = make_clip("a", "s1")
    make_clip("b", "s2")
    agreed = make_clip("c", "s1")
    Consensus.objects.create(clip=agreed, origin="adopted", **MARKS)
    fields = {
        "per_clip": 1,
        "databases": [database.pk],
        "subjects": [wanted.subject_id],
        "without_consensus": True,
    }
    api.post(URL, criteria(project, "carol", **fields), format="json")
    assert [row.clip for row in Assignment.objects.all()] == [wanted]


def test_clips_get_only_the_coders_that_are_missing(project, api, carol, dave, clip, make_clip):
    other = make_clip("EP02")
    assign(clip, "carol", "dave")
    assign(other, "carol")
    answer = api.post(URL, criteria(project, "carol", "dave"), format="json").json()
    assert (answer["assignments"], answer["covered"]) == (1, 1)
    assert set(Assignment.objects.filter(clip=other).values_list("coder__username", flat=True)) == {
        "carol",
        "dave",
    }


@pytest.mark.parametrize(
    ("fields", "field", "words"),
    [
        ({"coders": ["zoe"]}, "coders", "“zoe” is not a member of Alice's lab who may annotate."),
        (
            {"coders": ["carol"], "per_clip": 2},
            "per_clip",
            "Cannot assign 2 coders to each clip: only 1 chosen.",
        ),
        ({"coders": ["carol"], "per_clip": 1, "share": 0}, "share", "more than 0"),
        ({"coders": ["carol"], "per_clip": 1, "share": 1.5}, "share", "Must be 1.0 or less"),
        ({"coders": []}, "coders", "Must not be empty"),
    ],
)
def test_criteria_that_cannot_be_met_are_explained(project, api, carol, clip, fields, field, words):
    answer = api.post(URL, {"project": project.pk, **fields}, format="json")
    assert answer.status_code == 400
    assert words in errors_of(answer, field)[0]


def test_only_researchers_assign(project, carol, clip):
    assert carol.post(URL, criteria(project, "carol", per_clip=1), format="json").status_code == 403


def test_coders_see_their_own_assignments_only(project, api, carol, dave, clip, bobs_api):
    assign(clip, "carol", "dave")
    assert [row["coder"] for row in carol.get(URL).json()["results"]] == ["carol"]
    assert len(api.get(URL).json()["results"]) == 2
    assert bobs_api.get(URL).json()["results"] == []


def test_only_what_was_not_started_is_withdrawn(project, api, carol, clip, make_clip):
    (started,) = assign(clip, "carol")
    (fresh,) = assign(make_clip("EP02"), "carol")
    annotate(clip, "carol", apex=None)
    answer = api.delete(f"{URL}{started.pk}/")
    assert answer.status_code == 409
    assert "carol has already started to code it" in answer.json()["detail"]
    assert api.delete(f"{URL}{fresh.pk}/").status_code == 204
    assert carol.delete(f"{URL}{started.pk}/").status_code == 403


def test_a_clip_with_deleted_annotations_counts_as_started(project, api, carol, clip):
    (task,) = assign(clip, "carol")
    row = carol.post("/api/v1/annotations/", {"clip": clip.pk, "onset": 1}).json()
    carol.delete(f"/api/v1/annotations/{row['id']}/")
    assert api.delete(f"{URL}{task.pk}/").status_code == 409


def test_the_page_shows_the_plan_and_assigns_it(browser, project, carol, dave, clip):
    url = reverse("assign", args=[project.slug])
    fields = {
        "coders": [user("carol").pk, user("dave").pk],
        "per_clip": 2,
        "share": 100,
        "seed": 1,
        "order": "mixed",
    }
    preview = browser.get(url, fields, headers={"HX-Request": "true"})
    assert "1 clip, 2 codings" in " ".join(preview.content.decode().split())
    digest = preview.context["plan"].digest
    answer = browser.post(url, {**fields, "digest": digest}, follow=True)
    assert "Assigned 1 clip to 2 coders." in answer.content.decode()
    assert Assignment.objects.count() == 2


def test_nothing_is_assigned_if_the_clips_changed_since_the_plan_was_shown(
    browser, project, carol, clip, make_clip
):
    url = reverse("assign", args=[project.slug])
    fields = {"coders": [user("carol").pk], "per_clip": 1, "share": 100, "seed": 1, "order": "mixed"}
    digest = browser.get(url, fields).context["plan"].digest
    make_clip("EP02")
    answer = browser.post(url, {**fields, "digest": digest})
    assert answer.status_code == 422
    assert "have changed since this plan was shown" in answer.content.decode()
    assert not Assignment.objects.exists()


def test_the_page_withdraws_what_was_not_started(browser, project, carol, clip, make_clip):
    assign(clip, "carol")
    assign(make_clip("EP02"), "carol")
    annotate(clip, "carol")
    answer = browser.post(reverse("withdraw", args=[project.slug, user("carol").pk]), follow=True)
    assert "Withdrew 1 clip from carol." in answer.content.decode()
    assert [task.clip for task in Assignment.objects.all()] == [clip]


def test_everything_open_is_withdrawn_from_a_former_member(browser, project, carol, clip):
    assign(clip, "carol")
    annotate(clip, "carol")
    Membership.objects.filter(user=user("carol")).delete()
    browser.post(reverse("withdraw", args=[project.slug, user("carol").pk]))
    assert not Assignment.objects.exists()
    assert Annotation.objects.exists()


@pytest.mark.parametrize("name", ["assign", "agreement", "judge"])
def test_annotators_do_not_see_the_researchers_pages(client, project, carol, name):
    client.force_login(user("carol"))
    assert client.get(reverse(name, args=[project.slug])).status_code == 403
