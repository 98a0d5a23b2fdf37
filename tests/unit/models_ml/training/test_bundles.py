"""Folds of a bundle: none knows of what it holds out, nor of its neighbours, and the same run gives the same bits."""

import hashlib
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from models_ml.config import RunConfig
from models_ml.errors import InputError
from models_ml.evaluation.metrics import CLASSES
from models_ml.training import engine
from models_ml.training.engine import (
    FoldResult,
    FoldTask,
    TrainingData,
    fit_all,
    train_bundle,
)
from models_ml.training.folds import FoldSpec, loso
from models_ml.training.local import TrainingProcesses, train_folds
from tests.unit.models_ml.training.cases import QUICK, RICH, made_data, train, with_train

ROOT = Path(__file__).resolve().parents[4]


@pytest.fixture(scope="module")
def data() -> TrainingData:
    return made_data()


@pytest.mark.parametrize(
    "changes", [{}, RICH, {"epoch_choice": "validation", "oracle": True}], ids=["plain", "rich", "nested"]
)
def test_the_held_out_subject_influences_nothing(data: TrainingData, changes: dict[str, Any]) -> None:
    fold = loso(data.subjects)[0]
    test = list(fold.test)
    rng = np.random.default_rng(8)
    features, labels = data.features.copy(), data.labels.copy()
    features[test] = rng.normal(scale=50, size=features[test].shape)
    labels[test] = rng.integers(len(CLASSES), size=len(test))

    config = with_train(**changes)
    [honest, _] = train(data, config, 0, 2)
    [again, _] = train(TrainingData(features, labels, data.subjects), config, 0, 2)

    assert again.model.save_bytes() == honest.model.save_bytes()
    assert again.losses == honest.losses
    assert again.validation_losses == honest.validation_losses
    assert not np.array_equal(again.probabilities, honest.probabilities)


@pytest.mark.parametrize(
    "changes", [{}, RICH, {"epoch_choice": "validation"}], ids=["plain", "rich", "nested"]
)
@pytest.mark.parametrize("net", [{"width": 0.05}, {"name": "ststnet"}], ids=["vgg", "batch-norm"])
def test_a_bundle_equals_its_folds_trained_one_by_one(
    data: TrainingData, net: dict[str, Any], changes: dict[str, Any]
) -> None:
    config = RunConfig.model_validate(with_train(**changes).model_dump() | {"net": net, "ensemble": 2})
    together = train(data, config)
    for i, bundled in enumerate(together):
        [alone] = train(data, config, i)
        assert bundled.losses == pytest.approx(alone.losses, abs=1e-5)
        assert bundled.epoch == alone.epoch
        assert (bundled.probabilities.argmax(axis=1) == alone.probabilities.argmax(axis=1)).all()
        theirs = alone.model.network.state_dict()
        for name, tensor in bundled.model.network.state_dict().items():
            assert (tensor - theirs[name]).abs().max() < 1e-5, name


def test_configurations_that_differ_in_the_free_settings_share_a_bundle(data: TrainingData) -> None:
    plan = loso(data.subjects)
    configs = [
        with_train(),
        with_train(learning_rate=1e-4, label_smoothing=0.2),
        with_train(loss="focal", class_weights="none"),
    ]
    together = train_bundle(data, plan, [FoldTask(config, plan[3]) for config in configs])
    for config, bundled in zip(configs, together, strict=True):
        [alone] = train(data, config, 3)
        assert isinstance(bundled, FoldResult)
        assert bundled.losses == pytest.approx(alone.losses, abs=1e-5)
        assert np.allclose(bundled.probabilities, alone.probabilities, atol=1e-5)
        assert bundled.model.config == config


def test_a_fold_that_diverges_does_not_disturb_its_bundle(data: TrainingData) -> None:
    plan = loso(data.subjects)
    sgd = RunConfig.model_validate({"net": {"dropout": 0}, "train": {"optimizer": "sgd", "epochs": 20}})
    wild, calm = with_train(sgd, learning_rate=1), with_train(sgd, learning_rate=1e-3)
    failed, kept = train_bundle(data, plan, [FoldTask(wild, plan[2]), FoldTask(calm, plan[2])])
    assert isinstance(failed, InputError)
    assert "fold s2, epoch" in str(failed)
    assert "Choose a learning rate below 1" in str(failed)
    assert isinstance(kept, FoldResult)
    assert np.isfinite(kept.probabilities).all()


@pytest.fixture
def small_memory(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Limit how many folds the device's memory holds."""
    begin = engine.BundleTraining.__init__

    def limit(most: int) -> None:
        def small(
            self: engine.BundleTraining, data: TrainingData, plan: Any, tasks: Any, device: torch.device
        ) -> None:
            if len(tasks) > most:
                raise torch.OutOfMemoryError("CUDA out of memory")
            begin(self, data, plan, tasks, device)

        monkeypatch.setattr(engine.BundleTraining, "__init__", small)

    return limit


def test_a_bundle_that_exceeds_the_memory_is_trained_in_halves(
    data: TrainingData, small_memory: Callable[[int], None]
) -> None:
    together = train(data, QUICK)
    small_memory(2)
    for whole, part in zip(together, train(data, QUICK), strict=True):
        assert np.allclose(whole.probabilities, part.probabilities, atol=1e-5)
    small_memory(0)
    with pytest.raises(InputError, match=r"memory of \w+ does not hold one fold .* batches of 8"):
        train(data, QUICK, 0)


def test_different_shapes_do_not_share_a_bundle(data: TrainingData) -> None:
    plan = loso(data.subjects)
    other = QUICK.model_copy(update={"seed": 1})
    with pytest.raises(InputError, match="same bundle key"):
        train_bundle(data, plan, [FoldTask(QUICK, plan[0]), FoldTask(other, plan[0])])


def test_the_same_run_gives_the_same_bits(data: TrainingData) -> None:
    config = with_train(**RICH)
    one, two = train(data, config), train(data, config)
    for a, b in zip(one, two, strict=True):
        assert a.model.save_bytes() == b.model.save_bytes()
        assert a.probabilities.tobytes() == b.probabilities.tobytes()


def test_the_number_of_threads_changes_no_bit(data: TrainingData) -> None:
    before = torch.get_num_threads()
    results = []
    try:
        for threads in (1, 2):
            torch.set_num_threads(threads)
            results.append(train(data, QUICK, 0)[0].model.save_bytes())
            assert torch.get_num_threads() == threads
    finally:
        torch.set_num_threads(before)
    assert results[0] == results[1]


def test_another_process_gives_the_same_bits(data: TrainingData) -> None:
    code = (
        "import hashlib, tests.unit.models_ml.training.cases as t\n"
        "from models_ml.training.engine import fit_all\n"
        "model = fit_all(t.made_data(), t.QUICK)\n"
        "print(hashlib.sha256(model.save_bytes()).hexdigest())"
    )
    other = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
        env={**os.environ, "OMP_NUM_THREADS": "2"},  # the same instructions, another number of threads
    )
    assert other.stdout.strip() == hashlib.sha256(fit_all(data, QUICK).save_bytes()).hexdigest()


def test_seeds_folds_and_networks_of_an_ensemble_have_their_own_streams(data: TrainingData) -> None:
    fold = FoldSpec("s0", tuple(range(20)), (20, 21))
    other = FoldSpec("s1", fold.train, fold.test)

    def weights(config: RunConfig, fold: FoldSpec) -> bytes:
        [result] = train_bundle(data, [fold], [FoldTask(config, fold)])
        assert isinstance(result, FoldResult)
        return result.model.save_bytes()

    seeds = [QUICK, QUICK.model_copy(update={"seed": 1})]
    assert len({weights(seeds[0], fold), weights(seeds[1], fold), weights(seeds[0], other)}) == 3
    ensemble = fit_all(data, QUICK.model_copy(update={"ensemble": 2})).network.get_parameter(
        "classify.weight"
    )
    assert not torch.equal(ensemble[0], ensemble[1])


def test_a_batch_of_held_out_samples_changes_nothing(data: TrainingData) -> None:
    """In a batch of one held-out sample there is no weight decay, no momentum and no statistics."""
    config = RunConfig.model_validate({"net": {"name": "ststnet"}, "train": {"epochs": 1, "batch_size": 1}})
    fold = FoldSpec("s", (0,), tuple(range(1, 24)))
    everybody = FoldSpec("all", tuple(range(24)), ())
    [alone] = train_bundle(data, [fold], [FoldTask(with_train(config, schedule="constant"), fold)])
    [among] = train_bundle(
        data, [everybody], [FoldTask(with_train(config, schedule="constant", flip=False), fold)]
    )
    assert isinstance(alone, FoldResult)
    assert isinstance(among, FoldResult)
    assert among.model.network.state_dict()["norm.running_mean"].abs().max() > 0
    assert np.isfinite(among.probabilities).all()


def test_several_processes_give_the_same_results(data: TrainingData) -> None:
    with TrainingProcesses(data, processes=2) as pool:
        shared = train_folds(pool, loso(data.subjects), QUICK)
    for one, other in zip(train(data, QUICK), shared, strict=True):
        assert np.allclose(one.probabilities, other.probabilities, atol=1e-5)
