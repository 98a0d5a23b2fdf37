"""SSSNet: one shallow stream."""

from torch import Tensor, nn
from torch.nn import functional

from models_ml.nets.layers import BatchNorm, Conv, Dropout, InputConv, Linear, flatten_members
from models_ml.nets.sssnet.config import HIDDEN, WIDTHS, Sssnet


class Network(nn.Module):
    """Shallow single stream network (Varanka, Peng and Zhao, Electronic Imaging 2021, Micro-expression … with noisy labels).

    A 5×5 and a 3×3 convolution, each with ReLU, max-pooling (3×3 and 2×2), batch normalisation and dropout of whole maps,
    then one hidden layer.

    >>> import torch
    >>> network = Network(Sssnet(), members=2, size=28, classes=3)
    >>> network(torch.zeros(5, 3, 28, 28)).shape
    torch.Size([5, 2, 3])
    """

    def __init__(self, net: Sssnet, members: int, size: int, classes: int) -> None:
        super().__init__()
        self.members = members
        first, second = WIDTHS
        batch = net.norm == "batch"
        side = net.layers_for(size)[1].side
        self.conv1 = InputConv(members, first, 5)
        self.norm1 = BatchNorm(members, first) if batch else nn.Identity()
        self.dropout1 = Dropout(members, net.dropout, whole_maps=True)
        self.conv2 = Conv(members, first, second, 3)
        self.norm2 = BatchNorm(members, second) if batch else nn.Identity()
        self.dropout2 = Dropout(members, net.dropout, whole_maps=True)
        self.hidden = Linear(members, second * side**2, HIDDEN)
        self.dropout3 = Dropout(members, net.dropout)
        self.classify = Linear(members, HIDDEN, classes)

    def forward(self, x: Tensor) -> Tensor:
        """(N, 3, size, size) float32 → (N, members, classes) logits."""
        x = functional.max_pool2d(functional.relu(self.conv1(x), inplace=True), 3)
        x = self.dropout1(self.norm1(x))
        x = functional.max_pool2d(functional.relu(self.conv2(x), inplace=True), 2)
        x = self.dropout2(self.norm2(x))
        x = functional.relu(self.hidden(flatten_members(x, self.members)), inplace=True)
        return self.classify(self.dropout3(x))
