"""A model leaves a platform as a package and scores in another project."""

import io
import json
import zipfile

import numpy as np
import onnxruntime
import pytest

from mer_platform.clips.models import Clip
from mer_platform.projects.services import create_project
from mer_platform.registry.models import ModelVersion, SpottedMovements
from mer_platform.registry.services import queue_missing_facts
from models_ml.registry.onnx_export import TOLERANCE
from models_ml.training.model import TrainedModel
from tests.pipeline.test_score_clips import label, run, upload  # noqa: F401
from workers.training_data import run_features

pytestmark = [pytest.mark.services, pytest.mark.campaign]
URL = "/api/v1/models/"


def content(answer) -> bytes:
    assert answer.status_code == 200, answer.content
    return answer.getvalue() if answer.streaming else answer.content


def test_a_model_is_exported_imported_and_scores_in_another_project(api, alice, run, work):  # noqa: F811
    model = ModelVersion.objects.get(run=run)
    assert model.limits["fps"]["smallest"] == 200
    assert model.limits["motion"]["samples"] == 6
    assert model.limits["face_size"]["low"] > 0
    assert SpottedMovements.objects.count() == 6
    ModelVersion.objects.update(limits={}, temperature=None)  # as an earlier release left it
    queue_missing_facts()
    work()
    assert (model.limits, model.temperature) == ModelVersion.objects.values_list(
        "limits", "temperature"
    ).get()
    address = f"{URL}{model.pk}/"
    assert api.get(f"{address}files/package.zip").status_code == 409
    assert api.get(f"{address}export/").status_code == 404
    started = api.post(f"{address}export/")
    assert (started.status_code, started.json()["state"]) == (202, "waiting")
    assert api.post(f"{address}export/").json()["created_at"] == started.json()["created_at"]
    work()
    export = api.get(f"{address}export/").json()
    assert (export["state"], export["error"]) == ("done", "")
    assert export["check_result"]["largest_difference"] <= TOLERANCE
    assert export["check_result"]["inputs"] == "features of the training samples"
    package = content(api.get(f"{address}files/package.zip"))
    assert package == content(api.get(f"{address}files/package.zip"))
    with zipfile.ZipFile(io.BytesIO(package)) as archive:
        names = set(archive.namelist())
        onnx, weights = archive.read("model.onnx"), archive.read("model.safetensors")
        facts = json.loads(archive.read("config.json"))
        card = archive.read("card.md").decode()
    assert names == {
        "model.safetensors", "model.onnx", "config.json", "preprocessing.json", "card.json", "card.md", "example.py",
        "manifest.json",
    }  # fmt: skip
    assert "not stated" in card
    assert facts["trained_on"] == sorted(Clip.objects.values_list("sha256", flat=True))
    features = run_features(model.run)
    session = onnxruntime.InferenceSession(onnx, providers=["CPUExecutionProvider"])
    found = session.run(["probabilities"], {"features": features})[0]
    assert np.abs(found - TrainedModel.load_bytes(weights).predict(features)).max() < TOLERANCE

    other = create_project("Another lab", alice)
    fields = {"project": other.pk, "file": io.BytesIO(package), "origin": "the first lab"}
    fields["file"].name = "package.zip"
    answer = api.post(f"{URL}import/", fields, format="multipart")
    assert answer.status_code == 202, answer.json()
    imported = answer.json()
    assert (imported["state"], imported["imported"], imported["sha256"]) == ("checking", True, model.sha256)
    work()
    there = api.get(f"{URL}{imported['id']}/").json()
    assert (there["state"], there["temperature"], there["limits"]) == (
        "ready",
        model.temperature,
        model.limits,
    )
    assert "imported from the first lab" in there["history"][0]["reason"]
    own = api.get(f"{URL}{imported['id']}/card/").json()
    assert own["imported"]["origin"] == "the first lab"
    again = api.post(f"{URL}import/", {"project": other.pk, "file": io.BytesIO(package)}, format="multipart")
    assert "the same weights" in again.content.decode()

    clip = Clip.objects.first()
    same = Clip.objects.create(
        project=other,
        subject=other.databases.create(name="New").subjects.create(name="s"),
        **{
            field.name: getattr(clip, field.name)
            for field in Clip._meta.concrete_fields
            if field.name not in ("id", "project", "subject")
        },
    )
    wanted = {"model": imported["id"], "items": [{"clip": same.pk, "onset": 3, "apex": 9}]}
    batch = api.post("/api/v1/scoring-batches/", wanted)
    assert batch.status_code == 202, batch.json()
    work()
    item = ModelVersion.objects.get(pk=imported["id"]).batches.get().items.get()
    assert (item.state, item.in_training) == ("done", True)


def test_a_damaged_import_says_what_is_wrong_and_scores_nothing(api, project, run, work, clip):  # noqa: F811
    model = ModelVersion.objects.get(run=run)
    weights = bytearray(content(api.get(f"{URL}{model.pk}/files/model.safetensors")))
    weights[-4:] = np.float32(np.nan).tobytes()
    file = io.BytesIO(bytes(weights))
    file.name = "broken.safetensors"
    answer = api.post(f"{URL}import/", {"project": project.pk, "file": file}, format="multipart")
    assert answer.status_code == 202, answer.json()
    work()
    found = api.get(f"{URL}{answer.json()['id']}/").json()
    assert found["state"] == "failed"
    assert "not finite" in found["error"]
    refused = api.post("/api/v1/scoring-batches/", {"model": found["id"], "clips": [clip.pk]})
    assert refused.status_code == 400
    assert api.delete(f"{URL}{found['id']}/").status_code == 204
