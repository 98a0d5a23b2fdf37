"""Initial weights of convolutional networks."""

from torch import nn

from models_ml.nets.layers import Linear


def initialise(network: nn.Module) -> None:
    """Initialise convolutions and linear layers as He et al. (ICCV 2015), with biases of zero.

    With torch's default, the small flow values fade from layer to layer, and a few dozen epochs are too few to learn from
    them.
    """
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
            if module.bias is not None:
                nn.init.zeros_(module.bias)
        elif isinstance(module, Linear):
            nn.init.normal_(module.weight, std=(2 / module.weight.shape[2]) ** 0.5)
            nn.init.zeros_(module.bias)
