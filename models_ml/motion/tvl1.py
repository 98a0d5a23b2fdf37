"""Compute TV-L1 optical flow of many pairs of images at once, in PyTorch, on the CPU or on CUDA.

The algorithm is the one of OpenCV's DualTVL1OpticalFlow: a pyramid and bicubic warps; at each level, rounds of a pointwise
thresholding step and Chambolle's projection in turn, with a 5×5 median before each round. With OpenCV's parameters, and its
early stopping switched off, both give the same flow (correlation above 0.996 on faces).

A pair's flow has the same bits in any batch and with any number of threads. Each operation is therefore correctly rounded,
or has an order that torch does not vary, which excludes a few of torch's own (see ``_square_root`` and ``_doubled``). It
also excludes early stopping by a sum over the batch, so the number of iterations is small and fixed.
"""

from dataclasses import dataclass

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 (torch's own habit)

from models_ml.errors import InputError


@dataclass(frozen=True)
class Tvl1Settings:
    """Parameters of TV-L1, named as in Sánchez et al., IPOL 2013.

    The defaults are set for face crops of 128×128, where the motion is below a few pixels and noisy: fewer iterations and a
    smoother field than OpenCV's defaults (5 scales in steps of 0.8, 5 warps, up to 300 iterations per warp, lambda 0.15).
    They take a fifteenth of the time and agree with OpenCV's flow (median correlation 0.98); ``make bench NAME=features``
    measures both. A change alters all features: raise ``FEATURE_CODE_VERSION``.
    """

    scales: int = 4  # levels of the pyramid, each half the size of the one before: 128 to 16 pixels
    warps: int = 3
    outer: int = 1  # rounds per warp, each starting with a median of the flow
    inner: int = 15  # iterations per round
    weight: float = 0.065  # lambda, of the data term: a lower weight means a smoother flow
    theta: float = 0.3
    tau: float = 0.25


TVL1 = Tvl1Settings()
SMALLEST = 32  # side of the smallest image, in pixels
_MEDIAN = 5  # side of the median's window, as in OpenCV
_SMALLEST_LEVEL = 16  # least side of the coarsest level, in pixels
_FLAT = 1e-6  # least squared gradient of a pixel: below it, division by it would amplify noise


@torch.no_grad()
def tvl1_batch(a: Tensor, b: Tensor, settings: Tvl1Settings = TVL1) -> Tensor:
    """Return the TV-L1 flow (Zach, Pock, Bischof, DAGM 2007; Sánchez et al., IPOL 2013) of N pairs of grey images.

    Parameters
    ----------
    a, b
        Images, float32 (N, H, W) in 0..255, on one device; H and W are at least 32.

    Returns
    -------
    Tensor
        float32 (N, 2, H, W) on that device, in pixels: what is at (x, y) in ``a`` is at (x + u, y + v) in ``b``.

    Raises
    ------
    InputError
        If the two are not such stacks of images.
    """
    if (
        a.ndim != 3
        or a.shape != b.shape
        or min(a.shape[1:]) < SMALLEST
        or {a.dtype, b.dtype} != {torch.float32}
    ):
        raise InputError(
            f"Optical flow needs two float32 stacks (N, H, W) of the same shape, H and W at least {SMALLEST}; these are "
            f"{tuple(a.shape)} {a.dtype} and {tuple(b.shape)} {b.dtype}."
        )
    levels = [(a, b)]
    while len(levels) < settings.scales and min(levels[-1][0].shape[1:]) // 2 >= _SMALLEST_LEVEL:
        levels.append((_halved(levels[-1][0]), _halved(levels[-1][1])))
    flow = torch.zeros((2, *levels[-1][0].shape), device=a.device)
    for first, second in reversed(levels):
        if flow.shape[2:] != first.shape[1:]:
            flow = _doubled(flow, first.shape[1:])
        flow = _Level(first, second, settings).refined(flow)
    return flow.transpose(0, 1).contiguous()


def _halved(images: Tensor) -> Tensor:
    return F.avg_pool2d(images[:, None], 2, ceil_mode=True, count_include_pad=False)[:, 0]


def _doubled(flow: Tensor, size: torch.Size) -> Tensor:
    """Return a coarser level's flow (2, N, h, w) at the size of this level: bilinear, with vectors twice as long."""
    # Not F.interpolate: torch chooses its algorithm, and so the last bits, by the number of planes.
    for dim in (2, 3):
        wide = F.pad(flow, (0, 0, 1, 1) if dim == 2 else (1, 1, 0, 0), mode="replicate")
        length = flow.shape[dim]
        before, after = (wide.narrow(dim, start, length) * 0.25 for start in (0, 2))
        near = flow * 0.75
        flow = torch.stack([near + before, near + after], dim=dim + 1).flatten(dim, dim + 1)
    return flow[..., : size[0], : size[1]] * 2


class _Level:
    """One level of the pyramid: its images and the state of the iteration.

    Each field has one column and one row more than the image, always zero. Differences between neighbours are then
    differences of one flat vector and itself, shifted by an element or a row.
    """

    def __init__(self, first: Tensor, second: Tensor, settings: Tvl1Settings) -> None:
        self._settings = settings
        count, self._height, self._width = first.shape
        self._row = self._width + 1
        self._first = first
        self._around = torch.stack([second, _centred(second, 2), _centred(second, 1)], dim=1)
        pairs, planes = ((part, count, self._height + 1, self._row) for part in (2, 1))
        device = first.device
        self._flow, self._new, self._gradient, self._dual_x, self._dual_y, self._x, self._y, self._length = (
            torch.zeros(pairs, device=device) for _ in range(8)
        )
        self._constant, self._pace, self._rho, self._half = (
            torch.zeros(planes, device=device)[0] for _ in range(4)
        )

    def refined(self, flow: Tensor) -> Tensor:
        """Return the flow (2, N, H, W) of this level, refined from the flow of the coarser level."""
        self._inside(self._flow).copy_(flow)
        for _ in range(self._settings.warps):
            self._warp()
            for _ in range(self._settings.outer):
                inside = self._inside(self._flow)
                inside.copy_(_median(inside))
                for _ in range(self._settings.inner):
                    self._step()
        return self._inside(self._flow).clone()

    def _inside(self, field: Tensor) -> Tensor:
        return field[..., : self._height, : self._width]

    def _warp(self) -> None:
        """Linearise the brightness around the current flow."""
        flow = self._inside(self._flow)
        warped = _warped(self._around, flow)
        gradient = warped[:, 1:].transpose(0, 1)
        self._inside(self._gradient).copy_(gradient)
        squared = gradient[0] * gradient[0] + gradient[1] * gradient[1]
        self._inside(self._pace).copy_(squared.clamp_min_(_FLAT).reciprocal_().neg_())
        constant = warped[:, 0] - self._first
        constant -= gradient[0] * flow[0]
        constant -= gradient[1] * flow[1]
        self._inside(self._constant).copy_(constant)

    def _step(self) -> None:
        """Run one iteration: threshold the data term, then project the dual variables."""
        s = self._settings
        flow, new, gradient, rho = self._flow, self._new, self._gradient, self._rho
        torch.mul(gradient[0], flow[0], out=rho)
        rho += torch.mul(gradient[1], flow[1], out=self._half)
        rho += self._constant
        rho *= self._pace
        rho.clamp_(-s.weight * s.theta, s.weight * s.theta)
        torch.mul(gradient, rho, out=new)
        new += flow
        px, py = self._dual_x.view(-1), self._dual_y.view(-1)
        divergence = torch.add(self._dual_x, self._dual_y, out=self._length)
        flat = divergence.view(-1)
        flat[1:] -= px[:-1]
        flat[self._row :] -= py[: -self._row]
        divergence *= s.theta
        new += divergence
        self._flow, self._new = new, flow
        self._project()

    def _project(self) -> None:
        s = self._settings
        flat, x, y, length = self._flow.view(-1), self._x, self._y, self._length
        torch.sub(flat[1:], flat[:-1], out=x.view(-1)[:-1])
        torch.sub(flat[self._row :], flat[: -self._row], out=y.view(-1)[: -self._row])
        x[..., self._width - 1 :] = 0
        y[..., self._height - 1 :, :] = 0
        x *= s.tau / s.theta
        y *= s.tau / s.theta
        self._dual_x += x
        self._dual_y += y
        torch.mul(x, x, out=length)
        y *= y
        length += y
        _square_root(length).add_(1)
        self._dual_x /= length
        self._dual_y /= length


def _square_root(field: Tensor) -> Tensor:
    """Take the root in place, correctly rounded: torch's own on a CPU depends on the position of a number in memory."""
    if field.device.type != "cpu":
        return field.sqrt_()
    np.sqrt(field.numpy(), out=field.numpy())
    return field


def _centred(images: Tensor, dim: int) -> Tensor:
    """Return central differences along ``dim``; at the borders half of the one-sided difference."""
    wide = F.pad(images, (1, 1, 0, 0) if dim == 2 else (0, 0, 1, 1), mode="replicate")
    length = images.shape[dim]
    return (wide.narrow(dim, 2, length) - wide.narrow(dim, 0, length)).mul_(0.5)


def _warped(planes: Tensor, flow: Tensor) -> Tensor:
    """Return planes (N, C, H, W) as seen from the first image: sampled at (x + u, y + v), borders repeated."""
    height, width = flow.shape[2:]
    x = torch.arange(width, device=flow.device, dtype=torch.float32)
    y = torch.arange(height, device=flow.device, dtype=torch.float32)[:, None]
    sampled = [(flow[0] + x) * (2 / (width - 1)) - 1, (flow[1] + y) * (2 / (height - 1)) - 1]
    grid = torch.stack(sampled, dim=3)
    return F.grid_sample(planes, grid, mode="bicubic", padding_mode="border", align_corners=True)


def _median(flow: Tensor) -> Tensor:
    """Return the 5×5 median of each component, borders repeated. OpenCV gives the same values, and is faster on a CPU."""
    if flow.device.type != "cpu":
        return selected_median(flow)
    planes = flow.flatten(0, 1).numpy()
    medians = np.stack([cv2.medianBlur(np.ascontiguousarray(plane), _MEDIAN) for plane in planes])
    return torch.from_numpy(medians).view(flow.shape)


def selected_median(flow: Tensor) -> Tensor:
    """Return the 5×5 median of each component, borders repeated, by forgetful selection.

    The least and the greatest of any 14 of 25 values are not the median. These two are dropped, the next value is added, and
    so on, until three are left. This needs only minima and maxima, which work on whole planes.
    """
    height, width = flow.shape[2:]
    reach = _MEDIAN // 2
    wide = F.pad(flow, (reach,) * 4, mode="replicate")
    planes = [wide[..., i : i + height, j : j + width] for i in range(_MEDIAN) for j in range(_MEDIAN)]
    held, waiting = planes[:14], planes[14:]
    while len(held) > 3 or waiting:
        held = _without_extremes(held)
        if waiting:
            held.append(waiting.pop())
    low, high = torch.minimum(held[0], held[1]), torch.maximum(held[0], held[1])
    return torch.maximum(low, torch.minimum(high, held[2]))


def _without_extremes(planes: list[Tensor]) -> list[Tensor]:
    """Return all but the least and the greatest value of each pixel, in any order."""
    half = len(planes) // 2
    pairs = list(zip(planes[:half], planes[half : 2 * half], strict=True))
    lows, highs = [torch.minimum(*pair) for pair in pairs], [torch.maximum(*pair) for pair in pairs]
    if len(planes) % 2:  # the odd one may be either
        lows.append(torch.minimum(highs[0], planes[-1]))
        highs[0] = torch.maximum(highs[0], planes[-1])
    kept = []
    for plane in lows[1:]:
        kept.append(torch.maximum(lows[0], plane))
        lows[0] = torch.minimum(lows[0], plane)
    for plane in highs[1:]:
        kept.append(torch.minimum(highs[0], plane))
        highs[0] = torch.maximum(highs[0], plane)
    return kept
