"""The stem of a shallow network, trained on a CPU as two operations instead of a dozen.

The stem is ``avg_pool(dropout(max_pool(norm(relu(conv(x))))))``. The map between convolution and max-pooling is by far the
largest of the network, and passing over it is most of the cost of an epoch. Here this map never exists as a whole. Batch
normalisation needs the statistics of the whole map first. But it is monotone in each channel, so it can follow the
max-pooling instead: of the largest number of a window where its factor is positive, of the smallest where it is negative.

``make bench NAME=training`` (tests/bench/training.py, 442 samples, 68 folds, 2 cores): STSTNet takes 9 ms per fold and
epoch. The price is that the stem exists twice: test_fused.py compares it with the layers it replaces.
"""

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from models_ml.nets import kernels
from models_ml.nets.layers import BatchNorm, Dropout, InputConv
from models_ml.nets.shapes import window


def stem(x: Tensor, conv: InputConv, norm: BatchNorm | None, dropout: Dropout, pool_padding: int) -> Tensor:
    """Compute the stem: (N, 3, S, S) → (N, members, features), in the order of ``torch.flatten``. Images get no gradient.

    The variance comes from sums in float32: where a channel's standard deviation is below a hundredth of its mean, it is
    accurate to three digits.

    Parameters
    ----------
    x
        The flow images.
    conv
        3×3 with stride 1, and an even number of channels per member.
    norm
        Batch normalisation, or None.
    dropout
        Dropout of the max-pooled maps.
    pool_padding
        Padding of the 3×3 max-pooling with stride 3. The average pooling is 2×2.
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
        pooled, positions, _, _ = _ConvPool.apply(padded, width, sign, counts, weight, bias, pool_padding)
    else:
        sign = torch.where(norm.weight.detach() < 0, -1.0, 1.0)
        counts = norm.sample_weights(x)
        if len(counts) != len(x):
            raise ValueError(f"There are {len(x)} samples and weights of {len(counts)}.")
        pooled, positions, sums, squares = _ConvPool.apply(
            padded, width, sign, counts.float(), weight, bias, pool_padding
        )
        factor, shift = norm.factor_and_shift(*norm.statistics(counts, sums, squares, (width - 2) ** 2))
    drawn = torch.from_numpy(dropout.draw(len(x), pooled[0].numel() // conv.members)).view(pooled.shape)
    out = _ScaleDropPool.apply(
        pooled, positions, padded, width, weight, bias, factor, shift, drawn, dropout.threshold
    )
    return out.view(len(x), conv.members, -1)


class _ConvPool(torch.autograd.Function):
    """``y = relu(conv(x))``: its extremes and their positions; per channel Σ y and Σ y² of the samples that count.

    Only the sums have a gradient here. With respect to the convolution's weight it is a blend of Σ x where y > 0 and of
    Σ y · x. Both are summed while y exists.
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
        positions = torch.empty(pooled.shape, dtype=torch.int32)
        statistics = torch.zeros(len(weight), 3, dtype=torch.float64)
        with_map, with_mask = torch.zeros(2, *weight.shape, dtype=torch.float64)
        kernels.conv_pool(
            x.numpy(),
            width,
            *(t.detach().contiguous().numpy() for t in (weight, bias, sign, counts)),
            padding,
            *(t.numpy() for t in (pooled, positions, statistics, with_map, with_mask)),
        )
        ctx.save_for_backward(statistics, with_map, with_mask)
        ctx.mark_non_differentiable(pooled, positions)
        return pooled, positions, statistics[:, 0].clone(), statistics[:, 1].clone()

    @staticmethod
    def backward(
        ctx: Any, _pooled: None, _positions: None, by_sum: Tensor, by_square: Tensor
    ) -> tuple[Tensor | None, ...]:
        statistics, with_map, with_mask = ctx.saved_tensors
        weight = by_sum[:, None, None] * with_mask + 2 * by_square[:, None, None] * with_map
        bias = by_sum * statistics[:, 2] + 2 * by_square * statistics[:, 0]
        return None, None, None, None, weight.float(), bias.float(), None


class _ScaleDropPool(torch.autograd.Function):
    """``avg_pool(dropout(factor · pooled + shift))``, with the gradient through the pooled numbers to the convolution."""

    @staticmethod
    def forward(
        ctx: Any,
        pooled: Tensor,
        positions: Tensor,
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
        ctx.save_for_backward(pooled, positions, x, factor, drawn)
        ctx.width, ctx.threshold, ctx.weight_shape = width, threshold, weight.shape
        return out

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        pooled, positions, x, factor, drawn = ctx.saved_tensors
        by_conv = torch.zeros(len(factor), kernels.LANES)
        by_norm = torch.zeros(len(factor), 2, dtype=torch.float64)
        kernels.gradient(
            *(t.numpy() for t in (grad.contiguous(), pooled, positions, x)),
            ctx.width,
            *(factor.detach().numpy(), drawn.numpy(), ctx.threshold),
            *(by_conv.numpy(), by_norm.numpy()),
        )
        taps = ctx.weight_shape[1] * ctx.weight_shape[2]
        weight, (factor, shift) = by_conv[:, :taps].view(ctx.weight_shape), by_norm.float().T
        return None, None, None, None, weight, by_conv[:, taps], factor, shift, None, None


def _side(flat_maps: Tensor) -> int:
    """Return the side of square maps (N, C, S²)."""
    return round(flat_maps.shape[2] ** 0.5)
