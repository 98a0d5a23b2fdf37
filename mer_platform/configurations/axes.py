"""Values to try, as they are typed: ``2,3 | 2,3,4`` for lists, ``0.001 | 0.01`` for numbers."""

import json
from dataclasses import dataclass, field
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from mer_platform.configurations.fields import NumberList, field_of
from models_ml.config import NET_CONFIGS, FeatureConfig, RunConfig, TrainConfig

WHOLE = ("protocol", "folds", "ensemble")
YES, NO = ("yes", "true", "1", "on"), ("no", "false", "0", "off")


@dataclass(frozen=True)
class Axis:
    """One row of the form: a setting, and the text of its values."""

    path: str = ""
    text: str = ""
    errors: list[str] = field(default_factory=list)


def settings() -> dict[str, list[tuple[str, str]]]:
    """What can be varied, by section: the setting's path and its title; those of all networks, each once."""
    nets = {
        f"net.{name}": info.title or name
        for config in NET_CONFIGS.values()
        for name, info in config.model_fields.items()
        if name != "name"
    }
    return {
        "Network": [("net", "Network itself"), *nets.items()],
        "Training": _titles("train.", TrainConfig),
        "Protocol": [(name, RunConfig.model_fields[name].title or name) for name in WHOLE],
        "Motion features": _titles("features.", FeatureConfig),
    }


def title_of(path: str) -> str:
    return next((title for named in settings().values() for known, title in named if known == path), path)


def parse(path: str, text: str, net: str) -> list[Any]:
    """The values of one axis. ``net`` is the network they are for. Raises ValidationError saying which value is wrong."""
    words = text.split("|")
    if path == "net":
        names = words if "{" in text else _scalars(words)
        return [_network(word.strip()) for word in names]
    info = _info(path, net)
    if info is None:
        raise ValidationError(f"There is no setting “{path}”; choose one of the list.")
    kind = field_of(info)
    if not isinstance(kind, NumberList):
        words = _scalars(words)
    if not any(word.strip() for word in words):
        raise ValidationError("Give at least one value, for example: " + _example(kind))
    return [_value(kind, word.strip()) for word in words]


def written(path: str, values: list[Any]) -> str:
    """The values as ``parse`` reads them."""
    if path == "net":
        return " | ".join(v["name"] if set(v) == {"name"} else json.dumps(v) for v in values)
    texts = [",".join(map(str, v)) if isinstance(v, list | tuple) else str(v) for v in values]
    return " | ".join({"True": "yes", "False": "no"}.get(text, text) for text in texts)


def _scalars(words: list[str]) -> list[str]:
    """Single values may be separated by commas as well."""
    return [part for word in words for part in word.split(",") if part.strip()]


def _network(word: str) -> dict[str, Any]:
    """A network by its name, or with some of its settings: ``{"name": "vgg_m", "layers": 2}``."""
    if not word.startswith("{"):
        if word not in NET_CONFIGS:
            raise ValidationError(f"There is no network “{word}”; choose among {', '.join(NET_CONFIGS)}.")
        return {"name": word}
    try:
        return json.loads(word)
    except ValueError as error:
        raise ValidationError(f"“{word}” is not JSON: {error}.") from error


def _value(kind: forms.Field, word: str) -> Any:
    if isinstance(kind, forms.BooleanField):
        if word.lower() not in (*YES, *NO):
            raise ValidationError(f"“{word}” is neither yes nor no.")
        return word.lower() in YES
    try:
        return kind.clean(word)
    except ValidationError as error:
        if hasattr(kind, "choices"):
            known = ", ".join(str(value) for value, _ in kind.choices)
            raise ValidationError(f"“{word}” is not one of {known}.") from error
        if isinstance(kind, NumberList):
            raise  # it says which number
        raise ValidationError(f"“{word}”: {' '.join(error.messages)}") from error


def _example(kind: forms.Field) -> str:
    if isinstance(kind, NumberList):
        return "2,3 | 2,3,4 | 2,3,4,5,6"
    if isinstance(kind, forms.BooleanField):
        return "yes | no"
    if hasattr(kind, "choices"):
        return " | ".join(str(value) for value, _ in kind.choices)
    return f"{kind.initial}"


def _info(path: str, net: str) -> FieldInfo | None:
    section, _, name = path.rpartition(".")
    models: dict[str, list[type[BaseModel]]] = {
        "net": [NET_CONFIGS[net], *NET_CONFIGS.values()],
        "train": [TrainConfig],
        "features": [FeatureConfig],
        "": [RunConfig] if name in WHOLE else [],
    }
    if name == "name":
        return None
    fields = (model.model_fields.get(name) for model in models.get(section, []))
    return next((info for info in fields if info is not None), None)


def _titles(prefix: str, model: type[BaseModel]) -> list[tuple[str, str]]:
    return [(prefix + name, info.title or name) for name, info in model.model_fields.items()]
