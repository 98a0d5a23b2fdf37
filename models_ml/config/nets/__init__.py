"""The networks that can be chosen, each with its own settings."""

from typing import Annotated, Any

from pydantic import Discriminator, Tag

from models_ml.config.nets.base import BaseNet, multiply_adds, parameter_count
from models_ml.config.nets.ststnet import Ststnet
from models_ml.config.nets.vgg_m import VggM, VggMSpp

DEFAULT_NET = "vgg_m_spp"


# By name, in the order in which they are offered.
NET_CONFIGS: dict[str, type[BaseNet]] = {"vgg_m_spp": VggMSpp, "vgg_m": VggM, "ststnet": Ststnet}


def _name_of(value: Any) -> str:
    """A network that is not named is the default one."""
    return value.get("name", DEFAULT_NET) if isinstance(value, dict) else getattr(value, "name", DEFAULT_NET)


AnyNet = Annotated[
    Annotated[VggMSpp, Tag("vgg_m_spp")] | Annotated[VggM, Tag("vgg_m")] | Annotated[Ststnet, Tag("ststnet")],
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
    "Ststnet",
    "VggM",
    "VggMSpp",
    "multiply_adds",
    "parameter_count",
]
