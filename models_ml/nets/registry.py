"""The networks by name."""

from collections.abc import Callable
from typing import Any

from torch import nn

from models_ml.config import BaseNet
from models_ml.nets.ststnet import StstnetNet
from models_ml.nets.vgg_m import VggMNet

# (configuration, members, size, classes) → a module that maps (N, 3, size, size) to (N, members, classes) logits.
NETWORKS: dict[str, Callable[[Any, int, int, int], nn.Module]] = {
    "vgg_m_spp": VggMNet,
    "vgg_m": VggMNet,
    "ststnet": StstnetNet,
}


def build(net: BaseNet, members: int = 1, size: int = 28, classes: int = 3) -> nn.Module:
    """``members`` networks side by side as ``net`` describes them, initialised from torch's global random stream.

    They map (N, 3, size, size) float32 to (N, members, classes) logits.

    >>> from models_ml.config import VggMSpp
    >>> build(VggMSpp())(torch.zeros(2, 3, 28, 28)).shape
    torch.Size([2, 1, 3])
    """
    return NETWORKS[net.name](net, members, size, classes)  # type: ignore[attr-defined]
