"""Figures name runs by what distinguishes them, and show what a single epoch or a single cell has."""

import pytest

from mer_platform.experiments.comparison import figures as compared
from mer_platform.experiments.models import Experiment, Run
from mer_platform.experiments.naming import names_in_figure
from mer_platform.experiments.runs.figures import losses
from mer_platform.experiments.sweeps.answer import Answer
from tests.api.finished_runs import finished
from tests.api.test_comparison import GOOD, POOR, version  # noqa: F401

pytestmark = [pytest.mark.django_db, pytest.mark.services]


@pytest.fixture
def runs(version, alice) -> list[Run]:  # noqa: F811
    return [
        finished(version, POOR, alice, net={"name": "vgg_m"}),
        finished(version, GOOD, alice),
    ]


def test_runs_with_names_of_their_own_keep_them(runs):
    assert names_in_figure(runs) == ["VGG-M, 3 layers", "SPP after layer 2, average 2, 3, 4, 5, …"]
    assert list(compared.scores(runs).data[0].x) == names_in_figure(runs)


def test_runs_of_one_name_are_named_by_the_settings_that_differ(version, alice):  # noqa: F811
    same = [finished(version, GOOD, alice, train={"learning_rate": rate}) for rate in (1e-3, 1e-4)]
    assert same[0].name == same[1].name
    assert names_in_figure(same) == ["learning rate 0.001", "learning rate 0.0001"]


def test_runs_that_differ_in_the_seed_or_not_at_all_stay_apart(version, alice):  # noqa: F811
    runs = [finished(version, GOOD, alice, seed=seed) for seed in (0, 1, 1)]
    name = "SPP after layer 2, average 2, 3, 4, 5, …"
    assert names_in_figure(runs) == [
        f"{name}, seed 0",
        f"{name}, seed 1 (#{runs[1].pk})",
        f"{name}, seed 1 (#{runs[2].pk})",
    ]


def test_the_losses_of_a_single_epoch_are_points(runs):
    run = runs[0]
    run.folds.update(losses=[0.7])
    assert {trace.mode for trace in losses(run).data} == {"markers"}
    run.folds.update(losses=[0.7, 0.6])
    assert {trace.mode for trace in losses(run).data} == {"lines"}


def test_a_heat_map_starts_with_the_settings_of_the_most_values(runs, version, alice):  # noqa: F811
    experiment = Experiment.objects.get(pk=runs[1].experiment_id)
    configs = [
        {
            "net": {"name": "vgg_m_spp", "pooling": pooling, "placement": placement},
            "train": {"learning_rate": rate},
        }
        for pooling, placement, rate in (("average", 1, 1e-3), ("max", 2, 1e-4), ("max", 3, 1e-5))
    ]
    made = [finished(version, GOOD, alice, **config) for config in configs]
    experiment.runs.all().delete()
    Run.objects.filter(pk__in=[run.pk for run in made]).update(experiment=experiment)
    answer = Answer(experiment, alice)
    assert set(answer.varied) == {"Placement", "Pooling", "Learning rate"}
    assert set(answer.widest) == {"Placement", "Learning rate"}
