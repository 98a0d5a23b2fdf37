"""The costly beginning of a shallow network: convolution, ReLU, batch normalisation and max-pooling, chunk by chunk."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from models_ml.config.shapes import window
from models_ml.nets.layers import BatchNorm, InputConv

CHUNK_FLOATS = 500_000  # of the convolution's map: it stays in the caches from one operation to the next


@dataclass(frozen=True)
class Pooling:
    """A square max-pooling."""

    sides: tuple[int, int, int]  # of the window, its stride and the padding

    def apply(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """The pooled map, and where each number stood."""
        kernel, stride, padding = self.sides
        return torch.ops.aten.max_pool2d_with_indices(x, [kernel] * 2, [stride] * 2, [padding] * 2)

    def spread(self, grad: Tensor, like: Tensor, places: Tensor) -> Tensor:
        """The gradient of the map that was pooled; of ``like`` only the shape is looked at."""
        kernel, stride, padding = self.sides
        return torch.ops.aten.max_pool2d_with_indices_backward(
            grad, like, [kernel] * 2, [stride] * 2, [padding] * 2, [1, 1], False, places
        )


class Stem(nn.Module):
    """``max_pool(norm(relu(conv(x))))`` of all members, in a fraction of the memory and time.

    The map between convolution and pooling is by far the largest of a shallow network, and several passes over it are what
    an epoch costs. Here it only ever exists for a few samples. Batch normalisation needs the statistics of all of them
    before it can begin; but it is monotone in each channel, so it can as well follow the pooling, of the largest number
    where its factor is positive and of the smallest where it is negative, and the map is computed again for the gradient.

    Parameters
    ----------
    norm : of the map, or None
    pooling : kernel, stride and padding of the max-pooling
    """

    def __init__(self, conv: InputConv, norm: BatchNorm | None, pooling: tuple[int, int, int]) -> None:
        super().__init__()
        self.conv, self.norm = conv, norm
        self.pooling = Pooling(pooling)

    def forward(self, x: Tensor) -> Tensor:
        """(N, 3, S, S) → (N, members × C, S', S')."""
        x, conv, norm = self.conv.select(x), self.conv, self.norm
        arguments = (conv.scaled_weight(), conv.bias, conv.stride[0], conv.padding[0], self.pooling)
        if norm is None:
            return _ConvPool.apply(x, *arguments)
        sign = torch.where(norm.weight < 0, -1.0, 1.0)
        pooled, sums, squares, places = _ConvStatsPool.apply(x, sign, norm.training, *arguments)
        if norm.training:
            return norm.normalise(pooled, *norm.statistics(sums, squares, places))
        return norm.normalise(pooled, norm.running_mean, norm.running_var)


class _ConvPool(torch.autograd.Function):
    """``relu(max_pool(conv(x)))``, which is ``max_pool(relu(conv(x)))``. ``x`` gets no gradient."""

    @staticmethod
    def forward(
        ctx: Any, x: Tensor, weight: Tensor, bias: Tensor, stride: int, padding: int, pooling: Pooling
    ) -> Tensor:
        parts = []
        for rows in _chunks(x, weight, stride, padding):
            parts.append(pooling.apply(functional.conv2d(x[rows], weight, bias, stride, padding)))
        pooled = torch.cat([extreme for extreme, _ in parts]).relu_()
        ctx.save_for_backward(x, weight, pooled)
        ctx.places = [places for _, places in parts]
        ctx.settings = (stride, padding, pooling)
        return pooled

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        x, weight, pooled = ctx.saved_tensors
        stride, padding, pooling = ctx.settings
        total = _Gradient(weight, stride, padding)
        for rows, places in zip(_chunks(x, weight, stride, padding), ctx.places, strict=True):
            like = _map_like(x[rows], weight, stride, padding)
            through = torch.ops.aten.threshold_backward(grad[rows], pooled[rows], 0)
            total.add(pooling.spread(through, like, places), x[rows])
        return None, total.weight, total.bias, None, None, None


class _ConvStatsPool(torch.autograd.Function):
    """``y = relu(conv(x))``: its extreme in each window; of each sample and channel Σ y, Σ y² and the number of places."""

    @staticmethod
    def forward(
        ctx: Any,
        x: Tensor,
        sign: Tensor,
        training: bool,
        weight: Tensor,
        bias: Tensor,
        stride: int,
        padding: int,
        pooling: Pooling,
    ) -> tuple[Tensor, Tensor, Tensor, int]:
        turned = bool((sign < 0).any())
        factor = sign[:, None, None]
        pooled, places, sums, squares = [], [], [], []
        area = 0
        for rows in _chunks(x, weight, stride, padding):
            y = functional.conv2d(x[rows], weight, bias, stride, padding).relu_()
            area = y.shape[2] * y.shape[3]
            if training:
                sums.append(y.sum(dim=(2, 3)))
                squares.append((y * y).sum(dim=(2, 3)))
            extreme, place = pooling.apply(y.mul_(factor) if turned else y)
            pooled.append(extreme.mul_(factor) if turned else extreme)
            places.append(place)
        ctx.save_for_backward(x, weight, bias)
        ctx.places = places
        ctx.settings = (stride, padding, pooling)
        nothing = x.new_empty(0)
        return (
            torch.cat(pooled),
            torch.cat(sums) if training else nothing,
            torch.cat(squares) if training else nothing,
            area,
        )

    @staticmethod
    def backward(
        ctx: Any, grad: Tensor, grad_sums: Tensor, grad_squares: Tensor, _area: None
    ) -> tuple[Tensor | None, ...]:
        x, weight, bias = ctx.saved_tensors
        stride, padding, pooling = ctx.settings
        total = _Gradient(weight, stride, padding)
        for rows, places in zip(_chunks(x, weight, stride, padding), ctx.places, strict=True):
            y = functional.conv2d(x[rows], weight, bias, stride, padding).relu_()
            dense = pooling.spread(grad[rows], y, places)
            dense.addcmul_(y, 2 * grad_squares[rows][:, :, None, None]).add_(
                grad_sums[rows][:, :, None, None]
            )
            total.add(torch.ops.aten.threshold_backward.grad_input(dense, y, 0, grad_input=dense), x[rows])
        return None, None, None, total.weight, total.bias, None, None, None


class _Gradient:
    """Sums the gradients of a convolution's weight and bias over chunks."""

    def __init__(self, weight: Tensor, stride: int, padding: int) -> None:
        self._weight, self._settings = (
            weight,
            ([stride, stride], [padding, padding], [1, 1], False, [0, 0], 1),
        )
        self.weight, self.bias = torch.zeros_like(weight), weight.new_zeros(len(weight))

    def add(self, grad: Tensor, x: Tensor) -> None:
        # The bias's gradient apart from the weight's: oneDNN would take as long for it as for half of the other.
        _, weight, _ = torch.ops.aten.convolution_backward(
            grad, x, self._weight, None, *self._settings, [False, True, False]
        )
        self.weight += weight
        self.bias += grad.sum(dim=(2, 3)).sum(dim=0)


def _map_like(x: Tensor, weight: Tensor, stride: int, padding: int) -> Tensor:
    """Room for the convolution's map."""
    sides = [window(side, weight.shape[2], stride, padding) for side in x.shape[2:]]
    return torch.empty(
        (len(x), len(weight), *sides), dtype=x.dtype, device=x.device, memory_format=torch.channels_last
    )


def _chunks(x: Tensor, weight: Tensor, stride: int, padding: int) -> Iterator[slice]:
    """Rows of ``x`` to be worked on together; on a GPU all of them."""
    side = window(x.shape[2], weight.shape[2], stride, padding)
    size = len(x) if x.is_cuda else max(1, CHUNK_FLOATS // (len(weight) * side**2))
    for start in range(0, len(x), size):
        yield slice(start, start + size)
