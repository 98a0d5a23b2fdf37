"""TV-L1 optical flow of many pairs of images at once, in PyTorch, on the CPU or on CUDA.

The algorithm is that of OpenCV's DualTVL1OpticalFlow: a pyramid, bicubic warps, a pointwise thresholding step and
Chambolle's projection in turn, a 5×5 median before each round of them. With OpenCV's parameters and its early stopping
switched off both give the same flow (correlation above 0.996 on faces).

Bits: a pair's flow is made by the same operations whatever else is in the batch and however many threads there are,
and every operation is correctly rounded or one whose order torch does not vary. That forbids a few of torch's own (see
``_square_root``, ``_doubled``) and stopping early on a sum over the batch: the number of iterations is small and fixed.
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
    """Parameters of TV-L1, named as in Sánchez et al., IPOL 2013."""

    scales: int = 4  # levels of the pyramid, each half of the one before
    warps: int = 3
    outer: int = 1  # rounds a warp, each beginning with a median of the flow
    inner: int = 15  # iterations a round
    weight: float = 0.065  # lambda, of the data term
    theta: float = 0.3
    tau: float = 0.25


TVL1 = Tvl1Settings()
SMALLEST = 32  # side of the smallest image, in pixels
_MEDIAN = 5
_SMALLEST_LEVEL = 16  # pixels of the coarsest level, at least
_FLAT = 1e-6  # squared gradient below which a pixel says nothing of its motion


@torch.no_grad()
def tvl1_batch(a: Tensor, b: Tensor, settings: Tvl1Settings = TVL1) -> Tensor:
    """TV-L1 flow (Zach, Pock, Bischof, DAGM 2007; Sánchez et al., IPOL 2013) of N pairs of grey images.

    Parameters
    ----------
    a, b
        Float32 (N, H, W) in 0..255 on one device, H and W at least 32.

    Returns
    -------
    float32 (N, 2, H, W) on that device: what is at (x, y) in ``a`` is at (x + u, y + v) in ``b``, in pixels.

    Raises
    ------
    InputError
        If the two are not such stacks.
    """
    if (
        a.ndim != 3
        or a.shape != b.shape
        or min(a.shape[1:]) < SMALLEST
        or {a.dtype, b.dtype} != {torch.float32}
    ):
        raise InputError(
            f"Batched optical flow needs two float32 stacks (N, H, W) of one shape, H and W at least {SMALLEST}; "
            f"these are {tuple(a.shape)} {a.dtype} and {tuple(b.shape)} {b.dtype}."
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
    """A coarser level's flow (2, N, h, w) at this one's size: bilinear, and vectors twice as long."""
    # Not F.interpolate: torch chooses its code, and so the last bits, by how many planes there are.
    for dim in (2, 3):
        wide = F.pad(flow, (0, 0, 1, 1) if dim == 2 else (1, 1, 0, 0), mode="replicate")
        length = flow.shape[dim]
        before, after = (wide.narrow(dim, start, length) * 0.25 for start in (0, 2))
        near = flow * 0.75
        flow = torch.stack([near + before, near + after], dim=dim + 1).flatten(dim, dim + 1)
    return flow[..., : size[0], : size[1]] * 2


class _Level:
    """One level of the pyramid: its images and the state of the iteration.

    Fields are kept with a column and a row more than the image, always zero, so that differences between neighbours
    are differences of one flat vector against itself, a step or a row further on.
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
        """The flow (2, N, H, W) of this level, from that of the coarser one."""
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
        """Linearise the brightness around the present flow."""
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
        """One iteration: the data term's thresholding, then the projection of the dual variables."""
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
    """In place, and correctly rounded: torch's own on a CPU depends on where in memory a number lies."""
    if field.device.type != "cpu":
        return field.sqrt_()
    np.sqrt(field.numpy(), out=field.numpy())
    return field


def _centred(images: Tensor, dim: int) -> Tensor:
    """Central differences along ``dim``; at the borders half of the one-sided difference."""
    wide = F.pad(images, (1, 1, 0, 0) if dim == 2 else (0, 0, 1, 1), mode="replicate")
    length = images.shape[dim]
    return (wide.narrow(dim, 2, length) - wide.narrow(dim, 0, length)).mul_(0.5)


def _warped(planes: Tensor, flow: Tensor) -> Tensor:
    """Planes (N, C, H, W) as seen from the first image: taken at (x + u, y + v), borders repeated."""
    height, width = flow.shape[2:]
    x = torch.arange(width, device=flow.device, dtype=torch.float32)
    y = torch.arange(height, device=flow.device, dtype=torch.float32)[:, None]
    places = [(flow[0] + x) * (2 / (width - 1)) - 1, (flow[1] + y) * (2 / (height - 1)) - 1]
    grid = torch.stack(places, dim=3)
    return F.grid_sample(planes, grid, mode="bicubic", padding_mode="border", align_corners=True)


def _median(flow: Tensor) -> Tensor:
    """5×5 median of each component, borders repeated. OpenCV's gives the same values, and is quicker on a CPU."""
    if flow.device.type != "cpu":
        return selected_median(flow)
    planes = flow.flatten(0, 1).numpy()
    medians = np.stack([cv2.medianBlur(np.ascontiguousarray(plane), _MEDIAN) for plane in planes])
    return torch.from_numpy(medians).view(flow.shape)


def selected_median(flow: Tensor) -> Tensor:
    """5×5 median of each component, borders repeated, by forgetful selection.

    Of any 14 of 25 values the least and the greatest are not the median; these two are dropped, the next one comes in,
    and so on until three are left. It needs minima and maxima only, which work on whole planes.
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
    """All but the least and the greatest of each pixel, in any order."""
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
