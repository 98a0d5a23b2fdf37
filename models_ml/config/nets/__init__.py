"""The networks that can be chosen, each with its own settings."""

from typing import Annotated, Any

from pydantic import Discriminator, Tag

from models_ml.config.nets.base import BaseNet, multiply_adds, parameter_count
from models_ml.config.nets.dual_inception import DualInception
from models_ml.config.nets.hoof_svm import HoofSvm
from models_ml.config.nets.htnet import Htnet
from models_ml.config.nets.majority import Majority
from models_ml.config.nets.off_apexnet import OffApexnet
from models_ml.config.nets.rcn_a import RcnA
from models_ml.config.nets.resnet import Resnet
from models_ml.config.nets.sssnet import Sssnet
from models_ml.config.nets.ststnet import Ststnet
from models_ml.config.nets.vgg_m import VggM, VggMSpp
from models_ml.config.nets.vit import Vit

DEFAULT_NET = "vgg_m_spp"


# By name, in the order in which they are offered.
NET_CONFIGS: dict[str, type[BaseNet]] = {
    "vgg_m_spp": VggMSpp,
    "vgg_m": VggM,
    "ststnet": Ststnet,
    "off_apexnet": OffApexnet,
    "sssnet": Sssnet,
    "dual_inception": DualInception,
    "rcn_a": RcnA,
    "htnet": Htnet,
    "resnet": Resnet,
    "vit": Vit,
    "hoof_svm": HoofSvm,
    "majority": Majority,
}


def _name_of(value: Any) -> str:
    """A network that is not named is the default one."""
    return value.get("name", DEFAULT_NET) if isinstance(value, dict) else getattr(value, "name", DEFAULT_NET)


AnyNet = Annotated[
    Annotated[VggMSpp, Tag("vgg_m_spp")]
    | Annotated[VggM, Tag("vgg_m")]
    | Annotated[Ststnet, Tag("ststnet")]
    | Annotated[OffApexnet, Tag("off_apexnet")]
    | Annotated[Sssnet, Tag("sssnet")]
    | Annotated[DualInception, Tag("dual_inception")]
    | Annotated[RcnA, Tag("rcn_a")]
    | Annotated[Htnet, Tag("htnet")]
    | Annotated[Resnet, Tag("resnet")]
    | Annotated[Vit, Tag("vit")]
    | Annotated[HoofSvm, Tag("hoof_svm")]
    | Annotated[Majority, Tag("majority")],
    Discriminator(
        _name_of,
        custom_error_type="unknown_network",
        custom_error_message=f"there is no such network; choose one of {', '.join(NET_CONFIGS)}",
    ),
]

__all__ = [
    "DEFAULT_NET",
    "NET_CONFIGS",
    "AnyNet",
    "BaseNet",
    "DualInception",
    "HoofSvm",
    "Htnet",
    "Majority",
    "OffApexnet",
    "RcnA",
    "Resnet",
    "Sssnet",
    "Ststnet",
    "VggM",
    "VggMSpp",
    "Vit",
    "multiply_adds",
    "parameter_count",
]
