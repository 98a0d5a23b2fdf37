"""One clock per clip: pages, rules and exports state the same milliseconds, also after the recording rate is corrected."""

import csv
import importlib
import io
import json
from fractions import Fraction
from pathlib import Path

import pytest
from django.apps import apps
from django.core.files.storage import default_storage
from django.urls import reverse

from mer_platform.annotation.agreement.comparisons import coded_clips, compare
from mer_platform.annotation.exchange.timing import timing_of
from mer_platform.annotation.models import Consensus
from mer_platform.clips.models import Clip
from mer_platform.clips.packindex import clock_fields, clock_of, write_index
from mer_platform.composites.draft import draft
from mer_platform.composites.rules import parse_rules
from mer_platform.composites.services import freeze
from mer_platform.exports.tables import annotations
from mer_platform.jobs.models import Job
from mer_platform.projects.models import AuditEvent, Role
from models_ml.video.clock import Clock
from tests.api.coders import annotate
from tests.api.problems import errors_of, field_errors
from tests.fake_packs import fake_index

pytestmark = [pytest.mark.django_db, pytest.mark.services_in_faults]
CASES = json.loads((Path(__file__).parents[1] / "unit" / "clocks.json").read_text())
URL = "/api/v1/clips/"


@pytest.fixture
def timed(make_clip):
    """Make a clip of six frames with a clock, as ingest leaves it."""

    def make(clock: Clock, name: str = "EP01", **fields) -> Clip:
        clip = make_clip(name, frame_count=clock.count, **clock_fields(clock), **fields)
        write_index(clip, fake_index(clock.count).at(clock))
        return clip

    return make


@pytest.fixture(params=CASES, ids=lambda case: case["name"])
def case(request, timed):
    index = request.param["index"]
    clock = Clock.of_ticks(index["pts"], Fraction(index["time_base"]), Fraction(index["fps"]))
    return timed(clock), index, request.param["ms"]


def test_the_labeler_gets_the_times_of_the_clock(api, case):
    clip, index, _ = case
    answer = api.get(f"{URL}{clip.pk}/frames/").json()
    assert {name: answer[name] for name in index} == index


def test_files_of_other_tools_and_tables_state_them(project, alice, case):
    clip, _, ms = case
    annotate(clip, "alice", onset=1, apex=3, offset=4)
    assert [timing_of(clip).ms(i) for i in range(6)] == [round(time) for time in ms]
    table = annotations(project)
    row = dict(zip(table.columns, next(iter(table.rows)), strict=True))
    stated = [row["onset_ms"], row["apex_ms"], row["offset_ms"], row["duration_ms"]]
    assert stated == pytest.approx([ms[1], ms[3], ms[4], ms[4] - ms[1]], abs=0.001)


def test_agreement_counts_in_them(project, member, client, alice, case):
    clip, _, ms = case
    for name in ("bea", "cem"):
        member(project, name, Role.ANNOTATOR)
    annotate(clip, "bea", onset=1, apex=3, offset=4)
    annotate(clip, "cem", onset=2, apex=3, offset=5)
    (found,) = compare(coded_clips(project, alice))
    assert found.differences("onset", "ms") == [pytest.approx(ms[2] - ms[1])]
    assert found.differences("offset", "ms") == [pytest.approx(ms[5] - ms[4])]
    client.force_login(alice)
    answer = client.get(reverse("agreement-csv", args=[project.slug]))
    (row,) = csv.DictReader(io.StringIO(answer.content.decode()))
    assert float(row["onset_difference_ms"]) == pytest.approx(ms[2] - ms[1], abs=0.001)


def test_rules_of_composites_decide_by_them_without_reading_pack_indexes(project, database, case):
    clip, _, ms = case
    Consensus.objects.create(clip=clip, origin="imported", onset=1, apex=3, offset=4, emotion="disgust")
    default_storage.delete(clip.index_name)
    duration = ms[4] - ms[1]

    def included(**rules) -> int:
        words = {database.name: {"disgust": "negative"}}
        return len(draft([database], words, parse_rules(rules)).samples)

    assert included(longest=duration + 0.01, shortest=duration - 0.01) == 1
    assert included(longest=duration - 0.01) == included(shortest=duration + 0.01) == 0


def test_clips_of_earlier_versions_get_their_times_from_the_pack_index(api, make_clip):
    clip = make_clip(frame_count=6)
    index = fake_index(6, source=(46, 47, 48, 52, 53, 60))
    write_index(clip, index)
    assert clip.frame_steps is None
    assert clock_of(clip).ms(5) == 70
    stored = Clip.objects.get(pk=clip.pk)
    assert (stored.fps, stored.frame_steps) == ("200/1", "1: 1x2 4 1 7")
    default_storage.delete(clip.index_name)
    assert clock_of(stored).ms(5) == 70


SLOW = Clock(Fraction(25), 6, file_rate=Fraction(25))


def test_a_corrected_rate_reaches_everything_and_is_recorded(api, alice, timed):
    clip = timed(SLOW)
    before = api.get(f"{URL}{clip.pk}/").json()
    assert (before["fps"], before["file_fps"]) == ("25", "25")
    assert before["notes"] == [
        "The file plays at 25 fps, but the database states 200 fps. If it was recorded at that rate, correct its "
        "recording rate."
    ]
    answer = api.patch(f"{URL}{clip.pk}/", {"fps": 200}, format="json")
    assert answer.status_code == 200
    changed = answer.json()
    assert (changed["fps"], changed["frames_per_second"], changed["file_fps"]) == ("200", 200, "25")
    assert changed["notes"] == [
        "The file plays at 25 fps. Its times are scaled to the recording rate of 200 fps."
    ]
    frames = api.get(f"{URL}{clip.pk}/frames/").json()
    assert (frames["fps"], frames["time_base"], frames["pts"]) == ("200/1", "1/200", [0, 1, 2, 3, 4, 5])
    assert clock_of(Clip.objects.get(pk=clip.pk)).ms(5) == 25
    assert AuditEvent.objects.first().action == f"corrected the recording rate of {clip} from 25 to 200 fps"
    assert Job.objects.get(kind="ingest").payload == {"clip": clip.pk}


def test_other_tools_get_the_times_of_the_file_as_it_plays(api, timed):
    clip = timed(SLOW)
    api.patch(f"{URL}{clip.pk}/", {"fps": 200}, format="json")
    clip.refresh_from_db()
    assert (clock_of(clip).ms(5), timing_of(clip).ms(5), timing_of(clip).at_ms(120)) == (25, 200, 3)


def test_a_variable_rate_is_scaled(api, timed):
    clip = timed(Clock(Fraction(25), 6, (40, 40, 80, 40, 40), 40, Fraction(25)))
    api.patch(f"{URL}{clip.pk}/", {"fps": "200"}, format="json")
    assert clock_of(Clip.objects.get(pk=clip.pk)).ms(5) == 30


def test_the_same_rate_changes_nothing(api, timed):
    clip = timed(SLOW)
    assert api.patch(f"{URL}{clip.pk}/", {"fps": "25.0"}, format="json").status_code == 200
    assert not AuditEvent.objects.filter(action__startswith="corrected").exists()
    assert not Job.objects.exists()


@pytest.mark.parametrize(
    "fps",
    [
        "fast",
        "0",
        "-25",
        "1e9",
        "25/0",
        True,
        None,
        [],
        "nan",
        "1e9999999",
        "1_00",
        "２００",
        "1/" + "9" * 13,
        1e22,
    ],
)
def test_a_rate_that_is_none_is_refused_with_the_rule(api, timed, fps):
    clip = timed(SLOW)
    answer = api.patch(f"{URL}{clip.pk}/", {"fps": fps}, format="json")
    assert answer.status_code == 400
    assert errors_of(answer, "fps")
    assert Clip.objects.get(pk=clip.pk).fps == "25"


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ('{"fps": ' + "9" * 5000 + "}", "A number of the request has more than 40 digits."),
        ('{"fps": ' + "[" * 200_000, "nested too deeply"),
        ('{"fps": 1e999}', "A number of the request is too large."),
        ('{"fps": NaN}', "NaN is not a number of JSON."),
        ('{"fps"\n 25}', "not JSON from line 2, column 2 on"),
    ],
)
def test_a_request_that_is_not_json_is_refused_in_words(api, timed, body, words):
    answer = api.patch(f"{URL}{timed(SLOW).pk}/", body, content_type="application/json")
    assert (answer.status_code, words in answer.json()["detail"]) == (400, True), answer.json()


def test_nothing_else_of_a_clip_can_be_changed(api, timed):
    answer = api.patch(f"{URL}{timed(SLOW).pk}/", {"fps": 200, "name": "other"}, format="json")
    assert answer.status_code == 400
    assert "Known: fps" in field_errors(answer)["/name"][0]


def test_only_a_ready_clip_can_be_corrected(api, timed):
    clip = timed(SLOW, state=Clip.State.PROCESSING)
    answer = api.patch(f"{URL}{clip.pk}/", {"fps": 200}, format="json")
    assert answer.status_code == 409
    assert "its state is processing" in answer.json()["detail"]


def test_a_coder_cannot_correct_the_rate(project, member, timed):
    coder = member(project, "bea", Role.ANNOTATOR)
    assert coder.patch(f"{URL}{timed(SLOW).pk}/", {"fps": 200}, format="json").status_code == 403


def test_a_frozen_version_stays_and_a_new_draft_follows_the_corrected_times(
    api, project, database, alice, timed
):
    clip, other = timed(SLOW), timed(SLOW, "EP02", subject="sub02")
    for each in (clip, other):
        Consensus.objects.create(clip=each, origin="imported", onset=0, apex=2, offset=4, emotion="disgust")
    words, rules = {database.name: {"disgust": "negative"}}, parse_rules({"shortest": 100})
    version = freeze(project, "Slow", [database], words, alice, rules=rules)
    before = (version.content_hash, list(version.samples.values("onset", "apex", "offset", "label")))
    api.patch(f"{URL}{clip.pk}/", {"fps": 200}, format="json")
    version.refresh_from_db()
    assert (version.content_hash, list(version.samples.values("onset", "apex", "offset", "label"))) == before
    (left_out,) = draft([database], words, rules).left_out
    assert left_out.reason == "shorter than 100 ms"


def test_the_page_corrects_the_rate_too(client, alice, timed):
    clip = timed(SLOW)
    client.force_login(alice)
    page = f"/projects/{clip.project.slug}/clips/{clip.pk}/"
    assert "Correct the rate" in client.get(page).content.decode()
    shown = client.post(f"{page}rate/", {"fps": "200"}, follow=True).content.decode()
    assert "was corrected" in shown
    assert "scaled to the recording rate of 200 fps" in shown
    assert (
        "must be a number of frames per second"
        in client.post(f"{page}rate/", {"fps": "x"}, follow=True).content.decode()
    )
    assert Clip.objects.get(pk=clip.pk).fps == "200"


def test_addresses_of_cached_frames_change_with_the_rate(api, client, alice, timed):
    clip = timed(SLOW)
    fixed = api.get(f"{URL}{clip.pk}/frames/", {"v": clip.frames_version})
    assert "immutable" in fixed["Cache-Control"]
    assert api.get(f"{URL}{clip.pk}/frames/")["Cache-Control"] == "private, no-cache"
    api.patch(f"{URL}{clip.pk}/", {"fps": 200}, format="json")
    assert (
        api.get(f"{URL}{clip.pk}/frames/", {"v": clip.frames_version})["Cache-Control"] == "private, no-cache"
    )


def test_an_upgrade_keeps_times_with_the_clips(make_clip):
    images = make_clip("images", frame_count=6)
    Clip.objects.filter(pk=images.pk).update(
        file="clips/images.zip", notes=["Frame images have transparency."]
    )
    write_index(images, fake_index(6, source=(46, 47, 48, 52, 53, 60)))
    video = make_clip("video", "sub02", frame_count=3, fps="150528/6359")
    stamps = {"fps": Fraction(150528, 6359), "time_base": Fraction(1, 12288), "pts": (0, 512, 1024)}
    write_index(video, fake_index(3, **stamps))
    lost = make_clip("lost", "sub03")
    default_storage.delete(lost.index_name)
    migration = importlib.import_module("mer_platform.clips.migrations.0006_frame_times")
    migration.learn(apps, None)
    for clip in (images, video, lost):
        clip.refresh_from_db()
    assert (images.fps, images.file_fps, images.frame_steps) == ("200", "", "1: 1x2 4 1 7")
    assert [note[:41] for note in images.notes] == [
        "The numbers of the frame images have gaps", "Frame images have transparency.",
    ]  # fmt: skip
    assert (video.fps, video.file_fps, video.frame_steps) == ("24", "24", "")
    assert lost.frame_steps is None
