"""The fused stem computes the same as its layers one by one, forwards and backwards."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numba
import numpy as np
import pytest
import torch
from torch import Tensor

from models_ml.nets import kernels
from models_ml.nets.layers import Batch, flatten_members
from models_ml.nets.ststnet.config import Ststnet
from models_ml.nets.ststnet.network import Network

ROOT = Path(__file__).resolve().parents[4]
pytestmark = pytest.mark.every_cpu
COUNTS = torch.tensor([[1.0, 1, 0, 2, 1, 1], [0.0, 1, 1, 1, 3, 0]]).T


def network(members: int = 2, norm: str = "batch", dropout: float = 0.0, size: int = 16) -> Network:
    torch.manual_seed(0)
    made = Network(Ststnet.model_validate({"norm": norm, "dropout": dropout}), members, size, 3)
    made.conv.set_scale(torch.rand(members, 3) + 0.5)
    if made.norm is not None:
        with torch.no_grad():
            made.norm.weight.normal_()  # with both signs, so that the smallest numbers of windows count too
            made.norm.bias.normal_()
    return made.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # missing in the stubs


def images(size: int = 16, samples: int = len(COUNTS)) -> Tensor:
    made = np.random.default_rng(0).normal(size=(samples, 3, size, size)).astype(np.float32)
    return torch.from_numpy(made)


def forwards_and_backwards(
    made: Network, x: Tensor, counts: Tensor, fused: bool, chunk: int = 1000
) -> tuple[Tensor, dict[str, Tensor]]:
    """Return the output and all gradients."""
    outward = np.random.default_rng(1).normal(size=(len(x), made.members, 3)).astype(np.float32)
    outward *= (counts > 0)[:, :, None].numpy()
    batch = Batch(counts, total=len(x))
    batch.streams = [{"dropout": np.random.default_rng(member)} for member in range(made.members)]
    made.dropout.name, made.dropout.batch = "dropout", batch
    if made.norm is not None:
        made.norm.batch = batch
    made.zero_grad()
    parts = []
    for start in range(0, len(x), chunk):
        batch.start, part = start, x[start : start + chunk]
        out = made(part) if fused else made.classify(flatten_members(made.layers(part), made.members))
        (out * torch.from_numpy(outward[start : start + chunk])).sum().backward()
        parts.append(out.detach())
    return torch.cat(parts), {
        name: p.grad.clone() for name, p in made.named_parameters() if p.grad is not None
    }


def check_the_same(made: Network, x: Tensor, counts: Tensor = COUNTS, chunk: int = 1000) -> None:
    by_layer, expected = forwards_and_backwards(made, x, counts, fused=False)
    fused, gradients = forwards_and_backwards(made, x, counts, fused=True, chunk=chunk)
    assert torch.allclose(fused, by_layer, atol=1e-5)
    assert gradients.keys() == expected.keys() == {name for name, _ in made.named_parameters()}
    for name, gradient in gradients.items():
        assert torch.allclose(gradient, expected[name], rtol=1e-4, atol=1e-4), name


@pytest.mark.parametrize("size", [8, *range(16, 22), 28])
def test_fused_equals_layer_by_layer_at_every_size(size: int) -> None:
    """Sizes that the windows of both poolings divide, and sizes that they do not."""
    check_the_same(network(size=size), images(size))


@pytest.mark.parametrize("norm", ["batch", "none"])
@pytest.mark.parametrize("dropout", [0.0, 0.4, 0.95])
def test_fused_equals_layer_by_layer_with_every_setting(norm: str, dropout: float) -> None:
    check_the_same(network(norm=norm, dropout=dropout), images())


def test_a_network_by_itself() -> None:
    check_the_same(network(members=1), images(), COUNTS[:, :1])


def test_a_batch_of_one_sample() -> None:
    check_the_same(network(), images(samples=1), torch.ones(1, 2))


def test_a_member_without_samples_in_the_batch() -> None:
    counts = COUNTS.clone()
    counts[:, 1] = 0
    check_the_same(network(), images(), counts)


def test_a_batch_in_chunks_drops_the_same_units() -> None:
    check_the_same(network(norm="none", dropout=0.4), images(), chunk=4)


def test_an_image_without_motion_has_one_gradient_per_window() -> None:
    """All numbers of a window are equal; only one of them counts as the largest."""
    x = images()
    x[1:, :, 4:] = 0
    check_the_same(network(), x)


def test_the_running_statistics_are_the_same() -> None:
    found = []
    for compute in (Network.layers, Network.forward):
        made = network()
        assert made.norm is not None
        made.norm.batch = Batch(COUNTS)
        compute(made, images())
        found.append((made.norm.running_mean, made.norm.running_var))
    (mean, variance), (fused_mean, fused_variance) = found
    assert torch.allclose(mean, fused_mean, atol=1e-6)
    assert torch.allclose(variance, fused_variance, atol=1e-6)


def test_nan_stays_nan() -> None:
    """Otherwise a training that diverges would go unnoticed."""
    made = network()
    with torch.no_grad():
        made.conv.weight[3, 0, 0, 0] = torch.nan
    out = made(images())
    assert out[:, 0].isnan().all()
    assert not out[:, 1].isnan().any()


def test_weights_of_another_batch_are_refused() -> None:
    made = network()
    assert made.norm is not None
    made.norm.batch = Batch(COUNTS[:4])
    with pytest.raises(ValueError, match="6 samples and weights of 4"):
        made(images())


def test_loops_are_compiled_without_a_writable_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    compiled = numba.njit

    def njit(function: Any, cache: bool = False, **options: Any) -> Any:
        if cache:
            raise RuntimeError("cannot cache function: no locator available")
        return compiled(function, **options)

    monkeypatch.setattr(numba, "njit", njit)
    assert kernels._compiled(lambda x: 2 * x)(4) == 8


def test_fresh_and_cached_code_gives_the_same_bits(tmp_path: Path) -> None:
    code = (
        "import hashlib, tests.unit.models_ml.nets.test_fused as t\n"
        "out, gradients = t.forwards_and_backwards(t.network(size=28), t.images(28), t.COUNTS, fused=True)\n"
        "print(hashlib.sha256(b''.join(g.numpy().tobytes() for g in gradients.values())).hexdigest())"
    )
    answers = [
        subprocess.run(
            [sys.executable, "-c", code],
            capture_output=True,
            text=True,
            check=True,
            cwd=ROOT,
            env={**os.environ, "NUMBA_CACHE_DIR": str(tmp_path)},
        ).stdout
        for _ in range(2)
    ]
    assert list(tmp_path.rglob("*.nbc"))
    assert answers[0] == answers[1]
