import hashlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from models_ml.config import RunConfig
from models_ml.errors import InputError
from models_ml.evaluation.metrics import CLASSES
from models_ml.training.determinism import reproducible
from models_ml.training.engine import Cancelled, class_weights, fit_all, mirror, train_fold
from models_ml.training.folds import FoldSpec, loso
from models_ml.training.model import Normalisation

ROOT = Path(__file__).resolve().parents[2]
Samples = tuple[NDArray[np.float32], NDArray[np.int64], list[str]]

QUICK = RunConfig.model_validate(
    {"net": {"width": 0.05}, "train": {"epochs": 3, "batch_size": 8}, "features": {"size": 28}}
)


def motion(seed: int, classes: list[int]) -> NDArray[np.float32]:
    """Noise, and a patch of motion up or down whose place tells the class. (N, 3, 28, 28) float32."""
    features = np.random.default_rng(seed).normal(size=(len(classes), 3, 28, 28)).astype(np.float32)
    for sample, label in zip(features, classes, strict=True):
        sample[1, 8 * label : 8 * label + 8, 8:20] += 2
    return features


@pytest.fixture(scope="module")
def samples() -> Samples:
    classes = [0, 1, 2, 0, 1, 2, 0, 0] * 3
    return motion(0, classes), np.array(classes), [f"s{i % 4}" for i in range(len(classes))]


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


def test_it_learns_and_predicts_the_held_out_subject(samples: Samples) -> None:
    features, labels, subjects = samples
    train = QUICK.train.model_copy(update={"epochs": 25, "learning_rate": 3e-3})
    config = QUICK.model_copy(update={"train": train})
    fold = loso(subjects)[1]
    result = train_fold(features, labels, fold, config)
    assert result.probabilities.shape == (len(fold.test), 3)
    assert result.probabilities.dtype == np.float64
    assert np.allclose(result.probabilities.sum(axis=1), 1)
    assert (result.probabilities.argmax(axis=1) == labels[list(fold.test)]).all()
    assert result.losses[-1] < 0.5 < result.losses[0]


def test_the_held_out_subject_influences_nothing(samples: Samples) -> None:
    features, labels, subjects = samples
    fold = loso(subjects)[0]
    test = list(fold.test)
    rng = np.random.default_rng(8)
    altered, relabelled = features.copy(), labels.copy()
    altered[test] = rng.normal(scale=50, size=altered[test].shape)
    relabelled[test] = rng.integers(len(CLASSES), size=len(test))

    honest = train_fold(features, labels, fold, QUICK)
    again = train_fold(altered, relabelled, fold, QUICK)

    assert again.model.save_bytes() == honest.model.save_bytes()
    assert again.losses == honest.losses
    assert not np.array_equal(again.probabilities, honest.probabilities)


def test_the_same_run_gives_the_same_bits_in_any_fold_order(samples: Samples) -> None:
    features, labels, subjects = samples
    folds = loso(subjects)
    forward = {fold.name: train_fold(features, labels, fold, QUICK) for fold in folds}
    backward = {fold.name: train_fold(features, labels, fold, QUICK) for fold in reversed(folds)}
    for name, result in forward.items():
        assert result.model.save_bytes() == backward[name].model.save_bytes()
        assert result.probabilities.tobytes() == backward[name].probabilities.tobytes()


def test_the_number_of_threads_outside_changes_no_bit(samples: Samples) -> None:
    features, labels, subjects = samples
    fold = loso(subjects)[0]
    before = torch.get_num_threads()
    results = []
    try:
        for threads in (1, 2):
            torch.set_num_threads(threads)
            results.append(train_fold(features, labels, fold, QUICK).model.save_bytes())
            assert torch.get_num_threads() == threads
    finally:
        torch.set_num_threads(before)
    assert results[0] == results[1]


def test_another_process_gives_the_same_bits(samples: Samples) -> None:
    code = (
        "import hashlib, numpy, tests.unit.test_training as t\n"
        "classes = [0, 1, 2, 0, 1, 2, 0, 0] * 3\n"
        "model = t.fit_all(t.motion(0, classes), numpy.array(classes), t.QUICK)\n"
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
    here = fit_all(samples[0], samples[1], QUICK).save_bytes()
    assert other.stdout.strip() == hashlib.sha256(here).hexdigest()


def test_seeds_and_folds_have_streams_of_their_own(samples: Samples) -> None:
    features, labels, _ = samples
    fold = FoldSpec("s0", tuple(range(20)), (20, 21))
    one = train_fold(features, labels, fold, QUICK)
    other_seed = train_fold(features, labels, fold, QUICK.model_copy(update={"seed": 1}))
    other_name = train_fold(features, labels, FoldSpec("s1", fold.train, fold.test), QUICK)
    assert len({result.model.save_bytes() for result in (one, other_seed, other_name)}) == 3


@pytest.mark.parametrize(
    "change",
    [
        {"flip": False},
        {"class_weights": "none"},
        {"optimizer": "sgd"},
        {"weight_decay": 0.5},
        {"batch_size": 5},
    ],
)
def test_every_training_setting_has_an_effect(samples: Samples, change: dict[str, object]) -> None:
    features, labels, _ = samples
    changed = QUICK.model_copy(update={"train": QUICK.train.model_copy(update=change)})
    plain, other = fit_all(features, labels, QUICK), fit_all(features, labels, changed)
    assert not torch.equal(
        plain.network.get_parameter("classify.2.weight"), other.network.get_parameter("classify.2.weight")
    )


def test_a_fold_that_lacks_a_class_in_training_still_works(samples: Samples) -> None:
    features, labels, _ = samples
    fold = FoldSpec(
        "s", tuple(np.flatnonzero(labels != 2).tolist()), tuple(np.flatnonzero(labels == 2).tolist())
    )
    result = train_fold(features, labels, fold, QUICK)
    assert np.isfinite(result.losses).all()
    assert np.isfinite(result.probabilities).all()


def test_a_fold_may_have_nothing_to_test(samples: Samples) -> None:
    features, labels, _ = samples
    result = train_fold(features, labels, FoldSpec("s", tuple(range(len(labels))), ()), QUICK)
    assert result.probabilities.shape == (0, 3)


def test_epochs_are_reported(samples: Samples) -> None:
    features, labels, _ = samples
    seen: list[tuple[int, float]] = []
    fit_all(features, labels, QUICK, on_epoch=lambda epoch, loss: seen.append((epoch, loss)))
    assert [epoch for epoch, _ in seen] == [1, 2, 3]
    assert all(loss > 0 for _, loss in seen)


def test_it_stops_when_asked_within_an_epoch(samples: Samples) -> None:
    features, labels, _ = samples
    seen: list[int] = []
    with pytest.raises(Cancelled, match="before epoch 3"):
        fit_all(
            features,
            labels,
            QUICK,
            on_epoch=lambda epoch, _loss: seen.append(epoch),
            should_stop=lambda: len(seen) == 2,
        )
    assert seen == [1, 2]


def test_a_diverging_fold_says_which_and_what_to_do(samples: Samples) -> None:
    features, labels, subjects = samples
    config = RunConfig.model_validate(
        {"net": {"dropout": 0}, "train": {"optimizer": "sgd", "learning_rate": 1, "epochs": 50}}
    )
    fold = loso(subjects)[2]
    with pytest.raises(InputError, match=r"fold s2, epoch \d+: the loss is (nan|inf).*learning rate below 1"):
        train_fold(features, labels, fold, config)


@pytest.mark.parametrize(
    ("fold", "words"),
    [
        (FoldSpec("x", (), (1,)), "fold x has no training samples"),
        (FoldSpec("x", (0, 1), (1, 2)), "sample 1 is both trained on and tested in fold x"),
    ],
)
def test_unusable_folds_are_refused(samples: Samples, fold: FoldSpec, words: str) -> None:
    with pytest.raises(InputError, match=words):
        train_fold(samples[0], samples[1], fold, QUICK)


def test_unusable_features_and_labels_are_refused(samples: Samples) -> None:
    features, labels, _ = samples
    with pytest.raises(InputError, match=r"shape \(samples, 3, 28, 28\).*are float64"):
        fit_all(features.astype(np.float64), labels, QUICK)
    with pytest.raises(InputError, match=r"\(24, 3, 28, 14\)"):
        fit_all(features[..., :14], labels, QUICK)
    spoilt = features.copy()
    spoilt[5, 0, 0, 0] = np.nan
    with pytest.raises(InputError, match="sample 5 hold values that are not finite"):
        fit_all(spoilt, labels, QUICK)
    with pytest.raises(InputError, match="label 3 is not one of 0 to 2"):
        fit_all(features, labels + 1, QUICK)
    with pytest.raises(InputError, match="one int64 label a sample, that is 24"):
        fit_all(features, labels[:-1], QUICK)
    with pytest.raises(InputError, match="no samples"):
        fit_all(features[:0], labels[:0], QUICK)


def test_the_mirror_moves_motion_to_the_other_side_and_reverses_u() -> None:
    features = motion(0, [0])
    mirrored = mirror(features)
    assert mirrored[0, 0, 3, 0] == -features[0, 0, 3, 27]
    assert mirrored[0, 1, 3, 0] == features[0, 1, 3, 27]
    assert np.array_equal(mirror(mirrored), features)


def test_balanced_weights_give_each_class_the_same_total() -> None:
    labels = np.array([0] * 6 + [1] * 3 + [2])
    totals = class_weights(labels, "balanced") * torch.tensor([6.0, 3.0, 1.0])
    assert torch.allclose(totals, totals[:1].expand(3))
    assert totals.sum().item() == pytest.approx(len(labels))


def test_normalised_features_have_no_mean_and_unit_variance() -> None:
    features = motion(3, [0, 1, 2]) * 5 + 2
    normal = Normalisation.of(features).apply(features)
    assert normal.mean(dim=(0, 2, 3)).tolist() == pytest.approx([0, 0, 0], abs=1e-5)
    assert normal.std(dim=(0, 2, 3), correction=0).tolist() == pytest.approx([1, 1, 1], abs=1e-5)


def test_settings_are_put_back_after_an_error() -> None:
    threads = torch.get_num_threads()
    with pytest.raises(RuntimeError), reproducible(torch.device("cpu")):
        raise RuntimeError
    assert torch.get_num_threads() == threads
    assert not torch.are_deterministic_algorithms_enabled()


def test_loso_holds_each_subject_out_once() -> None:
    subjects = ["s10", "s2", "s10", "s1"]
    folds = loso(subjects)
    assert sorted(i for fold in folds for i in fold.test) == [0, 1, 2, 3]
    for fold in folds:
        assert {subjects[i] for i in fold.test} == {fold.name}
        assert fold.name not in {subjects[i] for i in fold.train}


def test_loso_needs_two_subjects() -> None:
    with pytest.raises(InputError, match="at least two subjects"):
        loso(["s1", "s1"])
