"""Samples with a flow picture and no clip are trained on, compared and exported like others, by real workers."""

import io

import numpy as np
import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.urls import reverse

from mer_platform.exports.models import FeatureExport
from mer_platform.registry.models import ModelVersion
from mer_platform.scoring.models import ScoringBatch
from models_ml.data import FlowDataset
from models_ml.motion.flow_pictures import picture_features
from tests.api.problems import errors_of
from tests.pictures import DATABASES, freeze_pictures, picture_bytes

pytestmark = [pytest.mark.services_in_faults]
CONFIG = {"train": {"epochs": 12}, "net": {"kernels": [2, 3]}}


@pytest.fixture
def version(transactional_db, project):
    return freeze_pictures(project)


@pytest.fixture
def run(api, version, work) -> int:
    launched = api.post("/api/v1/runs/", {"version": version.pk, "config": CONFIG}).json()["id"]
    work()
    state = api.get(f"/api/v1/runs/{launched}/").json()
    assert (state["state"], state["error"]) == ("finished", "")
    return launched


@pytest.fixture
def browser(client, alice):
    client.force_login(alice)
    return client


def test_a_run_predicts_each_flow_picture_once_and_has_metrics_for_each_database(api, run):
    results = api.get(f"/api/v1/runs/{run}/").json()["results"]
    assert results["samples"] == 24
    assert {name: scores["samples"] for name, scores in results["per_database"].items()} == dict.fromkeys(
        DATABASES, 8
    )
    assert results["uf1"] > 0.6  # one third of each image is brighter: no network can miss that
    predictions = api.get(f"/api/v1/runs/{run}/predictions/").json()["results"]
    assert [p["sample"] for p in predictions] == list(range(24))
    assert {p["clip"] for p in predictions} == {None}
    assert len({p["picture"] for p in predictions}) == 24
    assert (predictions[0]["name"], predictions[0]["subject"]) == ("sub01_0", "CASME II/sub01")


def test_pages_show_the_flow_pictures(api, browser, project, version, run):
    names = [
        p["name"]
        for p in api.get(f"/api/v1/runs/{run}/predictions/").json()["results"]
        if p["predicted"] != p["true_label"]
    ]
    page = browser.get(reverse("run", args=[project.slug, run])).content.decode()
    assert all(name in page for name in names)
    assert "Score clips with this model" not in page
    pages = {"project": [], "version": [version.pk], "clips": [], "pictures": [], "runs": [], "batch-new": []}
    for name, arguments in pages.items():
        assert browser.get(reverse(name, args=[project.slug, *arguments])).status_code == 200, name
    for name in ("confusion", "per-class", "per-subject", "losses"):
        assert browser.get(reverse("figure", args=[project.slug, run, name])).status_code == 200
    assert "sub01_0" in browser.get(reverse("version", args=[project.slug, version.pk])).content.decode()
    assert (
        browser.get(f"{reverse('compare-figure', args=[project.slug, 'scores'])}?run={run}").status_code
        == 200
    )


def test_a_model_of_flow_pictures_does_not_score_clips(api, browser, project, clip, run):
    model = ModelVersion.objects.get(run=run)
    assert api.get(f"/api/v1/models/{model.pk}/").json()["of_pictures"] is True
    answer = api.post("/api/v1/scoring-batches/", {"model": model.pk, "clips": [clip.pk]})
    assert answer.status_code == 400
    assert "was trained on flow pictures" in errors_of(answer, "model")[0]
    assert "Choose a model that was trained only on clips" in errors_of(answer, "model")[0]
    page = browser.post(reverse("batch-new", args=[project.slug]), {"model": model.pk, "clip": clip.pk})
    assert page.status_code == 422
    assert "trained on flow pictures" in page.content.decode()
    assert not ScoringBatch.objects.exists()


@pytest.mark.parametrize("kind", ["safetensors", "npz"])
def test_features_are_exported_to_one_file_that_a_notebook_opens(api, version, work, tmp_path, kind):
    asked = api.post(
        "/api/v1/feature-exports/", {"version": version.pk, "format": kind, "config": {"size": 14}}
    )
    work()
    export = api.get(f"/api/v1/feature-exports/{asked.json()['id']}/").json()
    assert (export["state"], export["error"]) == ("done", "")
    assert export["sha256"] in FeatureExport.objects.get().file
    path = tmp_path / f"features.{kind}"
    path.write_bytes(api.get(f"/api/v1/feature-exports/{export['id']}/file/").getvalue())
    data = FlowDataset(path)
    assert (data.features.shape, data.content_hash) == ((24, 3, 14, 14), version.content_hash)
    assert np.array_equal(data[5][0].numpy(), picture_features(picture_bytes("positive", 5), 14))
    assert (data.names[5], data.subjects[5], data.databases[5], data.sources[5]) == (
        "sub02_1",
        "sub02",
        "CASME II",
        "picture",
    )
    assert [data.classes[label] for label in data.labels[:4]] == [
        "negative",
        "positive",
        "surprise",
        "negative",
    ]
    assert len(list(data.loso())) == 6


def test_an_export_names_the_samples_that_have_no_features(api, version, work):
    for sample in version.samples.filter(index__in=[3, 17]):
        default_storage.delete(sample.picture.file)
        default_storage.save(sample.picture.file, ContentFile(b"no picture"))
    asked = api.post("/api/v1/feature-exports/", {"version": version.pk}).json()["id"]
    work()
    export = api.get(f"/api/v1/feature-exports/{asked}/").json()
    assert export["state"] == "failed"
    for name in ("CASME II/sub01/sub01_3", "SAMM/006/006_1"):
        assert f"{name}: The flow picture is not an image" in export["error"]
    assert export["error"].count("not an image") == 2


def test_the_tables_contain_the_flow_pictures(api, version):
    text = io.TextIOWrapper(
        io.BytesIO(api.get(f"/api/v1/composite-versions/{version.pk}/samples.csv").getvalue()), "utf-8-sig"
    )
    assert len(text.readlines()) == 25
