"""OFF-ApexNet: two streams, for horizontal and for vertical motion."""

from torch import Tensor, nn
from torch.nn import functional

from models_ml.nets.layers import BatchNorm, Conv, Dropout, InputConv, Linear, flatten_members, join_channels
from models_ml.nets.off_apexnet.config import CHANNELS, OffApexnet


class Network(nn.Module):
    """Optical flow features from apex frame network (Gan et al., Signal Processing: Image Communication 74, 2019).

    One stream for u and one for v, each with two layers of 5×5 convolution (6 and 16 channels), ReLU and 2×2 max-pooling.
    The maps of both streams are joined and go through two hidden layers of 1024 units.

    >>> import torch
    >>> network = Network(OffApexnet(), members=2, size=28, classes=3)
    >>> network(torch.zeros(5, 3, 28, 28)).shape
    torch.Size([5, 2, 3])
    """

    def __init__(self, net: OffApexnet, members: int, size: int, classes: int) -> None:
        super().__init__()
        self.members = members
        first, second = CHANNELS
        batch = net.norm == "batch"
        self.u = InputConv(members, first, 5, padding=2, channels=(0,))
        self.v = InputConv(members, first, 5, padding=2, channels=(1,))
        self.norm1 = BatchNorm(members, 2 * first) if batch else nn.Identity()
        self.streams = Conv(2 * members, first, second, 5, padding=2)
        self.norm2 = BatchNorm(members, 2 * second) if batch else nn.Identity()
        self.hidden1 = Linear(members, 2 * second * (size // 2 // 2) ** 2, net.hidden)
        self.dropout1 = Dropout(members, net.dropout)
        self.hidden2 = Linear(members, net.hidden, net.hidden)
        self.dropout2 = Dropout(members, net.dropout)
        self.classify = Linear(members, net.hidden, classes)

    def forward(self, x: Tensor) -> Tensor:
        """(N, 3, size, size) float32 → (N, members, classes) logits."""
        x = functional.relu(join_channels([self.u(x), self.v(x)], self.members), inplace=True)
        x = functional.max_pool2d(self.norm1(x), 2)
        x = self.norm2(functional.relu(self.streams(x), inplace=True))
        x = flatten_members(functional.max_pool2d(x, 2), self.members)
        x = self.dropout1(functional.relu(self.hidden1(x), inplace=True))
        x = self.dropout2(functional.relu(self.hidden2(x), inplace=True))
        return self.classify(x)
