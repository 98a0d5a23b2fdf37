"""STSTNet: three shallow streams."""

from torch import Tensor, nn
from torch.nn import functional

from models_ml.nets.layers import BatchNorm, Dropout, InputConv, Linear, flatten_members
from models_ml.nets.ststnet.config import STREAMS, Ststnet


class Network(nn.Module):
    """Shallow triple stream network (Liong et al., FG 2019, section III).

    Three streams of one 3×3 convolution each, with 3, 5 and 8 channels, ReLU, batch normalisation, 3×3 max-pooling and
    dropout. Their joined maps are average-pooled and classified. The streams see the same input through the same window, so
    here they are the 16 channels of one convolution.

    >>> import torch
    >>> network = Network(Ststnet(), members=2, size=28, classes=3)
    >>> network(torch.zeros(5, 3, 28, 28)).shape
    torch.Size([5, 2, 3])
    """

    def __init__(self, net: Ststnet, members: int, size: int, classes: int) -> None:
        super().__init__()
        self.members = members
        channels, side = sum(STREAMS), net.layers_for(size)[0].side
        self.conv = InputConv(members, channels, 3, padding=2)
        self.norm = BatchNorm(members, channels) if net.norm == "batch" else None
        self.dropout = Dropout(members, net.dropout)
        self.classify = Linear(members, channels * (side // 2) ** 2, classes)

    def forward(self, x: Tensor) -> Tensor:
        """(N, 3, size, size) float32 → (N, members, classes) logits."""
        if self.training and x.device.type == "cpu":
            from models_ml.nets.fused import stem  # here: only training needs a compiler

            return self.classify(stem(x, self.conv, self.norm, self.dropout, pool_padding=1))
        return self.classify(flatten_members(self.layers(x), self.members))

    def layers(self, x: Tensor) -> Tensor:
        """Compute layer by layer what ``stem`` computes at once: (N, 3, size, size) → (N, members × 16, S, S)."""
        x = functional.relu(self.conv(x), inplace=True)
        x = functional.max_pool2d(x if self.norm is None else self.norm(x), 3, 3, 1)
        return functional.avg_pool2d(self.dropout(x), 2, 2)
