"""The stem of a shallow network in training on a CPU, as two operations instead of a dozen.

``avg_pool(dropout(max_pool(norm(relu(conv(x))))))``: the map between convolution and max-pooling is by far the largest of
such a network, and passes over it are what an epoch costs. Here it never exists as a whole. Batch normalisation needs the
statistics of all of it before it can begin; but it is monotone in each channel, so it can as well follow the max-pooling, of
the largest number of a window where its factor is positive and of the smallest where that is negative.
"""

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from models_ml.config.shapes import window
from models_ml.nets.layers import BatchNorm, Dropout, InputConv


def stem(x: Tensor, conv: InputConv, norm: BatchNorm | None, dropout: Dropout, pool_padding: int) -> Tensor:
    """(N, 3, S, S) → (N, members, features), in the order of ``torch.flatten``.

    Parameters
    ----------
    conv : 3×3, stride 1, an even number of channels a member
    pool_padding : of the 3×3 max-pooling with stride 3; the average pooling is 2×2
    """
    padded = functional.pad(conv.select(x), [conv.padding[0]] * 4).contiguous().flatten(2)  # type: ignore[list-item]  # no string is passed
    weight = conv.scaled_weight().flatten(2)
    channels = len(weight)
    bias = weight.new_zeros(channels) if conv.bias is None else conv.bias
    if norm is None:
        factor, shift = weight.new_ones(channels), weight.new_zeros(channels)
        counts = weight.new_empty(len(x), 0)
        pooled, _, _ = _ConvPool.apply(padded, factor, counts, weight, bias, pool_padding)
    else:
        sign = torch.where(norm.weight.detach() < 0, -1.0, 1.0)
        counts = norm.sample_weights(x)
        pooled, sums, squares = _ConvPool.apply(padded, sign, counts.float(), weight, bias, pool_padding)
        side = x.shape[2] + 2 * int(conv.padding[0]) - 2
        factor, shift = norm.factor_and_shift(*norm.statistics(counts, sums, squares, side**2))
    drawn = torch.from_numpy(dropout.draw(len(x), pooled[0].numel() // conv.members)).view(pooled.shape)
    return _ScaleDropPool.apply(pooled, factor, shift, drawn, dropout.threshold).view(
        len(x), conv.members, -1
    )


class _ConvPool(torch.autograd.Function):
    """``y = relu(conv(x))``: its extreme in each window; Σ y and Σ y² by channel over the samples that count.

    The gradient of the two sums by the convolution's weight is a blend of Σ x where y > 0 and of Σ y · x, which are taken
    while y is there. So nothing is computed twice. ``x`` gets no gradient.
    """

    @staticmethod
    def forward(
        ctx: Any, x: Tensor, sign: Tensor, counts: Tensor, weight: Tensor, bias: Tensor, padding: int
    ) -> tuple[Tensor, Tensor, Tensor]:
        from models_ml.nets import kernels  # here: only training needs a compiler

        channels, side = len(weight), window(_side(x) - 2, 3, 3, padding)
        pooled = x.new_empty(len(x), channels, side**2)
        places = torch.empty(pooled.shape, dtype=torch.int32)
        statistics = torch.zeros(channels, 3, dtype=torch.float64)
        with_map, with_mask = torch.zeros(2, *weight.shape, dtype=torch.float64)
        kernels.conv_pool(
            *(t.detach().contiguous().numpy() for t in (x, weight, bias, sign, counts)),
            padding,
            *(t.numpy() for t in (pooled, places, statistics, with_map, with_mask)),
        )
        ctx.save_for_backward(x, pooled, places, statistics, with_map, with_mask)
        return pooled, statistics[:, 0].clone(), statistics[:, 1].clone()

    @staticmethod
    def backward(
        ctx: Any, grad: Tensor, grad_sums: Tensor, grad_squares: Tensor
    ) -> tuple[Tensor | None, ...]:
        from models_ml.nets import kernels

        x, pooled, places, statistics, with_map, with_mask = ctx.saved_tensors
        gradient = torch.zeros(len(statistics), kernels.LANES)
        kernels.conv_pool_gradient(*(t.numpy() for t in (x, grad.contiguous(), pooled, places, gradient)))
        taps = with_map[0].numel()
        by_place, by_square = grad_sums, 2 * grad_squares
        weight = gradient[:, :taps].view(with_map.shape) + (
            by_place[:, None, None] * with_mask + by_square[:, None, None] * with_map
        )
        bias = gradient[:, taps] + by_place * statistics[:, 2] + by_square * statistics[:, 0]
        return None, None, None, weight.float(), bias.float(), None


class _ScaleDropPool(torch.autograd.Function):
    """``avg_pool(dropout(factor · x + shift))`` of flat maps, (N, C, S²)."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, factor: Tensor, shift: Tensor, drawn: Tensor, threshold: int) -> Tensor:
        from models_ml.nets import kernels

        out = x.new_empty(*x.shape[:2], (_side(x) // 2) ** 2)
        arrays = (t.detach().numpy() for t in (x, factor, shift, drawn))
        kernels.scale_drop_pool(*arrays, threshold, out.numpy())
        ctx.save_for_backward(x, factor, drawn)
        ctx.threshold = threshold
        return out

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        from models_ml.nets import kernels

        x, factor, drawn = ctx.saved_tensors
        grad_x = torch.empty_like(x)
        by_channel = torch.zeros(len(factor), 2, dtype=torch.float64)
        kernels.scale_drop_pool_gradient(
            *(t.detach().numpy() for t in (x, factor, drawn)),
            ctx.threshold,
            *(t.numpy() for t in (grad.contiguous(), grad_x, by_channel)),
        )
        return grad_x, by_channel[:, 0].float(), by_channel[:, 1].float(), None, None


def _side(flat_maps: Tensor) -> int:
    """Of square maps (N, C, S²)."""
    return round(flat_maps.shape[2] ** 0.5)
