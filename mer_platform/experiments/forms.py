"""The run form, built from the configuration's own schema: one field a setting, with its bounds and its words."""

from collections.abc import Iterator
from typing import Any, Literal, get_args, get_origin

import annotated_types
from django import forms
from django.core.exceptions import ValidationError
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from mer_platform.experiments.models import Run
from mer_platform.experiments.services import parse_config
from models_ml.config import FeatureConfig, RunConfig, TrainConfig, VggMSpp

SECTIONS: dict[str, tuple[str, type[BaseModel]]] = {
    "net": ("Network", VggMSpp),
    "train": ("Training", TrainConfig),
    "features": ("Motion features", FeatureConfig),
}

PYRAMID = ("kernels", "placement", "pooling", "fusion")
# Names that papers write in another way than the configuration; the other options are explained by their field.
NAMES = {
    "vgg_m_spp": "VGG-M with SPP",
    "tvl1": "TV-L1",
    "farneback": "Farnebäck",
    "dis": "DIS",
    "clahe": "CLAHE",
}


class NumberList(forms.CharField):
    """Whole numbers separated by commas or blanks."""

    def clean(self, value: Any) -> list[int]:
        text = super().clean(value)
        words = text.replace(",", " ").split()
        wrong = [word for word in words if not (word.isdecimal() and len(word) < 5)]
        if wrong:
            raise ValidationError(f"“{wrong[0]}” is not a whole number; write for example: 2, 3, 4, 5, 6.")
        return [int(word) for word in words]


class RunForm(forms.Form):
    """Fields are named ``section-setting`` (``net-kernels``); ``config`` holds the result of a valid form."""

    config: RunConfig

    def __init__(self, *args: Any, versions: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["version"] = forms.ModelChoiceField(versions, label="Composite version", empty_label=None)
        self.fields["name"] = forms.CharField(
            max_length=120,
            required=False,
            help_text="Without one, the run is named after its network.",
        )
        self.fields["seed"] = field_of(RunConfig.model_fields["seed"])
        for section, (_, model) in SECTIONS.items():
            for name, info in model.model_fields.items():
                self.fields[f"{section}-{name}"] = field_of(info)

    def pyramid(self) -> list[forms.BoundField]:
        """The settings that runs are usually compared by."""
        return [self[f"net-{name}"] for name in PYRAMID]

    def others(self) -> Iterator[tuple[str, str, list[forms.BoundField], bool]]:
        """All other settings: section, its title, its fields, and whether one of them is wrong."""
        for section, (title, model) in SECTIONS.items():
            names = [name for name in model.model_fields if section != "net" or name not in PYRAMID]
            fields = [self[f"{section}-{name}"] for name in names]
            yield section, title, fields, any(field.errors for field in fields)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if self.errors:
            return cleaned
        data: dict[str, Any] = {
            section: {name: cleaned[f"{section}-{name}"] for name in model.model_fields}
            for section, (_, model) in SECTIONS.items()
        }
        try:
            self.config = parse_config({**data, "seed": cleaned["seed"]})
        except ValidationError as error:
            for place, messages in error.message_dict.items():
                name = "-".join(place.split(".")[:2])
                self.add_error(name if name in self.fields else None, messages)
        return cleaned


def initial_of(run: Run) -> dict[str, Any]:
    """What the form shows to make another run like this one."""
    values = {
        f"{section}-{name}": ", ".join(map(str, value)) if isinstance(value, list) else value
        for section in SECTIONS
        for name, value in run.config[section].items()
    }
    return {**values, "version": run.version_id, "seed": run.config["seed"]}


def field_of(info: FieldInfo) -> forms.Field:
    """The form field of one setting."""
    common: dict[str, Any] = {
        "label": info.title,
        "help_text": info.description or "",
        "initial": info.default,
    }
    kind = info.annotation
    if get_origin(kind) is Literal:
        return forms.ChoiceField(
            choices=[(option, NAMES.get(option, option)) for option in get_args(kind)], **common
        )
    if kind is bool:
        return forms.BooleanField(required=False, **common)
    if get_origin(kind) in (tuple, list):
        return NumberList(**{**common, "initial": ", ".join(str(n) for n in info.default)})
    low, high = _bounds(info)
    if kind is int:
        return forms.IntegerField(min_value=low, max_value=high, **common)
    if kind is float:
        return forms.FloatField(
            min_value=low, max_value=high, widget=forms.NumberInput(attrs={"step": "any"}), **common
        )
    raise TypeError(f"no form field for {kind}")


def _bounds(info: FieldInfo) -> tuple[Any, Any]:
    low = next((m.ge for m in info.metadata if isinstance(m, annotated_types.Ge)), None)
    high = next((m.le for m in info.metadata if isinstance(m, annotated_types.Le)), None)
    return low, high
