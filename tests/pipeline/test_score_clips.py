"""From annotated clips to a model and to scores, with the workers' own code; some of the scored clips are real."""

import numpy as np
import pytest

from mer_platform.experiments.models import Run
from models_ml.config import FeatureConfig
from models_ml.data import FlowDataset
from tests.lab import barcode_clips
from workers import scoring_steps
from workers.feature_cache import load_samples

pytestmark = [pytest.mark.services]
LABELS = {"happiness": "positive", "disgust": "negative", "repression": "negative", "surprise": "surprise"}


@pytest.fixture
def upload(api, database, work):
    database.emotions = []
    database.save()

    def run(path, subject: str) -> int:
        with path.open("rb") as file:
            fields = {"file": file, "database": database.pk, "subject": subject, "fps": 200}
            answer = api.post("/api/v1/clips/", fields, format="multipart")
        assert answer.status_code == 201, answer.content
        work()
        return answer.json()["id"]

    return run


@pytest.fixture
def label(api):
    def mark(clip: int, onset: int, apex: int, offset: int, emotion: str) -> None:
        fields = {"clip": clip, "onset": onset, "apex": apex, "offset": offset, "emotion": emotion}
        assert api.post("/api/v1/annotations/", fields).status_code == 201

    return mark


@pytest.fixture
def run(api, project, database, upload, label, work, tmp_path) -> int:
    """A finished run, of one epoch, on six synthetic clips of two subjects."""
    for clip in barcode_clips(tmp_path):
        spec = clip.spec
        label(upload(clip.path, spec.subject), spec.onset, spec.apex, spec.offset, spec.emotion)
    fields = {
        "project": project.pk,
        "name": "Six",
        "databases": [database.pk],
        "label_map": {database.name: LABELS},
    }
    version = api.post("/api/v1/composite-versions/", fields).json()["id"]
    config = {"train": {"epochs": 1}, "net": {"kernels": [2, 3]}}
    launched = api.post("/api/v1/runs/", {"version": version, "config": config}).json()["id"]
    work()
    assert api.get(f"/api/v1/runs/{launched}/").json()["state"] == "finished"
    return launched


@pytest.fixture
def score(api, run, work):
    def batch(**wanted) -> list[dict]:
        answer = api.post("/api/v1/scoring-batches/", {"run": run, **wanted})
        assert answer.status_code == 202, answer.content
        work()
        done = api.get(f"/api/v1/scoring-batches/{answer.json()['id']}/").json()
        assert done["state"] == "done"
        return api.get(done["items_url"]).json()["results"]

    return batch


def test_real_clips_are_scored_and_the_frames_recorded(upload, label, score, real_clips):
    annotated = upload(real_clips / "single_face.mp4", "annotated")
    label(annotated, 10, 20, 30, "surprise")
    spotted = upload(real_clips / "carphone_pristine.mp4", "spotted")
    given = upload(real_clips / "face_noface.mov", "given")
    items = score(clips=[annotated, spotted], items=[{"clip": given, "onset": 5, "apex": 25}])
    assert [item["state"] for item in items] == ["done"] * 3, items
    assert [item["frames_from"] for item in items] == ["annotated", "spotted", "given"]
    assert [(item["onset"], item["apex"]) for item in items[::2]] == [(10, 20), (5, 25)]
    assert 0 <= items[1]["onset"] <= items[1]["apex"] < 120
    for item in items:
        assert sum(item["probabilities"].values()) == pytest.approx(1)
        assert item["predicted"] == max(item["probabilities"], key=item["probabilities"].get)


def test_a_clip_that_fails_does_not_stop_the_others(upload, label, score, real_clips, monkeypatch):
    whole = upload(real_clips / "single_face.mp4", "whole")
    broken = upload(real_clips / "carphone_pristine.mp4", "broken")

    read = scoring_steps._pair

    def missing(clip, frames, config):
        if clip.pk == broken:
            raise RuntimeError(clip.name)
        return read(clip, frames, config)

    label(whole, 10, 20, 30, "surprise")
    # Other tests score the same files: features that they left in the cache would hide the failure.
    monkeypatch.setattr(scoring_steps, "load_features", lambda name: None)
    monkeypatch.setattr(scoring_steps, "_pair", missing)
    items = {item["clip"]: item for item in score(clips=[broken, whole])}
    assert (items[broken]["state"], items[whole]["state"]) == ("failed", "done")
    assert items[broken]["error"]["code"] == "internal_error"


def test_clips_without_a_face_fail_with_the_reason(upload, score, real_clips):
    faceless = upload(real_clips / "no_face.mp4", "faceless")
    gone = upload(real_clips / "face_noface.mov", "gone")
    without, too_late = score(clips=[faceless], items=[{"clip": gone, "onset": 120, "apex": 140}])
    assert (without["state"], too_late["state"]) == ("failed", "failed")
    assert without["error"] == {"code": "no_face", "detail": "No face was found in the clip."}
    assert (too_late["error"]["code"], "frame 120 (source frame 121)" in too_late["error"]["detail"]) == (
        "no_face",
        True,
    )


def test_exported_features_equal_those_of_the_run(api, run, work, tmp_path):
    version = Run.objects.get(pk=run).version
    asked = api.post("/api/v1/feature-exports/", {"version": version.pk}).json()["id"]
    work()
    path = tmp_path / "features.safetensors"
    path.write_bytes(api.get(f"/api/v1/feature-exports/{asked}/file/").getvalue())
    data = FlowDataset(path)
    samples = list(version.samples.select_related("clip", "picture"))
    assert np.array_equal(data.features.numpy(), load_samples(samples, FeatureConfig()))
    assert [data.classes[label] for label in data.labels] == [sample.label for sample in samples]
    assert (set(data.sources), data.names) == ({"clip"}, tuple(sample.name for sample in samples))
