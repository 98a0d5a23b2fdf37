"""Runs of a network whose package is not installed, and packages whose network cannot be used."""

import json

import pytest
from django.core.checks import run_checks
from django.urls import reverse

from mer_platform.experiments import networks, services
from mer_platform.experiments.models import Run
from models_ml.config import RunConfig
from models_ml.nets.plugins import PluginProblem
from tests.api.finished_runs import finished
from tests.pictures import freeze_pictures

pytestmark = pytest.mark.django_db
MISSING = "The package that defines the network “gone” is not installed"


@pytest.fixture
def version(project):
    return freeze_pictures(project)


@pytest.fixture
def run(version, alice) -> Run:
    """A finished run whose network is gone."""
    run = finished(version, [0, 1, 2, 0] * 6, alice, net={"name": "majority"})
    run.config = {**run.config, "net": {"name": "gone", "width": 8}}
    run.save(update_fields=["config"])
    return run


@pytest.fixture
def browser(client, alice):
    client.force_login(alice)
    return client


def test_its_page_opens_and_says_what_is_missing(run, browser, project):
    page = browser.get(reverse("run", args=[project.slug, run.pk]))
    text = page.content.decode()
    assert page.status_code == 200
    assert MISSING in text
    assert "<dt>width</dt><dd>8</dd>" in text
    for name in ("confusion", "per-class", "losses"):
        assert browser.get(reverse("figure", args=[project.slug, run.pk, name])).status_code == 200


def test_lists_comparisons_and_answers_have_it(run, version, alice, browser, api, project):
    other = finished(version, [0, 1, 1, 2] * 6, alice)
    query = {"run": [run.pk, other.pk]}
    for address, asked in (("runs", {}), ("compare-runs", query), ("project", {}), ("experiments", {})):
        assert browser.get(reverse(address, args=[project.slug]), asked).status_code == 200
    assert browser.get(reverse("experiment", args=[project.slug, run.experiment_id])).status_code == 200
    rows = {row["id"]: row for row in api.get("/api/v1/runs/").data["results"]}
    assert rows[run.pk]["config"]["net"] == {"name": "gone", "width": 8}
    found = api.get("/api/v1/runs/compare/", query).data["configuration"]
    assert {"setting": "width", "values": ["8", "0.125"]} in found
    assert api.get(f"/api/v1/experiments/{run.experiment_id}/").status_code == 200


def test_a_run_with_its_settings_needs_another_network(run, browser, project):
    page = browser.get(reverse("run-new", args=[project.slug]), {"like": run.pk})
    assert page.status_code == 200
    assert (
        f"{MISSING}. Install it, and restart the platform and its workers. Or choose" in page.content.decode()
    )


def test_it_cannot_be_launched_by_the_api(version, api):
    data = {"version": version.pk, "config": {"net": {"name": "gone"}}}
    answer = api.post("/api/v1/runs/", data, format="json")
    assert answer.status_code == 400
    assert "This network does not exist" in json.dumps(answer.data)


def test_broken_packages_are_reported_by_checks_and_on_the_page(version, browser, project, monkeypatch):
    problem = PluginProblem("lab-nets 0.3", "gone = lab_nets.config:Gone", "it cannot be imported.")
    monkeypatch.setattr(networks, "PLUGINS", type("Found", (), {"problems": [problem]}))
    [warning] = [found for found in run_checks() if found.id == "experiments.W001"]
    assert warning.msg == str(problem)
    page = browser.get(reverse("run-new", args=[project.slug])).content.decode()
    assert "A network of the package lab-nets 0.3 is not available" in page


def test_without_broken_packages_nothing_is_said(version, alice):
    assert networks.network_problems() == []
    assert services.launch(version, RunConfig(), alice).settings == RunConfig()
