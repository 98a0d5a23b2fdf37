"""What each setting of an experiment does: on its page, in the API, and stored."""

import numpy as np
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from mer_platform.experiments import services, steps
from mer_platform.experiments.models import Experiment, Run, StoredEffects
from mer_platform.experiments.results import samples_of
from mer_platform.experiments.sweeps import answer, tables
from mer_platform.experiments.sweeps import effects as computed
from mer_platform.experiments.sweeps.answer import Answer
from mer_platform.projects.models import Membership, Role
from models_ml.config import SweepConfig
from models_ml.evaluation.metrics import evaluate
from models_ml.paper.tables import Estimate
from tests.api.finished_sweeps import finish_runs, finished_sweep
from tests.api.test_comparison import TRUE, version  # noqa: F401

pytestmark = [pytest.mark.django_db, pytest.mark.services_in_faults]
GRID = {"net.placement": [1, 2, 3], "train.learning_rate": [1e-3, 1e-4]}
SWEEP = SweepConfig(base={"net": {"name": "vgg_m_spp", "kernels": [2]}}, grid=GRID)


def predict(run: Run) -> list[int]:
    """Predict well with a high learning rate, poorly with a low one, and by chance with each placement."""
    rng = np.random.default_rng(run.settings.net.placement)
    skill = 0.9 if run.settings.train.learning_rate == 1e-3 else 0.2
    return [true if rng.random() < skill else int(rng.integers(3)) for true in TRUE]


@pytest.fixture
def experiment(version, alice) -> Experiment:  # noqa: F811
    return finished_sweep(version, SWEEP, alice, predict, "Placement and rate")


@pytest.fixture
def browser(client, alice):
    client.force_login(alice)
    return client


def part_of(browser, project, experiment) -> str:
    page = browser.get(reverse("effects-of-experiment", args=[project.slug, experiment.pk]))
    assert page.status_code == 200
    return " ".join(page.content.decode().split())


def test_the_page_says_what_each_setting_does(browser, project, experiment, alice):
    text = part_of(browser, project, experiment)
    rate, placement = Answer(experiment, alice).effects.settings
    assert (rate.effect.setting, placement.effect.setting) == ("Learning rate", "Placement")
    best, worst = rate.effect.best, rate.effect.worst
    assert f"mean UF1 is {worst.score:.3f} with 0.0001 and {best.score:.3f} with 0.001" in text
    assert "averaged over 3 combinations of the other settings" in text
    assert text.count('class="may-be-best"') == 2


def test_means_equal_those_of_the_runs_scores(experiment, alice):
    scores = {}
    database, subjects = zip(*((s.database, s.subject) for s in samples_of(experiment.version)), strict=True)
    for run in experiment.runs.all():
        found = evaluate(TRUE, predict(run), database, subjects)
        scores[run.settings.net.placement, run.settings.train.learning_rate] = (found.uf1, found.uar)
    for one in Answer(experiment, alice).effects.settings:
        for row in one.rows:
            column = 0 if one.effect.setting == "Placement" else 1
            own = [score for key, score in scores.items() if key[column] == float(row.uf1.value)]
            assert (row.uf1.score, row.uar.score) == pytest.approx(tuple(np.mean(own, axis=0)))


def test_the_api_gives_the_same_effects(api, experiment, alice):
    found = api.get(f"/api/v1/experiments/{experiment.pk}/effects/").json()
    shown = Answer(experiment, alice).effects
    assert [one["setting"] for one in found["settings"]] == ["Learning rate", "Placement"]
    [first, second] = found["settings"][0]["values"]
    row = shown.settings[0].rows[0]
    assert (first["value"], first["uf1"], first["uar"]) == ("0.0001", row.uf1.score, row.uar.score)
    assert first["behind"] == pytest.approx(second["uf1"] - first["uf1"])
    assert len(first["behind_interval_95"]) == 2
    assert second["behind_interval_95"] is None
    assert found["sentences"] == shown.sentences
    assert (found["interactions_tested"], found["problem"], found["runs_open"]) == (3, "", 0)
    assert found["settings"][1]["combinations"] == 2


def test_effects_wait_until_all_runs_have_ended(browser, api, project, experiment):
    Run.objects.filter(pk=experiment.runs.first().pk).update(state=Run.State.TRAINING)
    assert "appear when all runs have ended" in part_of(browser, project, experiment)
    found = api.get(f"/api/v1/experiments/{experiment.pk}/effects/").json()
    assert (found["settings"], found["runs_open"]) == ([], 1)
    assert "appear when all runs have ended" in found["problem"]
    assert not StoredEffects.objects.exists()


def test_without_scores_there_are_no_effects(browser, project, version, alice):  # noqa: F811
    experiment = services.launch_experiment(version, SWEEP, alice)
    experiment.runs.update(state=Run.State.CANCELLED)
    assert "need at least two configurations with scores" in part_of(browser, project, experiment)
    url = reverse("experiment-figure", args=[project.slug, experiment.pk, "effects"])
    assert browser.get(url).json()["data"] == []


def test_a_failed_run_leaves_out_its_combination_and_the_page_says_so(browser, project, experiment):
    run = next(run for run in experiment.runs.all() if run.settings.net.placement == 3)
    Run.objects.filter(pk=run.pk).update(state=Run.State.FAILED)
    text = part_of(browser, project, experiment)
    assert (
        "averaged over the 2 combinations of the other settings that all values were run with (1 left out)"
        in text
    )


def test_seeds_are_averaged_and_are_no_setting(version, alice):  # noqa: F811
    experiment = finished_sweep(version, SWEEP.model_copy(update={"seeds": (0, 1)}), alice, predict)
    assert [one.effect.setting for one in Answer(experiment, alice).effects.settings] == [
        "Learning rate",
        "Placement",
    ]


def test_networks_are_compared_with_their_own_settings(browser, project, version, alice):  # noqa: F811
    nets = [{"name": "vgg_m"}, {"name": "vgg_m_spp", "placement": 1}, {"name": "vgg_m_spp", "placement": 2}]
    sweep = SweepConfig(grid={"net": nets})
    experiment = finished_sweep(version, sweep, alice, lambda run: [run.pk % 3] * len(TRUE))
    found = {one.effect.setting: one.effect for one in Answer(experiment, alice).effects.settings}
    assert "Placement" in found["Network"].with_own
    assert [value.value for value in found["Placement"].values] == ["1", "2"]
    assert "each with its own" in part_of(browser, project, experiment)


def test_effects_are_computed_once_and_read_from_then_on(experiment, alice, monkeypatch):
    first = Answer(experiment, alice).effects

    def compute(*args):
        raise AssertionError("the effects were computed again")

    monkeypatch.setattr(computed, "_compute", compute)
    again = Answer(Experiment.objects.get(pk=experiment.pk), alice).effects
    assert again == first


def test_a_further_run_makes_the_effects_again(experiment, alice):
    assert Answer(experiment, alice).effects.settings[1].effect.combinations == 2
    run = experiment.runs.first()
    Run.objects.filter(pk=run.pk).update(state=Run.State.FAILED)
    again = Answer(Experiment.objects.get(pk=experiment.pk), alice).effects
    assert sum(one.effect.combinations_left_out for one in again.settings) > 0


def test_the_worker_that_finishes_the_last_run_stores_the_effects(
    experiment, django_capture_on_commit_callbacks
):
    last = experiment.runs.last()
    Run.objects.filter(pk=last.pk).update(state=Run.State.TRAINING)
    with django_capture_on_commit_callbacks(execute=True):
        steps._after_fold(Run.objects.get(pk=last.pk))
    assert StoredEffects.objects.filter(experiment=experiment).exists()


def test_queries_do_not_grow_with_the_number_of_runs(browser, project, experiment, version, alice):  # noqa: F811
    names = ["experiment", "experiment-answer", "effects-of-experiment", "runs-of-experiment"]
    figures = ["ranking", "parallel", "effects", "heat-map"]

    def queries(of: Experiment) -> list[int]:
        pages = [reverse(name, args=[project.slug, of.pk]) for name in names]
        pages += [reverse("experiment-figure", args=[project.slug, of.pk, name]) for name in figures]
        found = []
        for page in pages:
            for _ in range(2):  # the first one stores what is missing
                with CaptureQueriesContext(connection) as log:
                    answer = browser.get(page, {"x": "Placement", "y": "Learning rate"})
                assert answer.status_code == 200
            found.append(len(log))
        return found

    wide = SweepConfig(base=SWEEP.base, grid={**GRID, "train.epochs": [1, 2, 3]})
    of_six = queries(experiment)
    assert queries(finished_sweep(version, wide, alice, predict)) == of_six
    assert max(of_six) <= 15


def test_lines_lead_from_settings_to_uf1_and_those_of_a_value_are_highlighted(
    browser, project, experiment, alice
):
    url = reverse("experiment-figure", args=[project.slug, experiment.pk, "parallel"])
    figure = browser.get(url).json()
    titles = [one["text"] for one in figure["layout"]["annotations"] if one["text"].startswith("<b>")]
    assert titles == [
        "<b>Placement</b>",
        "<b>Learning rate</b>",
        "<b>UF1</b>",
    ]  # the largest effect is next to UF1
    lines = sum(trace["x"].count(2) for trace in figure["data"])
    assert lines == 6
    assert any("UF1" in text for text in figure["data"][0]["text"] if text)
    (_, [(ids, value), *_]), _ = Answer(experiment, alice).choices
    assert value == "1"
    highlighted = browser.get(url, {"runs": ids}).json()["data"]
    assert highlighted[0]["name"] == "other"
    assert highlighted[0]["x"].count(2) == 4  # the other two placements, with two rates each
    assert browser.get(url, {"runs": ""}).json()["data"][0]["name"] != "other"
    assert browser.get(url, {"runs": "x,-1,99999999999999999999"}).status_code == 200


def test_the_table_for_papers_has_the_numbers_of_the_page(experiment, alice):
    shown = Answer(experiment, alice).effects
    table = tables.effects(Answer(experiment, alice), shown)
    assert len(table.rows) == 5
    assert {len(row) for row in table.rows} == {len(table.columns)}
    setting, value, uf1, *_ = table.rows[0]
    first = shown.settings[0].rows[0]
    assert (setting, value, uf1) == ("Learning rate", "0.0001", Estimate(first.uf1.score, first.uf1.interval))


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("ranking", "Rank,Placement,Learning rate,UF1"),
        ("parallel", "Rank,Placement,Learning rate,UF1"),
        ("heat-map", "Learning rate,Placement 1,Placement 2,Placement 3"),
        ("effects", "Setting,Value,UF1"),
    ],
)
def test_each_figure_has_its_numbers_as_a_file(browser, project, experiment, name, words):
    url = reverse("experiment-figure", args=[project.slug, experiment.pk, name])
    axes = {"x": "Placement", "y": "Learning rate"}
    assert words in browser.get(url, {**axes, "format": "csv"}).content.decode()
    assert browser.get(url, axes).json()["tables"][0]["rows"]


def test_who_still_has_to_code_sees_no_effects(browser, api, project, experiment, monkeypatch):
    monkeypatch.setattr(answer, "why_scores_hidden", lambda *_: "Scores are hidden.")
    text = part_of(browser, project, experiment)
    assert "Scores are hidden." in text
    assert "UF1" not in text
    found = api.get(f"/api/v1/experiments/{experiment.pk}/effects/").json()
    assert (found["settings"], found["sentences"], found["problem"]) == ([], [], "Scores are hidden.")
    for name in ("effects", "parallel"):
        url = reverse("experiment-figure", args=[project.slug, experiment.pk, name])
        assert browser.get(url).json()["data"] == []
        assert browser.get(url, {"format": "csv"}).status_code == 404


def test_strangers_see_no_effects_and_viewers_do(client, project, experiment, bob, bobs_api):
    client.force_login(bob)
    page = reverse("effects-of-experiment", args=[project.slug, experiment.pk])
    assert client.get(page).status_code == 404
    assert bobs_api.get(f"/api/v1/experiments/{experiment.pk}/effects/").status_code == 404
    Membership.objects.create(project=project, user=bob, role=Role.VIEWER)
    assert client.get(page).status_code == 200


def test_added_seeds_make_effects_wait_and_then_count(experiment, alice):
    added = services.add_seeds(experiment, [1], alice)
    assert Answer(Experiment.objects.get(pk=experiment.pk), alice).effects is None
    finish_runs(added, predict)
    assert Answer(Experiment.objects.get(pk=experiment.pk), alice).effects is not None


def test_while_runs_are_open_a_ranking_serves_until_a_tenth_more_have_ended(version, alice, monkeypatch):  # noqa: F811
    sweep = SweepConfig(base=SWEEP.base, grid={**GRID, "train.epochs": [1, 2, 3, 4, 5]})
    experiment = finished_sweep(version, sweep, alice, predict)
    last = list(experiment.runs.order_by("pk"))[-5:]

    def ranked(open_runs: list[Run]) -> tuple[int, int]:
        experiment.runs.update(state=Run.State.FINISHED)
        Run.objects.filter(pk__in=[run.pk for run in open_runs]).update(state=Run.State.TRAINING)
        answer = Answer(Experiment.objects.get(pk=experiment.pk), alice)
        assert len(answer.labels) == answer.total == 30
        return answer.ranked_runs, len(answer.scored)

    assert ranked(last) == (25, 25)
    assert ranked(last[2:]) == (25, 27)
    assert ranked(last[3:]) == (28, 28)  # a tenth more
    assert ranked(last[4:]) == (28, 29)
    assert ranked([]) == (30, 30)
    assert ranked(last) == (25, 25)  # runs that were run again do not stay in it
