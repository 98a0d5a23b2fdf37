"""TinyNet: one convolution and a classifier."""

from torch import Tensor, nn
from torch.nn import functional

from mer_tinynet.config import TinyNet
from models_ml.nets.layers import Dropout, InputConv, Linear, flatten_members


class Network(nn.Module):
    """A 5×5 convolution with ReLU and 3×3 max-pooling, then a classifier."""

    def __init__(self, net: TinyNet, members: int, size: int, classes: int) -> None:
        super().__init__()
        self.members = members
        side = net.layers_for(size)[0].side
        self.conv = InputConv(members, net.width, 5)
        self.dropout = Dropout(members, net.dropout)
        self.classify = Linear(members, net.width * side**2, classes)

    def forward(self, x: Tensor) -> Tensor:
        """(N, 3, size, size) float32 → (N, members, classes) logits."""
        x = functional.max_pool2d(functional.relu(self.conv(x)), 3)
        return self.classify(self.dropout(flatten_members(x, self.members)))
