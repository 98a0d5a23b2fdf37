"""Whether the networks of folds are kept: asked for at launch, estimated, and copied with the settings."""

import json

import pytest
from django.core.management import call_command
from django.urls import reverse

from mer_platform.experiments.models import Experiment, FoldWeights
from tests.api.problems import errors_of
from tests.api.test_pages_experiments import check, fields
from tests.pictures import freeze_pictures

pytestmark = [pytest.mark.django_db]


@pytest.fixture
def version(project):
    return freeze_pictures(project)


@pytest.fixture
def browser(client, alice):
    client.force_login(alice)
    return client


@pytest.mark.parametrize("url", ["/api/v1/runs/", "/api/v1/experiments/"])
def test_the_api_keeps_them_by_default_and_does_as_it_is_asked(api, version, url):
    for choice, kept in (({}, True), ({"keep_weights": "no"}, False), ({"keep_weights": "yes"}, True)):
        assert api.post(url, {"version": version.pk, **choice}).status_code == 202
        assert Experiment.objects.latest("pk").keep_weights is kept
    wrong = api.post(url, {"version": version.pk, "keep_weights": "sometimes"})
    assert wrong.status_code == 400
    assert "sometimes" in errors_of(wrong, "keep_weights")[0]


def test_an_experiment_says_whether_it_keeps_them(api, version):
    answer = api.post("/api/v1/experiments/", {"version": version.pk, "keep_weights": "no"}).json()
    assert api.get(f"/api/v1/experiments/{answer['id']}/").json()["keep_weights"] is False


def test_the_estimate_has_their_size(api, version):
    url, asked = (
        "/api/v1/experiments/estimate/",
        {"version": version.pk, "grid": {"net.width": [0.125, 0.25]}},
    )
    found = api.post(url, {**asked, "keep_weights": "no"}).json()
    assert found["keeps_weights"] is False
    assert api.post(url, asked).json()["keeps_weights"] is True
    one = api.post(url, {"version": version.pk}).json()["weights_bytes"]
    assert one == pytest.approx(6 * 194_971 * 4, rel=0.01)  # six folds, four bytes per weight
    assert found["weights_bytes"] > 2 * one


def test_the_form_shows_their_size_and_launches_as_it_says(browser, project, version):
    url = reverse("run-new", args=[project.slug])
    page = browser.get(url).content.decode()
    assert "Keep the networks of folds" in page
    assert "They are removed after 30 days, except those of starred runs and experiments." in page
    assert "kept,\nabout 4.5" in page
    form = fields(version, keep_weights="no")
    assert "not kept,\nabout 4.5" in check(browser, project, form)
    assert browser.post(url, form).status_code == 302
    assert Experiment.objects.get().keep_weights is False


def test_a_clone_keeps_what_its_original_kept(browser, project, version, api):
    for choice in ("yes", "no"):
        asked = {"version": version.pk, "keep_weights": choice, "seeds": [0, 1]}
        experiment = api.post("/api/v1/experiments/", asked).json()["id"]
        page = browser.get(f"{reverse('run-new', args=[project.slug])}?clone={experiment}").content.decode()
        assert f'<option value="{choice}" selected>' in page


def test_the_command_has_the_same_choice(version, capsys):
    call_command("train", composite_version=version.pk, keep_weights="no", json=True)
    launched = json.loads(capsys.readouterr().out)["experiment"]
    assert Experiment.objects.get(pk=launched).keep_weights is False
    assert not FoldWeights.objects.exists()
