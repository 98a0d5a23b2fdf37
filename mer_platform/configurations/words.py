"""What a run is, in words: its protocol, its network's facts, its settings, and where those of several runs differ."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from mer_platform.configurations.fields import NAMES
from mer_platform.experiments.models import Run
from models_ml.config import NET_CONFIGS, RunConfig
from models_ml.nets.base import multiply_adds, parameter_count

Settings = list[tuple[str, str]]  # title and value of each
PROTOCOL_FIELDS = ("protocol", "folds", "train_on", "test_on")
WORDS = {**NAMES, **{name: net.title for name, net in NET_CONFIGS.items()}}  # for values of settings


@dataclass(frozen=True)
class Network:
    """A network's facts; weights and multiply-adds are those for the run's picture size, the latter for one sample."""

    title: str
    paper: str
    parameters: int
    multiply_adds: int


def network_of(config: RunConfig) -> Network:
    net, size = config.net, config.features.size
    return Network(net.title, net.paper, parameter_count(net, size), multiply_adds(net, size))


def protocol_in_words(config: RunConfig) -> str:
    """Two runs on one version are tested alike if and only if these words are equal; kfold's deal comes with the seed.

    >>> protocol_in_words(RunConfig(protocol="kfold", folds=3))
    '3 folds of whole subjects'
    """
    if config.protocol == "loso":
        return "leave one subject out"
    if config.protocol == "lodo":
        return "leave one database out"
    if config.protocol == "kfold":
        return f"{config.folds} folds of whole subjects"
    return f"trained on {_listed(config.train_on)}, tested on {_listed(config.test_on)}"


def described(run: Run) -> list[tuple[str, Settings]]:
    """All settings: the title of each section, and its settings with their values."""
    config = run.settings
    testing = [
        ("Protocol", protocol_in_words(config)),
        (RunConfig.model_fields["ensemble"].title or "", str(config.ensemble)),
        (RunConfig.model_fields["seed"].title or "", str(config.seed)),
    ]
    parts = (("Network", config.net), ("Training", config.train), ("Motion features", config.features))
    return [("Testing", testing), *((title, list(_settings(part).values())) for title, part in parts)]


def differences(runs: Sequence[Run]) -> list[tuple[str, list[str]]]:
    """The settings in which runs differ: title, and the value of each run; “–” where a run's network has none such."""
    rows: dict[tuple[str, str], list[str]] = {}
    titles: dict[tuple[str, str], str] = {}
    for number, run in enumerate(runs):
        for place, (title, text) in _all_settings(run.settings).items():
            titles.setdefault(place, title)
            rows.setdefault(place, ["–"] * len(runs))[number] = text
    return [(titles[place], values) for place, values in rows.items() if len(set(values)) > 1]


def _all_settings(config: RunConfig) -> dict[tuple[str, str], tuple[str, str]]:
    """Title and value by section and name; the protocol's settings are one, in words."""
    own = {name: value for name, value in _settings(config).items() if name not in PROTOCOL_FIELDS}
    own["protocol"] = ("Protocol", protocol_in_words(config))
    parts = {
        "features": _settings(config.features),
        "net": _settings(config.net),
        "train": _settings(config.train),
        "run": own,
    }
    return {(section, name): value for section, part in parts.items() for name, value in part.items()}


def _settings(part: BaseModel) -> dict[str, tuple[str, str]]:
    """Title and value of each setting of one section, by its name."""
    return {
        name: (info.title or name, _text(getattr(part, name)))
        for name, info in type(part).model_fields.items()
        if not isinstance(getattr(part, name), BaseModel)
    }


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, tuple | list):
        return ", ".join(map(str, value)) or "–"
    return WORDS.get(value, str(value))


def _listed(names: Sequence[str]) -> str:
    return ", ".join(sorted(names))
