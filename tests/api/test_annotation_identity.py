"""An imported row changes only the marking that it is about, and only the fields that its file mentions."""

from dataclasses import replace

import pytest

from mer_platform.annotation.exchange import services
from mer_platform.annotation.models import Annotation, Assignment, Consensus, Judgement
from models_ml.formats import annotations
from models_ml.formats.base import Finding, Marked
from tests.api.exchange_lab import *  # noqa: F403
from tests.api.exchange_lab import HEAD, checked, confirmed, sheet, with_index
from tests.api.problems import errors_of

pytestmark = [pytest.mark.django_db, pytest.mark.services_in_faults]
UNMENTIONED = frozenset({"apex", "kind", "action_units", "confidence", "note", "origin", "suggestion"})


@pytest.fixture
def plain_clip(make_clip):
    clip = make_clip("offset", "s01")
    return with_index(clip, list(range(1, 101)), list(range(100)), "1/200")


def mark(clip, coder, onset, apex, offset, **fields) -> Annotation:
    values = {"emotion": "happiness", "action_units": "12", **fields}
    return Annotation.objects.create(clip=clip, coder=coder, onset=onset, apex=apex, offset=offset, **values)


def row(onset, apex, offset, emotion="disgust") -> str:
    """A row of a sheet with source frames, which count from 1."""
    marks = ["" if mark is None else str(mark + 1) for mark in (onset, apex, offset)]
    return sheet(f"s01,offset,{','.join(marks)},R12,{emotion},alice")


@pytest.fixture
def given(monkeypatch):
    """Let the reader find these rows in any file."""

    def rows(*marked: Marked) -> None:
        monkeypatch.setattr(annotations, "read", lambda *_: Finding(annotations=list(marked)))

    return rows


@pytest.mark.parametrize(
    ("file", "action"),
    [
        ((60, 70, 80), "add"),  # apart
        ((40, 45, 50), "add"),  # the first frame of one is the last of the other
        ((30, 35, 60), "add"),  # shares 11 of 41 frames
        ((25, 30, 42), "change"),  # shares 16 of 23
        ((20, None, 41), "change"),
    ],
)
def test_a_row_is_about_an_annotation_only_if_most_frames_are_the_same(
    api, project, plain_clip, alice, file, action
):
    mark(plain_clip, alice, 20, 30, 40)
    batch = checked(api, project, "lab.csv", row(*file))
    assert [(e["action"], e["choice"]) for e in batch["entries"]] == [(action, action)]


def test_one_annotation_here_and_one_row_are_not_one_expression_for_that(api, project, plain_clip, alice):
    ours = mark(plain_clip, alice, 20, None, 40)
    confirmed(api, checked(api, project, "lab.csv", row(60, 70, 80)))
    ours.refresh_from_db()
    assert (ours.onset, ours.offset, ours.emotion, ours.revision) == (20, 40, "happiness", 1)
    assert Annotation.objects.count() == 2


def test_fields_that_a_file_does_not_mention_stay(api, project, plain_clip, alice, given):
    ours = mark(plain_clip, alice, 20, 30, 40, kind="macro", note="kept")
    given(
        Marked(
            clip="offset",
            coder="alice",
            unit="index",
            onset=21,
            offset=41,
            emotion="disgust",
            silent=UNMENTIONED,
        )
    )
    batch = checked(api, project, "lab.json", "{}")
    assert batch["entries"][0]["changed"] == {
        "onset": [20, 21],
        "offset": [40, 41],
        "emotion": ["happiness", "disgust"],
    }
    confirmed(api, batch)
    ours.refresh_from_db()
    assert (ours.apex, ours.kind, ours.action_units, ours.note) == (30, "macro", "12", "kept")


def test_marks_that_do_not_fit_those_the_file_leaves_out_are_refused(api, project, plain_clip, alice, given):
    ours = mark(plain_clip, alice, 20, 39, 40)
    given(Marked(clip="offset", coder="alice", unit="index", onset=20, offset=38, silent=UNMENTIONED))
    batch = checked(api, project, "lab.json", "{}")
    assert [p["code"] for p in batch["problems"]] == ["marks-contradict"]
    assert "Add the missing marks to the file." in batch["problems"][0]["message"]
    assert batch["entries"] == []
    ours.refresh_from_db()
    assert ours.offset == 40


def test_what_is_done_with_a_row_can_be_chosen(api, project, plain_clip, alice):
    mark(plain_clip, alice, 20, 30, 40)
    rows = [row(22, 30, 42).splitlines()[1], row(60, 70, 80).splitlines()[1]]
    batch = checked(api, project, "lab.csv", sheet(*rows))
    change, add = batch["entries"]
    assert (change["choices"], add["choices"]) == (["change", "add", "keep"], ["add", "keep"])
    url = f"/api/v1/annotation-imports/{batch['id']}/confirm/"
    choices = {str(change["number"]): "add", str(add["number"]): "keep"}
    assert api.post(url, {"choices": choices}, format="json").status_code == 200
    assert sorted(Annotation.objects.values_list("onset", flat=True)) == [20, 22]


def test_all_rows_can_be_kept_at_once(api, project, plain_clip, alice):
    batch = checked(api, project, "lab.csv", row(60, 70, 80))
    url = f"/api/v1/annotation-imports/{batch['id']}/confirm/"
    assert api.post(url, {"all": "keep"}, format="json").json()["state"] == "done"
    assert not Annotation.objects.exists()


@pytest.mark.parametrize(
    ("choices", "words"),
    [
        ({"7": "add"}, "no row number 7"),
        ({"0": "change"}, "allows add, keep, not “change”"),
        ({"x": "add"}, "is not the number of a row"),
        ({"0": "destroy"}, "destroy"),
    ],
)
def test_choices_that_there_are_not_are_refused(api, project, plain_clip, choices, words):
    batch = checked(api, project, "lab.csv", row(60, 70, 80))
    url = f"/api/v1/annotation-imports/{batch['id']}/confirm/"
    answer = api.post(url, {"choices": choices}, format="json")
    assert answer.status_code == 400
    assert words in str(errors_of(answer, "choices"))
    assert not Annotation.objects.exists()


def test_a_file_can_be_the_consensus(api, project, plain_clip, alice):
    text = sheet("s01,offset,11,21,31,R12,Disgust", head=HEAD.removesuffix(",Coder"))
    confirmed(api, checked(api, project, "lab.csv", text, "consensus"))
    agreed = Consensus.objects.get()
    assert (agreed.onset, agreed.apex, agreed.offset, agreed.emotion) == (10, 20, 30, "disgust")
    assert (agreed.origin, agreed.decided_by, agreed.action_units) == ("imported", alice, "R12")
    assert not Annotation.objects.exists()


def test_a_consensus_that_is_there_stays_unless_chosen(api, project, plain_clip, alice):
    Consensus.objects.create(
        clip=plain_clip, onset=10, apex=20, offset=30, emotion="disgust", origin="adjudicated"
    )
    text = sheet("s01,offset,11,21,33,R12,disgust", head=HEAD.removesuffix(",Coder"))
    batch = checked(api, project, "lab.csv", text, "consensus")
    assert [(e["action"], e["choice"]) for e in batch["consensus"]] == [("change", "keep")]
    assert [p["code"] for p in batch["problems"]] == ["consensus-differs"]
    url = f"/api/v1/annotation-imports/{batch['id']}/confirm/"
    api.post(url, {"choices": {str(batch["consensus"][0]["number"]): "change"}}, format="json")
    agreed = Consensus.objects.get()
    assert (agreed.offset, agreed.action_units, agreed.origin) == (32, "R12", "imported")


def test_codings_of_two_coders_are_no_consensus(api, project, plain_clip, anna):
    text = sheet("s01,offset,11,21,31,R12,disgust,alice", "s01,offset,12,21,31,R12,disgust,anna@lab")
    batch = checked(api, project, "lab.csv", text, "consensus")
    assert [p["code"] for p in batch["problems"]] == ["several-coders"]
    assert batch["consensus"] == []


NOTHING = Marked(clip="offset", coder="alice", unit="index", shown=False)


def test_a_coder_who_saw_no_expression_is_done_with_the_clip(api, project, plain_clip, alice, given):
    given(NOTHING)
    confirmed(api, checked(api, project, "lab.json", "{}"))
    assignment = Assignment.objects.get(clip=plain_clip, coder=alice)
    assert assignment.done_at is not None
    assert not Annotation.objects.exists()
    again = checked(api, project, "lab.json", "{}")
    assert [(e["action"], e["choice"]) for e in again["entries"]] == [("same", "keep")]


def test_a_coder_who_marked_an_expression_cannot_have_seen_none(api, project, plain_clip, alice, given):
    mark(plain_clip, alice, 20, 30, 40)
    given(NOTHING)
    batch = checked(api, project, "lab.json", "{}")
    assert [p["code"] for p in batch["problems"]] == ["none-and-some"]
    assert not Assignment.objects.exists()


def test_a_mark_made_after_the_check_is_a_conflict(api, project, plain_clip, alice, given):
    given(NOTHING)
    batch = checked(api, project, "lab.json", "{}")
    mark(plain_clip, alice, 20, 30, 40)
    assert "marked an expression in this clip" in confirmed(api, batch)["conflicts"][0]["why"]
    assert not Assignment.objects.exists()


def test_agreeing_that_a_clip_shows_none_is_a_judgement(api, project, plain_clip, alice, given):
    given(replace(NOTHING, coder="", agreed=True))
    confirmed(api, checked(api, project, "lab.json", "{}", "consensus"))
    assert Judgement.objects.get(clip=plain_clip).decided_by == alice
    assert not Consensus.objects.exists()


def test_a_clip_that_the_file_calls_done_is_done(api, project, plain_clip, alice, given):
    done = {"done_at": "2026-01-02T03:04:05+02:00"}
    given(
        Marked(
            clip="offset",
            coder="alice",
            unit="index",
            onset=1,
            apex=2,
            offset=3,
            emotion="disgust",
            record=done,
        )
    )
    confirmed(api, checked(api, project, "lab.json", "{}"))
    assert Assignment.objects.get().done_at.isoformat() == "2026-01-02T01:04:05+00:00"


def test_services_refuse_to_undo_what_is_not_imported(api, project, plain_clip, alice):
    batch = services.check_file(project, alice, "lab.csv", row(60, 70, 80).encode(), "names")
    with pytest.raises(Exception, match="Only a confirmed import can be undone"):
        services.undo(batch, alice)
