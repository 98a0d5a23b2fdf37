"""Layers of several networks of one shape at once: the members of a bundle.

Members are side by side in the channels: a map is (N, members × C, S, S) in channels-last memory, a vector (N, members, C).
So elementwise operations and pooling need not know about members. A convolution has ``members`` groups; a first layer, whose
input all members share, is one convolution with ``members`` times the channels. A bundle of one member is an ordinary
network. What a member computes does not depend on the other members.
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
    """What layers need to know about the current batch; one object for all layers of a network.

    Attributes
    ----------
    weights
        (samples, members), how often each sample counts for each member: 0 where it is held out. None: once for all.
    start
        Position in the batch of the current chunk's first sample.
    total
        Samples in the batch.
    streams
        Random streams of each member by name of the layer; dropout draws from them.
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
    """First convolution, on flow images that all members share: (N, 3, S, S) → (N, members × out_channels, S', S').

    Each member sees the image divided by its own ``scale`` (members, 3): the root mean square of u, v and strain over its
    training samples. Nothing is subtracted: zero means no motion, in the image, in the padding around it and in its mirror
    image.

    Parameters
    ----------
    channels
        The input channels that it uses: 0 is u, 1 is v, 2 is strain.
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
        """Set the scale of each member, (members, 3)."""
        self.scale.copy_(scale[:, list(self.channels)])

    def scaled_weight(self) -> Tensor:
        """Return the weights divided by the scale, so that the images need not be."""
        scale = self.scale.repeat_interleave(self.out_channels // self.members, dim=0)
        return self.weight / scale[:, :, None, None]

    def select(self, x: Tensor) -> Tensor:
        """Return the channels of flow images (N, 3, S, S) that it uses."""
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
        bound = 1 / math.sqrt(in_features)  # as torch.nn.Linear
        nn.init.uniform_(self.weight, -bound, bound)
        nn.init.uniform_(self.bias, -bound, bound)

    def forward(self, x: Tensor) -> Tensor:
        # The weight comes first, so that its gradient has the weight's own memory layout.
        return torch.baddbmm(self.bias[:, :, None], self.weight, x.permute(1, 2, 0)).permute(2, 0, 1)


class BatchNorm(nn.Module):
    """Batch normalisation (Ioffe & Szegedy, ICML 2015) of each member over its own samples of the batch.

    Held-out samples influence neither the statistics of the batch nor the running statistics. It takes maps and vectors.
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
        positions = x[0, 0].numel() if x.dim() == 4 else 1
        weights = self.sample_weights(x)
        mean = self._mean(weights, _sums(x), positions)
        centred = x - self._shaped(mean.float(), x)
        variance = self._mean(weights, _sums(centred * centred), positions)
        self._update_running(weights, mean, variance, positions)
        return self._scaled(centred, self._factor(variance.float()), self.bias)

    def statistics(
        self, weights: Tensor, sums: Tensor, squares: Tensor, positions: int
    ) -> tuple[Tensor, Tensor]:
        """Return mean and variance of a batch of maps that are not kept, and update the running statistics.

        Parameters
        ----------
        weights
            As ``sample_weights`` returns them.
        sums
            Σ x over the samples so weighted, (members × C) float64.
        squares
            Σ x² over them, (members × C) float64.
        positions
            Positions per map.

        Returns
        -------
        tuple[Tensor, Tensor]
            Mean and variance, (members × C) each.
        """
        count = self._count(weights, positions)
        mean = sums / count
        variance = (squares / count - mean * mean).clamp(min=0)
        self._update_running(weights, mean, variance, positions)
        return mean.float(), variance.float()

    def factor_and_shift(self, mean: Tensor, variance: Tensor) -> tuple[Tensor, Tensor]:
        """Return factor and shift, (members × C) each: ``factor · x + shift`` is normalised."""
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
        """Return how often each sample counts for each member, (N, members) float64."""
        weights = self.batch.weights
        return (x.new_ones(len(x), self.members) if weights is None else weights).double()

    def _mean(self, weights: Tensor, sums: Tensor, positions: int) -> Tensor:
        """Return means, (members × C) float64, over the samples that count for each member."""
        each = sums.double().unflatten(1, (self.members, -1)) * weights[:, :, None]
        return each.sum(dim=0).reshape(-1) / self._count(weights, positions)

    def _count(self, weights: Tensor, positions: int) -> Tensor:
        """Return how many numbers count for each channel, (members × C); 1 where there are none."""
        count = (weights.sum(dim=0) * positions).clamp(min=1)
        return count.repeat_interleave(len(self.weight) // self.members)

    @torch.no_grad()
    def _update_running(self, weights: Tensor, mean: Tensor, variance: Tensor, positions: int) -> None:
        """Update the running statistics of the members that have samples in the batch."""
        count = (weights.sum(dim=0) * positions).repeat_interleave(len(mean) // self.members)
        blend = self.momentum * (count > 0).float()
        unbiased = variance * count / (count - 1).clamp(min=1)
        self.running_mean.lerp_(mean.float(), blend)
        self.running_var.lerp_(unbiased.float(), blend)


def _sums(x: Tensor) -> Tensor:
    """Return the sums of each sample: (N, members × C, S, S) or (N, members, C) → (N, members × C)."""
    return x.sum(dim=(2, 3)) if x.dim() == 4 else x.flatten(1)


class _Affine(torch.autograd.Function):
    """``factor · x + shift`` per channel of a map. Autograd's own gradient of this takes four times as long."""

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
    """Dropout (Srivastava et al., JMLR 2014) with a random stream per member.

    A fold draws the same masks, independent of the other members, the device and the size of chunks. A mask takes one byte
    per unit, in the order of ``torch.flatten``, so the share is rounded to 1/256.

    Parameters
    ----------
    share
        Share of the units to drop, below 1.
    whole_maps
        Drop channels of a map as a whole (Tompson et al., CVPR 2015), as ``torch.nn.Dropout2d`` does.
    """

    def __init__(self, members: int, share: float, whole_maps: bool = False) -> None:
        super().__init__()
        self.members, self.whole_maps = members, whole_maps
        self.threshold = round(share * 256)
        self.batch = Batch()
        self.name = ""  # name within the network, set by build_members
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
        """Draw a byte for each unit, (samples, members, units). A unit is dropped where its byte is below the threshold.

        The bytes of a whole batch are drawn with its first chunk; the part of the current chunk is returned.
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
        if not self.batch.streams:  # a network by itself, outside of training
            return torch.randint(256, (count,), dtype=torch.uint8).numpy()
        return np.frombuffer(self.batch.streams[member][self.name].bytes(count), np.uint8)


def flatten_members(x: Tensor, members: int) -> Tensor:
    """Flatten the maps of each member, in the order of ``torch.flatten``: (N, members × C, S, S) → (N, members, C·S·S)."""
    return x.unflatten(1, (members, -1)).flatten(2)


def join_channels(maps: list[Tensor], members: int) -> Tensor:
    """Concatenate maps (N, members × C_i, S, S) along the channels of each member."""
    # Concatenated in the memory's order (N, S, S, members, C), so that the result is channels-last again.
    by_position = [x.permute(0, 2, 3, 1).unflatten(3, (members, -1)) for x in maps]
    return torch.cat(by_position, dim=4).flatten(3).permute(0, 3, 1, 2)
