"""Clips are shared out evenly, coded blind, and done only when they are complete."""

from collections import Counter
from itertools import combinations

import pytest
from django.contrib.auth.models import User
from django.urls import reverse

from mer_platform.annotation.assignments.planning import Wish, plan
from mer_platform.annotation.models import Annotation, Assignment, Consensus
from mer_platform.clips.models import Clip
from mer_platform.projects.models import AuditEvent, Membership, Role

pytestmark = [pytest.mark.django_db, pytest.mark.services]
URL = "/api/v1/assignments/"
MARKS = {"onset": 10, "apex": 20, "offset": 30, "emotion": "disgust"}


@pytest.fixture
def carol(project, member):
    return member(project, "carol", Role.ANNOTATOR)


@pytest.fixture
def dave(project, member):
    return member(project, "dave", Role.ANNOTATOR)


def user(name: str) -> User:
    return User.objects.get(username=name)


def give(clip: Clip, *names: str) -> list[Assignment]:
    return [Assignment.objects.create(clip=clip, coder=user(name), position=clip.pk) for name in names]


def mark(clip: Clip, name: str, **fields) -> Annotation:
    return Annotation.objects.create(clip=clip, coder=user(name), **{**MARKS, **fields})


def wish(project, *coders: str, **fields) -> dict:
    return {"project": project.pk, "coders": list(coders), **fields}


# who gets what


@pytest.mark.parametrize("per_clip", [1, 2, 3])
def test_every_coder_gets_about_the_same_and_every_pair_meets(project, api, member, make_clip, per_clip):
    names = [f"coder{n}" for n in range(4)]
    for name in names:
        member(project, name, Role.ANNOTATOR)
    for n in range(25):
        make_clip(f"clip {n}", f"s{n % 5}")
    answer = api.post(URL, wish(project, *names, per_clip=per_clip, seed=7), format="json")
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
        return plan(project, Wish([user("carol")], per_clip=1, share=0.5, seed=seed)).entries

    assert drawn(1) == drawn(1)
    assert len(drawn(1)) == 10
    assert {clip for clip, _ in drawn(1)} != {clip for clip, _ in drawn(2)}


def test_a_preview_counts_and_assigns_nothing(project, api, carol, dave, clip):
    answer = api.post(URL, wish(project, "carol", "dave", preview=True), format="json")
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
    api.post(URL, wish(project, "carol", **fields), format="json")
    assert [row.clip for row in Assignment.objects.all()] == [wanted]


def test_clips_get_only_the_coders_that_they_lack(project, api, carol, dave, clip, make_clip):
    other = make_clip("EP02")
    give(clip, "carol", "dave")
    give(other, "carol")
    answer = api.post(URL, wish(project, "carol", "dave"), format="json").json()
    assert (answer["assignments"], answer["covered"]) == (1, 1)
    assert set(Assignment.objects.filter(clip=other).values_list("coder__username", flat=True)) == {
        "carol",
        "dave",
    }


@pytest.mark.parametrize(
    ("fields", "field", "words"),
    [
        ({"coders": ["nobody"]}, "coders", "“nobody” is not a member of Alice's lab who may label."),
        ({"coders": ["carol"], "per_clip": 2}, "per_clip", "Each clip cannot have 2 coders: 1 chosen."),
        ({"coders": ["carol"], "per_clip": 1, "share": 0}, "share", "more than 0"),
        ({"coders": ["carol"], "per_clip": 1, "share": 1.5}, "share", "less than or equal to 1"),
        ({"coders": []}, "coders", "may not be empty"),
    ],
)
def test_it_says_why_a_wish_cannot_be_met(project, api, carol, clip, fields, field, words):
    answer = api.post(URL, {"project": project.pk, **fields}, format="json")
    assert answer.status_code == 400
    assert words in answer.json()[field][0]


def test_only_researchers_assign(project, carol, clip):
    assert carol.post(URL, wish(project, "carol", per_clip=1), format="json").status_code == 403


def test_coders_see_their_own_assignments_only(project, api, carol, dave, clip, bobs_api):
    give(clip, "carol", "dave")
    assert [row["coder"] for row in carol.get(URL).json()["results"]] == ["carol"]
    assert len(api.get(URL).json()["results"]) == 2
    assert bobs_api.get(URL).json()["results"] == []


def test_only_what_was_not_begun_is_taken_back(project, api, carol, clip, make_clip):
    (begun,) = give(clip, "carol")
    (fresh,) = give(make_clip("EP02"), "carol")
    mark(clip, "carol", apex=None)
    answer = api.delete(f"{URL}{begun.pk}/")
    assert answer.status_code == 409
    assert "carol has begun this clip" in answer.json()["detail"]
    assert api.delete(f"{URL}{fresh.pk}/").status_code == 204
    assert carol.delete(f"{URL}{begun.pk}/").status_code == 403


def test_what_a_coder_deleted_again_still_counts_as_begun(project, api, carol, clip):
    (task,) = give(clip, "carol")
    row = carol.post("/api/v1/annotations/", {"clip": clip.pk, "onset": 1}).json()
    carol.delete(f"/api/v1/annotations/{row['id']}/")
    assert api.delete(f"{URL}{task.pk}/").status_code == 409


# blindness


def seen(client, clip: Clip) -> set[str]:
    rows = client.get(f"/api/v1/annotations/?clip={clip.pk}").json()["results"]
    return {row["coder"] for row in rows}


def test_coders_see_each_other_once_all_of_them_are_done(project, carol, dave, clip):
    give(clip, "carol", "dave")
    mark(clip, "carol")
    mark(clip, "dave")
    assert carol.post(f"{URL}done/", {"clip": clip.pk}).status_code == 200
    assert (seen(carol, clip), seen(dave, clip)) == ({"carol"}, {"dave"})
    dave.post(f"{URL}done/", {"clip": clip.pk})
    assert seen(carol, clip) == seen(dave, clip) == {"carol", "dave"}


def test_other_annotators_stay_blind_when_the_coders_are_done(project, carol, dave, clip):
    give(clip, "carol")
    mark(clip, "carol")
    carol.post(f"{URL}done/", {"clip": clip.pk})
    assert seen(dave, clip) == set()


def test_a_researcher_is_blind_on_a_clip_of_the_own_queue(project, api, carol, clip):
    mark(clip, "carol")
    Consensus.objects.create(clip=clip, origin="adopted", **MARKS)
    assert seen(api, clip) == {"carol"}
    give(clip, "alice")
    assert seen(api, clip) == set()
    assert api.get(f"/api/v1/consensus/?clip={clip.pk}").json()["results"] == []
    other = Annotation.objects.get()
    assert api.get(f"/api/v1/annotations/{other.pk}/versions/").status_code == 404
    assert api.post(f"/api/v1/annotations/{other.pk}/adopt/").status_code == 404
    api.post(f"{URL}done/", {"clip": clip.pk, "nothing": True})
    assert seen(api, clip) == {"carol"}


def test_the_clip_page_shows_others_marks_only_to_who_may_see_them(client, project, carol, dave, alice, clip):
    give(clip, "carol", "dave")
    mark(clip, "dave", note="dave wrote this")
    url = reverse("clip", args=[project.slug, clip.pk])

    def shows(name: str) -> bool:
        client.force_login(user(name))
        return "dave wrote this" in client.get(url).content.decode()

    assert (shows("carol"), shows("alice")) == (False, True)
    carol.post(f"{URL}done/", {"clip": clip.pk, "nothing": True})
    assert not shows("carol")
    dave.post(f"{URL}done/", {"clip": clip.pk})
    assert shows("carol")
    give(clip, "alice")
    assert not shows("alice")


def test_a_blind_researcher_adopts_nothing_on_the_clip_page(client, project, carol, alice, clip):
    marking = mark(clip, "carol")
    give(clip, "alice")
    client.force_login(alice)
    url = reverse("adopt", args=[project.slug, clip.pk, marking.pk])
    assert client.post(url).status_code == 404
    assert not Consensus.objects.exists()


# done


def test_done_twice_is_done_once(carol, clip):
    give(clip, "carol")
    mark(clip, "carol")
    first = carol.post(f"{URL}done/", {"clip": clip.pk}).json()
    again = carol.post(f"{URL}done/", {"clip": clip.pk})
    assert (again.status_code, again.json()["done_at"]) == (200, first["done_at"])


@pytest.mark.parametrize(
    ("lacks", "words"),
    [("apex", "The expression has no apex yet."), ("emotion", "The expression has no emotion yet.")],
)
def test_it_is_not_done_while_something_is_missing(carol, clip, lacks, words):
    give(clip, "carol")
    mark(clip, "carol", **{lacks: "" if lacks == "emotion" else None})
    answer = carol.post(f"{URL}done/", {"clip": clip.pk})
    assert answer.status_code == 400
    assert answer.json() == {lacks: [words]}
    assert Assignment.objects.get().done_at is None


def test_it_says_which_of_several_expressions_is_not_complete(carol, clip):
    give(clip, "carol")
    mark(clip, "carol")
    mark(clip, "carol", onset=50, apex=None, offset=60)
    assert carol.post(f"{URL}done/", {"clip": clip.pk}).json() == {"apex": ["Expression 2 has no apex yet."]}


def test_a_clip_without_expression_is_done_only_when_the_coder_says_so(carol, clip):
    give(clip, "carol")
    answer = carol.post(f"{URL}done/", {"clip": clip.pk})
    assert "say that it shows none" in answer.json()["nothing"][0]
    assert carol.post(f"{URL}done/", {"clip": clip.pk, "nothing": True}).status_code == 200


def test_nothing_contradicts_what_is_marked(carol, clip):
    give(clip, "carol")
    mark(clip, "carol")
    answer = carol.post(f"{URL}done/", {"clip": clip.pk, "nothing": True})
    assert "delete them first" in answer.json()["nothing"][0]


def test_who_has_no_assignment_is_told_404(carol, clip):
    answer = carol.post(f"{URL}done/", {"clip": clip.pk})
    assert answer.status_code == 404
    assert "is not assigned to carol" in answer.json()["detail"]


def test_marks_do_not_change_after_done_until_it_is_open_again(carol, dave, clip):
    give(clip, "carol", "dave")
    marking = mark(clip, "carol")
    url = f"/api/v1/annotations/{marking.pk}/"
    carol.post(f"{URL}done/", {"clip": clip.pk})
    for answer in (
        carol.patch(url, {"apex": 21}),
        carol.delete(url),
        carol.post("/api/v1/annotations/", {"clip": clip.pk}),
    ):
        assert answer.status_code == 403
        assert "Open it again to change your marks" in answer.json()["detail"]
    assert carol.post(f"{URL}reopen/", {"clip": clip.pk}).json()["done_at"] is None
    assert carol.patch(url, {"apex": 21}).status_code == 200


def test_once_all_are_done_only_a_researcher_opens_a_clip_again(api, carol, dave, clip):
    for task in give(clip, "carol", "dave"):
        mark(clip, task.coder.username)
    for client in (carol, dave):
        client.post(f"{URL}done/", {"clip": clip.pk})
    answer = carol.post(f"{URL}reopen/", {"clip": clip.pk})
    assert answer.status_code == 409
    assert "ask a researcher" in answer.json()["detail"]
    assert dave.post(f"{URL}reopen/", {"clip": clip.pk, "coder": "carol"}).status_code == 403
    assert api.post(f"{URL}reopen/", {"clip": clip.pk, "coder": "carol"}).status_code == 200
    assert "opened CASME II/sub01/EP01 again for carol" in AuditEvent.objects.first().action


# the queue


@pytest.fixture
def queue_url(project) -> str:
    return f"/api/v1/projects/{project.pk}/queue/"


def test_the_queue_offers_ones_own_open_assignments_in_order(carol, dave, make_clip, queue_url):
    first, second, third = (make_clip(f"EP0{n}") for n in (1, 2, 3))
    for place, clip in enumerate((third, first, second)):
        Assignment.objects.create(clip=clip, coder=user("carol"), position=place)
    give(make_clip("EP04"), "dave")
    assert carol.get(queue_url).json()["clip"] == third.pk
    assert carol.get(f"{queue_url}?after={third.pk}").json()["clip"] == first.pk
    carol.post(f"{URL}done/", {"clip": third.pk, "nothing": True})
    answer = carol.get(f"{queue_url}?after={second.pk}").json()
    assert (answer["clip"], answer["left"], answer["total"], answer["done"]) == (first.pk, 2, 3, 1)


def test_the_queue_says_all_the_labeler_needs(carol, clip, project, queue_url):
    give(clip, "carol")
    assert carol.get(queue_url).json() == {
        "clip": clip.pk, "name": "EP01", "database": "CASME II", "subject": "sub01",
        "page_url": f"/projects/{project.slug}/clips/{clip.pk}/", "frames_url": f"/api/v1/clips/{clip.pk}/frames/",
        "pack_url": f"/api/v1/clips/{clip.pk}/frames.bin", "readonly": False, "database_url": "",
        "head_url": f"/api/v1/clips/{clip.pk}/frames.bin?first=0&last=999",
        "emotions": ["happiness", "disgust", "surprise"], "next_url": f"{queue_url}?after={clip.pk}",
        "left": 1, "total": 1, "done": 0,
    }  # fmt: skip


def test_without_assignments_the_queue_is_what_one_has_not_labelled(carol, make_clip, queue_url):
    clips = [make_clip(f"EP0{n}") for n in (1, 2, 3)]
    make_clip("EP04", state=Clip.State.PROCESSING)
    mark(clips[0], "carol")
    assert carol.get(queue_url).json()["clip"] == clips[1].pk
    assert carol.get(f"{queue_url}?after={clips[2].pk}").json()["clip"] == clips[1].pk


def test_an_empty_queue_says_why(carol, clip, queue_url):
    give(clip, "carol")
    last = carol.get(f"{queue_url}?after={clip.pk}").json()
    assert (last["clip"], last["message"]) == (
        None,
        "This is the last clip of your queue, and it is not done yet.",
    )
    carol.post(f"{URL}done/", {"clip": clip.pk, "nothing": True})
    assert carol.get(queue_url).json()["message"] == "Your queue is empty: all 1 clips are done."


@pytest.mark.parametrize("after", ["", "x", "-1", "9" * 40])
def test_a_clip_that_is_not_in_the_queue_starts_it_from_the_front(carol, clip, queue_url, after):
    give(clip, "carol")
    assert carol.get(f"{queue_url}?after={after}").json()["clip"] == clip.pk


def test_strangers_have_no_queue_and_viewers_may_not_code(project, bobs_api, member, queue_url):
    assert bobs_api.get(queue_url).status_code == 404
    assert member(project, "vera", Role.VIEWER).get(queue_url).status_code == 403


# pages


@pytest.fixture
def browser(client, alice):
    client.force_login(alice)
    return client


def test_assigning_shows_the_counts_and_assigns_what_was_shown(browser, project, carol, dave, clip):
    url = reverse("assign", args=[project.slug])
    fields = {
        "coders": [user("carol").pk, user("dave").pk],
        "per_clip": 2,
        "share": 100,
        "seed": 1,
        "order": "mixed",
    }
    preview = browser.get(url, fields, headers={"HX-Request": "true"})
    assert "1 clip, 2 codings" in preview.content.decode()
    digest = preview.context["plan"].digest
    answer = browser.post(url, {**fields, "digest": digest}, follow=True)
    assert "1 clips were assigned to 2 coders." in answer.content.decode()
    assert Assignment.objects.count() == 2


def test_nothing_is_assigned_when_the_clips_changed_since_the_preview(
    browser, project, carol, clip, make_clip
):
    url = reverse("assign", args=[project.slug])
    fields = {"coders": [user("carol").pk], "per_clip": 1, "share": 100, "seed": 1, "order": "mixed"}
    digest = browser.get(url, fields).context["plan"].digest
    make_clip("EP02")
    answer = browser.post(url, {**fields, "digest": digest})
    assert answer.status_code == 422
    assert "changed since this plan was shown" in answer.content.decode()
    assert not Assignment.objects.exists()


def test_what_was_not_begun_is_taken_back_on_the_page(browser, project, carol, clip, make_clip):
    give(clip, "carol")
    give(make_clip("EP02"), "carol")
    mark(clip, "carol")
    answer = browser.post(reverse("withdraw", args=[project.slug, user("carol").pk]), follow=True)
    assert "1 clips were taken back from carol." in answer.content.decode()
    assert [task.clip for task in Assignment.objects.all()] == [clip]


def test_of_somebody_who_left_everything_open_is_taken_back(browser, project, carol, clip):
    give(clip, "carol")
    mark(clip, "carol")
    Membership.objects.filter(user=user("carol")).delete()
    browser.post(reverse("withdraw", args=[project.slug, user("carol").pk]))
    assert not Assignment.objects.exists()
    assert Annotation.objects.exists()


def test_the_queue_page_goes_to_the_next_clip(client, project, carol, clip, make_clip):
    give(clip, "carol")
    client.force_login(user("carol"))
    answer = client.get(reverse("queue", args=[project.slug]))
    assert answer["Location"] == reverse("clip", args=[project.slug, clip.pk])
    assert "1 clip to code" in client.get(reverse("project", args=[project.slug])).content.decode()
    carol.post(f"{URL}done/", {"clip": clip.pk, "nothing": True})
    answer = client.get(reverse("queue", args=[project.slug]), follow=True)
    assert "Your queue is empty: all 1 clips are done." in answer.content.decode()


def test_a_clip_that_is_done_opens_read_only_with_a_way_to_open_it_again(client, project, carol, dave, clip):
    give(clip, "carol", "dave")
    mark(clip, "carol")
    carol.post(f"{URL}done/", {"clip": clip.pk})
    client.force_login(user("carol"))
    page = client.get(reverse("clip", args=[project.slug, clip.pk])).content.decode()
    assert "readonly></mer-labeler>" in page
    client.post(reverse("reopen", args=[project.slug, clip.pk]))
    assert Assignment.objects.get(coder=user("carol")).done_at is None


@pytest.mark.parametrize("name", ["assign", "agreement", "judge"])
def test_annotators_do_not_see_the_researchers_pages(client, project, carol, name):
    client.force_login(user("carol"))
    assert client.get(reverse(name, args=[project.slug])).status_code == 403
