"""Runs side by side, paired and ranked, from their stored predictions."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from mer_platform.annotation.models import Consensus
from mer_platform.composites.services import freeze
from mer_platform.experiments import services
from mer_platform.experiments.models import Run
from mer_platform.experiments.results import group_by_configuration, rank_configurations, results_of
from mer_platform.projects.models import Role
from models_ml.config import RunConfig
from models_ml.errors import InputError
from tests.api.finished_runs import finished
from tests.api.problems import errors_of

pytestmark = [pytest.mark.django_db, pytest.mark.services]
API = "/api/v1/runs/compare/"
WORDS = ["disgust", "happiness", "surprise"]
CLASSES = ["negative", "positive", "surprise"]
TRUE = [0, 1, 2] * 4  # four subjects with one clip per class
GOOD = [0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 0, 2]  # one wrong
POOR = [0, 0, 0] * 4


@pytest.fixture
def version(project, database, make_clip, alice):
    for number, true in enumerate(TRUE):
        clip = make_clip(f"clip{number:02}", f"s{number // 3}")
        Consensus.objects.create(clip=clip, onset=1, apex=5, offset=9, emotion=WORDS[true], origin="adopted")
    return freeze(
        project, "Twelve", [database], {database.name: dict(zip(WORDS, CLASSES, strict=True))}, alice
    )


@pytest.fixture
def poor(version, alice) -> Run:
    return finished(version, POOR, alice, net={"name": "vgg_m"})


@pytest.fixture
def good(version, alice) -> Run:
    return finished(version, GOOD, alice)


@pytest.fixture
def browser(client, alice):
    client.force_login(alice)
    return client


@pytest.fixture
def compare(browser, project):
    def get(*runs: Run) -> str:
        answer = browser.get(reverse("compare-runs", args=[project.slug]), {"run": [run.pk for run in runs]})
        assert answer.status_code == 200
        return answer.content.decode()

    return get


def test_the_api_pairs_each_run_with_the_first(api, poor, good):
    answer = api.get(API, {"run": [poor.pk, good.pk]}).json()
    assert [run["results"]["accuracy"] for run in answer["runs"]] == pytest.approx([4 / 12, 11 / 12])
    [against] = answer["against"]
    assert against["paired"]["accuracy"]["difference"] == pytest.approx(7 / 12)
    assert against["paired"]["mcnemar"] == {"only_first": 0, "only_second": 7, "p": pytest.approx(2 / 2**7)}
    assert {"setting": "Network", "values": ["VGG-M", "VGG-M with SPP"]} in answer["configuration"]
    assert [item["sample"] for item in answer["disagreements"]] == [1, 2, 4, 5, 7, 8, 11]
    assert answer["disagreements"][0]["predicted"] == ["negative", "positive"]


def test_runs_on_different_versions_are_shown_but_not_paired(
    api, compare, project, database, version, poor, alice
):
    maps = {database.name: {"disgust": "negative", "happiness": "positive"}}
    other = finished(freeze(project, "Eight", [database], maps, alice), [0, 1] * 4, alice)
    [against] = api.get(API, {"run": [poor.pk, other.pk]}).json()["against"]
    assert against["paired"] is None
    assert f"{poor} is on Twelve v1, {other} on Eight v1" in against["reason"]
    assert "on Eight v1. Runs are compared sample by sample" in compare(poor, other)


def test_runs_by_different_protocols_are_not_paired(api, version, poor, alice):
    other = finished(version, GOOD, alice, protocol="kfold", folds=2)
    answer = api.get(API, {"run": [poor.pk, other.pk]}).json()
    assert "by “leave one subject out”" in answer["against"][0]["reason"]
    assert "by “2 folds of whole subjects”" in answer["against"][0]["reason"]
    assert {
        "setting": "Protocol",
        "values": ["leave one subject out", "2 folds of whole subjects"],
    } in answer["configuration"]
    assert answer["disagreements"] is None


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ([], "Give at least two runs"),
        (["1"], "Run “1” not found."),
        (["x", "y"], "Must be a whole number, not “x”."),
        ([str(n) for n in range(21)], "21 runs are too many to compare. Choose at most 20."),
    ],
)
def test_errors_name_the_runs_that_cannot_be_compared(api, asked, words):
    answer = api.get(API, {"run": asked})
    assert answer.status_code == 400
    assert words in errors_of(answer, "run")[0]


def test_a_run_without_scores_is_named(api, version, good, alice):
    waiting = services.launch(version, RunConfig(seed=3), alice)
    answer = api.get(API, {"run": [good.pk, waiting.pk]})
    assert errors_of(answer, "run") == [f"{waiting} has no scores to compare; it is computing features."]


def test_runs_of_other_labs_are_not_found(bobs_api, poor, good):
    assert bobs_api.get(API, {"run": [poor.pk, good.pk]}).status_code == 400


def test_the_page_shows_scores_tests_settings_and_disagreements(browser, project, compare, poor, good):
    page = compare(poor, good)
    assert "+0.583" in page
    assert "7 / 0" in page
    assert "2, 3, 4, 5, 6" in page
    address = reverse("compare-disagreements", args=[project.slug])
    assert f"{address}?run={poor.pk}&amp;run={good.pk}" in page
    listed = browser.get(address, {"run": [poor.pk, good.pk]}).content.decode()
    assert "7 of 12 samples" in listed
    assert listed.count("clip01") == 1


def test_two_seeds_of_one_configuration_differ_only_in_the_seed(api, version, good, alice):
    again = finished(version, GOOD, alice, seed=1)
    answer = api.get(API, {"run": [good.pk, again.pk]}).json()
    assert answer["configuration"] == [{"setting": "Seed", "values": ["0", "1"]}]
    assert answer["disagreements"] == []


def test_annotators_see_scores_but_no_samples(project, poor, good, member):
    answer = member(project, "carol", Role.ANNOTATOR).get(API, {"run": [poor.pk, good.pk]}).json()
    assert answer["disagreements"] is None
    assert answer["against"][0]["paired"]


def test_the_page_of_one_run_offers_others(compare, project, good, poor):
    page = compare(good)
    assert f'value="{good.pk}" checked' in page
    assert f'value="{poor.pk}" >' in page


def test_a_project_without_runs_says_so(compare):
    assert "No run has scores yet" in compare()


def test_the_figures_of_a_comparison_open(browser, project, poor, good):
    for name in ("scores", "databases", "classes"):
        url = reverse("compare-figure", args=[project.slug, name])
        figure = browser.get(url, {"run": [poor.pk, good.pk]}).json()
        assert len(figure["data"]) == 2
    assert browser.get(reverse("compare-figure", args=[project.slug, "other"])).status_code == 404


def test_twenty_runs_are_compared_in_as_many_queries_as_two(browser, compare, project, version, alice):
    runs = [finished(version, GOOD if seed % 2 else POOR, alice, seed=seed) for seed in range(20)]
    compare(*runs)  # stores the results

    def queries(chosen: list[Run]) -> int:
        with CaptureQueriesContext(connection) as context:
            compare(*chosen)
        return len(context)

    assert queries(runs) == queries(runs[:2])
    for name in ("scores", "databases", "classes"):
        url = reverse("compare-figure", args=[project.slug, name])
        figure = browser.get(url, {"run": [run.pk for run in runs]}).json()
        assert len(figure["data"]) == (2 if name == "scores" else 1)
        assert figure["layout"]["height"] > 600


def test_the_picker_searches_all_runs_and_shows_scores(browser, compare, project, version, good, poor, alice):
    for run in (good, poor):
        results_of(run)
    Run.objects.filter(pk=poor.pk).update(name="The needle")
    assert f"UF1 {good.stored_results.uf1:.3f}" in compare(good)
    url = reverse("compare-runs", args=[project.slug])
    found = browser.get(url, {"run": good.pk, "q": "needle"}, headers={"HX-Request": "true"}).content.decode()
    assert "<html" not in found
    assert f'value="{good.pk}" checked' in found  # ticked runs stay
    assert "The needle" in found
    found = browser.get(url, {"q": "haystack"}, headers={"HX-Request": "true"}).content.decode()
    assert "No run with scores matches." in found


def test_a_ranking_groups_the_seeds_of_one_configuration(version, poor, good, alice):
    again = finished(version, TRUE, alice, seed=1)
    groups = group_by_configuration([again, poor, good])
    assert groups == [[poor], [good, again]]
    [ranking] = rank_configurations(groups, "uf1")
    leading, last = ranking.ranked
    assert (leading.index, last.index) == (1, 0)
    assert leading.score == pytest.approx((1 + (6 / 7 + 8 / 9 + 1) / 3) / 2)
    assert leading.best == 1.0
    assert not last.may_be_best
    low, high = ranking.chosen_interval
    assert low <= ranking.chosen <= high


def test_a_ranking_refuses_runs_of_different_protocols(version, poor, alice):
    other = finished(version, GOOD, alice, protocol="kfold", folds=2)
    with pytest.raises(InputError, match="choose runs with the same protocol"):
        rank_configurations([[poor], [other]], "uf1")
    with pytest.raises(InputError, match="no runs to compare"):
        rank_configurations([], "uf1")


def test_settings_that_a_fitted_network_does_not_use_are_neither_compared_nor_shown(
    api, browser, project, version, good, alice
):
    fitted = finished(version, POOR, alice, net={"name": "hoof_svm"}, train={"epochs": 7})
    again = finished(version, POOR, alice, net={"name": "hoof_svm"}, train={"epochs": 9})
    rows = api.get(API, {"run": [good.pk, fitted.pk]}).json()["configuration"]
    assert {"setting": "Epochs", "values": [str(good.settings.train.epochs), "–"]} in rows
    assert api.get(API, {"run": [fitted.pk, again.pk]}).json()["configuration"] == []
    page = browser.get(reverse("run", args=[project.slug, fitted.pk])).content.decode()
    assert "<dt>Epochs</dt>" not in page
    assert "<dt>Class weights</dt>" in page
