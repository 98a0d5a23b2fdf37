"""Optical flow finds known motion, and strain follows its formula."""

import cv2
import numpy as np
import pytest
from skimage.data import astronaut

from models_ml.errors import InputError
from models_ml.motion.flow import FLOWS, FlowMethod, flow_of_many, optical_strain
from models_ml.motion.head import REMOVALS, HeadMotion, without_head_motion

METHODS: list[FlowMethod] = ["tvl1", "farneback", "dis"]


@pytest.fixture(scope="module")
def face() -> np.ndarray:
    grey = cv2.cvtColor(astronaut()[40:200, 140:300], cv2.COLOR_RGB2GRAY)
    return cv2.resize(grey, (128, 128), interpolation=cv2.INTER_AREA)


def shifted(image: np.ndarray, x: float, y: float) -> np.ndarray:
    matrix = np.array([[1, 0, x], [0, 1, y]], dtype=np.float64)
    size = image.shape[::-1]
    return cv2.warpAffine(image, matrix, size, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)


@pytest.mark.parametrize("shift", [(0.3, -0.2), (1.0, 0.5), (-3.0, 2.0), (8.0, -4.0)])
@pytest.mark.parametrize("method", METHODS)
def test_a_shift_is_found(face: np.ndarray, method: FlowMethod, shift: tuple[float, float]) -> None:
    flow = FLOWS[method](face, shifted(face, *shift))
    assert (flow.shape, flow.dtype) == ((2, 128, 128), np.float32)
    found = np.median(flow[:, 20:-20, 20:-20], axis=(1, 2))
    assert np.abs(found - shift).max() < 0.12


@pytest.mark.parametrize("method", METHODS)
def test_a_still_image_does_not_move(face: np.ndarray, method: FlowMethod) -> None:
    assert np.abs(FLOWS[method](face, face)).max() < 0.05


@pytest.mark.parametrize("method", METHODS)
def test_bytes_and_floats_give_the_same_flow(face: np.ndarray, method: FlowMethod) -> None:
    moved = shifted(face, 1, 0)
    floats = FLOWS[method](face.astype(np.float32), moved.astype(np.float32))
    assert np.array_equal(floats, FLOWS[method](face, moved))


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("side", [32, 47, 128])
def test_the_same_bits_come_out_with_any_number_of_threads(
    face: np.ndarray, method: FlowMethod, side: int
) -> None:
    a = cv2.resize(face, (side, side))
    b = shifted(a, 0.7, -0.4)
    before = cv2.getNumThreads()
    flows = []
    for threads in (1, 2, 4):
        cv2.setNumThreads(threads)
        flows.append(FLOWS[method](a, b))
    cv2.setNumThreads(before)
    assert np.array_equal(flows[0], flows[1])
    assert np.array_equal(flows[0], flows[2])


@pytest.mark.parametrize("method", METHODS)
def test_images_that_do_not_fit_are_refused(face: np.ndarray, method: FlowMethod) -> None:
    with pytest.raises(InputError, match="two grey images of the same size"):
        FLOWS[method](face, face[:100])
    with pytest.raises(InputError, match="at least 32×32"):
        FLOWS[method](face[:20, :20], face[:20, :20])
    with pytest.raises(InputError):
        FLOWS[method](np.dstack([face] * 3), np.dstack([face] * 3))


def test_strain_is_its_formula() -> None:
    y, x = np.mgrid[0:9, 0:9].astype(np.float32)
    flow = np.stack([0.2 * x + 0.1 * y, 0.3 * x - 0.4 * y]).astype(np.float32)
    expected = np.sqrt(0.2**2 + 0.4**2 + 0.5 * (0.1 + 0.3) ** 2)
    assert np.allclose(optical_strain(flow), expected, atol=1e-6)


def test_a_shift_and_a_small_turn_have_no_strain() -> None:
    y, x = np.mgrid[0:9, 0:9].astype(np.float32)
    assert np.abs(optical_strain(np.stack([3 - 0.01 * y, 0.01 * x - 2]))).max() < 1e-6


def test_the_heads_motion_is_removed_and_the_expression_stays() -> None:
    y, x = np.mgrid[0:128, 0:128].astype(np.float32)
    corner = np.exp(-((x - 45) ** 2 + (y - 95) ** 2) / (2 * 8**2))
    expression = np.stack([-0.5 * corner, -1.5 * corner])
    head = np.stack([2 + 0.02 * (x - 64) - 0.03 * (y - 64), -1 + 0.02 * (y - 64) + 0.03 * (x - 64)])
    assert np.abs(without_head_motion((head + expression).astype(np.float32)) - expression).max() < 0.06


def test_a_still_face_stays_still() -> None:
    assert np.abs(without_head_motion(np.zeros((2, 64, 64), np.float32))).max() == 0


@pytest.mark.parametrize("name", ["median", "nose", "similarity"])
def test_every_removal_removes_a_shift_and_leaves_the_expression(name: HeadMotion) -> None:
    y, x = np.mgrid[0:128, 0:128].astype(np.float32)
    corner = np.exp(-((x - 40) ** 2 + (y - 98) ** 2) / (2 * 8**2))
    expression = np.stack([0 * corner, -1.5 * corner])
    shift = np.array([2.0, -1.0], np.float32)[:, None, None]
    assert np.abs(REMOVALS[name](expression + shift) - expression).max() < 0.06
    assert np.array_equal(REMOVALS["none"](expression + shift), expression + shift)


def test_an_expression_of_half_the_face_moves_the_median_and_not_the_nose() -> None:
    flow = np.zeros((2, 128, 128), np.float32)
    flow[1, 86:] = flow[1, :42] = -1  # brows and mouth: more than half of the crop
    assert np.abs(REMOVALS["nose"](flow) - flow).max() == 0
    assert np.abs(REMOVALS["median"](flow) - flow).max() == 1


def test_many_pairs_give_the_same_flow_as_each_alone(face: np.ndarray) -> None:
    first = np.stack([face] * 3).astype(np.float32)
    second = np.stack([shifted(face, x, 0.5) for x in (0.2, 1, 2)]).astype(np.float32)
    for method in METHODS:
        together = flow_of_many(method, first, second)
        alone = [FLOWS[method](a, b) for a, b in zip(first, second, strict=True)]
        assert np.array_equal(together, np.stack(alone))
    assert flow_of_many("dis", first[:0], second[:0]).shape == (0, 2, 128, 128)
