"""The checks of one network: shapes, counts, independence of members, equality of bundles, leaks, and that it learns.

Each check takes a network's settings (``{"name": …}``) and raises ``CheckFailed`` with a sentence.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from models_ml.checking.cases import (
    LABELS,
    SIZE,
    batch_normalised,
    configured,
    data,
    folds_of,
    label,
    motion,
    trained,
    variants,
)
from models_ml.config import NET_CONFIGS, RunConfig
from models_ml.nets.base import BaseNet, multiply_adds, parameter_count
from models_ml.nets.build import build
from models_ml.training.engine import FoldResult, FoldTask, TrainingData, train_bundle
from models_ml.training.folds import kfold
from models_ml.training.members import MemberSeed, build_members, take, tensors
from models_ml.training.model import TrainedModel

Settings = dict[str, Any]

# Batch norm divides rounding by small deviations: with the AVX2 kernels of an Intel Xeon, a weight of Dual-Inception differs
# by 2.9e-5, while probabilities differ by 7e-7.
WEIGHT_TOLERANCE = 1e-4
PROTOCOLS: tuple[Settings, ...] = (
    {"protocol": "loso"},
    {"protocol": "lodo"},
    {"protocol": "kfold", "folds": 3},
    {"protocol": "cross", "train_on": ["A"], "test_on": ["B"]},
)
TRAINING: dict[str, Settings] = {
    "validation": {"epoch_choice": "validation", "validation_share": 0.4},
    "balanced": {"sampling": "balanced"},
    "mixup": {"mixup": 0.4, "shift": 0.1, "rotate": 10, "amplitude": 0.3},
    "average": {"ema": 0.5, "oracle": True, "loss": "focal"},
}
PLAIN: Settings = {"flip": False}
AUGMENTED: Settings = {"flip": True, "shift": 0.1, "rotate": 10, "amplitude": 0.3, "mixup": 0.4}
_LEARNT = np.array([0, 1, 2] * 32)
_LEARNERS = [f"s{i % 8}" for i in range(len(_LEARNT))]


class CheckFailed(Exception):
    """A check found something wrong; the message says what."""


def require(holds: bool | np.bool_, message: str) -> None:
    """Raise CheckFailed with the message unless the condition holds."""
    if not holds:
        raise CheckFailed(message)


def net_of(settings: Settings) -> BaseNet:
    """Return the validated configuration of a network."""
    return NET_CONFIGS[settings["name"]].model_validate(settings)


def check_default_configuration(settings: Settings) -> None:
    """Check that the defaults are valid, and have a title and a description."""
    config = NET_CONFIGS[settings["name"]]
    require(
        RunConfig.model_validate({"net": {"name": settings["name"]}}).net == config(),
        "The defaults are not stable.",
    )
    require(bool(config.title), "The configuration has no title.")
    require(bool(config().describe()), "“describe” returns no text.")


def check_maps_images_to_logits(settings: Settings) -> None:
    """Check the shape of the output, the number of weights, and that each of them has a gradient."""
    net = net_of(settings)
    network = build(net, members=2, size=28)
    logits = network(torch.zeros(3, 3, 28, 28))
    require(
        logits.shape == (3, 2, 3),
        f"The output for 3 images and 2 members is {tuple(logits.shape)}, not (3, 2, 3).",
    )
    weights = sum(parameter.numel() for parameter in network.parameters())
    require(
        2 * parameter_count(net, 28) == weights,
        f"Two members have {weights} weights, but “layers_for” counts {parameter_count(net, 28)} for one.",
    )
    require(bool(logits.isfinite().all()), "The output for empty images is not finite.")
    logits.square().sum().backward()
    without = [name for name, parameter in network.named_parameters() if parameter.grad is None]
    require(not without, f"These weights have no gradient: {', '.join(without)}.")


def check_counts(settings: Settings) -> None:
    """Check that ``layers_for`` counts the weights and multiply-adds of the network that is built."""
    net = net_of(settings)
    network = build(net, size=SIZE).eval()
    weights = sum(parameter.numel() for parameter in network.parameters())
    require(
        parameter_count(net, SIZE) == weights,
        f"The network has {weights} weights, but “layers_for” counts {parameter_count(net, SIZE)}.",
    )
    with FlopCounterMode(display=False) as counter:
        network(torch.zeros(1, 3, SIZE, SIZE))
    counted = counter.get_total_flops() / 2
    require(
        multiply_adds(net, SIZE) == counted,
        f"The network needs {counted:g} multiply-adds, but “layers_for” counts {multiply_adds(net, SIZE)}.",
    )


def check_members_are_independent(settings: Settings) -> None:
    """Check that a member's output does not depend on the members next to it, and that a member can be taken out."""
    net = net_of(settings)
    seeds = [MemberSeed(seed, ("fold",)) for seed in (3, 1, 2)]
    images = torch.from_numpy(motion(1, np.array([0, 1, 2, 1]), SIZE))
    together, _ = build_members(net, SIZE, seeds)
    logits = together.eval()(images).detach()
    rounding = 1e-6 * max(1.0, float(logits.abs().max()))
    for member, seed in enumerate(seeds):
        alone, _ = build_members(net, SIZE, [seed])
        own = alone.eval()(images)[:, 0]
        require(
            torch.allclose(logits[:, member], own, rtol=0, atol=rounding),
            f"Member {member} of 3 gives another output than the same network alone.",
        )
        taken = take(together, net, SIZE, [member], len(seeds))
        _require_equal(
            tensors(taken),
            tensors(alone),
            0,
            f"Member {member}, taken out of a bundle of 3, has other weights",
        )


def check_saving(settings: Settings) -> None:
    """Check that a model predicts the same bits after saving and loading."""
    config = configured(settings, ensemble=2)
    model = TrainedModel(config, build(config.net, members=2, size=SIZE).eval())
    loaded = TrainedModel.load_bytes(model.save_bytes())
    images = motion(1, np.array([0, 1, 2]))
    require(
        loaded.predict(images).tobytes() == model.predict(images).tobytes(),
        "A model predicts something else after saving and loading.",
    )


def check_bundle_equals_folds(settings: Settings, augmentation: Settings, dropout: float) -> None:
    """Check that folds trained side by side get the weights and predictions of folds trained one by one.

    Weights are compared with SGD. Adam divides a gradient by its own size. Where the gradient is zero except for rounding,
    as for a bias that a normalisation cancels, Adam's steps consist of rounding, which changes no prediction.
    """
    sgd = {"optimizer": "sgd", "learning_rate": 0.01}
    own = {"dropout": dropout} if "dropout" in NET_CONFIGS[settings["name"]].model_fields else {}
    config = configured({**settings, **own}, {**augmentation, **sgd})
    folds = folds_of(config)[:2]
    bundled = trained(data(), config, folds)
    alone = [trained(data(), config, [fold])[0] for fold in folds]
    for one, other in zip(bundled, alone, strict=True):
        found = tensors(one.model.network), tensors(other.model.network)
        _require_equal(*found, WEIGHT_TOLERANCE, "A fold trained next to another one has other weights")
        _require_same_predictions(one, other, 1e-5)
        same = np.allclose(one.losses, other.losses, rtol=1e-6, atol=1e-5)
        require(same, "A fold trained next to another one has other losses.")


def check_bundle_predicts_like_folds(settings: Settings) -> None:
    """Check with Adam that folds trained side by side predict like folds trained one by one."""
    config = configured(settings)
    folds = folds_of(config)[:2]
    bundled = trained(data(), config, folds)
    for fold, one in zip(folds, bundled, strict=True):
        [other] = trained(data(), config, [fold])
        _require_same_predictions(one, other, 2e-3)


def check_nothing_leaks(settings: Settings, train: Settings, protocol: Settings) -> None:
    """Check that held-out samples influence no bit of a fold.

    The fold is trained twice, the second time with other held-out samples, both times next to a fold that trains on them.
    """
    config = configured(settings, train, **protocol)
    folds = folds_of(config)[:2]
    honest = trained(data(), config, folds)[0]
    again = trained(_with_other_samples(folds[0].test), config, folds)[0]
    same = (
        again.model.save_bytes() == honest.model.save_bytes()
        and again.losses == honest.losses
        and again.validation_losses == honest.validation_losses
        and again.epoch == honest.epoch
    )
    require(same, "The held-out samples influence the network that is tested on them.")
    if settings["name"] != "majority":
        require(
            not np.array_equal(again.probabilities, honest.probabilities),
            "The predictions of a fold do not depend on the images.",
        )


def check_same_seed(settings: Settings) -> None:
    """Check that the same seed gives the same bits."""
    config = configured(settings, TRAINING["mixup"])
    folds = folds_of(config)[:2]
    first, second = (trained(data(), config, folds) for _ in range(2))
    for one, other in zip(first, second, strict=True):
        same = one.model.save_bytes() == other.model.save_bytes()
        require(
            same and one.probabilities.tobytes() == other.probabilities.tobytes(),
            "The same seed gives other weights or predictions.",
        )


def check_learns(settings: Settings) -> None:
    """Check that the network recognises motion of people whom it has not seen: more than 70% of three classes."""
    train = {"epochs": 10, "batch_size": 16, "learning_rate": 5e-3, "flip": False}
    fold = kfold(_LEARNERS, 4, seed=0)[0]
    samples = TrainingData(motion(2, _LEARNT), _LEARNT, _LEARNERS)
    [result] = train_bundle(samples, [fold], [FoldTask(configured(settings, train), fold)], device="cpu")
    if not isinstance(result, FoldResult):
        raise CheckFailed(f"The training failed: {result}")
    right = float((result.probabilities.argmax(axis=1) == _LEARNT[list(fold.test)]).mean())
    require(
        right > 0.7, f"It recognises {right:.0%} of simple motions of unseen people; expected more than 70%."
    )
    first, last = result.losses[0], result.losses[-1]
    require(last < 0.7 * first, f"Its training loss only falls from {first:.3f} to {last:.3f} in 10 epochs.")


@dataclass(frozen=True)
class Check:
    """One check of one form of a network: what is checked, and the function that does it."""

    title: str
    run: Callable[[], None]


def checks_of(name: str) -> Iterator[Check]:
    """Yield the checks of a network, in each of its normalisations; a network that is fitted has fewer."""
    usual = {"name": name}
    yield Check("default configuration", lambda: check_default_configuration(usual))
    yield Check("maps images to logits", lambda: check_maps_images_to_logits(usual))
    for net in variants([name]):
        about = f" ({label(net)})" if "norm" in net else ""
        yield Check(f"counts of weights and operations{about}", lambda net=net: check_counts(net))  # type: ignore[misc]
        yield Check(f"independence of members{about}", lambda net=net: check_members_are_independent(net))  # type: ignore[misc]
        yield Check(f"saving and loading{about}", lambda net=net: check_saving(net))  # type: ignore[misc]
    [net] = batch_normalised([name])
    for protocol in PROTOCOLS:
        yield Check(
            f"no leak with {protocol['protocol']}",
            lambda protocol=protocol: check_nothing_leaks(net, {"epochs": 1}, protocol),  # type: ignore[misc]
        )
    yield Check("same seed, same bits", lambda: check_same_seed(net))
    if NET_CONFIGS[name].trained_by_gradient:
        yield from _checks_of_training(name, net)


def _checks_of_training(name: str, net: Settings) -> Iterator[Check]:
    for setting, train in TRAINING.items():
        yield Check(
            f"no leak with training setting {setting}",
            lambda train=train: check_nothing_leaks(net, train, PROTOCOLS[0]),  # type: ignore[misc]
        )
    for variant in variants([name]):
        about = f" ({label(variant)})" if "norm" in variant else ""
        for kind, augmentation, dropout in (("plain", PLAIN, 0.0), ("augmented", AUGMENTED, 0.4)):
            yield Check(
                f"equality of bundles, {kind}{about}",
                lambda variant=variant, augmentation=augmentation, dropout=dropout: (  # type: ignore[misc]
                    check_bundle_equals_folds(variant, augmentation, dropout)
                ),
            )
    yield Check("equality of bundles with Adam", lambda: check_bundle_predicts_like_folds(net))
    yield Check("learning", lambda: check_learns(net))


def _with_other_samples(held_out: Sequence[int]) -> TrainingData:
    """Return the data with the ``held_out`` samples replaced by noise with random labels."""
    rng = np.random.default_rng(8)
    features, labels, rows = data().features.copy(), LABELS.copy(), list(held_out)
    features[rows] = rng.normal(scale=50, size=features[rows].shape)
    labels[rows] = rng.integers(3, size=len(rows))
    return data(features, labels)


def _require_equal(
    one: Iterator[tuple[str, Tensor]], other: Iterator[tuple[str, Tensor]], tolerance: float, what: str
) -> None:
    known = dict(other)
    for name, tensor in one:
        same = (
            torch.allclose(tensor, known[name], rtol=0, atol=tolerance)
            if tolerance
            else torch.equal(tensor, known[name])
        )
        require(same, f"{what}: see {name}.")


def _require_same_predictions(one: FoldResult, other: FoldResult, tolerance: float) -> None:
    require(
        np.array_equal(one.probabilities.argmax(axis=1), other.probabilities.argmax(axis=1)),
        "A fold trained next to another one predicts other classes.",
    )
    require(
        np.allclose(one.probabilities, other.probabilities, rtol=0, atol=tolerance),
        "A fold trained next to another one predicts other probabilities.",
    )
