"""Runs of other code in every list, table, figure and answer of the platform: marked, and without settings."""

import pytest
from django.urls import reverse

from mer_platform.experiments import services
from mer_platform.experiments.models import ExternalRun, Run
from mer_platform.experiments.naming import labels, names_in_figure
from mer_platform.experiments.results import group_by_configuration, rank_configurations
from mer_platform.experiments.search import search_runs
from models_ml.config import RunConfig
from models_ml.errors import InputError
from tests.api.external_runs import LOSO, external
from tests.api.finished_runs import finished
from tests.api.problems import errors_of
from tests.pictures import freeze_pictures
from workers.mlflow_logging import _params

pytestmark = pytest.mark.django_db
PREDICTED = [0, 1, 2, 0] * 6


@pytest.fixture
def version(project):
    return freeze_pictures(project)


@pytest.fixture
def theirs(version) -> Run:
    return external(version, PREDICTED)


@pytest.fixture
def ours(version, alice) -> Run:
    return finished(version, [0, 1, 1, 2] * 6, alice, net={"name": "majority"})


@pytest.fixture
def browser(client, alice):
    client.force_login(alice)
    return client


def test_its_settings_are_never_the_defaults(theirs):
    with pytest.raises(InputError, match=r"is external: the platform does not know its settings"):
        theirs.settings  # noqa: B018
    with pytest.raises(InputError):
        theirs.experiment.settings  # noqa: B018


def test_a_run_of_the_platform_stores_its_protocol_in_words(ours, version, alice):
    assert (ours.is_external, ours.protocol) == (False, LOSO)
    run = services.launch(version, RunConfig(protocol="kfold", folds=3), alice)
    run.save()
    assert Run.objects.get(pk=run.pk).protocol == "3 folds of whole subjects"


@pytest.mark.parametrize("address", ["runs", "project", "compare-runs", "experiments", "activity"])
def test_pages_of_lists_show_it(address, theirs, ours, browser, project):
    page = browser.get(reverse(address, args=[project.slug]))
    assert page.status_code == 200
    if address in ("runs", "project"):
        assert f"{theirs.name} (external)" in page.content.decode()
        assert ExternalRun.MARK in page.content.decode()


def test_the_page_of_its_version_shows_it(theirs, browser, project):
    page = browser.get(reverse("version", args=[project.slug, theirs.version_id])).content.decode()
    assert ExternalRun.MARK in page


def test_its_page_shows_scores_and_source_but_no_settings(theirs, browser, project):
    page = browser.get(reverse("run", args=[project.slug, theirs.pk])).content.decode()
    assert ExternalRun.MARK in page
    assert "Source of the predictions" in page
    assert "Wrong predictions: " in page
    assert "Learning rate" not in page
    assert "Run again with changes" not in page


def test_its_experiment_leads_to_the_run(theirs, browser, project):
    answer = browser.get(reverse("experiment", args=[project.slug, theirs.experiment_id]))
    assert answer.url == reverse("run", args=[project.slug, theirs.pk])


@pytest.mark.parametrize(
    ("name", "status"),
    [("confusion", 200), ("per-class", 200), ("per-subject", 200), ("losses", 404), ("epochs", 404)],
)
def test_it_has_figures_of_scores_but_not_of_training(name, status, theirs, browser, project):
    assert browser.get(reverse("figure", args=[project.slug, theirs.pk, name])).status_code == status


def test_it_is_compared_with_runs_of_its_protocol(theirs, ours, browser, api, project):
    query = {"run": [ours.pk, theirs.pk]}
    page = browser.get(reverse("compare-runs", args=[project.slug]), query).content.decode()
    assert ExternalRun.MARK in page
    assert "Not paired" not in page
    for name in ("scores", "databases", "classes"):
        figure = browser.get(reverse("compare-figure", args=[project.slug, name]), query)
        assert "(external)" in figure.content.decode()
    answer = api.get("/api/v1/runs/compare/", query).data
    assert answer["against"][0]["paired"] is not None
    assert [run["protocol"] for run in answer["runs"]] == [LOSO, LOSO]


def test_it_is_not_paired_with_runs_of_another_protocol(version, ours, api):
    other = external(version, PREDICTED, protocol="leave one database out")
    answer = api.get("/api/v1/runs/compare/", {"run": [ours.pk, other.pk]}).data
    assert "choose runs with the same protocol" in answer["against"][0]["reason"]


def test_only_known_settings_differ_in_a_comparison(theirs, version, alice, api):
    runs = [finished(version, PREDICTED, alice, net={"name": "ststnet", "dropout": d}) for d in (0.1, 0.2)]
    answer = api.get("/api/v1/runs/compare/", {"run": [run.pk for run in [*runs, theirs]]}).data
    assert answer["configuration"] == [{"setting": "Dropout", "values": ["0.1", "0.2", "–"]}]


def test_figures_and_tables_mark_its_name(theirs, ours):
    assert names_in_figure([theirs, ours]) == ["Their method (external)", ours.name]
    assert labels([theirs, ours])[theirs.pk] == "Their method (external)"
    assert str(theirs) == f"#{theirs.pk} Their method (external)"


def test_two_of_them_are_two_configurations(theirs, version, ours):
    again = external(version, PREDICTED[::-1])
    groups = group_by_configuration([theirs, again, ours])
    assert sorted(map(len, groups)) == [1, 1, 1]
    assert len(rank_configurations(groups, "uf1")[0].ranked) == 3


def test_a_search_finds_it(theirs, ours, project):
    assert list(search_runs(project.runs.all(), "external")) == [theirs]
    assert list(search_runs(project.runs.all(), "their method")) == [theirs]


def test_the_api_describes_it(theirs, ours, api):
    rows = {row["id"]: row for row in api.get("/api/v1/runs/").data["results"]}
    assert rows[theirs.pk]["config"] is None
    assert rows[theirs.pk]["external"]["mark"] == ExternalRun.MARK
    assert rows[theirs.pk]["protocol"] == LOSO
    assert rows[theirs.pk]["results"]["samples"] == 24
    assert rows[ours.pk]["external"] is None
    predictions = api.get(f"/api/v1/runs/{theirs.pk}/predictions/").data["results"]
    assert {row["probabilities"] for row in predictions} == {None}
    assert len(api.get(f"/api/v1/runs/{theirs.pk}/folds/").data["results"]) == 1


def test_the_api_of_its_experiment_has_no_sweep(theirs, api):
    answer = api.get(f"/api/v1/experiments/{theirs.experiment_id}/").data
    assert (answer["sweep"], answer["runs"][0]["values"]) == (None, {})
    assert api.get(f"/api/v1/experiments/{theirs.experiment_id}/ranking/").data["places"][0]["runs"] == [
        theirs.pk
    ]


def test_it_cannot_be_trained_run_again_or_cloned(theirs, api, browser, project):
    answer = api.post(f"/api/v1/runs/{theirs.pk}/train-model/")
    assert (answer.status_code, answer.data["detail"]) == (
        409, f"Cannot train a model of {theirs}: its network is not part of the platform.",
    )  # fmt: skip
    answer = api.post(f"/api/v1/experiments/{theirs.experiment_id}/add-seeds/", {"seeds": [1]}, format="json")
    assert "the platform cannot run" in errors_of(answer, "seeds")[0]
    assert api.post(f"/api/v1/runs/{theirs.pk}/rerun/").status_code == 409
    assert api.post(f"/api/v1/runs/{theirs.pk}/cancel/").status_code == 409
    form = browser.get(reverse("run-new", args=[project.slug]), {"like": theirs.pk}).content.decode()
    assert "has no settings to start from" in form
    form = browser.get(reverse("run-new", args=[project.slug]), {"clone": theirs.experiment_id})
    assert "whose settings the platform does not know" in form.content.decode()
    page = browser.post(reverse("train-model", args=[project.slug, theirs.pk]), follow=True).content.decode()
    assert "its network is not part of the platform" in page


def test_mlflow_gets_its_protocol_instead_of_settings(theirs, ours):
    assert _params(theirs) == {"external": ExternalRun.MARK, "protocol": LOSO, "source": ""}
    assert _params(ours)["net.name"] == "majority"
