"""Starting scoring batches through the API."""

import io
import json
import os

import pyarrow.parquet as pq
import pytest
from django.db import InterfaceError, OperationalError
from django.urls import reverse

from mer_platform.annotation.models import Consensus
from mer_platform.clips.models import Clip
from mer_platform.composites.services import freeze
from mer_platform.deletion.services import delete
from mer_platform.experiments import services
from mer_platform.experiments.models import Run
from mer_platform.imports.models import ImportFolder
from mer_platform.jobs.models import Job
from mer_platform.projects.models import Role
from mer_platform.registry.models import ModelVersion
from mer_platform.scoring.models import ScoringBatch, ScoringItem
from models_ml.config import RunConfig
from tests.api.problems import errors_of
from tests.trained_models import model_of
from workers import scoring

pytestmark = [pytest.mark.django_db, pytest.mark.services]
URL = "/api/v1/scoring-batches/"


@pytest.fixture
def model(project, database, make_clip, alice) -> ModelVersion:
    for subject in ("s1", "s2"):
        Consensus.objects.create(
            clip=make_clip(f"of {subject}", subject),
            onset=1,
            apex=5,
            offset=9,
            emotion="disgust",
            origin="adopted",
        )
    version = freeze(project, "Two", [database], {database.name: {"disgust": "negative"}}, alice)
    run = services.launch(version, RunConfig(), alice)
    Run.objects.filter(pk=run.pk).update(state=Run.State.FINISHED)
    return model_of(run, "models/x.safetensors", classes=[])


def items_of(client, batch: dict) -> list[dict]:
    """Return the items of a batch, from their own address."""
    answer = client.get(batch["items_url"])
    assert answer.status_code == 200, answer.content
    return answer.json()["results"]


def test_a_batch_of_clips_is_accepted(api, model, clip):
    answer = api.post(URL, {"model": model.pk, "clips": [clip.pk], "name": "Pilot", "priority": 3})
    assert answer.status_code == 202
    batch = answer.json()
    assert (answer["Location"], answer["Retry-After"]) == (f"http://testserver{URL}{batch['id']}/", "2")
    assert (batch["state"], batch["name"], batch["priority"]) == ("waiting", "Pilot", 3)
    assert batch["progress"] == {"total": 1, "waiting": 1, "done": 0, "failed": 0, "cancelled": 0}
    assert "items" not in batch
    assert Job.objects.get(kind="score").payload["items"]


def test_a_finished_run_stands_for_its_model(api, model, clip):
    assert api.post(URL, {"run": model.run_id, "clips": [clip.pk]}).json()["model"] == model.pk


def test_an_alias_names_a_model_of_a_project(api, project, model, clip):
    ModelVersion.objects.update(stage="production")
    fields = {"model": "@production", "clips": [clip.pk]}
    assert api.post(URL, {**fields, "project": project.pk}).json()["model"] == model.pk
    assert "State the project" in api.post(URL, fields).content.decode()


def test_given_frames_are_stored(api, model, clip):
    answer = api.post(URL, {"model": model.pk, "items": [{"clip": clip.pk, "onset": 10, "apex": 20}]})
    item = items_of(api, answer.json())[0]
    assert (item["onset"], item["apex"], item["frames_from"]) == (10, 20, "given")


def test_a_clip_can_be_scored_for_several_expressions(api, model, clip):
    items = [{"clip": clip.pk, "onset": onset, "apex": onset + 5} for onset in (10, 40)]
    batch = api.post(URL, {"model": model.pk, "items": items}).json()
    assert [item["onset"] for item in items_of(api, batch)] == [10, 40]


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"clips": []}, "Give at least one clip"),
        ({"clips": [999_999]}, "not found in your projects"),
        ({"clips": [True]}, "whole number above 0"),
        ({"clips": "1, 2"}, "list of ids of clips"),
        ({"items": [{"clip": "CLIP", "onset": 30, "apex": 20}]}, "must come after the onset (frame 30)"),
        ({"items": [{"clip": "CLIP", "onset": 30, "apex": 30}]}, "must come after the onset (frame 30)"),
        ({"items": [{"clip": "CLIP", "onset": 30, "apex": 200}]}, "its frames are 0–99"),
        ({"items": [{"clip": "CLIP", "offset": 3}]}, "Unknown field"),
        ({"items": [{"clip": "CLIP", "path": "a.mp4"}]}, "exactly one of clip, upload, file and path"),
        ({"items": [{"path": "../secrets.mp4"}]}, "outside the import folder"),
        ({"items": [{"path": "none.mp4"}]}, "not assigned to this project"),
        ({"items": [{"file": "none.mp4"}]}, "has no file “none.mp4”"),
        ({"clips": ["CLIP"], "calibrated": True}, "has no temperature"),
        ({"items": [{"clip": "CLIP", "onset": 30}]}, "both onset and apex"),
        ({"clips": ["CLIP", "CLIP"]}, "given more than once"),
    ],
)
def test_errors_of_a_batch_are_reported(api, model, clip, fields, words):
    fields = json.loads(json.dumps(fields).replace('"CLIP"', str(clip.pk)))
    answer = api.post(URL, {"model": model.pk, **fields})
    assert answer.status_code == 400
    assert words in answer.content.decode()
    assert not ScoringBatch.objects.exists()


def test_a_run_without_a_model_is_refused(api, model, clip):
    ModelVersion.objects.all().delete()
    answer = api.post(URL, {"run": Run.objects.get().pk, "clips": [clip.pk]})
    assert "has no model" in str(errors_of(answer, "run"))


def test_strangers_cannot_score_with_a_model(bobs_api, model, clip):
    assert bobs_api.post(URL, {"model": model.pk, "clips": [clip.pk]}).status_code == 400


def test_annotators_cannot_see_the_marks_that_a_score_used(api, project, model, clip, member):
    url = f"{URL}{api.post(URL, {'model': model.pk, 'clips': [clip.pk]}).json()['id']}/"
    ScoringItem.objects.update(state="done", onset=10, apex=20, frames_from="annotated")
    carol = member(project, "carol", Role.ANNOTATOR)
    assert carol.get(f"{url}items/").json()["results"][0]["onset"] is None
    assert api.get(f"{url}items/").json()["results"][0]["onset"] == 10
    for kind in ("ndjson", "csv"):
        hidden = b"".join(carol.get(f"{url}results.{kind}").streaming_content).decode()
        shown = b"".join(api.get(f"{url}results.{kind}").streaming_content).decode()
        mark = {"ndjson": '"onset":10', "csv": ",10,20,"}[kind]
        assert (mark in hidden, mark in shown) == (False, True)
    table = pq.read_table(io.BytesIO(b"".join(carol.get(f"{url}results.parquet").streaming_content)))
    assert table["onset"].to_pylist() == [None]


def test_annotators_cannot_score(project, model, clip, member):
    client = member(project, "carol", Role.ANNOTATOR)
    assert client.post(URL, {"model": model.pk, "clips": [clip.pk]}).status_code == 403


@pytest.mark.parametrize("error", [OperationalError, InterfaceError])
def test_a_clip_is_not_failed_because_the_database_does_not_answer(api, model, clip, monkeypatch, error):
    def closed(_items) -> None:
        raise error("the connection is closed")

    api.post(URL, {"model": model.pk, "clips": [clip.pk]})
    monkeypatch.setattr(scoring.MODELS, "get", lambda _name: None)
    monkeypatch.setattr(scoring, "known_frames", closed)
    with pytest.raises(error):
        scoring.score(Job.claim_next("scoring", "host:1"))
    assert ScoringItem.objects.get().state == ScoringItem.State.WAITING


def test_the_result_of_a_clip_deleted_while_it_was_scored_is_dropped(api, model, clip, alice, monkeypatch):
    api.post(URL, {"model": model.pk, "clips": [clip.pk, model.run.version.samples.first().clip_id]})

    def score(steps, _model, _temperature):
        if any(step.clip.pk == clip.pk for step in steps):
            delete(clip, alice)
        yield steps

    monkeypatch.setattr(scoring.MODELS, "get", lambda _name: None)
    monkeypatch.setattr(scoring, "scored", score)
    while claim := Job.claim_next("scoring", "host:1"):
        scoring.score(claim)
    assert [(item.clip_id == clip.pk, item.state) for item in ScoringItem.objects.all()] == [
        (False, "failed")
    ]
    assert ScoringBatch.objects.get().state == "done"


def test_a_clip_of_the_training_data_is_marked_and_can_be_left_out(api, client, alice, project, model, clip):
    trained = Clip.objects.get(name="of s1")
    both = {"model": model.pk, "clips": [trained.pk, clip.pk]}
    batch = api.post(URL, both).json()
    assert {item["clip"]: item["in_training"] for item in items_of(api, batch)} == {
        trained.pk: True,
        clip.pk: False,
    }
    client.force_login(alice)
    page = client.get(reverse("batch", args=[project.slug, batch["id"]])).content.decode()
    assert page.count("in training data") == 1
    assert "1 in the training data" in page
    left = api.post(URL, {**both, "leave_out_training": True}).json()
    assert [item["clip"] for item in items_of(api, left)] == [clip.pk]
    answer = api.post(URL, {"model": model.pk, "clips": [trained.pk], "leave_out_training": True})
    assert answer.status_code == 400
    assert "none is left to score" in errors_of(answer, "clips")[0]


def test_the_page_leaves_clips_of_the_training_data_out(client, alice, project, model, clip):
    client.force_login(alice)
    clips = [Clip.objects.get(name="of s1").pk, clip.pk]
    data = {"model": model.pk, "clip": clips, "leave_out_training": "on"}
    assert client.post(reverse("batch-new", args=[project.slug]), data).status_code == 302
    assert [item.clip for item in ScoringBatch.objects.get().items.all()] == [clip]


def test_a_pipe_in_the_import_folder_is_no_clip(api, model, settings, tmp_path):
    settings.IMPORT_DIR = tmp_path
    ImportFolder.objects.create(project=model.project, path=".")
    os.mkfifo(tmp_path / "pipe.mp4")
    answer = api.post(URL, {"model": model.pk, "items": [{"path": "pipe.mp4"}]})
    assert answer.status_code == 400
    assert "“pipe.mp4” not found in the import folder" in answer.json()["detail"]
