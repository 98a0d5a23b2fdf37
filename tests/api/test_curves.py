"""ROC and precision-recall curves and calibration of runs: stored once, drawn and tabulated on their pages."""

import numpy as np
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from mer_platform.annotation.models import Assignment
from mer_platform.composites.services import freeze
from mer_platform.experiments import curves as module
from mer_platform.experiments import steps
from mer_platform.experiments.curves import curves_of_runs
from mer_platform.experiments.models import Prediction, Run, StoredCurves
from models_ml.evaluation import METRICS_VERSION
from models_ml.evaluation.calibration import calibration_of
from models_ml.evaluation.curves import curves_of
from tests.api.external_runs import external
from tests.api.finished_runs import finished
from tests.api.test_comparison import GOOD, POOR, TRUE, version  # noqa: F401

pytestmark = [pytest.mark.django_db, pytest.mark.services_in_faults]
NAMES = ("roc", "precision-recall", "calibration")


def unsure(run: Run) -> list[list[float]]:
    """Give the run's predictions probabilities of their own; return them."""
    rows = np.random.default_rng(run.pk).dirichlet([1, 1, 1], len(TRUE)).round(4).tolist()
    for row, prediction in zip(rows, run.predictions.order_by("sample__index"), strict=True):
        Prediction.objects.filter(pk=prediction.pk).update(probabilities=row)
    return rows


@pytest.fixture
def run(version, alice) -> Run:  # noqa: F811
    return finished(version, GOOD, alice)


@pytest.fixture
def figure(client, alice, project):
    client.force_login(alice)

    def get(run: Run, name: str) -> dict:
        answer = client.get(reverse("figure", args=[project.slug, run.pk, name]))
        assert answer.status_code == 200
        return answer.json()

    return get


def test_stored_curves_equal_the_library_on_the_same_probabilities(run, version):  # noqa: F811
    rows = unsure(run)
    database = version.samples.first().database
    subjects, databases = [f"{database}/s{i // 3}" for i in range(12)], [database] * 12
    [found] = curves_of_runs([run])
    assert found.curves.areas == curves_of(TRUE, rows, subjects, databases).areas
    assert found.calibration == calibration_of(TRUE, GOOD, rows, subjects, databases)


def test_they_are_computed_once(run, monkeypatch):
    curves_of_runs([run])
    monkeypatch.setattr(module, "curves_of", None)
    with CaptureQueriesContext(connection) as queries:
        [found] = curves_of_runs([Run.objects.get(pk=run.pk)])
    assert found.curves is not None
    assert len(queries) == 2  # the run and its curves


def test_curves_of_other_code_are_computed_again(run):
    curves_of_runs([run])
    StoredCurves.objects.update(code="0", curves=None)
    [found] = curves_of_runs([Run.objects.get(pk=run.pk)])
    assert found.curves is not None
    assert StoredCurves.objects.get(run=run).code == METRICS_VERSION


def test_the_worker_that_finishes_a_run_stores_its_curves(run, django_capture_on_commit_callbacks):
    Run.objects.filter(pk=run.pk).update(state=Run.State.TRAINING)
    with django_capture_on_commit_callbacks(execute=True):
        steps._after_fold(Run.objects.get(pk=run.pk))
    assert StoredCurves.objects.filter(run=run, code=METRICS_VERSION).exists()


def test_the_figures_of_a_run_have_a_line_per_class_and_a_table(figure, run):
    unsure(run)
    roc = figure(run, "roc")
    names = [line["name"].partition(":")[0] for line in roc["data"]]
    assert names == ["mean of the classes", "negative", "positive", "surprise", "chance"]
    [table] = roc["tables"]
    assert table["columns"] == [
        "Run",
        "Samples of",
        "Samples",
        "Mean of the classes",
        "Negative",
        "Positive",
        "Surprise",
    ]
    assert [row[1] for row in table["rows"]] == ["all samples", "CASME II"]
    assert run.version.content_hash[:12] in table["caption"]
    assert "leave one subject out" in table["caption"]
    assert "pooled over all folds" in table["caption"]
    assert len(figure(run, "precision-recall")["data"]) == 4
    assert len(figure(run, "calibration")["tables"]) == 2


def test_a_run_without_probabilities_says_so(figure, version, alice):  # noqa: F811
    run = external(version, POOR)
    for name in NAMES:
        found = figure(run, name)
        assert found["data"] == []
        assert found["notes"] == [
            f"{run} has predicted classes but no probabilities, so it has no curves and no calibration."
        ]


def test_probabilities_of_some_samples_only_are_not_enough(run):
    Prediction.objects.filter(run=run, sample__index=3).update(probabilities=None)
    [found] = curves_of_runs([run])
    assert "probabilities of 11 of 12 samples; “clip03” has none" in found.missing


def test_probabilities_that_are_none_are_refused_in_words(run):
    Prediction.objects.filter(run=run, sample__index=3).update(probabilities=[0.5, 2, 0])
    [found] = curves_of_runs([run])
    assert "The probability of positive of sample 3 is 2." in found.missing


def test_a_run_that_predicts_one_class_and_a_version_without_a_class(
    figure, project, database, alice, request
):
    request.getfixturevalue("version")
    maps = {database.name: {"disgust": "negative", "happiness": "positive"}}
    other = finished(freeze(project, "Eight", [database], maps, alice), [0, 0] * 4, alice)
    roc = figure(other, "roc")
    assert [line["name"] for line in roc["data"]] == [
        "mean of the classes: 0.500",
        "negative: 0.500",
        "positive: 0.500",
        "chance",
    ]
    assert roc["tables"][0]["rows"][0][-1] == "–"


def test_strangers_and_blind_coders_see_no_curves(client, bob, project, run, alice):
    client.force_login(bob)
    address = reverse("figure", args=[project.slug, run.pk, "roc"])
    assert client.get(address).status_code == 404
    client.force_login(alice)
    Assignment.objects.create(clip=run.version.samples.first().clip, coder=alice)
    assert client.get(address).status_code == 403


def test_the_api_gives_curves_and_calibration(api, bobs_api, run, alice):
    address = f"/api/v1/runs/{run.pk}/curves/"
    found = api.get(address).json()
    assert set(found["areas"]) == {"negative", "positive", "surprise", "macro"}
    assert len(found["roc"]["macro"]) == 2
    assert len(found["calibration"]["bins"]) == 10
    assert found["missing"] == ""
    assert bobs_api.get(address).status_code == 404
    Run.objects.filter(pk=run.pk).update(state=Run.State.CANCELLED)
    assert api.get(address).status_code == 409
    Run.objects.filter(pk=run.pk).update(state=Run.State.FINISHED)
    Assignment.objects.create(clip=run.version.samples.first().clip, coder=alice)
    assert api.get(address).status_code == 403
