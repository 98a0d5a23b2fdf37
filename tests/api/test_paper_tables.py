"""Tables of a run and of a comparison as CSV, LaTeX and Markdown."""

import csv
import io

import pytest
from django.urls import reverse

from mer_platform.experiments.models import Run
from mer_platform.experiments.paper.tables import TABLES, differences, scores
from mer_platform.experiments.results import results_of
from mer_platform.projects.models import Role
from models_ml.paper.tables import Estimate
from tests.api.finished_runs import finished
from tests.api.paper_lab import *  # noqa: F403
from tests.api.paper_lab import GOOD

pytestmark = [pytest.mark.django_db]
STARTS = {"csv": "\ufeffRun", "tex": "% In the preamble", "md": "Scores pooled"}


def rows_of(answer) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))


def test_scores_of_the_page_are_those_of_the_table(browser, version, runs):
    address = reverse("compare-table", args=[version.project.slug, "scores"])
    rows = rows_of(browser.get(address, {"run": [run.pk for run in runs], "format": "csv"}))
    for row, run in zip(rows, runs, strict=True):
        results = results_of(run)
        assert row["Run"] == str(run)
        assert float(row["UF1"]) == results.evaluation.uf1
        assert (float(row["UF1 low"]), float(row["UF1 high"])) == tuple(results.intervals["uf1"])
        assert row["Samples"] == "12"


@pytest.mark.parametrize("form", STARTS)
def test_each_form_is_a_download(browser, runs, form):
    address = reverse("run-table", args=[runs[0].project.slug, runs[0].pk, "scores"])
    answer = browser.get(address, {"format": form})
    assert answer.content.decode().startswith(STARTS[form])
    assert answer["Content-Disposition"] == f'attachment; filename="run-{runs[0].pk}-scores.{form}"'
    assert browser.get(address, {"format": form, "inline": 1})["Content-Disposition"].startswith("inline")


def test_every_table_of_a_run_and_of_a_comparison_opens(browser, runs):
    slug, chosen = runs[0].project.slug, {"run": [run.pk for run in runs]}
    for name in [*TABLES, "all"]:
        for form in STARTS:
            own = browser.get(reverse("run-table", args=[slug, runs[0].pk, name]), {"format": form})
            both = browser.get(reverse("compare-table", args=[slug, name]), {**chosen, "format": form})
            assert (own.status_code, both.status_code) == (200, 200), name


def test_captions_say_which_runs_version_and_protocol(version, runs):
    caption = scores(runs).caption
    for part in (f"#{runs[0].pk}", f"#{runs[1].pk}", version.content_hash[:12], "leave one subject out"):
        assert part in caption


def test_differences_are_those_of_the_comparison(api, runs):
    row = differences(runs).rows[0]
    found = api.get("/api/v1/runs/compare/", {"run": [run.pk for run in runs]}).json()["against"][0]["paired"]
    uf1 = found["uf1"]
    assert row[1] == Estimate(uf1["difference"], tuple(uf1["interval_95"]))
    assert row[2] == uf1["p_holm"]
    assert row[5] == found["mcnemar"]["p"]


def test_runs_that_cannot_be_paired_have_a_remark(version, alice, runs):
    other = finished(version, GOOD, alice, protocol="kfold", folds=2)
    table = differences([*runs, other])
    assert table.columns[-1] == "Remark"
    assert "same protocol" in table.rows[-1][-1]


def test_what_there_is_not_is_said_in_words(browser, runs):
    slug, pk = runs[0].project.slug, runs[0].pk
    assert browser.get(reverse("run-table", args=[slug, pk, "luck"])).status_code == 404
    answer = browser.get(reverse("run-table", args=[slug, pk, "scores"]), {"format": "xls"})
    assert (answer.status_code, answer.content.decode()) == (
        400, "“xls” is not a format of tables. Choose csv, tex, md.",
    )  # fmt: skip
    assert browser.get(reverse("compare-table", args=[slug, "scores"])).status_code == 404
    assert browser.get(reverse("compare-table", args=[slug, "scores"]), {"run": "x"}).status_code == 404
    Run.objects.filter(pk=pk).update(state=Run.State.FAILED)
    assert browser.get(reverse("run-table", args=[slug, pk, "scores"])).status_code == 404


def test_strangers_get_no_table_and_viewers_do(client, runs, bob, member):
    address = reverse("run-table", args=[runs[0].project.slug, runs[0].pk, "scores"])
    client.force_login(bob)
    assert client.get(address).status_code == 404
    member(runs[0].project, "vera", Role.VIEWER)
    assert client.login(username="vera", password="correct horse 3")
    assert client.get(address).status_code == 200


def test_the_pages_offer_the_tables(browser, version, runs):
    slug = version.project.slug
    page = browser.get(reverse("run", args=[slug, runs[0].pk])).content.decode()
    assert f"{reverse('run-table', args=[slug, runs[0].pk, 'databases'])}?format=csv" in page
    query = f"run={runs[0].pk}&run={runs[1].pk}"
    page = browser.get(f"{reverse('compare-runs', args=[slug])}?{query}").content.decode()
    address = f"{reverse('compare-table', args=[slug, 'differences'])}?{query}&format=tex"
    assert address.replace("&", "&amp;") in page


def test_the_numbers_of_a_chart_are_its_table(browser, runs):
    address = reverse("figure", args=[runs[0].project.slug, runs[0].pk, "roc"])
    answer = browser.get(address, {"format": "csv"})
    assert answer.status_code == 200
    assert rows_of(answer)[0]["Samples of"] == "all samples"
    chart = reverse("figure", args=[runs[0].project.slug, runs[0].pk, "confusion"])
    assert browser.get(chart, {"format": "csv"}).status_code == 404
