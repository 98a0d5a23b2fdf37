"""Layers of several networks of one shape at once, the members of a bundle.

Members stand side by side in the channels: a map is (N, members × C, S, S) in channels-last memory, a vector
(N, members, C). So elementwise operations and poolings need not know of members, a convolution is one of ``members``
groups, and a first layer, whose input all members share, is one convolution with ``members`` times the channels. A bundle
of one member is an ordinary network. What a member computes does not depend on its neighbours.
"""

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional


@dataclass
class Batch:
    """What layers need to know of the batch in hand, beyond its samples; one object for all layers of a network.

    weights : (samples, members), how often a sample counts for a member: 0 where it is held out. None: once for each
    start, total : the chunk in hand begins at sample ``start`` of the ``total`` of the batch
    streams : of each member, by layer; what its dropout draws from
    """

    weights: Tensor | None = None
    start: int = 0
    total: int = 0
    streams: list[dict[str, np.random.Generator]] = field(default_factory=list)


def convolve(
    x: Tensor, weight: Tensor, bias: Tensor | None, stride: tuple[int, ...], padding: Any, groups: int = 1
) -> Tensor:
    """Apply ``torch.nn.functional.conv2d`` in a way that is safe on every CPU.

    A strided 1×1 convolution drops the rows and columns that it skips first and then runs with stride 1: the same numbers.
    oneDNN's AVX2 code for the gradient of a strided 1×1 convolution writes past the end of its buffers (torch 2.13.0,
    oneDNN 3.12.0; docs/upstream/onednn-1x1.md). Keep this until tests/unit/models_ml/nets/test_memory.py finds that a
    newer torch is safe.
    """
    if weight.shape[2:] == (1, 1) and max(stride) > 1:
        rows, columns = stride
        x = x[:, :, ::rows, ::columns]
        stride = (1, 1)
    return functional.conv2d(x, weight, bias, stride, padding, groups=groups)


class Conv(nn.Conv2d):
    """Convolution: (N, members × in_channels, S, S) → (N, members × out_channels, S', S')."""

    def __init__(
        self,
        members: int,
        in_channels: int,
        out_channels: int,
        kernel: int,
        stride: int = 1,
        padding: int = 0,
        bias: bool = True,
    ) -> None:
        super().__init__(
            members * in_channels,
            members * out_channels,
            kernel,
            stride,
            padding,
            groups=members,
            bias=bias,
        )
        self.members = members

    def forward(self, x: Tensor) -> Tensor:
        return convolve(x, self.weight, self.bias, self.stride, self.padding, self.groups)


class InputConv(nn.Conv2d):
    """First convolution, on flow pictures that all members share: (N, 3, S, S) → (N, members × out_channels, S', S').

    Each member sees the picture divided by its own ``scale`` (members, 3): the root mean square of u, v and strain over
    its training samples. Nothing is subtracted: zero means no motion, inside the picture, in the padding around it and
    in its mirror image.

    Parameters
    ----------
    channels : which of u, v, strain it looks at
    """

    scale: Tensor

    def __init__(
        self,
        members: int,
        out_channels: int,
        kernel: int,
        stride: int = 1,
        padding: int = 0,
        channels: tuple[int, ...] = (0, 1, 2),
        bias: bool = True,
    ) -> None:
        super().__init__(len(channels), members * out_channels, kernel, stride, padding, bias=bias)
        self.members, self.channels = members, channels
        self.register_buffer("scale", torch.ones(members, len(channels)))

    def set_scale(self, scale: Tensor) -> None:
        """``scale`` is (members, 3)."""
        self.scale.copy_(scale[:, list(self.channels)])

    def scaled_weight(self) -> Tensor:
        scale = self.scale.repeat_interleave(self.out_channels // self.members, dim=0)
        return self.weight / scale[:, :, None, None]

    def select(self, x: Tensor) -> Tensor:
        """Of the flow pictures (N, 3, S, S), the channels it looks at."""
        return x if len(self.channels) == x.shape[1] else x[:, list(self.channels)]

    def forward(self, x: Tensor) -> Tensor:
        return convolve(self.select(x), self.scaled_weight(), self.bias, self.stride, self.padding)


class Linear(nn.Module):
    """Fully connected: (N, members, in_features) → (N, members, out_features)."""

    def __init__(self, members: int, in_features: int, out_features: int) -> None:
        super().__init__()
        self.members = members
        self.weight = nn.Parameter(torch.empty(members, out_features, in_features))
        self.bias = nn.Parameter(torch.empty(members, out_features))
        bound = 1 / math.sqrt(in_features)  # torch's own
        nn.init.uniform_(self.weight, -bound, bound)
        nn.init.uniform_(self.bias, -bound, bound)

    def forward(self, x: Tensor) -> Tensor:
        # The weight first: its gradient then comes in its own order of memory.
        return torch.baddbmm(self.bias[:, :, None], self.weight, x.permute(1, 2, 0)).permute(2, 0, 1)


class BatchNorm(nn.Module):
    """Batch normalisation (Ioffe & Szegedy, ICML 2015) of each member over its own samples of the batch.

    Held-out samples touch neither the statistics of the batch nor the running ones. For maps and for vectors.
    """

    running_mean: Tensor
    running_var: Tensor

    def __init__(self, members: int, channels: int, momentum: float = 0.1, eps: float = 1e-5) -> None:
        super().__init__()
        self.members, self.momentum, self.eps = members, momentum, eps
        self.weight = nn.Parameter(torch.ones(members * channels))
        self.bias = nn.Parameter(torch.zeros(members * channels))
        self.register_buffer("running_mean", torch.zeros(members * channels))
        self.register_buffer("running_var", torch.ones(members * channels))
        self.batch = Batch()

    def forward(self, x: Tensor) -> Tensor:
        if not self.training:
            return self._scaled(x, *self.factor_and_shift(self.running_mean, self.running_var))
        places = x[0, 0].numel() if x.dim() == 4 else 1
        weights = self.sample_weights(x)
        mean = self._mean(weights, _sums(x), places)
        centred = x - self._shaped(mean.float(), x)
        variance = self._mean(weights, _sums(centred * centred), places)
        self._bring_on(weights, mean, variance, places)
        return self._scaled(centred, self._factor(variance.float()), self.bias)

    def statistics(
        self, weights: Tensor, sums: Tensor, squares: Tensor, places: int
    ) -> tuple[Tensor, Tensor]:
        """Mean and variance (members × C) of a batch of maps that are not kept; the running ones are brought on.

        Parameters
        ----------
        weights : as ``sample_weights`` gives
        sums, squares : Σ x and Σ x² over the samples so weighted, (members × C) float64
        places : of a map
        """
        count = self._count(weights, places)
        mean = sums / count
        variance = (squares / count - mean * mean).clamp(min=0)
        self._bring_on(weights, mean, variance, places)
        return mean.float(), variance.float()

    def factor_and_shift(self, mean: Tensor, variance: Tensor) -> tuple[Tensor, Tensor]:
        """(members × C) each; ``factor · x + shift`` is normalised."""
        factor = self._factor(variance)
        return factor, self.bias - mean * factor

    def _factor(self, variance: Tensor) -> Tensor:
        return self.weight * torch.rsqrt(variance + self.eps)

    def _scaled(self, x: Tensor, factor: Tensor, shift: Tensor) -> Tensor:
        if x.dim() == 3:
            return torch.addcmul(self._shaped(shift, x), x, self._shaped(factor, x))
        return _Affine.apply(x, factor, shift)

    def _shaped(self, values: Tensor, x: Tensor) -> Tensor:
        return values.view((self.members, -1) if x.dim() == 3 else (-1, 1, 1))

    def sample_weights(self, x: Tensor) -> Tensor:
        """How often each sample counts for each member (N, members) float64."""
        weights = self.batch.weights
        return (x.new_ones(len(x), self.members) if weights is None else weights).double()

    def _mean(self, weights: Tensor, sums: Tensor, places: int) -> Tensor:
        """(members × C) float64, over the samples that count for each member."""
        each = sums.double().unflatten(1, (self.members, -1)) * weights[:, :, None]
        return each.sum(dim=0).reshape(-1) / self._count(weights, places)

    def _count(self, weights: Tensor, places: int) -> Tensor:
        """Of the numbers that count for each channel (members × C); 1 where there are none."""
        count = (weights.sum(dim=0) * places).clamp(min=1)
        return count.repeat_interleave(len(self.weight) // self.members)

    @torch.no_grad()
    def _bring_on(self, weights: Tensor, mean: Tensor, variance: Tensor, places: int) -> None:
        """The running statistics of the members that have samples in the batch."""
        count = (weights.sum(dim=0) * places).repeat_interleave(len(mean) // self.members)
        blend = self.momentum * (count > 0).float()
        unbiased = variance * count / (count - 1).clamp(min=1)
        self.running_mean.lerp_(mean.float(), blend)
        self.running_var.lerp_(unbiased.float(), blend)


def _sums(x: Tensor) -> Tensor:
    """Each sample's sums: (N, members × C, S, S) or (N, members, C) → (N, members × C)."""
    return x.sum(dim=(2, 3)) if x.dim() == 4 else x.flatten(1)


class _Affine(torch.autograd.Function):
    """``factor · x + shift`` by channel of a map; autograd's own gradient of that takes four times as long."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, factor: Tensor, shift: Tensor) -> Tensor:
        ctx.save_for_backward(x, factor)
        return torch.addcmul(shift[:, None, None], x, factor[:, None, None])

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        x, factor = ctx.saved_tensors
        over_maps = (grad * x).sum(dim=(2, 3)).sum(dim=0)
        return grad * factor[:, None, None], over_maps, grad.sum(dim=(2, 3)).sum(dim=0)


class Dropout(nn.Module):
    """Dropout (Srivastava et al., JMLR 2014), each member with masks from a stream of its own.

    So a fold draws the same masks whatever runs beside it, on whatever device, and however its batch is cut into chunks.
    A mask is drawn with a byte a unit, in the order of ``torch.flatten``: the share is rounded to 1/256.

    Parameters
    ----------
    whole_maps : drop channels of a map as a whole (Tompson et al., CVPR 2015), as ``torch.nn.Dropout2d``
    """

    def __init__(self, members: int, share: float, whole_maps: bool = False) -> None:
        super().__init__()
        self.members, self.whole_maps = members, whole_maps
        self.threshold = round(share * 256)
        self.batch = Batch()
        self.name = ""  # within its network; the bundle's builder sets it
        self._bytes = np.empty((0, members, 0), np.uint8)

    def forward(self, x: Tensor) -> Tensor:
        if not self.training or self.threshold == 0:
            return x
        masked = x[:, :, :1, :1] if self.whole_maps else x
        drawn = self.draw(len(x), masked[0].numel() // self.members)
        kept = 256 / (256 - self.threshold)
        masks = torch.from_numpy(drawn >= self.threshold).float().mul_(kept).view(masked.shape)
        if x.dim() == 4:
            masks = masks.contiguous(memory_format=torch.channels_last)
        return x * masks.to(x.device)

    def draw(self, samples: int, units: int) -> NDArray[np.uint8]:
        """A byte for each unit, (samples, members, units): it is dropped where that is below the threshold.

        They are drawn for the whole batch, with its first chunk; what is returned is the part of the chunk in hand.
        """
        if self.threshold == 0:
            return np.zeros((samples, self.members, units), np.uint8)
        if self.batch.start == 0:
            total = max(self.batch.total, samples)
            self._bytes = np.empty((total, self.members, units), np.uint8)
            for member in range(self.members):
                self._bytes[:, member] = self._stream(member, total * units).reshape(total, units)
        return self._bytes[self.batch.start : self.batch.start + samples]

    def _stream(self, member: int, count: int) -> NDArray[np.uint8]:
        if not self.batch.streams:  # a network on its own, outside of training
            return torch.randint(256, (count,), dtype=torch.uint8).numpy()
        return np.frombuffer(self.batch.streams[member][self.name].bytes(count), np.uint8)


def flat(x: Tensor, members: int) -> Tensor:
    """(N, members × C, S, S) → (N, members, C·S·S), each member's values in the order of ``torch.flatten``."""
    return x.unflatten(1, (members, -1)).flatten(2)


def beside(maps: list[Tensor], members: int) -> Tensor:
    """Concatenate maps (N, members × C_i, S, S) along each member's channels."""
    # Spelled out in the memory's own order (N, S, S, members, C), so that the result is channels-last again.
    by_place = [x.permute(0, 2, 3, 1).unflatten(3, (members, -1)) for x in maps]
    return torch.cat(by_place, dim=4).flatten(3).permute(0, 3, 1, 2)
