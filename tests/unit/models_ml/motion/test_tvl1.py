"""The batched TV-L1 solves what OpenCV solves, with the same bits in any batch."""

from dataclasses import replace

import cv2
import numpy as np
import pytest
import torch
from skimage.data import astronaut
from torch import Tensor

from models_ml.errors import InputError
from models_ml.motion.tvl1 import TVL1, selected_median, tvl1_batch

DEVICES = ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]


def pairs(count: int, height: int = 64, width: int = 64) -> tuple[Tensor, Tensor]:
    """Return different faces and their smoothly warped copies, as a batch."""
    grey = cv2.cvtColor(astronaut(), cv2.COLOR_RGB2GRAY).astype(np.float32)
    random = np.random.default_rng(3)
    first, second = [], []
    rows, columns = np.mgrid[0:height, 0:width].astype(np.float32)
    for k in range(count):
        image = grey[20 + 3 * k :, 100 + 5 * k :][: height + 20, : width + 20]
        x, y = (
            cv2.GaussianBlur(random.normal(0, 9, (height, width)).astype(np.float32), (0, 0), 9) for _ in "xy"
        )
        first.append(image[10:-10, 10:-10])
        second.append(cv2.remap(image, columns + 10 - x, rows + 10 - y, cv2.INTER_CUBIC))
    return torch.from_numpy(np.stack(first)), torch.from_numpy(np.stack(second))


@pytest.mark.parametrize("device", DEVICES)
def test_a_pair_has_the_same_bits_alone_and_among_sixteen(device: str) -> None:
    a, b = (images.to(device) for images in pairs(16))
    together = tvl1_batch(a, b)
    assert all(torch.equal(together[k], tvl1_batch(a[k : k + 1], b[k : k + 1])[0]) for k in (0, 7, 15))
    assert torch.equal(together.flip(0), tvl1_batch(a.flip(0), b.flip(0)))


def test_a_pair_has_the_same_bits_with_any_number_of_threads() -> None:
    a, b = pairs(8, 128, 128)
    before = torch.get_num_threads()
    flows = []
    for threads in (1, 2, 4):
        torch.set_num_threads(threads)
        flows.append(tvl1_batch(a, b))
    torch.set_num_threads(before)
    assert torch.equal(flows[0], flows[1])
    assert torch.equal(flows[0], flows[2])


@pytest.mark.parametrize("device", DEVICES)
def test_it_solves_what_opencv_solves(device: str) -> None:
    settings = replace(TVL1, warps=3, outer=4, inner=15, weight=0.05)
    solver = cv2.optflow.DualTVL1OpticalFlow.create(
        nscales=settings.scales, scaleStep=0.5, warps=3, lambda_=0.05, epsilon=1e-9, innnerIterations=15,
        outerIterations=4,
    )  # fmt: skip
    a, b = pairs(3, 96, 128)
    ours = tvl1_batch(a.to(device), b.to(device), settings).cpu().numpy()
    for k in range(3):
        theirs = np.moveaxis(solver.calc(a[k].numpy() / 255, b[k].numpy() / 255, None), 2, 0)
        assert np.corrcoef(ours[k].ravel(), theirs.ravel())[0, 1] > 0.99
        assert np.abs(ours[k] - theirs)[:, 8:-8, 8:-8].mean() < 0.02


def test_the_selected_median_is_the_median() -> None:
    field = torch.randn(2, 3, 20, 31)
    expected = np.stack([cv2.medianBlur(plane, 5) for plane in field.flatten(0, 1).numpy()])
    assert np.array_equal(selected_median(field).flatten(0, 1).numpy(), expected)


@pytest.mark.parametrize("shape", [(32, 47), (33, 65), (128, 96)])
def test_sides_can_be_odd_and_different(shape: tuple[int, int]) -> None:
    a, _ = pairs(2, *shape)
    flow = tvl1_batch(a, a)
    assert flow.shape == (2, 2, *shape)
    assert flow.abs().max() < 1e-3


def test_stacks_that_do_not_fit_are_refused() -> None:
    a, b = pairs(2)
    for first, second in ((a, b[:1]), (a[0], b[0]), (a[:, :20], b[:, :20]), (a.double(), b.double())):
        with pytest.raises(InputError, match="two float32 stacks"):
            tvl1_batch(first, second)
