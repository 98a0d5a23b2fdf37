"""Configurations in words: the names of their options, their settings, and where several differ."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from pydantic import BaseModel

from models_ml.config import NET_CONFIGS, FeatureConfig, RunConfig
from models_ml.nets.base import MissingNet, multiply_adds, parameter_count
from models_ml.nets.registry import PLUGINS

Settings = list[tuple[str, str]]  # the title and the value of each
PROTOCOL_FIELDS = ("protocol", "folds", "train_on", "test_on")
# Options that papers write differently from the configuration; the description of a setting explains its others.
OPTION_NAMES = {
    "tvl1": "TV-L1",
    "farneback": "Farnebäck",
    "dis": "DIS",
    "clahe": "CLAHE",
    **{name: net.title for name, net in NET_CONFIGS.items()},
}
ABSENT = "–"


@dataclass(frozen=True)
class NetworkFacts:
    """A network's title, paper and size; multiply-adds are for one sample.

    ``package`` is the package that defines it, with its version; empty for a network of the platform. If that package is not
    installed, ``missing`` says so, and the sizes are None.
    """

    title: str
    paper: str
    parameters: int | None
    multiply_adds: int | None
    package: str = ""
    missing: str = ""


def network_facts(config: RunConfig) -> NetworkFacts:
    net, size = config.net, config.features.size
    if isinstance(net, MissingNet):
        return NetworkFacts(net.title, "", None, None, missing=net.missing)
    package = PLUGINS.packages.get(net.name, "")
    return NetworkFacts(net.title, net.paper, parameter_count(net, size), multiply_adds(net, size), package)


def protocol_in_words(config: RunConfig) -> str:
    """Return the protocol as one phrase. Two runs on one version are tested alike exactly if their phrases are equal.

    kfold's assignment of subjects to folds depends on the seed, which the phrase leaves out.

    >>> protocol_in_words(RunConfig(protocol="kfold", folds=3))
    '3 folds of whole subjects'
    """
    if config.protocol == "loso":
        return "leave one subject out"
    if config.protocol == "lodo":
        return "leave one database out"
    if config.protocol == "kfold":
        return f"{config.folds} folds of whole subjects"
    return f"trained on {', '.join(sorted(config.train_on))}, tested on {', '.join(sorted(config.test_on))}"


def features_in_words(config: FeatureConfig) -> str:
    """Return feature settings as one line.

    >>> features_in_words(FeatureConfig())
    'TV-L1, 28×28 of a 128 pixel crop, similarity alignment, head motion: median'
    """
    parts = [
        option_name(config.flow),
        f"{config.size}×{config.size} of a {config.crop_size} pixel crop",
        "whole frame" if config.align == "none" else f"{config.align} alignment",
        f"head motion: {config.head_motion}",
    ]
    if config.normalise != "none":
        parts.append(f"intensity: {option_name(config.normalise)}")
    return ", ".join(parts)


def network_in_words(config: RunConfig) -> str:
    """Return the network and all its settings, for a message.

    >>> network_in_words(RunConfig.model_validate({"net": {"name": "ststnet"}}))
    'STSTNet (normalisation layers batch; dropout 0.5)'
    """
    settings = [
        f"{title.lower()} {text}" for name, (title, text) in _settings(config.net).items() if name != "name"
    ]
    return f"{config.net.title} ({'; '.join(settings)})" if settings else config.net.title


def option_name(option: str) -> str:
    """Return an option as papers write it."""
    return OPTION_NAMES.get(option, option)


def settings_by_section(config: RunConfig) -> list[tuple[str, Settings]]:
    """Return the title of each section of a run's configuration, with the titles and values of the settings that it uses."""
    known = _all_settings(config)
    own: dict[str, Settings] = {title: [] for title in ("Testing", "Network", "Training", "Motion features")}
    sections = {"run": "Testing", "net": "Network", "train": "Training", "features": "Motion features"}
    for (section, _), setting in known.items():
        own[sections[section]].append(setting)
    return [(title, settings) for title, settings in own.items() if settings]


@dataclass(frozen=True)
class Difference:
    """A setting in which configurations differ: its section and title, and its value in each; None where it is not used."""

    section: str
    title: str
    values: list[str | None]


def differences(configs: Sequence[RunConfig]) -> list[tuple[str, list[str]]]:
    """Return the settings in which configurations differ: title, and the value in each; ABSENT where there is none.

    A configuration has no value of a setting that it does not use, for example of the epochs of a fitted network.
    """
    return [
        (one.title, [ABSENT if value is None else value for value in one.values])
        for one in differing_settings(configs)
    ]


def differing_settings(configs: Sequence[RunConfig]) -> list[Difference]:
    """Return the settings in which configurations differ, in the order in which they first occur."""
    rows: dict[tuple[str, str], Difference] = {}
    for number, config in enumerate(configs):
        for path, (title, text) in _all_settings(config).items():
            if path not in rows:
                rows[path] = Difference(path[0], title, [None] * len(configs))
            rows[path].values[number] = text
    return [one for one in rows.values() if len(set(one.values)) > 1]


@lru_cache(maxsize=1024)  # pages of large experiments ask for the same configurations again and again
def _all_settings(config: RunConfig) -> Mapping[tuple[str, str], tuple[str, str]]:
    """Title and value of each setting that is used, by section and name; the settings of the protocol are one, in words."""
    own = {"protocol": ("Protocol", protocol_in_words(config))}
    own |= {name: value for name, value in _settings(config).items() if name not in PROTOCOL_FIELDS}
    parts = {
        "features": _settings(config.features),
        "net": _settings(config.net),
        "train": _settings(config.train),
        "run": own,
    }
    unused = config.unused()
    return {
        (section, name): value
        for section, part in parts.items()
        for name, value in part.items()
        if (name if section == "run" else f"{section}.{name}") not in unused
    }


def _settings(part: BaseModel) -> dict[str, tuple[str, str]]:
    """Title and value of each setting of one section, by its name."""
    known = {
        name: (info.title or name, value_in_words(getattr(part, name)))
        for name, info in type(part).model_fields.items()
        if not isinstance(getattr(part, name), BaseModel)
    }
    others = part.model_extra or {}  # of a network that is not installed, which has no titles for them
    return known | {name: (name, value_in_words(value)) for name, value in others.items()}


def value_in_words(value: Any) -> str:
    """Return the value of a setting as pages show it."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, tuple | list):
        return ", ".join(map(str, value)) or ABSENT
    return OPTION_NAMES.get(value, str(value))
