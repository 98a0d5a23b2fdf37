"""Nothing fails because a run has no settings and no probabilities, or a network that is not installed."""

import io
from zipfile import ZipFile

import pytest
from django.urls import reverse

from mer_platform.experiments.comparison.views import FIGURES as COMPARED
from mer_platform.experiments.models import Run
from mer_platform.experiments.paper.tables import TABLES
from mer_platform.experiments.runs.views import FIGURES
from mer_platform.exports.bundles import write_bundle
from tests.api.external_runs import external
from tests.api.finished_runs import finished
from tests.api.paper_lab import one_form  # noqa: F401  (a fixture)
from tests.pictures import freeze_pictures

pytestmark = pytest.mark.django_db
PREDICTED = [0, 1, 2, 0] * 6
KINDS = ["external", "missing"]
ANSWERED = {200, 302, 400, 404, 409}


@pytest.fixture
def version(project):
    return freeze_pictures(project)


@pytest.fixture
def runs(request, version, alice) -> list[Run]:
    """A run of the platform, and one without settings (twice, for groups of seeds) or of a network that is gone."""
    ours = finished(version, [0, 1, 1, 2] * 6, alice, net={"name": "ststnet"})
    if request.param == "external":
        return [ours, external(version, PREDICTED), external(version, PREDICTED[::-1])]
    odd = finished(version, PREDICTED, alice)
    odd.config = {**odd.config, "net": {"name": "gone", "width": 8}}
    odd.save(update_fields=["config"])
    return [ours, odd]


@pytest.fixture
def browser(client, alice):
    client.force_login(alice)
    return client


def check(client, address, query=None, **headers):
    answer = client.get(address, query or {}, **headers)
    assert answer.status_code in ANSWERED, (address, answer.status_code)
    return answer


@pytest.mark.parametrize("runs", KINDS, indirect=True)
def test_lists_in_any_form(runs, browser, api, project):
    page = reverse("runs", args=[project.slug])
    for query in (
        {},
        {"group": "1"},
        {"sort": "network"},
        {"sort": "-net.width"},
        {"q": "external"},
        {"columns": "seed"},
    ):
        assert check(browser, page, query).status_code == 200
        check(browser, page, query, HTTP_HX_REQUEST="true")
    check(browser, reverse("runs-table", args=[project.slug]))
    assert check(api, f"/api/v1/projects/{project.pk}/leaderboard/").status_code == 200
    assert check(browser, reverse("experiments", args=[project.slug])).status_code == 200


@pytest.mark.parametrize("runs", KINDS, indirect=True)
def test_every_page_and_figure_of_a_run(runs, browser, project):
    odd = runs[-1]
    for name in ("run", "run-report", "attribution", "run-delete"):
        assert check(browser, reverse(name, args=[project.slug, odd.pk])).status_code == 200, name
    for name in FIGURES:
        check(browser, reverse("figure", args=[project.slug, odd.pk, name]))
    for name in TABLES:
        check(browser, reverse("run-table", args=[project.slug, odd.pk, name]), {"format": "tex"})
    for name in ("folds.json", "answer", "effects", "failed", "workers"):
        check(
            browser,
            f"/projects/{project.slug}/experiments/{odd.experiment_id}/{name}{'' if '.' in name else '/'}",
        )
    for name in ("ranking", "heat-map", "losses"):
        check(
            browser,
            reverse("experiment-figure", args=[project.slug, odd.experiment_id, name]),
            {"run": odd.pk},
        )


@pytest.mark.parametrize("runs", KINDS, indirect=True)
def test_every_page_and_figure_of_several_runs(runs, browser, project):
    query = {"run": [run.pk for run in runs]}
    for name in ("compare-runs", "gallery"):
        assert check(browser, reverse(name, args=[project.slug]), query).status_code == 200
    check(browser, reverse("compare-disagreements", args=[project.slug]), query)
    check(browser, reverse("gallery-sample", args=[project.slug, 0]), query)
    for name in COMPARED:
        check(browser, reverse("compare-figure", args=[project.slug, name]), query)
    for name in TABLES:
        check(browser, reverse("compare-table", args=[project.slug, name]), {**query, "format": "csv"})


@pytest.mark.parametrize("runs", KINDS, indirect=True)
def test_a_paper_bundle(runs, one_form):  # noqa: F811
    file = io.BytesIO()
    write_bundle(runs, file)
    with ZipFile(file) as zipped:
        names = zipped.namelist()
        assert "README.md" in names
        if runs[-1].is_external:
            assert "(external)" in zipped.read("tables/scores.md").decode()


@pytest.mark.parametrize("runs", KINDS, indirect=True)
def test_every_answer_of_the_api(runs, api):
    odd = runs[-1]
    for name in ("", "curves/", "deletion/", "folds/", "predictions/", "errors/", "attributions/", "predictions.csv",
                 "predictions.parquet"):  # fmt: skip
        check(api, f"/api/v1/runs/{odd.pk}/{name}")
    for name in ("", "effects/", "ranking/", "deletion/"):
        check(api, f"/api/v1/experiments/{odd.experiment_id}/{name}")
    query = {"run": [run.pk for run in runs]}
    for name in ("compare/", "compare/predictions.csv"):
        check(api, f"/api/v1/runs/{name}", query)


@pytest.mark.parametrize("runs", KINDS, indirect=True)
def test_it_can_be_managed_and_deleted(runs, api):
    odd = runs[-1]
    changed = api.patch(f"/api/v1/runs/{odd.pk}/", {"starred": True, "name": "Renamed"}, format="json")
    assert changed.status_code == 200, changed.data
    assert api.delete(f"/api/v1/runs/{odd.pk}/").status_code == 204
    assert not Run.objects.filter(pk=odd.pk).exists()
