"""Clips that come with the request to score them: files, zips, uploads and paths, through ingest to their scores."""

import io
import json
import zipfile
from pathlib import Path

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile

from mer_platform.annotation.models import Annotation, Consensus
from mer_platform.clips.models import Clip
from mer_platform.imports.models import ImportFolder
from mer_platform.registry.models import ModelVersion
from mer_platform.scoring.models import ScoringItem
from models_ml.classes import CLASSES
from models_ml.config import RunConfig
from models_ml.nets.build import build
from models_ml.registry.limits import limits_of
from models_ml.training.model import TrainedModel
from tests.lab import barcode_clips

pytestmark = [pytest.mark.services_in_faults]
URL = "/api/v1/scoring-batches/"


@pytest.fixture
def made(tmp_path) -> dict[str, Path]:
    """Two videos and a zip of frames of one subject, by their names."""
    return {clip.path.name: clip.path for clip in barcode_clips(tmp_path, subjects=1)}


@pytest.fixture
def model(project) -> ModelVersion:
    """A small untrained network, stored as a model."""
    config = RunConfig.model_validate({"net": {"kernels": [2, 3]}})
    network = build(config.net, config.ensemble, config.features.size, len(CLASSES)).eval()
    name = default_storage.save(
        "models/00/small.safetensors", ContentFile(TrainedModel(config, network).save_bytes())
    )
    return ModelVersion.objects.create(
        project=project, name="Small", config=config.model_dump(mode="json"), file=name, sha256="0" * 64,
        classes=list(CLASSES), temperature=2.0, limits={**limits_of([25.0] * 3, [], []), "no_expression_below": 1.01},
    )  # fmt: skip


@pytest.fixture
def score(api, model, work):
    """Start a batch, do all jobs, and return the batch and its items by name."""

    def run(**fields) -> tuple[dict, dict[str, dict]]:
        answer = api.post(URL, {"model": model.pk, **fields}, format="multipart")
        assert answer.status_code == 202, answer.content
        work()
        batch = api.get(f"{URL}{answer.json()['id']}/").json()
        items = api.get(batch["items_url"]).json()["results"]
        return batch, {item["clip_name"].rpartition("/")[2]: item for item in items}

    return run


def uploaded(path: Path, name: str = "") -> SimpleUploadedFile:
    return SimpleUploadedFile(name or path.name, path.read_bytes())


def test_uploaded_files_are_read_and_then_scored(api, project, model, score, made):
    video, frames = (next(p for n, p in made.items() if n.endswith(s)) for s in (".mp4", ".zip"))
    broken = SimpleUploadedFile("broken.mp4", b"\0" * 100)
    items = [{"file": video.name, "onset": 2, "apex": 9, "name": "first", "subject": "s7"}]
    batch, found = score(
        files=[uploaded(video), uploaded(frames), broken], fps=200, items=json.dumps(items), calibrated=True
    )
    assert (batch["state"], batch["progress"]["done"], batch["progress"]["failed"]) == ("done", 2, 1)
    first = found["first"]
    assert (first["frames_from"], first["onset"], first["apex"], first["outcome"]) == (
        "given",
        2,
        9,
        "expression",
    )
    assert first["calibrated"] is True
    assert [warning["code"] for warning in first["warnings"]] == ["fps_out_of_range"]
    assert set(first["timings"]) == {"decode", "features", "network"}
    clip = Clip.objects.get(pk=first["clip"])
    assert (str(clip.database), clip.subject.name, clip.rate) == ("Scoring uploads", "s7", 200)
    spotted = found[frames.stem]
    assert (spotted["frames_from"], spotted["outcome"]) == ("spotted", "no_expression")
    assert sum(spotted["probabilities"].values()) == pytest.approx(1)
    assert 0 <= spotted["spotter_confidence"] <= 1
    failed = found["broken"]
    assert (failed["state"], failed["error"]["code"]) == ("failed", "clip_not_readable")
    again, _ = score(files=[uploaded(video, "other.mp4")], fps=200)
    assert again["progress"]["done"] == 1
    assert Clip.objects.filter(project=project).count() == 3  # the same bytes are one clip


def test_a_zip_of_clips_becomes_an_item_for_each(score, made):
    video, frames = (next(p for n, p in made.items() if n.endswith(s)) for s in (".mp4", ".zip"))
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as target, zipfile.ZipFile(frames) as source:
        target.write(video, "videos/a.mp4")
        for name in source.namelist():
            target.writestr(f"s1/EP01/{name}", source.read(name))
        target.writestr("notes.txt", "left out")
        target.writestr("videos/bad.mp4", b"no video")
    items = json.dumps([{"file": "s1/EP01", "onset": 2, "apex": 9, "subject": "s1"}])
    batch, found = score(
        archive=SimpleUploadedFile("all.zip", archive.getvalue()), items=items, fps=200, database="From a zip"
    )
    assert batch["progress"] == {"total": 3, "waiting": 0, "done": 2, "failed": 1, "cancelled": 0}
    assert {name: item["state"] for name, item in found.items()} == {
        "EP01": "done",
        "a": "done",
        "bad": "failed",
    }
    assert found["EP01"]["frames_from"] == "given"
    assert str(Clip.objects.get(pk=found["EP01"]["clip"]).database) == "From a zip"


def test_paths_below_the_import_folder_and_in_the_storage_are_scored(
    api, model, work, settings, tmp_path, made
):
    settings.IMPORT_DIR = tmp_path / "import"
    ImportFolder.objects.create(project=model.project, path="EP01")
    ImportFolder.objects.create(project=model.project, place="storage", path="lab")
    video, frames = (next(p for n, p in made.items() if n.endswith(s)) for s in (".mp4", ".zip"))
    (settings.IMPORT_DIR / "EP01").mkdir(parents=True)
    with zipfile.ZipFile(frames) as source:
        source.extractall(settings.IMPORT_DIR / "EP01")
    default_storage.save("import/lab/v.mp4", ContentFile(video.read_bytes()))
    paths = ["EP01", "storage:lab/v.mp4", "storage:lab/none.mp4"]
    items = [{"path": path, "onset": 2, "apex": 9, "fps": 200} for path in paths]
    batch = api.post(URL, {"model": model.pk, "items": items}).json()
    work()
    found = api.get(batch["items_url"]).json()["results"]
    assert [item["state"] for item in found] == ["done", "done", "failed"], found
    assert found[2]["error"]["code"] == "file_missing"


def test_a_failed_and_a_cancelled_clip_are_tried_again(api, model, work, made, database):
    video = next(path for name, path in made.items() if name.endswith(".mp4"))
    batch = api.post(URL, {"model": model.pk, "files": [uploaded(video)]}, format="multipart").json()
    url = f"{URL}{batch['id']}/"
    assert ScoringItem.objects.get().waits_for == "clip"
    cancelled = api.post(f"{url}cancel/").json()
    assert (cancelled["state"], cancelled["progress"]["cancelled"]) == ("cancelled", 1)
    assert api.post(f"{url}cancel/").status_code == 409
    work()
    assert ScoringItem.objects.get().state == "cancelled"
    stored = ModelVersion.objects.get().file
    ModelVersion.objects.update(file="models/00/none.safetensors")
    assert api.post(f"{url}retry/").status_code == 202
    work()
    assert ScoringItem.objects.get().error_code == "model_not_readable"
    ModelVersion.objects.update(file=stored)
    assert api.post(f"{url}retry/").status_code == 202
    work()
    assert api.get(url).json()["state"] == "done"
    assert ScoringItem.objects.get().state == "done"
    assert api.post(f"{url}retry/").status_code == 409


def test_marks_of_the_consensus_come_before_those_of_a_coder(api, alice, model, score, made):
    video = next(path for name, path in made.items() if name.endswith(".mp4"))
    score(files=[uploaded(video)], fps=200)
    clip = Clip.objects.get()
    Annotation.objects.create(clip=clip, coder=alice, onset=4, apex=8, offset=12)
    [item] = score(clips=json.dumps([clip.pk]))[1].values()
    assert (item["frames_from"], item["onset"], item["apex"], item["spotter_confidence"]) == (
        "annotated",
        4,
        8,
        None,
    )
    agreed = Consensus.objects.create(clip=clip, onset=3, apex=9, offset=12, origin="adopted")
    [item] = score(clips=json.dumps([clip.pk]))[1].values()
    assert (item["frames_from"], item["onset"], item["apex"]) == ("consensus", 3, 9)
    Consensus.objects.filter(pk=agreed.pk).update(onset=9)
    [item] = score(clips=json.dumps([clip.pk]))[1].values()
    assert item["error"]["code"] == "onset_is_apex"
    Consensus.objects.create(clip=clip, onset=20, apex=25, offset=30, origin="adopted")
    [item] = score(clips=json.dumps([clip.pk]))[1].values()
    assert item["frames_from"] == "spotted"
    assert "several_expressions" in [warning["code"] for warning in item["warnings"]]
    default_storage.delete(clip.file)
    [item] = score(items=json.dumps([{"clip": clip.pk, "onset": 5, "apex": 6}]))[1].values()
    assert item["error"]["code"] == "file_missing"
