import hashlib
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from models_ml.config import RunConfig
from models_ml.errors import InputError
from models_ml.evaluation.metrics import CLASSES
from models_ml.training import engine
from models_ml.training.determinism import reproducible
from models_ml.training.engine import (
    Cancelled,
    Data,
    Epoch,
    FoldResult,
    FoldTask,
    fit_all,
    train_pack,
)
from models_ml.training.folds import FoldSpec, loso
from models_ml.training.local import Workers, train_folds
from models_ml.training.losses import Loss, class_weights
from models_ml.training.packed import input_scale

ROOT = Path(__file__).resolve().parents[2]

QUICK = RunConfig.model_validate({"net": {"width": 0.05}, "train": {"epochs": 3, "batch_size": 8}})
RICH: dict[str, Any] = {
    "flip": True, "shift": 0.1, "rotate": 10, "amplitude": 0.3, "mixup": 0.4, "sampling": "balanced", "loss": "focal",
    "label_smoothing": 0.1, "ema": 0.9, "warmup": 1, "schedule": "step",
}  # fmt: skip


def motion(seed: int, classes: list[int]) -> NDArray[np.float32]:
    """Noise, and a patch of motion up or down whose place tells the class. (N, 3, 28, 28) float32."""
    features = np.random.default_rng(seed).normal(size=(len(classes), 3, 28, 28)).astype(np.float32)
    for sample, label in zip(features, classes, strict=True):
        sample[1, 8 * label : 8 * label + 8, 8:20] += 2
    return features


def made_data() -> Data:
    classes = [0, 1, 2, 0, 1, 2, 0, 0] * 3
    return Data(motion(0, classes), np.array(classes), [f"s{i % 4}" for i in range(len(classes))])


@pytest.fixture(scope="module")
def data() -> Data:
    return made_data()


def with_train(config: RunConfig = QUICK, **changes: Any) -> RunConfig:
    return RunConfig.model_validate(config.model_dump() | {"train": config.train.model_dump() | changes})


def train(data: Data, config: RunConfig, *folds: int) -> list[FoldResult]:
    """The folds of leave-one-subject-out in one pack; all of them without numbers."""
    plan = loso(data.subjects)
    wanted = [plan[i] for i in folds] if folds else plan
    results = train_pack(data, plan, [FoldTask(config, fold) for fold in wanted])
    assert all(isinstance(result, FoldResult) for result in results), results
    return results  # type: ignore[return-value]


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


def test_it_learns_and_predicts_the_held_out_subject(data: Data) -> None:
    fold = loso(data.subjects)[1]
    [result] = train(data, with_train(epochs=25, learning_rate=3e-3), 1)
    assert result.probabilities.shape == (len(fold.test), 3)
    assert result.probabilities.dtype == np.float64
    assert np.allclose(result.probabilities.sum(axis=1), 1)
    assert (result.probabilities.argmax(axis=1) == data.labels[list(fold.test)]).all()
    assert result.losses[-1] < 0.5 < result.losses[0]
    assert (result.epoch, result.validation_losses, result.oracle) == (25, [], None)


@pytest.mark.parametrize(
    "changes", [{}, RICH, {"epoch_choice": "validation", "oracle": True}], ids=["plain", "rich", "nested"]
)
def test_the_held_out_subject_influences_nothing(data: Data, changes: dict[str, Any]) -> None:
    fold = loso(data.subjects)[0]
    test = list(fold.test)
    rng = np.random.default_rng(8)
    features, labels = data.features.copy(), data.labels.copy()
    features[test] = rng.normal(scale=50, size=features[test].shape)
    labels[test] = rng.integers(len(CLASSES), size=len(test))

    config = with_train(**changes)
    [honest, _] = train(data, config, 0, 2)
    [again, _] = train(Data(features, labels, data.subjects), config, 0, 2)

    assert again.model.save_bytes() == honest.model.save_bytes()
    assert again.losses == honest.losses
    assert again.validation_losses == honest.validation_losses
    assert not np.array_equal(again.probabilities, honest.probabilities)


@pytest.mark.parametrize(
    "changes", [{}, RICH, {"epoch_choice": "validation"}], ids=["plain", "rich", "nested"]
)
@pytest.mark.parametrize("net", [{"width": 0.05}, {"name": "ststnet"}], ids=["vgg", "batch-norm"])
def test_a_pack_of_folds_is_the_folds_one_by_one(
    data: Data, net: dict[str, Any], changes: dict[str, Any]
) -> None:
    config = RunConfig.model_validate(with_train(**changes).model_dump() | {"net": net, "ensemble": 2})
    together = train(data, config)
    for i, packed in enumerate(together):
        [alone] = train(data, config, i)
        assert packed.losses == pytest.approx(alone.losses, abs=1e-5)
        assert packed.epoch == alone.epoch
        assert (packed.probabilities.argmax(axis=1) == alone.probabilities.argmax(axis=1)).all()
        theirs = alone.model.network.state_dict()
        for name, tensor in packed.model.network.state_dict().items():
            assert (tensor - theirs[name]).abs().max() < 1e-5, name


def test_configurations_that_differ_in_the_free_settings_share_a_pack(data: Data) -> None:
    plan = loso(data.subjects)
    configs = [
        with_train(),
        with_train(learning_rate=1e-4, label_smoothing=0.2),
        with_train(loss="focal", class_weights="none"),
    ]
    together = train_pack(data, plan, [FoldTask(config, plan[3]) for config in configs])
    for config, packed in zip(configs, together, strict=True):
        [alone] = train(data, config, 3)
        assert isinstance(packed, FoldResult)
        assert packed.losses == pytest.approx(alone.losses, abs=1e-5)
        assert np.allclose(packed.probabilities, alone.probabilities, atol=1e-5)
        assert packed.model.config == config


def test_one_that_diverges_harms_no_other_of_its_pack(data: Data) -> None:
    plan = loso(data.subjects)
    sgd = RunConfig.model_validate({"net": {"dropout": 0}, "train": {"optimizer": "sgd", "epochs": 20}})
    wild, calm = with_train(sgd, learning_rate=1), with_train(sgd, learning_rate=1e-3)
    failed, kept = train_pack(data, plan, [FoldTask(wild, plan[2]), FoldTask(calm, plan[2])])
    assert isinstance(failed, InputError)
    assert "fold s2, epoch" in str(failed)
    assert "Choose a learning rate below 1" in str(failed)
    assert isinstance(kept, FoldResult)
    assert np.isfinite(kept.probabilities).all()


@pytest.fixture
def small_memory(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Makes the device's memory hold so many folds and no more."""
    begin = engine.Training.__init__

    def limit(most: int) -> None:
        def small(self: engine.Training, data: Data, plan: Any, tasks: Any, place: torch.device) -> None:
            if len(tasks) > most:
                raise torch.OutOfMemoryError("CUDA out of memory")
            begin(self, data, plan, tasks, place)

        monkeypatch.setattr(engine.Training, "__init__", small)

    return limit


def test_what_the_memory_does_not_hold_is_trained_in_parts(
    data: Data, small_memory: Callable[[int], None]
) -> None:
    together = train(data, QUICK)
    small_memory(2)
    for whole, part in zip(together, train(data, QUICK), strict=True):
        assert np.allclose(whole.probabilities, part.probabilities, atol=1e-5)
    small_memory(0)
    with pytest.raises(InputError, match=r"memory of \w+ does not hold one fold .* batches of 8"):
        train(data, QUICK, 0)


def test_different_shapes_do_not_share_a_pack(data: Data) -> None:
    plan = loso(data.subjects)
    other = QUICK.model_copy(update={"seed": 1})
    with pytest.raises(InputError, match="same pack key"):
        train_pack(data, plan, [FoldTask(QUICK, plan[0]), FoldTask(other, plan[0])])


def test_the_same_run_gives_the_same_bits(data: Data) -> None:
    config = with_train(**RICH)
    one, two = train(data, config), train(data, config)
    for a, b in zip(one, two, strict=True):
        assert a.model.save_bytes() == b.model.save_bytes()
        assert a.probabilities.tobytes() == b.probabilities.tobytes()


def test_the_number_of_threads_outside_changes_no_bit(data: Data) -> None:
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


def test_another_process_gives_the_same_bits(data: Data) -> None:
    code = (
        "import hashlib, tests.unit.test_training as t\n"
        "model = t.fit_all(t.made_data(), t.QUICK)\n"
        "print(hashlib.sha256(model.save_bytes()).hexdigest())"
    )
    other = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
        env={"OMP_NUM_THREADS": "2"},
    )
    assert other.stdout.strip() == hashlib.sha256(fit_all(data, QUICK).save_bytes()).hexdigest()


def test_seeds_folds_and_networks_of_an_ensemble_have_streams_of_their_own(data: Data) -> None:
    fold = FoldSpec("s0", tuple(range(20)), (20, 21))
    other = FoldSpec("s1", fold.train, fold.test)

    def weights(config: RunConfig, fold: FoldSpec) -> bytes:
        [result] = train_pack(data, [fold], [FoldTask(config, fold)])
        assert isinstance(result, FoldResult)
        return result.model.save_bytes()

    seeds = [QUICK, QUICK.model_copy(update={"seed": 1})]
    assert len({weights(seeds[0], fold), weights(seeds[1], fold), weights(seeds[0], other)}) == 3
    ensemble = fit_all(data, QUICK.model_copy(update={"ensemble": 2})).network.get_parameter(
        "classify.weight"
    )
    assert not torch.equal(ensemble[0], ensemble[1])


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
def test_every_training_setting_has_an_effect(data: Data, change: dict[str, Any]) -> None:
    plain, other = train(data, with_train(), 0)[0], train(data, with_train(**change), 0)[0]
    assert not np.array_equal(plain.probabilities, other.probabilities)


def test_the_epoch_with_the_smallest_validation_loss_counts(data: Data) -> None:
    """What it leaves is what training for just so long leaves, where the schedule does not look ahead."""
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


def test_the_oracle_is_recorded_and_changes_nothing(data: Data) -> None:
    [plain], [watched] = train(data, QUICK, 0), train(data, with_train(oracle=True), 0)
    assert watched.oracle is not None
    assert watched.oracle.shape == (3, len(loso(data.subjects)[0].test))
    assert (watched.oracle[-1] == watched.probabilities.argmax(axis=1)).all()
    assert watched.probabilities.tobytes() == plain.probabilities.tobytes()


def test_jittered_apexes_are_trained_on_and_never_tested_on(data: Data) -> None:
    config = with_train(apex_jitter=2)
    jittered = data.features[None] + 0.5
    moved = Data(data.features, data.labels, data.subjects, jittered)
    [plain], [other] = train(data, config, 0), train(moved, config, 0)
    assert other.model.save_bytes() != plain.model.save_bytes()
    test = list(loso(data.subjects)[0].test)
    assert np.allclose(other.probabilities, other.model.predict(data.features[test]), atol=1e-6)


def test_an_ensemble_predicts_the_mean_of_its_networks(data: Data) -> None:
    [result] = train(data, QUICK.model_copy(update={"ensemble": 3}), 0)
    test = list(loso(data.subjects)[0].test)
    with torch.inference_mode():
        each = result.model.network(torch.from_numpy(data.features[test])).double().softmax(dim=2)
    assert each.shape[1] == 3
    assert np.allclose(result.probabilities, each.mean(dim=1).numpy(), atol=1e-6)


def test_a_fold_that_lacks_a_class_in_training_still_works(data: Data) -> None:
    labels = data.labels
    fold = FoldSpec(
        "s", tuple(np.flatnonzero(labels != 2).tolist()), tuple(np.flatnonzero(labels == 2).tolist())
    )
    [result] = train_pack(data, [fold], [FoldTask(QUICK, fold)])
    assert isinstance(result, FoldResult)
    assert np.isfinite(result.losses).all()
    assert np.isfinite(result.probabilities).all()


def test_a_batch_of_nothing_but_held_out_samples_moves_nothing(data: Data) -> None:
    """With batches of one sample a held-out one is a batch of its own: no weight decay, no momentum, no statistics."""
    config = RunConfig.model_validate({"net": {"name": "ststnet"}, "train": {"epochs": 1, "batch_size": 1}})
    fold = FoldSpec("s", (0,), tuple(range(1, 24)))
    everybody = FoldSpec("all", tuple(range(24)), ())
    [alone] = train_pack(data, [fold], [FoldTask(with_train(config, schedule="constant"), fold)])
    [among] = train_pack(
        data, [everybody], [FoldTask(with_train(config, schedule="constant", flip=False), fold)]
    )
    assert isinstance(alone, FoldResult)
    assert isinstance(among, FoldResult)
    assert among.model.network.state_dict()["norm.running_mean"].abs().max() > 0
    assert np.isfinite(among.probabilities).all()


def test_epochs_are_reported(data: Data) -> None:
    seen: list[Epoch] = []
    fit_all(data, QUICK, on_epoch=seen.append)
    assert [epoch.number for epoch in seen] == [1, 2, 3]
    assert all(len(epoch.losses) == 1 and epoch.losses[0] > 0 for epoch in seen)


def test_it_stops_when_asked_within_an_epoch(data: Data) -> None:
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
        (FoldSpec("x", (), (1,)), "fold x has no training samples"),
        (FoldSpec("x", (0, 1), (1, 2)), "sample 1 is both trained on and tested in fold x"),
    ],
)
def test_unusable_folds_are_refused(data: Data, fold: FoldSpec, words: str) -> None:
    with pytest.raises(InputError, match=words):
        train_pack(data, [fold], [FoldTask(QUICK, fold)])


def test_unusable_features_and_labels_are_refused(data: Data) -> None:
    def fit(features: NDArray[Any], labels: NDArray[Any]) -> None:
        fit_all(Data(features, labels, data.subjects), QUICK)

    with pytest.raises(InputError, match=r"shape \(samples, 3, 28, 28\).*are float64"):
        fit(data.features.astype(np.float64), data.labels)
    with pytest.raises(InputError, match=r"\(24, 3, 28, 14\)"):
        fit(data.features[..., :14], data.labels)
    spoilt = data.features.copy()
    spoilt[5, 0, 0, 0] = np.nan
    with pytest.raises(InputError, match="sample 5 hold values that are not finite"):
        fit(spoilt, data.labels)
    with pytest.raises(InputError, match="label 3 of sample 2 is not one of 0 to 2"):
        fit(data.features, data.labels + 1)
    with pytest.raises(InputError, match="there are 24 samples, labels of int64 and shape"):
        fit(data.features, data.labels[:-1])
    with pytest.raises(InputError, match="no samples"):
        fit(data.features[:0], data.labels[:0])


def test_balanced_weights_give_each_class_the_same_total() -> None:
    labels = np.array([0] * 6 + [1] * 3 + [2])
    totals = class_weights(labels, "balanced") * torch.tensor([6.0, 3.0, 1.0])
    assert torch.allclose(totals, totals[:1].expand(3))
    assert totals.sum().item() == pytest.approx(len(labels))


def test_the_loss_is_that_of_torch_and_of_the_focal_paper() -> None:
    logits, labels = torch.linspace(-2, 3, 30).cos().view(5, 2, 3), torch.tensor([0, 1, 2, 0, 1])
    weights = torch.tensor([[1.0, 2.0, 0.5], [1.0, 1.0, 1.0]])
    settings = [with_train(label_smoothing=0.0).train, with_train(loss="focal", focal_gamma=2).train]
    loss = Loss(settings, weights)(logits, torch.nn.functional.one_hot(labels, 3).float())
    plain = torch.nn.functional.cross_entropy(logits[:, 0], labels, weights[0], reduction="none")
    chance = logits[:, 1].softmax(dim=1)[torch.arange(5), labels]
    assert torch.allclose(loss[:, 0], plain, atol=1e-6)
    assert torch.allclose(loss[:, 1], -((1 - chance) ** 2) * chance.log(), atol=1e-6)


def test_the_scale_of_the_input_keeps_stillness_at_zero() -> None:
    features = motion(3, [0, 1, 2]) * 5 + 2
    scaled = features / input_scale(features).numpy()[:, None, None]
    assert np.square(scaled).mean(axis=(0, 2, 3)).tolist() == pytest.approx([1, 1, 1], abs=1e-5)


def test_settings_are_put_back_after_an_error() -> None:
    threads = torch.get_num_threads()
    with pytest.raises(RuntimeError), reproducible(torch.device("cpu")):
        raise RuntimeError
    assert torch.get_num_threads() == threads


def test_processes_share_out_the_folds_and_find_the_same(data: Data) -> None:
    with Workers(data, processes=2) as pool:
        shared = train_folds(pool, loso(data.subjects), QUICK)
    for one, other in zip(train(data, QUICK), shared, strict=True):
        assert np.allclose(one.probabilities, other.probabilities, atol=1e-5)
