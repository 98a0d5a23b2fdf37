"""The axes of a grid as they are typed: ``2,3 | 2,3,4`` for lists, ``0.001 | 0.01`` for numbers."""

import json
from dataclasses import dataclass, field
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from mer_platform.configurations.fields import NumberList, field_of
from models_ml.config import NET_CONFIGS, FeatureConfig, RunConfig, TrainConfig

PROTOCOL = ("protocol", "folds", "ensemble")
YES, NO = ("yes", "true", "1", "on"), ("no", "false", "0", "off")


@dataclass(frozen=True)
class Axis:
    """One row of the form: a setting to vary, and its values as typed."""

    path: str = ""
    text: str = ""
    errors: list[str] = field(default_factory=list)


def settings_to_vary() -> dict[str, list[tuple[str, str]]]:
    """Return the path and title of each setting that can vary, by section. Settings that networks share appear once."""
    nets = {
        f"net.{name}": info.title or name
        for config in NET_CONFIGS.values()
        for name, info in config.model_fields.items()
        if name != "name"
    }
    return {
        "Network": [("net", "Network"), *nets.items()],
        "Training": _titles("train.", TrainConfig),
        "Protocol": [(name, RunConfig.model_fields[name].title or name) for name in PROTOCOL],
        "Motion features": _titles("features.", FeatureConfig),
    }


def title_of(path: str) -> str:
    """Return a setting's title; its path where there is no such setting."""
    return next(
        (title for named in settings_to_vary().values() for known, title in named if known == path), path
    )


def parse_values(path: str, text: str, net: str) -> list[Any]:
    """Return the values of one axis. ``net`` names the network whose settings are varied.

    Raises ValidationError with the value that is wrong.
    """
    words = text.split("|")
    if path == "net":
        names = words if "{" in text else _split_at_commas(words)
        return [_network(word.strip()) for word in names]
    info = _field_info(path, net)
    if info is None:
        raise ValidationError(f"There is no setting “{path}”. Choose one from the list.")
    form_field = field_of(info)
    if not isinstance(form_field, NumberList):
        words = _split_at_commas(words)
    if not any(word.strip() for word in words):
        raise ValidationError(f"Enter at least one value, for example {_example(form_field)}.")
    return [_value(form_field, word.strip()) for word in words]


def format_values(path: str, values: list[Any]) -> str:
    """Return the values as text that ``parse_values`` reads."""
    if path == "net":
        return " | ".join(v["name"] if set(v) == {"name"} else json.dumps(v) for v in values)
    texts = [",".join(map(str, v)) if isinstance(v, list | tuple) else str(v) for v in values]
    return " | ".join({"True": "yes", "False": "no"}.get(text, text) for text in texts)


def _split_at_commas(words: list[str]) -> list[str]:
    """Values that are not lists may be separated by commas too."""
    return [part for word in words for part in word.split(",") if part.strip()]


def _network(word: str) -> dict[str, Any]:
    """A network by name, or as JSON with some of its settings: ``{"name": "vgg_m", "layers": 2}``."""
    if not word.startswith("{"):
        if word not in NET_CONFIGS:
            raise ValidationError(f"There is no network “{word}”. Choose one of {', '.join(NET_CONFIGS)}.")
        return {"name": word}
    try:
        return json.loads(word)
    except ValueError as error:
        raise ValidationError(f"“{word}” is not JSON: {error}.") from error


def _value(form_field: forms.Field, word: str) -> Any:
    if isinstance(form_field, forms.BooleanField):
        if word.lower() not in (*YES, *NO):
            raise ValidationError(f"“{word}” is neither yes nor no.")
        return word.lower() in YES
    try:
        return form_field.clean(word)
    except ValidationError as error:
        if hasattr(form_field, "choices"):
            known = ", ".join(str(value) for value, _ in form_field.choices)
            raise ValidationError(f"“{word}” is not one of {known}.") from error
        if isinstance(form_field, NumberList):
            raise  # its message names the number that is wrong
        raise ValidationError(f"“{word}”: {' '.join(error.messages)}") from error


def _example(form_field: forms.Field) -> str:
    if isinstance(form_field, NumberList):
        return "2,3 | 2,3,4 | 2,3,4,5,6"
    if isinstance(form_field, forms.BooleanField):
        return "yes | no"
    if hasattr(form_field, "choices"):
        return " | ".join(str(value) for value, _ in form_field.choices)
    return f"{form_field.initial}"


def _field_info(path: str, net: str) -> FieldInfo | None:
    section, _, name = path.rpartition(".")
    models: dict[str, list[type[BaseModel]]] = {
        "net": [NET_CONFIGS[net], *NET_CONFIGS.values()],
        "train": [TrainConfig],
        "features": [FeatureConfig],
        "": [RunConfig] if name in PROTOCOL else [],
    }
    if name == "name":
        return None
    fields = (model.model_fields.get(name) for model in models.get(section, []))
    return next((info for info in fields if info is not None), None)


def _titles(prefix: str, model: type[BaseModel]) -> list[tuple[str, str]]:
    return [(prefix + name, info.title or name) for name, info in model.model_fields.items()]
