"""A small residual network."""

from torch import Tensor, nn
from torch.nn import functional

from models_ml.nets.layers import BatchNorm, Conv, Dropout, InputConv, Linear
from models_ml.nets.resnet.config import STAGES, Resnet
from models_ml.nets.weights import initialise


class ResidualBlock(nn.Module):
    """Two 3×3 convolutions and a shortcut, which is a 1×1 convolution where the shape changes.

    >>> import torch
    >>> ResidualBlock(1, 16, 32, stride=2, batch_norm=True)(torch.zeros(1, 16, 28, 28)).shape
    torch.Size([1, 32, 14, 14])
    """

    def __init__(self, members: int, in_channels: int, channels: int, stride: int, batch_norm: bool) -> None:
        super().__init__()

        def normalised(*layer: Conv) -> nn.Sequential:
            return nn.Sequential(*layer, *([BatchNorm(members, channels)] if batch_norm else []))

        bias = not batch_norm
        self.conv1 = normalised(Conv(members, in_channels, channels, 3, stride, 1, bias))
        self.conv2 = normalised(Conv(members, channels, channels, 3, 1, 1, bias))
        same = stride == 1
        self.shortcut = (
            nn.Identity() if same else normalised(Conv(members, in_channels, channels, 1, stride, 0, bias))
        )

    def forward(self, x: Tensor) -> Tensor:
        """(N, members × in_channels, S, S) → (N, members × channels, S/stride, S/stride), rounded up."""
        y = self.conv2(functional.relu(self.conv1(x), inplace=True))
        return functional.relu(self.shortcut(x) + y)


class Network(nn.Module):
    """Residual network (He et al., CVPR 2016, section 4.2: the form for small images, with projections as shortcuts).

    A 3×3 convolution, three stages of residual blocks, and a classifier on the average of the last map. The second and third
    stages halve the map and double the channels.

    >>> import torch
    >>> network = Network(Resnet(), members=2, size=28, classes=3)
    >>> network(torch.zeros(5, 3, 28, 28)).shape
    torch.Size([5, 2, 3])
    """

    def __init__(self, net: Resnet, members: int, size: int, classes: int) -> None:
        super().__init__()
        self.members = members
        batch = net.norm == "batch"
        self.conv = InputConv(members, net.width, 3, padding=1, bias=not batch)
        self.norm = BatchNorm(members, net.width) if batch else nn.Identity()
        blocks, channels = [], net.width
        for stage in range(STAGES):
            for block in range(net.blocks):
                incoming, channels = channels, net.width * 2**stage
                stride = 2 if stage and not block else 1
                blocks.append(ResidualBlock(members, incoming, channels, stride, batch))
        self.blocks = nn.Sequential(*blocks)
        self.dropout = Dropout(members, net.dropout)
        self.classify = Linear(members, channels, classes)
        initialise(self)

    def forward(self, x: Tensor) -> Tensor:
        """(N, 3, size, size) float32 → (N, members, classes) logits."""
        x = self.blocks(functional.relu(self.norm(self.conv(x)), inplace=True))
        return self.classify(self.dropout(x.mean(dim=(2, 3)).unflatten(1, (self.members, -1))))
