"""Stored configurations as flat settings, for tables of a thousand runs: nothing is validated here.

A path names a setting as users write it: ``train.epochs``, ``net.kernels``, ``seed``.
"""

from collections.abc import Mapping
from functools import cache
from typing import Any

from pydantic import BaseModel

from mer_platform.configurations.display import PROTOCOL_FIELDS
from models_ml.config import NET_CONFIGS, FeatureConfig, RunConfig, TrainConfig
from models_ml.config.run import unused_settings
from models_ml.nets.base import BaseNet
from models_ml.nets.registry import DEFAULT_NET

SEED = "seed"
NETWORK = "net.name"
_SECTIONS: dict[str, type[BaseModel]] = {"features": FeatureConfig, "train": TrainConfig}


def flat_settings(config: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return the settings that a stored configuration uses, by path; lists as tuples, and without those of the protocol.

    Settings that were added after the configuration was stored have their defaults. Empty without a configuration.

    >>> flat_settings({"net": {"name": "majority"}, "seed": 3})["seed"]
    3
    """
    if not config:
        return {}
    net = config.get("net") or {}
    name = net.get("name", DEFAULT_NET)
    kind = NET_CONFIGS.get(name)  # None if the network is no longer installed
    flat: dict[str, Any] = {NETWORK: name}
    flat |= {f"net.{key}": value for key, value in {**(_defaults(kind) if kind else {}), **net}.items()}
    for section, model in _SECTIONS.items():
        values = {**_defaults(model), **config.get(section, {})}
        flat |= {f"{section}.{key}": value for key, value in values.items()}
    own = {**_defaults(RunConfig), **config}
    flat |= {key: value for key, value in own.items() if key not in _NOT_FLAT}
    unused = unused_settings(own["protocol"], flat["train.loss"], flat["train.epoch_choice"], kind or BaseNet)
    return {
        path: tuple(value) if isinstance(value, list) else value
        for path, value in flat.items()
        if path not in unused
    }


_NOT_FLAT = {*_SECTIONS, "net", *PROTOCOL_FIELDS}


@cache
def setting_titles() -> dict[str, str]:
    """Return the title of each setting by its path: the network, its settings, training, features, then the others."""
    titles = {NETWORK: "Network", "ensemble": _title(RunConfig, "ensemble"), SEED: _title(RunConfig, SEED)}
    for net in NET_CONFIGS.values():
        for name in net.model_fields:
            titles.setdefault(f"net.{name}", _title(net, name))
    for section, model in _SECTIONS.items():
        titles |= {f"{section}.{name}": _title(model, name) for name in model.model_fields}
    return titles


def _title(model: type[BaseModel], name: str) -> str:
    return model.model_fields[name].title or name


@cache
def _defaults(model: type[BaseModel]) -> dict[str, Any]:
    """Default of each plain field; sections of a configuration are left out."""
    return {
        name: field.default
        for name, field in model.model_fields.items()
        if not isinstance(field.default, BaseModel)
    }
