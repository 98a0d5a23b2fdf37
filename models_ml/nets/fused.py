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

from models_ml.nets import kernels
from models_ml.nets.layers import BatchNorm, Dropout, InputConv
from models_ml.nets.shapes import window


def stem(x: Tensor, conv: InputConv, norm: BatchNorm | None, dropout: Dropout, pool_padding: int) -> Tensor:
    """(N, 3, S, S) → (N, members, features), in the order of ``torch.flatten``. The pictures get no gradient.

    The variance comes from sums in float32: where a channel's standard deviation is below a hundredth of its mean, it is
    right to three digits.

    Parameters
    ----------
    conv : 3×3, stride 1, an even number of channels a member
    pool_padding : of the 3×3 max-pooling with stride 3; the average pooling is 2×2
    """
    around = int(conv.padding[0])
    width = x.shape[3] + 2 * around
    padded = functional.pad(conv.select(x), [around, around, around, around + 1]).contiguous().flatten(2)
    weight = conv.scaled_weight().flatten(2)
    channels = len(weight)
    bias = weight.new_zeros(channels) if conv.bias is None else conv.bias
    if norm is None:
        factor, shift = weight.new_ones(channels), weight.new_zeros(channels)
        sign, counts = factor, weight.new_empty(len(x), 0)
        pooled, places, _, _ = _ConvPool.apply(padded, width, sign, counts, weight, bias, pool_padding)
    else:
        sign = torch.where(norm.weight.detach() < 0, -1.0, 1.0)
        counts = norm.sample_weights(x)
        if len(counts) != len(x):
            raise ValueError(f"there are {len(x)} samples and weights of {len(counts)}")
        pooled, places, sums, squares = _ConvPool.apply(
            padded, width, sign, counts.float(), weight, bias, pool_padding
        )
        factor, shift = norm.factor_and_shift(*norm.statistics(counts, sums, squares, (width - 2) ** 2))
    drawn = torch.from_numpy(dropout.draw(len(x), pooled[0].numel() // conv.members)).view(pooled.shape)
    out = _ScaleDropPool.apply(
        pooled, places, padded, width, weight, bias, factor, shift, drawn, dropout.threshold
    )
    return out.view(len(x), conv.members, -1)


class _ConvPool(torch.autograd.Function):
    """``y = relu(conv(x))``: its extremes and where they are; by channel Σ y and Σ y² of the samples that count.

    Only the sums have a gradient here. By the convolution's weight it is a blend of Σ x where y > 0 and of Σ y · x, which
    are taken while y is there.
    """

    @staticmethod
    def forward(
        ctx: Any,
        x: Tensor,
        width: int,
        sign: Tensor,
        counts: Tensor,
        weight: Tensor,
        bias: Tensor,
        padding: int,
    ) -> tuple[Tensor, ...]:
        pooled = x.new_empty(len(x), len(weight), window(width - 2, 3, 3, padding) ** 2)
        places = torch.empty(pooled.shape, dtype=torch.int32)
        statistics = torch.zeros(len(weight), 3, dtype=torch.float64)
        with_map, with_mask = torch.zeros(2, *weight.shape, dtype=torch.float64)
        kernels.conv_pool(
            x.numpy(),
            width,
            *(t.detach().contiguous().numpy() for t in (weight, bias, sign, counts)),
            padding,
            *(t.numpy() for t in (pooled, places, statistics, with_map, with_mask)),
        )
        ctx.save_for_backward(statistics, with_map, with_mask)
        ctx.mark_non_differentiable(pooled, places)
        return pooled, places, statistics[:, 0].clone(), statistics[:, 1].clone()

    @staticmethod
    def backward(
        ctx: Any, _pooled: None, _places: None, by_sum: Tensor, by_square: Tensor
    ) -> tuple[Tensor | None, ...]:
        statistics, with_map, with_mask = ctx.saved_tensors
        weight = by_sum[:, None, None] * with_mask + 2 * by_square[:, None, None] * with_map
        bias = by_sum * statistics[:, 2] + 2 * by_square * statistics[:, 0]
        return None, None, None, None, weight.float(), bias.float(), None


class _ScaleDropPool(torch.autograd.Function):
    """``avg_pool(dropout(factor · pooled + shift))``, and what goes through the pooled numbers to the convolution."""

    @staticmethod
    def forward(
        ctx: Any,
        pooled: Tensor,
        places: Tensor,
        x: Tensor,
        width: int,
        weight: Tensor,
        bias: Tensor,
        factor: Tensor,
        shift: Tensor,
        drawn: Tensor,
        threshold: int,
    ) -> Tensor:
        out = pooled.new_empty(*pooled.shape[:2], (_side(pooled) // 2) ** 2)
        arrays = (t.detach().numpy() for t in (pooled, factor, shift, drawn))
        kernels.scale_drop_pool(*arrays, threshold, out.numpy())
        ctx.save_for_backward(pooled, places, x, factor, drawn)
        ctx.width, ctx.threshold, ctx.weight_shape = width, threshold, weight.shape
        return out

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        pooled, places, x, factor, drawn = ctx.saved_tensors
        by_conv = torch.zeros(len(factor), kernels.LANES)
        by_norm = torch.zeros(len(factor), 2, dtype=torch.float64)
        kernels.gradient(
            *(t.numpy() for t in (grad.contiguous(), pooled, places, x)),
            ctx.width,
            *(factor.detach().numpy(), drawn.numpy(), ctx.threshold),
            *(by_conv.numpy(), by_norm.numpy()),
        )
        taps = ctx.weight_shape[1] * ctx.weight_shape[2]
        weight, (factor, shift) = by_conv[:, :taps].view(ctx.weight_shape), by_norm.float().T
        return None, None, None, None, weight, by_conv[:, taps], factor, shift, None, None


def _side(flat_maps: Tensor) -> int:
    """Of square maps (N, C, S²)."""
    return round(flat_maps.shape[2] ** 0.5)
