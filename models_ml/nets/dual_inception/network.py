"""Dual-Inception: two streams of inception blocks, for horizontal and for vertical motion."""

from collections.abc import Callable
from functools import partial

from torch import Tensor, nn
from torch.nn import functional

from models_ml.nets.dual_inception.config import BRANCHES, WIDTHS, DualInception
from models_ml.nets.layers import BatchNorm, Conv, Dropout, InputConv, Linear, flatten_members, join_channels


class InceptionBlock(nn.Module):
    """Inception block (Szegedy et al., CVPR 2015, figure 2b) and 2×2 max-pooling.

    Four branches side by side: 1×1; 1×1, then 3×3; 1×1, then 5×5; 3×3 max-pooling, then 1×1. ReLU after every convolution.

    Parameters
    ----------
    members
        Networks side by side.
    streams
        Streams within each network, which do not see each other.
    incoming
        Makes a 1×1 convolution of the incoming maps to ``width`` channels per stream.
    width
        Channels of each branch.
    batch_norm
        Whether batch normalisation follows each ReLU.

    Examples
    --------
    >>> import torch
    >>> block = InceptionBlock(1, 2, partial(Conv, 2, 10, 6, 1), width=6, batch_norm=True)
    >>> block(torch.zeros(1, 20, 28, 28)).shape
    torch.Size([1, 48, 14, 14])
    """

    def __init__(
        self,
        members: int,
        streams: int,
        incoming: Callable[[], nn.Module],
        width: int,
        batch_norm: bool,
    ) -> None:
        super().__init__()
        self.groups = groups = members * streams

        def branch(*convolutions: nn.Module) -> nn.Sequential:
            layers: list[nn.Module] = []
            for convolution in convolutions:
                layers += [convolution, nn.ReLU(inplace=True)]
                if batch_norm:
                    layers.append(BatchNorm(members, streams * width))
            return nn.Sequential(*layers)

        self.one = branch(incoming())
        self.three = branch(incoming(), Conv(groups, width, width, 3, padding=1))
        self.five = branch(incoming(), Conv(groups, width, width, 5, padding=2))
        self.pooled = branch(incoming())

    def forward(self, x: Tensor) -> Tensor:
        """(N, members × streams × C, S, S), or flow images → (N, members × streams × 4 width, S/2, S/2)."""
        pooled = functional.max_pool2d(x, 3, 1, 1)
        maps = join_channels([self.one(x), self.three(x), self.five(x), self.pooled(pooled)], self.groups)
        return functional.max_pool2d(maps, 2)


class Network(nn.Module):
    """Dual-Inception network (Zhou, Mao and Xue, FG 2019, and the authors' code).

    One stream for u and one for v, each of two inception blocks with branches of 6 and 16 channels. The maps of both
    streams are joined and go through one hidden layer of 1024 units.

    >>> import torch
    >>> network = Network(DualInception(), members=2, size=28, classes=3)
    >>> network(torch.zeros(5, 3, 28, 28)).shape
    torch.Size([5, 2, 3])
    """

    def __init__(self, net: DualInception, members: int, size: int, classes: int) -> None:
        super().__init__()
        self.members = members
        first, second = WIDTHS
        batch = net.norm == "batch"
        u, v = (partial(InputConv, members, first, 1, channels=(channel,)) for channel in (0, 1))
        self.u = InceptionBlock(members, 1, u, first, batch)
        self.v = InceptionBlock(members, 1, v, first, batch)
        inner = partial(Conv, 2 * members, BRANCHES * first, second, 1)
        self.streams = InceptionBlock(members, 2, inner, second, batch)
        self.hidden = Linear(members, 2 * BRANCHES * second * (size // 2 // 2) ** 2, net.hidden)
        self.dropout = Dropout(members, net.dropout)
        self.classify = Linear(members, net.hidden, classes)

    def forward(self, x: Tensor) -> Tensor:
        """(N, 3, size, size) float32 → (N, members, classes) logits."""
        x = self.streams(join_channels([self.u(x), self.v(x)], self.members))
        x = functional.relu(self.hidden(flatten_members(x, self.members)), inplace=True)
        return self.classify(self.dropout(x))
