"""Epochs per second of our engine and of the plain training loop, their share of the device's limits, and how time grows.

It runs on all CPU cores, and on a GPU if there is one.
"""

import os
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.data import DataLoader, TensorDataset

from models_ml.config import RunConfig, VggMSpp
from models_ml.nets.ststnet.config import STREAMS
from models_ml.nets.vgg_m.config import HIDDEN, VGG_M_LAYERS, scaled
from models_ml.training.engine import FoldTask, TrainingData, train_bundle
from models_ml.training.folds import FoldSpec, loso
from models_ml.training.local import TrainingProcesses, train_folds
from tests.bench import report

SAMPLES, SUBJECTS, BATCH = 442, 68, 256
EPOCHS, ROUNDS = 4, 3  # ours: the time of eight epochs minus the time of four, best of three
PLAIN_FOLDS, PLAIN_EPOCHS = (
    3,
    4,
)  # plain loop, whose folds all take the same time: the best of these twelve epochs
GROWTH = (1, 4, 17, 68)


class PlainStstnet(nn.Module):
    """STSTNet as in published PyTorch ports: three convolutions, each with its own ReLU, norm, pooling and dropout."""

    def __init__(self) -> None:
        super().__init__()
        self.convs = nn.ModuleList(nn.Conv2d(3, channels, 3, padding=2) for channels in STREAMS)
        self.norms = nn.ModuleList(nn.BatchNorm2d(channels) for channels in STREAMS)
        self.dropout, self.classify = nn.Dropout(0.5), nn.Linear(400, 3)

    def forward(self, x: Tensor) -> Tensor:
        streams = [
            self.dropout(functional.max_pool2d(norm(functional.relu(conv(x))), 3, 3, 1))
            for conv, norm in zip(self.convs, self.norms, strict=True)
        ]
        return self.classify(functional.avg_pool2d(torch.cat(streams, 1), 2).flatten(1))


class PlainVggMSpp(nn.Module):
    """Our default configuration (placement 2, kernels 2 to 6), built from torch's own layers."""

    def __init__(self) -> None:
        super().__init__()
        net = VggMSpp()
        widths = [scaled(layer.channels, net.width) for layer in VGG_M_LAYERS[:3]]
        lrn = [nn.LocalResponseNorm(5, 5e-4, 0.75, 2.0) for _ in range(2)]
        branch = scaled(widths[1], net.reduction)
        self.first = nn.Sequential(nn.Conv2d(3, widths[0], 5, 2, 2), nn.ReLU(), lrn[0], nn.MaxPool2d(3, 2))
        self.second = nn.Sequential(nn.Conv2d(widths[0], widths[1], 3, padding=1), nn.ReLU(), lrn[1])
        self.kernels = net.kernels
        self.reduce = nn.ModuleList(nn.Conv2d(widths[1], branch, 1) for _ in net.kernels)
        joined = widths[1] + branch * len(net.kernels)
        self.third = nn.Sequential(nn.Conv2d(joined, widths[2], 3, padding=1), nn.ReLU())
        hidden = scaled(HIDDEN, net.width)
        self.classify = nn.Sequential(
            nn.Flatten(),
            nn.Linear(widths[2] * 36, hidden),
            nn.ReLU(),
            nn.Dropout(net.dropout),
            nn.Linear(hidden, 3),
        )

    def forward(self, x: Tensor) -> Tensor:
        x = self.second(self.first(x))
        branches = [x]
        for kernel, reduce in zip(self.kernels, self.reduce, strict=True):
            pooled = functional.avg_pool2d(x, kernel, kernel, ceil_mode=True)
            branches.append(
                functional.interpolate(functional.relu(reduce(pooled)), x.shape[-2:], mode="bilinear")
            )
        return self.classify(self.third(torch.cat(branches, 1)))


@dataclass(frozen=True)
class Case:
    name: str
    plain: Callable[[], nn.Module]
    net: dict[str, object]
    aim: float  # times the plain loop, on CPUs
    gpu_aim: float


CASES = (
    Case("ststnet", PlainStstnet, {"name": "ststnet"}, 6, 50),
    Case("vgg_m_spp", PlainVggMSpp, {"name": "vgg_m_spp"}, 2, 1),
)


def main() -> None:
    data = random_data()
    plan = loso(data.subjects)
    with TrainingProcesses(data) as pool:
        for case in CASES:
            plain = plain_epoch(data, plan[:PLAIN_FOLDS], case.plain) * SUBJECTS
            ours = epoch_of(lambda epochs, case=case: train_folds(pool, plan, config(case, epochs)))
            show(case, f"{os.cpu_count()} cores", case.aim, plain, ours, torch.device("cpu"))
            growth(pool, plan, case)
    if torch.cuda.is_available():
        gpu = torch.device("cuda")
        for case in CASES:
            plain = plain_epoch(data, plan[:PLAIN_FOLDS], case.plain, gpu) * SUBJECTS
            ours = epoch_of(lambda epochs, case=case: in_one_bundle(data, plan, config(case, epochs), gpu))
            show(case, torch.cuda.get_device_name(gpu), case.gpu_aim, plain, ours, gpu)


def in_one_bundle(data: TrainingData, plan: list[FoldSpec], wanted: RunConfig, device: torch.device) -> None:
    train_bundle(data, plan, [FoldTask(wanted, fold) for fold in plan], device=device.type)


def show(case: Case, where: str, aim: float, plain: float, ours: float, device: torch.device) -> None:
    """Report epochs per second and the share of the device's limits; seconds are for one epoch of all folds."""
    report(
        f"training: LOSO epochs of {case.name} on {where}",
        1 / ours,
        "epochs/s",
        "plain loop: one fold after another, DataLoader, Adam, batch 256, all threads",
        1 / plain,
        "at least",
        aim,
    )
    arithmetic, traffic = least_work(config(case, 1))
    product, copying = peaks(device)
    print(
        f"# {case.name}: plain {plain / SUBJECTS:.4f}, ours {ours / SUBJECTS:.4f} s per fold and epoch; "
        f"{arithmetic / ours / 1e9:.0f} GFLOP/s, a matrix product reaches {product / 1e9:.0f}; "
        f"at least {traffic / ours / 1e9:.1f} GB/s, a copy reaches {copying / 1e9:.1f}",
        flush=True,
    )


def least_work(wanted: RunConfig) -> tuple[float, float]:
    """Return the floating-point operations of one epoch of all folds, and the least number of bytes to move.

    A multiply-add is two operations. The gradients of weights and of maps need the same number again; images have no
    gradient. Bytes count only the maps between layers, written and read once forwards and once backwards.
    """
    first, *others = wanted.net.layers_for(wanted.features.size)
    arithmetic = 2 * (2 * first.multiply_adds + 3 * sum(layer.multiply_adds for layer in others))
    numbers = sum(layer.channels * layer.side**2 for layer in (first, *others))
    return float(arithmetic * SAMPLES * SUBJECTS), float(4 * numbers * 4 * SAMPLES * SUBJECTS)


def peaks(device: torch.device) -> tuple[float, float]:
    """Measure the device: operations per second of a large float32 product, bytes per second of a copy."""
    torch.set_num_threads(os.cpu_count() or 1)
    side = 2048 if device.type == "cpu" else 8192
    a = torch.ones(side, side, device=device)
    product = best_of(lambda: a @ a, device)
    large = torch.ones(1 << 27, device=device)
    into = torch.empty_like(large)
    return 2 * side**3 / product, 2 * large.nbytes / best_of(lambda: into.copy_(large), device)


def best_of(work: Callable[[], object], device: torch.device, rounds: int = 5) -> float:
    times = []
    for _ in range(rounds):
        started = time.perf_counter()
        work()
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        times.append(time.perf_counter() - started)
    return min(times)


def growth(pool: TrainingProcesses, plan: list[FoldSpec], case: Case) -> None:
    """Show how the time of two epochs grows with folds and configurations, including start and test."""
    for folds in GROWTH:
        print(
            f"# {case.name}: {folds} folds, {timed(pool, plan[:folds], [config(case, 2)]):.2f} s", flush=True
        )
    for runs in (1, 2, 4):
        configs = [config(case, 2).model_copy(update={"seed": seed}) for seed in range(runs)]
        print(f"# {case.name}: {runs} times 17 folds, {timed(pool, plan[:17], configs):.2f} s", flush=True)


def timed(pool: TrainingProcesses, plan: list[FoldSpec], configs: list[RunConfig]) -> float:
    started = time.perf_counter()
    for wanted in configs:
        train_folds(pool, plan, wanted)
    return time.perf_counter() - started


def random_data() -> TrainingData:
    rng = np.random.default_rng(0)
    features = rng.normal(size=(SAMPLES, 3, 28, 28)).astype(np.float32)
    subjects = [f"s{i % SUBJECTS:02}" for i in range(SAMPLES)]
    return TrainingData(features, rng.integers(0, 3, SAMPLES), subjects)


def config(case: Case, epochs: int) -> RunConfig:
    train = {"epochs": epochs, "batch_size": BATCH, "flip": False, "schedule": "constant"}
    return RunConfig.model_validate({"net": case.net, "train": train})


def epoch_of(train: Callable[[int], object]) -> float:
    """Measure the seconds of one epoch of all folds, without start and test."""
    train(1)  # lets the processes import and compile
    return min((seconds(train, 2 * EPOCHS) - seconds(train, EPOCHS)) / EPOCHS for _ in range(ROUNDS))


def seconds(train: Callable[[int], object], epochs: int) -> float:
    started = time.perf_counter()
    train(epochs)
    return time.perf_counter() - started


def plain_epoch(
    data: TrainingData,
    folds: list[FoldSpec],
    network: Callable[[], nn.Module],
    device: torch.device | None = None,
) -> float:
    """Measure the seconds of one epoch of one fold in the loop of published code, best of several."""
    torch.set_num_threads(os.cpu_count() or 1)
    times = []
    for fold in folds:
        rows = list(fold.train)
        samples = TensorDataset(torch.from_numpy(data.features[rows]), torch.from_numpy(data.labels[rows]))
        loader = DataLoader(samples, batch_size=BATCH, shuffle=True)
        model = network().to(device)
        optimizer = torch.optim.Adam(model.parameters(), 1e-3)
        for _ in range(PLAIN_EPOCHS):
            started = time.perf_counter()
            for x, y in loader:
                optimizer.zero_grad()
                functional.cross_entropy(model(x.to(device)), y.to(device)).backward()
                optimizer.step()
            if device is not None and device.type == "cuda":
                torch.cuda.synchronize(device)
            times.append(time.perf_counter() - started)
    return min(times)
