"""The effect of each training setting, and the input that training refuses."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from models_ml.errors import InputError
from models_ml.training.bundle import input_scale
from models_ml.training.determinism import reproducible
from models_ml.training.engine import (
    Cancelled,
    EpochReport,
    FoldResult,
    FoldTask,
    TrainingData,
    fit_all,
    train_bundle,
)
from models_ml.training.folds import FoldSpec, loso
from tests.unit.models_ml.training.cases import QUICK, RICH, made_data, motion, train, with_train


@pytest.fixture(scope="module")
def data() -> TrainingData:
    return made_data()


@pytest.fixture(autouse=True)
def _settings_are_put_back() -> Iterator[None]:
    before = (
        torch.get_num_threads(),
        torch.are_deterministic_algorithms_enabled(),
        torch.random.get_rng_state(),
    )
    yield
    assert (torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()) == before[:2]
    assert torch.equal(torch.random.get_rng_state(), before[2]), "training drew from the global random stream"


def test_a_network_learns_and_predicts_the_held_out_subject(data: TrainingData) -> None:
    fold = loso(data.subjects)[1]
    [result] = train(data, with_train(epochs=25, learning_rate=3e-3), 1)
    assert result.probabilities.shape == (len(fold.test), 3)
    assert result.probabilities.dtype == np.float64
    assert np.allclose(result.probabilities.sum(axis=1), 1)
    assert (result.probabilities.argmax(axis=1) == data.labels[list(fold.test)]).all()
    assert result.losses[-1] < 0.5 < result.losses[0]
    assert (result.epoch, result.validation_losses, result.oracle) == (25, [], None)


@pytest.mark.parametrize(
    "change",
    [
        {"flip": False},
        {"class_weights": "none"},
        {"optimizer": "sgd"},
        {"weight_decay": 0.5},
        {"batch_size": 5},
        *({name: value} for name, value in RICH.items() if name not in ("flip", "loss")),
        {"loss": "focal"},
        {"schedule": "constant"},
    ],
    ids=str,
)
def test_every_training_setting_has_an_effect(data: TrainingData, change: dict[str, Any]) -> None:
    plain, other = train(data, with_train(), 0)[0], train(data, with_train(**change), 0)[0]
    assert not np.array_equal(plain.probabilities, other.probabilities)


def test_the_epoch_with_the_smallest_validation_loss_counts(data: TrainingData) -> None:
    """The network equals one that is trained for just this many epochs, with a schedule that does not depend on them."""
    changes: dict[str, Any] = {
        "epoch_choice": "validation",
        "schedule": "constant",
        "learning_rate": 0.03,
        "epochs": 5,
    }
    [chosen] = train(data, with_train(**changes), 1)
    assert chosen.epoch == int(np.argmin(chosen.validation_losses)) + 1 < 5
    [short] = train(data, with_train(**changes | {"epochs": chosen.epoch}), 1)
    assert short.model.network.state_dict()["classify.weight"].equal(
        chosen.model.network.state_dict()["classify.weight"]
    )


def test_the_oracle_is_recorded_and_changes_nothing(data: TrainingData) -> None:
    [plain], [watched] = train(data, QUICK, 0), train(data, with_train(oracle=True), 0)
    assert watched.oracle is not None
    assert watched.oracle.shape == (3, len(loso(data.subjects)[0].test))
    assert (watched.oracle[-1] == watched.probabilities.argmax(axis=1)).all()
    assert watched.probabilities.tobytes() == plain.probabilities.tobytes()


def test_jittered_apexes_are_trained_on_and_never_tested_on(data: TrainingData) -> None:
    config = with_train(apex_jitter=2)
    jittered = data.features[None] + 0.5
    moved = TrainingData(data.features, data.labels, data.subjects, jittered)
    [plain], [other] = train(data, config, 0), train(moved, config, 0)
    assert other.model.save_bytes() != plain.model.save_bytes()
    test = list(loso(data.subjects)[0].test)
    assert np.allclose(other.probabilities, other.model.predict(data.features[test]), atol=1e-6)


def test_an_ensemble_predicts_the_mean_of_its_networks(data: TrainingData) -> None:
    [result] = train(data, QUICK.model_copy(update={"ensemble": 3}), 0)
    test = list(loso(data.subjects)[0].test)
    with torch.inference_mode():
        each = result.model.network(torch.from_numpy(data.features[test])).double().softmax(dim=2)
    assert each.shape[1] == 3
    assert np.allclose(result.probabilities, each.mean(dim=1).numpy(), atol=1e-6)


def test_a_fold_without_a_class_in_training_works(data: TrainingData) -> None:
    labels = data.labels
    fold = FoldSpec(
        "s", tuple(np.flatnonzero(labels != 2).tolist()), tuple(np.flatnonzero(labels == 2).tolist())
    )
    [result] = train_bundle(data, [fold], [FoldTask(QUICK, fold)])
    assert isinstance(result, FoldResult)
    assert np.isfinite(result.losses).all()
    assert np.isfinite(result.probabilities).all()


def test_epochs_are_reported(data: TrainingData) -> None:
    seen: list[EpochReport] = []
    fit_all(data, QUICK, on_epoch=seen.append)
    assert [epoch.number for epoch in seen] == [1, 2, 3]
    assert all(len(epoch.losses) == 1 and epoch.losses[0] > 0 for epoch in seen)


def test_training_stops_before_the_next_epoch_when_asked(data: TrainingData) -> None:
    seen: list[int] = []
    with pytest.raises(Cancelled, match="before epoch 3"):
        fit_all(
            data,
            QUICK,
            on_epoch=lambda epoch: seen.append(epoch.number),
            should_stop=lambda: len(seen) == 2,
        )
    assert seen == [1, 2]


@pytest.mark.parametrize(
    ("fold", "words"),
    [
        (FoldSpec("x", (), (1,)), "Fold x has no training samples"),
        (FoldSpec("x", (0, 1), (1, 2)), "Sample 1 is both trained on and tested in fold x"),
    ],
)
def test_unusable_folds_are_refused(data: TrainingData, fold: FoldSpec, words: str) -> None:
    with pytest.raises(InputError, match=words):
        train_bundle(data, [fold], [FoldTask(QUICK, fold)])


def test_unusable_features_and_labels_are_refused(data: TrainingData) -> None:
    def fit(features: NDArray[Any], labels: NDArray[Any]) -> None:
        fit_all(TrainingData(features, labels, data.subjects), QUICK)

    with pytest.raises(InputError, match=r"shape \(samples, 3, 28, 28\).*are float64"):
        fit(data.features.astype(np.float64), data.labels)
    with pytest.raises(InputError, match=r"\(24, 3, 28, 14\)"):
        fit(data.features[..., :14], data.labels)
    spoilt = data.features.copy()
    spoilt[5, 0, 0, 0] = np.nan
    with pytest.raises(InputError, match="sample 5 contain values that are not finite"):
        fit(spoilt, data.labels)
    with pytest.raises(InputError, match="Label 3 of sample 2 must be 0 to 2"):
        fit(data.features, data.labels + 1)
    with pytest.raises(InputError, match="There are 24 samples, labels of int64 and shape"):
        fit(data.features, data.labels[:-1])
    with pytest.raises(InputError, match="no samples"):
        fit(data.features[:0], data.labels[:0])


def test_the_scale_of_the_input_keeps_no_motion_at_zero() -> None:
    features = motion(3, [0, 1, 2]) * 5 + 2
    scaled = features / input_scale(features).numpy()[:, None, None]
    assert np.square(scaled).mean(axis=(0, 2, 3)).tolist() == pytest.approx([1, 1, 1], abs=1e-5)


def test_settings_are_restored_after_an_error() -> None:
    threads = torch.get_num_threads()
    with pytest.raises(RuntimeError), reproducible(torch.device("cpu")):
        raise RuntimeError
    assert torch.get_num_threads() == threads
