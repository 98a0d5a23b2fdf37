"""VGG-M in a compact form, with spatial pyramid pooling after one of its layers."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from models_ml.config import VGG_M_LAYERS, ConvLayer, NetConfig, map_sizes
from models_ml.nets.dropout import Dropout
from models_ml.nets.spp import SpatialGrids, SpatialPyramid


class LocalResponseNorm(nn.Module):
    """Local response normalisation across channels (Krizhevsky et al., NIPS 2012, section 3.3).

    ``x / (k + α Σ x²)^β`` over 5 neighbouring channels, with VGG-M's k = 2, α = 1e-4, β = 0.75. The sum is a
    1×1 convolution with a band of ones: ``torch.nn.LocalResponseNorm`` pools in 3-D instead, which takes
    four times as long and has no deterministic gradient on CUDA.

    >>> LocalResponseNorm(24)(torch.zeros(1, 24, 14, 14)).shape
    torch.Size([1, 24, 14, 14])
    """

    band: Tensor

    def __init__(self, channels: int) -> None:
        super().__init__()
        index = torch.arange(channels)
        band = (index[:, None] - index[None, :]).abs() <= 2
        self.register_buffer("band", band.float()[:, :, None, None], persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """(N, channels, S, S) → the same shape."""
        return x * (2 + 1e-4 * functional.conv2d(x * x, self.band)).pow(-0.75)


class VggMSpp(nn.Module):
    """VGG-M (Chatfield et al., BMVC 2014) made compact, with the SPP module of Sian et al. (IJACSA 2021).

    The first ``layers`` convolution layers of VGG-M with ``width`` times its channels, the SPP module after
    layer ``placement``, and a classifier of one hidden layer with dropout in place of VGG-M's fc6 to fc8.

    Parameters
    ----------
    net : the configuration, valid for ``size``
    in_channels : 3 for u, v and optical strain
    size : side of the input, in pixels
    classes : number of outputs

    >>> network = VggMSpp(NetConfig(), in_channels=3, size=28, classes=3)
    >>> network(torch.zeros(2, 3, 28, 28)).shape
    torch.Size([2, 3])
    """

    def __init__(self, net: NetConfig, in_channels: int, size: int, classes: int) -> None:
        super().__init__()
        self.placement = net.placement
        self.layers = nn.ModuleList()
        channels = in_channels
        for number, layer in enumerate(VGG_M_LAYERS[: net.layers], start=1):
            self.layers.append(_conv_layer(layer, channels, scaled(layer.channels, net.width)))
            channels = scaled(layer.channels, net.width)
            if number == net.placement:
                self.spp = _spp(net, channels)
                channels = self.spp.out_channels
        _, side = map_sizes(net, size)[-1]
        self.classify = _classifier(net, channels, 1 if net.fusion == "grid" else side, classes)
        _initialise(self)

    def forward(self, x: Tensor) -> Tensor:
        """(N, in_channels, size, size) float32 → (N, classes) logits."""
        for number, layer in enumerate(self.layers, start=1):
            x = layer(x)
            if number == self.placement:
                x = self.spp(x)
        return self.classify(x)


def scaled(channels: int, factor: float) -> int:
    """``factor`` times ``channels``, rounded, at least one."""
    return max(1, round(channels * factor))


def _conv_layer(layer: ConvLayer, in_channels: int, channels: int) -> nn.Sequential:
    modules: list[nn.Module] = [
        nn.Conv2d(in_channels, channels, layer.kernel, layer.stride, padding=layer.kernel // 2),
        nn.ReLU(inplace=True),
    ]
    if layer.normalise:
        modules.append(LocalResponseNorm(channels))
    if layer.pool is not None:
        modules.append(nn.MaxPool2d(layer.pool, stride=2))
    return nn.Sequential(*modules)


def _spp(net: NetConfig, channels: int) -> SpatialPyramid | SpatialGrids:
    if net.fusion == "grid":
        return SpatialGrids(channels, net.kernels, net.pooling)
    return SpatialPyramid(channels, net.kernels, net.pooling, scaled(channels, net.reduction))


def _classifier(net: NetConfig, channels: int, side: int, classes: int) -> nn.Sequential:
    # As VGG-M's fc6 it sees a 6×6 map at most; larger ones, of inputs above 28×28, are averaged down.
    hidden = scaled(512, net.width)
    return nn.Sequential(
        nn.AdaptiveAvgPool2d(6) if side > 6 else nn.Identity(),
        nn.Flatten(),
        nn.Linear(channels * min(side, 6) ** 2, hidden),
        nn.ReLU(inplace=True),
        Dropout(net.dropout),
        nn.Linear(hidden, classes),
    )


def _initialise(network: nn.Module) -> None:
    # He et al. (ICCV 2015). With torch's default the small flow values fade from layer to layer, and a few
    # dozen epochs are too few to learn from them.
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
            if module.bias is not None:
                nn.init.zeros_(module.bias)
