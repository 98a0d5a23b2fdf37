"""What an export holds comes back from it, also who is done, who judged, and that a clip shows no expression."""

import json
import random
from datetime import UTC, datetime

import pytest

from mer_platform.annotation.adjudication.decisions import Decision, decide
from mer_platform.annotation.agreement.comparisons import coded_clips, compare, summarise_all
from mer_platform.annotation.models import Annotation, Assignment, Consensus, Judgement
from models_ml.formats import EXPORTS
from tests.api.exchange_lab import *  # noqa: F403
from tests.api.exchange_lab import checked, confirmed, export

pytestmark = [pytest.mark.django_db, pytest.mark.services_in_faults]
KINDS = list(EXPORTS)
DONE = datetime(2026, 3, 1, 10, tzinfo=UTC)
EMOTIONS = ("", "happiness", "disgust", "surprise")
UNITS = ("", "4", "6+L12B", "(R6 or R12)+R15", "ref(7B)+43", "L14B?")


def upload_name(kind: str) -> str:
    return f"lab.{EXPORTS[kind].suffix}"


def done(clip, *coders) -> None:
    Assignment.objects.bulk_create([Assignment(clip=clip, coder=coder, done_at=DONE) for coder in coders])


def wipe() -> None:
    for model in (Consensus, Judgement, Assignment):
        model.objects.all().delete()
    Annotation.everything.all().delete()


def stored() -> dict[str, list[tuple]]:
    """Return what coders and judges stated, without ids."""
    marks = ("clip__name", "onset", "apex", "offset", "kind", "emotion", "action_units")
    tables = {
        "annotations": Annotation.objects.values_list("coder__username", *marks),
        "consensus": Consensus.objects.values_list("origin", "decided_by__username", "decided_at", *marks),
        "done": Assignment.objects.values_list("clip__name", "coder__username", "done_at"),
        "judged": Judgement.objects.values_list("clip__name", "decided_by__username", "decided_at"),
    }
    return {name: sorted(rows, key=str) for name, rows in tables.items()}


@pytest.mark.parametrize("kind", [*KINDS, "csv"])
def test_that_a_clip_shows_no_expression_comes_back_from_every_format(
    api, project, samm_clip, vfr_clip, alice, anna, kind
):
    done(samm_clip, alice, anna)
    done(vfr_clip, alice)
    Annotation.objects.create(clip=samm_clip, coder=anna, onset=10, apex=20, offset=30, emotion="disgust")
    file = export(api, project, kind)
    wipe()
    name = "table.csv" if kind == "csv" else upload_name(kind)
    batch = confirmed(api, checked(api, project, name, file))
    assert batch["problems"] == []
    assert Annotation.objects.get().coder == anna
    restored = set(
        Assignment.objects.filter(done_at__isnull=False).values_list("clip__name", "coder__username")
    )
    assert restored >= {("006_1_2", "alice"), ("EP02_01f", "alice")}


@pytest.mark.parametrize("kind", KINDS)
def test_a_judges_decision_that_there_is_none_is_exported_with_the_consensus(
    api, project, samm_clip, alice, kind
):
    decide(samm_clip, [], alice)
    file = export(api, project, kind, marks="consensus")
    wipe()
    batch = confirmed(api, checked(api, project, upload_name(kind), file, "consensus"))
    assert batch["problems"] == []
    assert Judgement.objects.get().clip == samm_clip
    assert not Consensus.objects.exists()


def test_a_project_is_restored_from_the_lossless_file(
    api, project, coded, samm_clip, vfr_clip, make_clip, alice, anna
):
    decide(samm_clip, [Decision(coded[0])], alice)
    decide(vfr_clip, [], alice)
    Annotation.objects.filter(clip=samm_clip).exclude(pk__in=[coded[0].pk, coded[1].pk]).delete()
    Annotation.objects.filter(clip=vfr_clip, coder=anna).delete()
    done(samm_clip, alice, anna)
    done(vfr_clip, alice, anna)
    before = stored()
    agreement = summarise_all(coded_clips(project, alice), compare(coded_clips(project, alice)))
    file = export(api, project, "json")
    wipe()
    confirmed(api, checked(api, project, "lab.json", file))
    assert stored() == before
    assert summarise_all(coded_clips(project, alice), compare(coded_clips(project, alice))) == agreement
    again = checked(api, project, "lab.json", file)
    assert (again["counts"]["add"], again["counts"]["change"]) == (0, 0)


def test_only_the_chosen_coders_statement_is_exported(api, project, samm_clip, alice, anna):
    done(samm_clip, alice, anna)
    (clip,) = json.loads(export(api, project, "json", coder="anna@lab"))["clips"]
    assert [coding["coder"] for coding in clip["codings"]] == ["anna@lab"]


def test_a_clip_that_is_not_done_states_nothing(api, project, samm_clip, anna):
    Assignment.objects.create(clip=samm_clip, coder=anna)
    assert json.loads(export(api, project, "json"))["clips"] == []


def random_marks(rng: random.Random, frames: int) -> dict:
    marks = dict(zip(("onset", "apex", "offset"), sorted(rng.choices(range(frames), k=3)), strict=True))
    marks = {name: frame if rng.random() < 0.85 else None for name, frame in marks.items()}
    words = {
        "emotion": rng.choice(EMOTIONS),
        "action_units": rng.choice(UNITS),
        "kind": rng.choice(["micro", "macro"]),
    }
    return {**marks, **words}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", range(4))
def test_random_markings_come_back_to_the_same_coders(
    api, project, samm_clip, vfr_clip, alice, anna, kind, seed
):
    rng = random.Random(seed)
    for clip in (samm_clip, vfr_clip):
        for coder in (alice, anna):
            for _ in range(rng.randint(0, 3)):
                made = Annotation.objects.create(
                    clip=clip, coder=coder, **random_marks(rng, clip.frame_count)
                )
                made.keep_version(coder, "labeler")
            if not Annotation.objects.filter(clip=clip, coder=coder).exists():
                done(clip, coder)
    before, file = stored(), export(api, project, kind)
    wipe()
    confirmed(api, checked(api, project, upload_name(kind), file))
    after = stored()
    assert after["annotations"] == before["annotations"]
    assert [row[:2] for row in after["done"]] == [row[:2] for row in before["done"]]
    if kind == "json":
        assert after == before


@pytest.mark.parametrize(("seconds", "codes"), [(0.5, []), (0.6, []), (4.0, ["clip-differs"])])
def test_a_video_of_another_length_is_not_taken_for_the_clip(api, project, samm_clip, seconds, codes):
    value = {"ranges": [{"start": 2, "end": 9}], "timelinelabels": ["disgust"], "framesCount": 25 * seconds}
    region = {"type": "timelinelabels", "value": {**value, "duration": seconds}}
    task = {
        "id": 1,
        "data": {"video": "006_1_2.mp4"},
        "annotations": [{"completed_by": 1, "result": [region]}],
    }
    batch = checked(api, project, "export.json", json.dumps([task]), "me")
    assert [problem["code"] for problem in batch["problems"]] == codes


@pytest.mark.parametrize("how", ["refused", "damaged", "kept out"])
def test_a_coder_is_not_done_with_a_part_of_the_expressions(api, project, samm_clip, alice, how):
    for onset in (10, 60):
        made = Annotation.objects.create(
            clip=samm_clip, coder=alice, onset=onset, apex=onset, offset=onset + 9, emotion="happiness"
        )
        made.keep_version(alice, "labeler")
    done(samm_clip, alice)
    document = json.loads(export(api, project, "json"))
    second = document["clips"][0]["annotations"][1]
    second |= {"refused": {"emotion": "rapture"}, "damaged": {"revision": 0}}.get(how, {})
    wipe()
    batch = checked(api, project, "lab.json", json.dumps(document))
    choices = {"choices": {str(batch["entries"][1]["number"]): "keep"}} if how == "kept out" else {}
    url = f"/api/v1/annotation-imports/{batch['id']}/confirm/"
    assert api.post(url, choices, format="json").status_code == 200
    assert Annotation.objects.count() == 1
    assert not Assignment.objects.exists()
