"""Sweeps: combinations, seeds, duplicates, and the location of errors."""

import pytest
from pydantic import ValidationError

from models_ml.config import NET_CONFIGS, PRESETS, SweepConfig


def test_a_sweep_combines_all_values_with_all_seeds():
    sweep = SweepConfig(
        base={"train": {"epochs": 3}}, grid={"net.placement": [1, 2], "net.width": [0.1, 0.2]}, seeds=[4, 5]
    )
    runs = sweep.runs()
    assert [(r.net.placement, r.net.width, r.seed) for r in runs[:4]] == [
        (1, 0.1, 4), (1, 0.1, 5), (1, 0.2, 4), (1, 0.2, 5),
    ]  # fmt: skip
    assert len(runs) == 8
    assert {r.train.epochs for r in runs} == {3}
    assert sweep.varied(runs[0]) == {"net.placement": 1, "net.width": 0.1, "seed": 4}


def test_equal_runs_appear_once():
    assert len(SweepConfig(grid={"net.width": [0.125, 0.125]}, seeds=[0, 0]).runs()) == 1
    assert len(SweepConfig(grid={"net": [{}, {"name": "vgg_m_spp"}]}).runs()) == 1


def test_a_setting_within_a_varied_network_comes_after_it():
    sweep = SweepConfig(grid={"net.dropout": [0.1, 0.2], "net": [{"name": "vgg_m"}, {"name": "ststnet"}]})
    assert {(r.net.name, r.net.dropout) for r in sweep.runs()} == {
        ("vgg_m", 0.1), ("vgg_m", 0.2), ("ststnet", 0.1), ("ststnet", 0.2),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("sweep", "location", "words"),
    [
        ({"grid": {"net.kernels": [[2, 3], [2, 9]]}}, "grid.net.kernels.1", "Kernel 9 is larger than the 6×6 map"),
        ({"grid": {"net": [{}, {"kernels": [9]}]}}, "grid.net.1.kernels.0", "Kernel 9 is larger"),
        (
            {"grid": {"features.size": [28, 14], "train.epochs": [1]}},
            "base.net.kernels.2",
            "Kernel 4 is larger than the 3×3 map after layer 2 (input 14×14). Choose a smaller kernel, an earlier "
            "placement or a larger feature size. This happens with features.size = 14, train.epochs = 1.",
        ),
        ({"grid": {"train.epoch": [1]}}, "grid.train.epoch.0", "This setting does not exist."),
        ({"grid": {"trane.epochs": [1]}}, "grid.trane.epochs.0", "This setting does not exist."),
        ({"grid": {"net": ["ststnet"]}}, "grid.net.0", "an object with named values"),
        ({"grid": {"net.width": []}}, "grid.net.width", "at least one value"),
        ({"grid": {"seed": [1, 2]}}, "grid.seed", "Give seeds in"),
        ({"base": {"train": {"epochs": 0}}}, "base.train.epochs", "Must be 1 or more, not 0."),
        ({"seeds": [0, -1]}, "seeds.1", "greater than or equal to 0"),
        ({"seeds": list(range(2001))}, "grid", "These are 2001 runs; an experiment has at most 2000"),
    ],
)  # fmt: skip
def test_an_error_says_which_value_is_wrong_and_why(sweep, location, words):
    with pytest.raises(ValidationError) as caught:
        SweepConfig.model_validate(sweep)
    [error] = caught.value.errors()
    assert ".".join(map(str, error["loc"])) == location
    assert words in error["msg"]


def test_each_wrong_value_is_reported():
    with pytest.raises(ValidationError) as caught:
        SweepConfig(base={"net": {"kernels": [9]}}, grid={"train.epochs": [0, 1, -1], "train.ema": [2]})
    locations = [".".join(map(str, error["loc"])) for error in caught.value.errors()]
    assert locations == [
        "base.net.kernels.0",
        "grid.train.epochs.0",
        "grid.train.ema.0",
        "grid.train.epochs.2",
    ]


def test_an_error_of_many_combinations_is_reported_once():
    with pytest.raises(ValidationError) as caught:
        SweepConfig(grid={"net.placement": [1, 9], "train.epochs": [1, 2, 3]})
    assert len(caught.value.errors()) == 1


def test_the_presets_are_the_study_of_the_paper_and_all_networks():
    study = PRESETS["spp-study"].sweep.runs()
    assert study[0].net.name == "vgg_m"
    pyramids = {(r.net.placement, r.net.kernels) for r in study[1:]}
    assert {placement for placement, _ in pyramids} == {1, 2, 3}
    assert {len(kernels) for _, kernels in pyramids} == {2, 3, 4, 5, 6}
    assert (2, (2, 3, 4, 5, 6)) in pyramids
    assert {r.net.name for r in PRESETS["peers"].sweep.runs()} == set(NET_CONFIGS)
