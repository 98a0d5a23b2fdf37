"""No network's training writes outside of its memory on a CPU with AVX2 only."""

import json
import platform
import subprocess
import sys
from typing import Any

import pytest
import torch
from torch.nn import functional

from models_ml.nets.layers import convolve
from tests.conftest import ROOT
from tests.unit.models_ml.nets.memory_search import checked_environment

CASES_PER_NETWORK = 4  # more find nothing more: 30 of each did not
SEED = 0

pytestmark = pytest.mark.skipif(
    platform.machine() != "x86_64" or platform.libc_ver()[0] != "glibc",
    reason="the fault and the allocator that finds it belong to x86-64 and glibc",
)


@pytest.fixture(scope="module")
def found() -> list[dict[str, Any]]:
    """Return the lines that the search printed."""
    command = [
        sys.executable,
        "-m",
        "tests.unit.models_ml.nets.memory_search",
        str(SEED),
        str(CASES_PER_NETWORK),
    ]
    result = subprocess.run(command, cwd=ROOT, env=checked_environment(), capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    return [json.loads(line) for line in result.stdout.splitlines()]


def test_no_network_crashes(found):
    assert found[:-1] == []
    assert found[-1]["cases"] > 0


def test_the_search_sees_no_newer_instructions(found):
    assert found[-1]["instructions"] in ("AVX2", "DEFAULT")


def test_the_search_notices_a_byte_written_past_a_tensor(found):
    assert found[-1]["overrun"] != 0


def test_a_strided_convolution_is_safe(found):
    assert found[-1]["strided_by_us"] == 0


def test_torch_still_needs_the_detour(found):
    if found[-1]["strided_by_torch"] == 0:
        pytest.skip(f"torch {torch.__version__} is safe on this CPU: see whether convolve() is still needed")


@pytest.mark.parametrize("size", [15, 16])
@pytest.mark.parametrize("stride", [2, 3])
@pytest.mark.parametrize("groups", [1, 2])
def test_the_detour_gives_the_same_numbers(size, stride, groups):
    x = torch.randn(3, 4, size, size, dtype=torch.float64, requires_grad=True)
    weight = torch.randn(6, 4 // groups, 1, 1, dtype=torch.float64, requires_grad=True)
    direct = functional.conv2d(x, weight, None, stride, groups=groups)
    ours = convolve(x, weight, None, (stride, stride), (0, 0), groups)
    assert torch.allclose(ours, direct)
    seed = torch.randn_like(direct)
    for one, other in zip(
        torch.autograd.grad(ours, (x, weight), seed),
        torch.autograd.grad(direct, (x, weight), seed),
        strict=True,
    ):
        assert torch.allclose(one, other)
