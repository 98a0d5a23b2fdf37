"""The networks that can be chosen. Imports no torch.

A network is a folder of ``models_ml/nets`` with two files: ``config.py`` holds its settings, a class derived from
``BaseNet``, and ``network.py`` the network itself, a class ``Network``. Nothing else names it: forms, the API, sweeps and
the tests of all networks take it from here. Installed packages add networks (``models_ml.nets.plugins``).
"""

import importlib
import pkgutil
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any, Union

from pydantic import Discriminator, Tag

from models_ml import nets
from models_ml.nets.base import BaseNet
from models_ml.nets.plugins import find_plugins

DEFAULT_NET = "vgg_m_spp"


def _find_configs() -> dict[str, type[BaseNet]]:
    """Return the configuration classes of all folders by name."""
    found: dict[str, type[BaseNet]] = {}
    for config in _config_classes():
        name = config.model_fields["name"].default
        if name in found:
            raise TypeError(f"{found[name].__module__} and {config.__module__} both name a network {name!r}")
        found[name] = config
    return found


def _config_classes() -> Iterator[type[BaseNet]]:
    for folder in pkgutil.iter_modules(nets.__path__, f"{nets.__name__}."):
        if folder.ispkg:
            module = importlib.import_module(f"{folder.name}.config")
            for value in vars(module).values():
                if (
                    isinstance(value, type)
                    and issubclass(value, BaseNet)
                    and value.__module__ == module.__name__
                ):
                    yield value


_OWN = _find_configs()
PLUGINS = find_plugins(_OWN)
# By name, in the order in which forms list them.
NET_CONFIGS = dict(
    sorted({**_OWN, **PLUGINS.configs}.items(), key=lambda item: (item[1].position, item[1].title))
)


def _name_of(value: Any) -> str:
    """Return the network's name; a network without a name is the default one."""
    return value.get("name", DEFAULT_NET) if isinstance(value, dict) else getattr(value, "name", DEFAULT_NET)


if TYPE_CHECKING:
    AnyNet = BaseNet
else:
    AnyNet = Annotated[
        Union[tuple(Annotated[config, Tag(name)] for name, config in NET_CONFIGS.items())],  # noqa: UP007
        Discriminator(
            _name_of,
            custom_error_type="unknown_network",
            custom_error_message=f"This network does not exist. Choose one of {', '.join(NET_CONFIGS)}.",
        ),
    ]
