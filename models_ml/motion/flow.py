"""Compute dense optical flow between two grey images, and the optical strain of a flow field."""

from collections.abc import Callable
from typing import Any, Literal, cast

import cv2
import numpy as np
from numpy.typing import NDArray

from models_ml.errors import InputError

Flow = NDArray[np.float32]
Grey = NDArray[np.uint8] | NDArray[np.float32]
FlowMethod = Literal["tvl1", "farneback", "dis"]

SMALLEST = 32  # side of the smallest image that flow is computed on, in pixels
_BORDER = 24  # pixels: more than half of Farnebäck's window of 21
# Pairs solved together: on a CPU as many as its caches hold, on a GPU many more (``make bench NAME=features``).
_AT_ONCE = {"cpu": 8, "cuda": 256}


def tvl1(a: Grey, b: Grey) -> Flow:
    """Return TV-L1 flow (Zach, Pock, Bischof, DAGM 2007; Sánchez et al., IPOL 2013), solved by ``tvl1.tvl1_batch``.

    Set for small motion in noise: pyramid steps of one half, few iterations, and a smoother field (lambda 0.065) than
    with OpenCV's defaults. On 128×128 face crops it takes about a fifteenth of the time of OpenCV's solver with its
    defaults, and agrees with it (median correlation 0.98); ``make bench NAME=features`` measures both.

    Parameters
    ----------
    a, b
        Grey images (H, W) of the same size, uint8 or float32 in 0..255.

    Returns
    -------
    NDArray
        float32 (2, H, W), in pixels: what is at (x, y) in ``a`` is at (x + u, y + v) in ``b``.

    Raises
    ------
    InputError
        If the images are not grey, not of the same size, or smaller than 32×32.

    Examples
    --------
    >>> image = np.random.default_rng(0).integers(0, 255, (48, 48), dtype=np.uint8)
    >>> image = cv2.GaussianBlur(image, (0, 0), 3)
    >>> flow = tvl1(image, np.roll(image, 2, axis=1))
    >>> flow.shape, float(np.round(np.median(flow[0]), 1))
    ((2, 48, 48), 2.0)
    """
    a, b = _checked(a, b)
    return _tvl1_of_many(_float32(a)[None], _float32(b)[None], "cpu")[0]


def farneback(a: Grey, b: Grey) -> Flow:
    """Return Farnebäck's polynomial expansion flow (SCIA 2003); parameters, result and errors as for ``tvl1``.

    The images are first extended by repeating their borders, because OpenCV finds motion at the border of still images.
    """
    solver = cv2.FarnebackOpticalFlow.create(numLevels=4, winSize=21, numIters=3, polyN=7, polySigma=1.5)
    wide = (
        cv2.copyMakeBorder(_float32(image), _BORDER, _BORDER, _BORDER, _BORDER, cv2.BORDER_REPLICATE)
        for image in _checked(a, b)
    )
    return np.ascontiguousarray(_solve(solver, *wide)[:, _BORDER:-_BORDER, _BORDER:-_BORDER])


def dis(a: Grey, b: Grey) -> Flow:
    """Return dense inverse search flow (Kroeger et al., ECCV 2016); parameters, result and errors as for ``tvl1``.

    It works on uint8: float images are rounded.
    """
    solver = cv2.DISOpticalFlow.create(cv2.DISOpticalFlow_PRESET_MEDIUM)
    solver.setPatchSize(12)
    solver.setPatchStride(3)
    a, b = _checked(a, b)
    first, second = (np.clip(np.rint(image), 0, 255).astype(np.uint8) for image in (a, b))
    return _solve(solver, first, second)


FLOWS: dict[FlowMethod, Callable[[Grey, Grey], Flow]] = {"tvl1": tvl1, "farneback": farneback, "dis": dis}


def flow_of_many(
    method: FlowMethod, a: NDArray[np.float32], b: NDArray[np.float32], device: str = "cpu"
) -> Flow:
    """Return the flow of N pairs of the same size; each has the same bits alone and among any number of pairs.

    Parameters
    ----------
    method
        A key of ``FLOWS``.
    a, b
        Images, float32 (N, H, W) in 0..255.
    device
        Device that solves TV-L1, "cpu" or "cuda"; the other methods run on the CPU only.

    Returns
    -------
    NDArray
        float32 (N, 2, H, W), as ``tvl1``.

    Raises
    ------
    InputError
        As ``tvl1``.
    """
    if not len(a):
        return np.empty((0, 2, *a.shape[1:]), np.float32)
    _checked(a[0], b[0])
    if method == "tvl1":
        return _tvl1_of_many(a, b, device)
    return np.stack([FLOWS[method](first, second) for first, second in zip(a, b, strict=True)])


def _tvl1_of_many(a: NDArray[np.float32], b: NDArray[np.float32], device: str) -> Flow:
    import torch  # here, because spotting and ingest import this module, and torch takes a second to load

    from models_ml.motion.tvl1 import tvl1_batch

    chunks = []
    for start in range(0, len(a), _AT_ONCE[device]):
        part = slice(start, start + _AT_ONCE[device])
        first, second = (torch.from_numpy(np.ascontiguousarray(image[part])).to(device) for image in (a, b))
        chunks.append(tvl1_batch(first, second).cpu().numpy())
    return np.concatenate(chunks)


def optical_strain(flow: Flow) -> NDArray[np.float32]:
    """Return the magnitude of the strain tensor of a flow field: ``sqrt(u_x² + v_y² + ½ (u_y + v_x)²)``.

    Derivatives are central differences. Source: Shreve et al.,
    "Macro- and micro-expression spotting in long videos using spatio-temporal strain",
    FG 2011.

    Parameters
    ----------
    flow
        (2, H, W) u (to the right) and v (down), H and W at least 2.

    Returns
    -------
    NDArray
        float32 (H, W), without unit; a shift has no strain.

    Examples
    --------
    >>> y, x = np.mgrid[0:5, 0:5].astype(np.float32)
    >>> round(float(optical_strain(np.stack([0.1 * x, 0 * y]))[2, 2]), 3)  # stretched by 10 % along x
    0.1
    """
    u_y, u_x = np.gradient(flow[0])
    v_y, v_x = np.gradient(flow[1])
    return np.sqrt(u_x**2 + v_y**2 + 0.5 * (u_y + v_x) ** 2).astype(np.float32)


def _checked(a: Grey, b: Grey) -> tuple[Grey, Grey]:
    if a.ndim != 2 or a.shape != b.shape or min(a.shape) < SMALLEST:
        raise InputError(
            f"Optical flow needs two grey images of the same size, at least {SMALLEST}×{SMALLEST} pixels; these have "
            f"the shapes {a.shape} and {b.shape}."
        )
    return a, b


def _float32(image: Grey) -> NDArray[np.float32]:
    return np.ascontiguousarray(image, dtype=np.float32)


def _solve(solver: cv2.DenseOpticalFlow, a: NDArray[Any], b: NDArray[Any]) -> Flow:
    no_guess = cast(Any, None)  # allowed, although OpenCV's type hints say otherwise
    return np.ascontiguousarray(np.moveaxis(solver.calc(a, b, no_guess), 2, 0), dtype=np.float32)
