"""The networks by name."""

from collections.abc import Callable
from typing import Any

from torch import nn

from models_ml.config import BaseNet
from models_ml.nets.dual_inception import DualInceptionNet
from models_ml.nets.hoof_svm import HoofSvmNet
from models_ml.nets.htnet import HtnetNet
from models_ml.nets.majority import MajorityNet
from models_ml.nets.off_apexnet import OffApexnetNet
from models_ml.nets.rcn_a import RcnANet
from models_ml.nets.resnet import ResnetNet
from models_ml.nets.sssnet import SssnetNet
from models_ml.nets.ststnet import StstnetNet
from models_ml.nets.vgg_m import VggMNet
from models_ml.nets.vit import VitNet

# (configuration, members, size, classes) → a module that maps (N, 3, size, size) to (N, members, classes) logits.
NETWORKS: dict[str, Callable[[Any, int, int, int], nn.Module]] = {
    "vgg_m_spp": VggMNet,
    "vgg_m": VggMNet,
    "ststnet": StstnetNet,
    "off_apexnet": OffApexnetNet,
    "sssnet": SssnetNet,
    "dual_inception": DualInceptionNet,
    "rcn_a": RcnANet,
    "htnet": HtnetNet,
    "resnet": ResnetNet,
    "vit": VitNet,
    "hoof_svm": HoofSvmNet,
    "majority": MajorityNet,
}


def build(net: BaseNet, members: int = 1, size: int = 28, classes: int = 3) -> nn.Module:
    """``members`` networks side by side as ``net`` describes them, initialised from torch's global random stream.

    They map (N, 3, size, size) float32 to (N, members, classes) logits.

    >>> import torch
    >>> from models_ml.config import VggMSpp
    >>> build(VggMSpp())(torch.zeros(2, 3, 28, 28)).shape
    torch.Size([2, 1, 3])
    """
    return NETWORKS[net.name](net, members, size, classes)  # type: ignore[attr-defined]
