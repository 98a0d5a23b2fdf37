"""The effects of the settings of a grid, compared with plain loops and with NumPy's marginal means."""

import json
from dataclasses import asdict
from itertools import product

import numpy as np
import pytest
from sklearn.metrics import f1_score, recall_score

from models_ml.errors import InputError
from models_ml.evaluation.design import interaction_contrasts, main_effect_parts
from models_ml.evaluation.effects import Effects, effects
from models_ml.evaluation.ranking import rank
from models_ml.evaluation.uncertainty import resamples, subject_confusions

SUBJECTS = [str(i % 20) for i in range(160)]
TRUE = np.random.default_rng(0).integers(3, size=160)


def predictions(seed: int, skill: float) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return np.where(rng.random(160) < skill, TRUE, rng.integers(3, size=160))


def counts(*runs: np.ndarray) -> np.ndarray:
    return np.stack([subject_confusions(TRUE, pred, SUBJECTS) for pred in runs])


def grid(**values: list[str]) -> tuple[dict[str, list[str]], list[tuple[str, ...]]]:
    combos = list(product(*values.values()))
    return {name: [combo[i] for combo in combos] for i, name in enumerate(values)}, combos


SETTINGS, COMBOS = grid(Rate=["0.1", "0.01"], Size=["a", "b", "c"])
SKILLS = {"0.1": 0.2, "0.01": 0.7}
RUNS = [[predictions(10 * i + seed, SKILLS[rate]) for seed in range(2)] for i, (rate, _) in enumerate(COMBOS)]
COUNTS = [counts(*runs) for runs in RUNS]


def by_setting(found: Effects) -> dict:
    return {one.setting: one for one in found.settings}


@pytest.mark.parametrize(
    ("score", "function"), [("uf1", f1_score), ("uar", recall_score)], ids=["uf1", "uar"]
)
def test_a_complete_grid_has_the_marginal_means_of_scikit_learns_scores(score, function):
    table = np.array([np.mean([function(TRUE, pred, average="macro") for pred in runs]) for runs in RUNS])
    table = table.reshape(2, 3)
    found = by_setting(effects(SETTINGS, COUNTS, score, n=200))
    rate = {one.value: one.score for one in found["Rate"].values}
    size = {one.value: one.score for one in found["Size"].values}
    assert [rate[value] for value in ("0.1", "0.01")] == pytest.approx(table.mean(axis=1))
    assert [size[value] for value in "abc"] == pytest.approx(table.mean(axis=0))
    assert [one.value for one in found["Rate"].values] == ["0.01", "0.1"]  # by size


def test_intervals_and_differences_equal_a_plain_loop_over_resamples():
    n = 300
    found = by_setting(effects(SETTINGS, COUNTS, n=n))
    drawn = resamples(20, n)
    names = sorted(set(SUBJECTS))
    rows = [np.flatnonzero(np.array(SUBJECTS) == name) for name in names]
    scores = np.empty((n, len(RUNS)))
    for i in range(n):
        index = np.concatenate([np.tile(rows[s], int(times)) for s, times in enumerate(drawn[i]) if times])
        for j, runs in enumerate(RUNS):
            scores[i, j] = np.mean([f1_score(TRUE[index], pred[index], average="macro") for pred in runs])
    table = scores.reshape(n, 2, 3)
    means = {"Rate": table.mean(axis=2)[:, ::-1], "Size": table.mean(axis=1)}
    largest, errors = np.zeros(n), {}
    for title, own in means.items():
        observed = np.array([one.score for one in found[title].values])
        for a, b in product(range(own.shape[1]), repeat=2):
            if a != b:
                apart = own[:, a] - own[:, b]
                errors[title, a, b] = apart.std(ddof=1)
                deviation = np.abs(apart - (observed[a] - observed[b]))
                largest = np.maximum(largest, deviation / errors[title, a, b])
        for column, one in enumerate(found[title].values):
            assert one.interval == pytest.approx(tuple(np.percentile(own[:, column], [2.5, 97.5])), abs=1e-5)
    z, df = np.quantile(largest, 0.95), 19
    widened = z + (z**3 + z) / (4 * df) + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * df**2)
    factor = widened * np.sqrt(20 / df)
    for title, own in found.items():
        best = own.values.index(own.best)
        for column, one in enumerate(own.values):
            if one is own.best:
                assert (one.behind, one.behind_interval) == (0, None)
                continue
            margin = factor * errors[title, best, column]
            assert one.behind_interval == pytest.approx((one.behind - margin, one.behind + margin), abs=1e-3)


def test_a_single_setting_has_the_scores_and_gaps_of_the_ranking():
    configurations = COUNTS[:3]
    [one] = effects({"Size": list("abc")}, configurations).settings
    ranked = {r.index: r for r in rank(configurations).ranked}
    for i, value in enumerate(one.values):
        assert value.score == pytest.approx(ranked[i].score)
        assert value.interval == pytest.approx(ranked[i].interval, abs=1e-6)
        if ranked[i].behind_interval is None:
            assert value.behind_interval is None
        else:
            assert value.behind_interval == pytest.approx(ranked[i].behind_interval, abs=1e-6)


def test_a_strong_setting_comes_first_and_is_significant_and_an_idle_one_is_not():
    found = effects(SETTINGS, COUNTS)
    assert [one.setting for one in found.settings] == ["Rate", "Size"]
    rate, size = found.settings
    assert (rate.best.value, rate.worst.value, rate.significant) == ("0.01", "0.1", True)
    assert rate.range == pytest.approx(rate.best.score - rate.worst.score)
    assert not size.significant
    assert (rate.combinations, rate.combinations_left_out, size.combinations) == (3, 0, 2)


def test_missing_runs_leave_out_the_combinations_that_not_all_values_share():
    """Rate 0.1 with size c is missing: Rate is compared over a and b only, so no value is ahead for its combinations."""
    kept = [i for i, combo in enumerate(COMBOS) if combo != ("0.1", "c")]
    settings = {name: [values[i] for i in kept] for name, values in SETTINGS.items()}
    found = by_setting(effects(settings, [COUNTS[i] for i in kept], n=100))
    scores = [np.mean([f1_score(TRUE, pred, average="macro") for pred in RUNS[i]]) for i in range(6)]
    rate = {one.value: one.score for one in found["Rate"].values}
    assert rate["0.1"] == pytest.approx(np.mean(scores[:2]))
    assert rate["0.01"] == pytest.approx(np.mean(scores[3:5]))
    assert (found["Rate"].combinations, found["Rate"].combinations_left_out) == (2, 1)
    size = {one.value: one.score for one in found["Size"].values}
    assert [size[value] for value in "abc"] == pytest.approx(scores[3:])


def test_a_value_without_a_common_combination_is_left_out():
    settings = {"A": ["1", "1", "2", "2", "3"], "B": ["x", "y", "x", "y", "z"]}
    part = main_effect_parts(settings, {})[0][0]
    assert (part.values, part.values_left_out, part.combinations) == (["1", "2"], ["3"], 2)
    assert part.weights.sum(axis=1) == pytest.approx([1, 1])


def test_settings_that_change_together_cannot_be_separated():
    assert main_effect_parts({"A": ["1", "2"], "B": ["x", "y"]}, {}) == ([], ["A", "B"])


def test_settings_of_one_network_are_compared_within_it_and_networks_with_their_own():
    settings = {
        "Network": ["spp", "spp", "spp", "spp", "plain", "plain"],
        "Kernels": ["2", "2", "3", "3", None, None],
        "Rate": ["1", "2", "1", "2", "1", "2"],
    }
    parts, unseparated = main_effect_parts(settings, {})
    network, kernels, rate = parts
    assert unseparated == []
    assert (network.values, network.with_own) == (["spp", "plain"], ["Kernels"])
    assert network.weights.tolist() == [[0.25] * 4 + [0, 0], [0] * 4 + [0.5, 0.5]]
    assert (kernels.values, kernels.combinations, kernels.with_own) == (["2", "3"], 2, [])
    assert kernels.weights.tolist() == [[0.5, 0.5, 0, 0, 0, 0], [0, 0, 0.5, 0.5, 0, 0]]
    assert (rate.values, rate.combinations) == (["1", "2"], 3)


def test_what_differs_with_the_network_alone_belongs_to_it():
    settings = {"Network": ["a", "b", "a", "b"], "Dropout": ["0.5", "0.2"] * 2, "Rate": ["1", "1", "2", "2"]}
    parts, unseparated = main_effect_parts(settings, {"Network": {"Dropout"}})
    assert [(part.setting, part.with_own) for part in parts] == [("Network", ["Dropout"]), ("Rate", [])]
    assert unseparated == []
    assert main_effect_parts(settings, {})[1] == ["Network", "Dropout"]


def test_an_effect_that_depends_on_another_setting_is_found_with_its_example():
    settings, combos = grid(Rate=["1", "2"], Size=["a", "b"], Idle=["x", "y"])
    skill = {("1", "a"): 0.9, ("2", "a"): 0.2, ("1", "b"): 0.2, ("2", "b"): 0.9}
    configurations = [counts(predictions(i, skill[combo[:2]])) for i, combo in enumerate(combos)]
    found = effects(settings, configurations)
    [one] = found.interactions
    assert {one.setting, one.other} == {"Rate", "Size"}
    assert found.interactions_tested == 3
    scores = {
        combo: f1_score(TRUE, predictions(i, skill[combo[:2]]), average="macro")
        for i, combo in enumerate(combos)
    }
    at_a, at_b = (
        np.mean([scores["2", size, idle] - scores["1", size, idle] for idle in "xy"]) for size in "ab"
    )
    assert (one.values, one.other_values) == (("1", "2"), ("a", "b"))
    assert one.changes == pytest.approx((at_a, at_b))
    assert one.difference == pytest.approx(at_b - at_a)
    assert one.interval[0] > 0


def test_independent_settings_show_no_dependence():
    """Over 40 grids of equal configurations, at most a few show a dependence, as 95% intervals over all of them allow."""
    wrong = 0
    for number in range(40):
        runs = [counts(predictions(1000 * number + i, 0.5)) for i in range(6)]
        wrong += bool(effects(SETTINGS, runs, n=500, seed=number).interactions)
    assert wrong <= 5


def test_too_many_contrasts_are_not_tested():
    settings, _ = grid(A=[str(i) for i in range(12)], B=[str(i) for i in range(12)])
    assert interaction_contrasts(settings, most=1000) is None
    assert len(interaction_contrasts(settings)) == 66 * 66


def test_effects_survive_json():
    found = effects(SETTINGS, COUNTS, n=100)
    assert Effects.from_dict(json.loads(json.dumps(asdict(found)))) == found


def test_no_settings_have_no_effects():
    assert effects({}, COUNTS, n=100) == Effects([], [], [], 0)
    assert effects({"Rate": ["1"] * 6}, COUNTS, n=100).settings == []


@pytest.mark.parametrize(
    ("settings", "configurations", "words"),
    [
        ({"Rate": ["1", "2"]}, COUNTS[:3], "“Rate” has 2 values, but there are 3 configurations"),
        ({}, [], "no configuration"),
        ({"Rate": ["1", "2"]}, [np.ones((1, 1, 3, 3), int)] * 2, "at least two subjects"),
    ],
)
def test_what_cannot_be_averaged_is_refused(settings, configurations, words):
    with pytest.raises(InputError, match=words):
        effects(settings, configurations)
