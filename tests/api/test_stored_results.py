"""A run's metrics are computed once, stored, and read from then on."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from mer_platform.experiments import results, steps
from mer_platform.experiments.models import Experiment, Run, StoredRanking, StoredResults
from mer_platform.experiments.results import results_of
from mer_platform.experiments.sweeps import ranking
from mer_platform.experiments.sweeps.answer import Answer
from models_ml.evaluation import METRICS_VERSION
from models_ml.evaluation.metrics import evaluate
from models_ml.evaluation.uncertainty import subject_bootstrap
from tests.api.finished_runs import finished
from tests.api.test_comparison import GOOD, POOR, TRUE, version  # noqa: F401

pytestmark = [pytest.mark.django_db, pytest.mark.services]


@pytest.fixture
def run(version, alice) -> Run:  # noqa: F811
    return finished(version, GOOD, alice)


def test_results_are_stored_once_and_read_without_the_predictions(run):
    first = results_of(Run.objects.get(pk=run.pk))
    with CaptureQueriesContext(connection) as queries:
        again = results_of(Run.objects.select_related("stored_results").get(pk=run.pk))
    assert len(queries) == 1
    assert again.as_json() == first.as_json()
    assert again.predicted == "".join(map(str, GOOD))
    assert again.intervals["uf1"] == first.intervals["uf1"]
    assert [p.sample.index for p in again.wrong] == [10]


def test_stored_results_equal_the_library_on_the_same_predictions(run):
    subjects = [f"{run.version.samples.first().database}/s{i // 3}" for i in range(len(TRUE))]
    database = [run.version.samples.first().database] * len(TRUE)
    found = results_of(run)
    assert found.evaluation == evaluate(TRUE, GOOD, database, subjects)
    assert found.all_intervals == subject_bootstrap(TRUE, GOOD, subjects, database)
    row = StoredResults.objects.get(run=run)
    assert (row.uf1, row.uar, row.accuracy) == (found.evaluation.uf1, found.evaluation.uar, 11 / 12)


def test_results_of_other_code_are_computed_again(run):
    results_of(run)
    StoredResults.objects.filter(run=run).update(code="0", uf1=0.0, evaluation={}, intervals={})
    found = results_of(Run.objects.get(pk=run.pk))
    assert found.evaluation.accuracy == 11 / 12
    assert StoredResults.objects.get(run=run).code == METRICS_VERSION


def test_the_worker_that_finishes_a_run_stores_its_results(
    run, monkeypatch, django_capture_on_commit_callbacks
):
    """The end of the last fold computes the results, after its transaction."""
    StoredResults.objects.all().delete()
    Run.objects.filter(pk=run.pk).update(state=Run.State.TRAINING)
    with django_capture_on_commit_callbacks(execute=True):
        steps._after_fold(Run.objects.get(pk=run.pk))
    assert StoredResults.objects.filter(run=run, code=METRICS_VERSION).exists()


def test_the_pages_of_finished_runs_compute_nothing(run, version, alice, client, project, monkeypatch):  # noqa: F811
    other = finished(version, POOR, alice, net={"name": "vgg_m"})
    for one in (run, other):
        results_of(one)

    def computed(*args):
        raise AssertionError("a page computed what is stored")

    monkeypatch.setattr(results, "evaluate", computed)
    monkeypatch.setattr(results, "subject_bootstrap", computed)
    client.force_login(alice)
    pages = [reverse("runs", args=[project.slug]), reverse("run", args=[project.slug, run.pk])]
    pages += [reverse("figure", args=[project.slug, run.pk, name]) for name in ("confusion", "per-subject")]
    for page in pages:
        assert client.get(page).status_code == 200


def test_the_list_of_runs_takes_as_many_queries_for_one_run_as_for_five(run, version, alice, client, project):  # noqa: F811
    client.force_login(alice)
    address = reverse("runs", args=[project.slug])

    def queries() -> int:
        client.get(address)  # stores what is missing
        with CaptureQueriesContext(connection) as found:
            assert client.get(address).status_code == 200
        return len(found)

    finished(version, POOR, alice, net={"name": "vgg_m"})
    of_two = queries()
    for rate in (1e-4, 2e-4, 3e-4):
        finished(version, POOR, alice, train={"learning_rate": rate})
    assert queries() == of_two


@pytest.fixture
def experiment(run, version, alice) -> Experiment:  # noqa: F811
    """Two scored runs in one experiment."""
    other = finished(version, POOR, alice, net={"name": "vgg_m"})
    Run.objects.filter(pk=other.pk).update(experiment=run.experiment)
    return Experiment.objects.get(pk=run.experiment_id)


def test_the_ranking_is_made_once(experiment, alice, monkeypatch):
    first = Answer(experiment, alice).standings

    def ranked(*args):
        raise AssertionError("the ranking was made again")

    monkeypatch.setattr(ranking, "rank_configurations", ranked)
    again = Answer(Experiment.objects.get(pk=experiment.pk), alice).standings
    assert [(s.run, s.rank, s.uar, s.uar_interval) for s in again] == [
        (s.run, s.rank, s.uar, s.uar_interval) for s in first
    ]


def test_a_further_run_makes_the_ranking_again(experiment, version, alice):  # noqa: F811
    assert len(Answer(experiment, alice).standings) == 2
    third = finished(version, GOOD, alice, train={"learning_rate": 1e-4})
    Run.objects.filter(pk=third.pk).update(experiment=experiment)
    assert len(Answer(Experiment.objects.get(pk=experiment.pk), alice).standings) == 3


def test_the_worker_that_finishes_the_last_run_stores_the_ranking(
    experiment, django_capture_on_commit_callbacks
):
    last = experiment.runs.last()
    Run.objects.filter(pk=last.pk).update(state=Run.State.TRAINING)
    with django_capture_on_commit_callbacks(execute=True):
        steps._after_fold(Run.objects.get(pk=last.pk))
    assert StoredRanking.objects.filter(experiment=experiment).exists()
