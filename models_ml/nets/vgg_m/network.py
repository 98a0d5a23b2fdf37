"""Compact VGG-M, without and with spatial pyramid pooling (SPP) after one of its layers."""

from torch import Tensor, nn
from torch.nn import functional

from models_ml.nets.layers import BatchNorm, Conv, Dropout, InputConv, Linear, flatten_members
from models_ml.nets.vgg_m.config import (
    CLASSIFIER_SIDE,
    HIDDEN,
    VGG_M_LAYERS,
    ConvLayer,
    VggM,
    VggMSpp,
    scaled,
)
from models_ml.nets.vgg_m.lrn import LocalResponseNorm
from models_ml.nets.vgg_m.spp import SpatialGrids, SpatialPyramid
from models_ml.nets.weights import initialise


class Network(nn.Module):
    """Compact VGG-M (Chatfield et al., BMVC 2014); with ``VggMSpp``, including the SPP module of Sian et al. (IJACSA 2021).

    The first ``layers`` convolution layers of VGG-M with ``width`` times its channels, the SPP module after layer
    ``placement``, and a classifier of one hidden layer with dropout instead of VGG-M's fc6 to fc8.

    Parameters
    ----------
    net
        The configuration, valid for ``size``.
    members
        Networks side by side.
    size
        Side of the input in pixels.
    classes
        Number of outputs.

    Examples
    --------
    >>> import torch
    >>> network = Network(VggMSpp(), members=2, size=28, classes=3)
    >>> network(torch.zeros(5, 3, 28, 28)).shape
    torch.Size([5, 2, 3])
    """

    def __init__(self, net: VggM, members: int, size: int, classes: int) -> None:
        super().__init__()
        self.members = members
        self.placement = net.placement if isinstance(net, VggMSpp) else 0
        self.layers = nn.ModuleList()
        channels = 0
        for number, layer in enumerate(VGG_M_LAYERS[: net.layers], start=1):
            out = scaled(layer.channels, net.width)
            self.layers.append(_conv_layer(net, layer, members, channels, out))
            channels = out
            if isinstance(net, VggMSpp) and number == net.placement:
                self.spp = _spp(net, members, channels)
                channels = self.spp.out_channels
        # The last two layers are the classifier's: the layer before them is the last convolution layer.
        side = [layer.side for layer in net.layers_for(size, classes)][-3] if self._keeps_maps(net) else 1
        hidden = scaled(HIDDEN, net.width)
        self.average = nn.AdaptiveAvgPool2d(CLASSIFIER_SIDE) if side > CLASSIFIER_SIDE else nn.Identity()
        self.hidden = Linear(members, channels * min(side, CLASSIFIER_SIDE) ** 2, hidden)
        self.dropout = Dropout(members, net.dropout)
        self.classify = Linear(members, hidden, classes)
        initialise(self)

    @staticmethod
    def _keeps_maps(net: VggM) -> bool:
        return not (isinstance(net, VggMSpp) and net.fusion == "grid")

    def forward(self, x: Tensor) -> Tensor:
        """(N, 3, size, size) float32 → (N, members, classes) logits."""
        for number, layer in enumerate(self.layers, start=1):
            x = layer(x)
            if number == self.placement:
                x = self.spp(x)
        x = functional.relu(self.hidden(flatten_members(self.average(x), self.members)), inplace=True)
        return self.classify(self.dropout(x))


def _conv_layer(net: VggM, layer: ConvLayer, members: int, in_channels: int, channels: int) -> nn.Sequential:
    batch = net.norm == "batch"
    shape = (channels, layer.kernel, layer.stride, layer.kernel // 2)
    first = not in_channels
    modules: list[nn.Module] = [
        InputConv(members, *shape, bias=not batch) if first else Conv(members, in_channels, *shape, not batch)
    ]
    if batch:
        modules.append(BatchNorm(members, channels))
    modules.append(nn.ReLU(inplace=True))
    if net.norm == "lrn" and layer.normalise:
        modules.append(LocalResponseNorm(members, channels))
    if layer.pool is not None:
        modules.append(nn.MaxPool2d(layer.pool, stride=2))
    return nn.Sequential(*modules)


def _spp(net: VggMSpp, members: int, channels: int) -> SpatialPyramid | SpatialGrids:
    if net.fusion == "grid":
        return SpatialGrids(members, channels, net.kernels, net.pooling)
    return SpatialPyramid(members, channels, net.kernels, net.pooling, scaled(channels, net.reduction))
