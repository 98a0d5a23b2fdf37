"""The form of a run, built from the schema of its configuration, for any network."""

from collections.abc import Iterator
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from pydantic import BaseModel

from mer_platform.composites.models import CompositeVersion
from mer_platform.configurations.fields import field_of, field_value
from mer_platform.configurations.parsing import parse_config
from mer_platform.configurations.settings_form import Setting, SettingsForm, SettingsGroup
from mer_platform.projects.access import row_id
from models_ml.config import NET_CONFIGS, FeatureConfig, RunConfig, TrainConfig
from models_ml.nets.registry import DEFAULT_NET

# The training settings that most runs change. The others are in groups that open; the last one has what no group names.
ESSENTIAL = ("epochs", "batch_size", "learning_rate")
EVALUATION = ("epoch_choice", "validation_share", "oracle")
GROUPS = {
    "optimiser": ("Optimiser and schedule", ("optimizer", "schedule", "warmup", "weight_decay")),
    "loss": ("Loss and classes", ("loss", "focal_gamma", "label_smoothing", "class_weights", "sampling")),
    "augmentation": ("Augmentation", ("flip", "shift", "rotate", "amplitude", "apex_jitter", "mixup")),
    "averaging": ("Averaging and other settings", ("ema",)),
}
# A setting that applies only if another one has one of these values. Otherwise it is neither shown nor sent.
SHOWN_WHEN = {
    "folds": ("protocol", "kfold"),
    "train_on": ("protocol", "cross"),
    "test_on": ("protocol", "cross"),
    "train-validation_share": ("train-epoch_choice", "validation"),
    "train-focal_gamma": ("train-loss", "focal"),
}


class NetForm(SettingsForm):
    """The settings of one network with their defaults."""

    def __init__(self, net: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.net = net
        self.fields.update(_settings("net", NET_CONFIGS[net]))


class RunForm(SettingsForm):
    """Fields are named ``section-setting`` (``net-kernels``). A valid form has ``config``."""

    conditions = SHOWN_WHEN
    config: RunConfig

    def __init__(self, *args: Any, versions: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.net = self._chosen("net-name", DEFAULT_NET)
        if self.net not in NET_CONFIGS:
            self.net = DEFAULT_NET
        self.chosen_version = (
            versions.filter(pk=row_id(str(self._chosen("version", "")))).first() or versions.first()
        )
        self.versions = versions
        self._add_fields()
        if self.is_bound:
            self._require_only_what_is_shown()

    def _add_fields(self) -> None:
        self.fields["version"] = forms.ModelChoiceField(
            self.versions, label="Composite version", empty_label=None
        )
        self.fields["name"] = forms.CharField(
            max_length=120, required=False, help_text="Leave empty to name it after its network and settings."
        )
        self.fields["net-name"] = forms.ChoiceField(
            label="Network", choices=[(name, _titled(name)) for name in NET_CONFIGS], initial=DEFAULT_NET
        )
        self.fields.update(_settings("net", NET_CONFIGS[self.net]))
        self.fields.update(_settings("train", TrainConfig))
        self.fields.update(_settings("features", FeatureConfig))
        for name in ("protocol", "folds", "ensemble", "seed"):
            self.fields[name] = field_of(RunConfig.model_fields[name])
        for name in ("train_on", "test_on"):
            self.fields[name] = databases_field(name, self.chosen_version)

    def _chosen(self, name: str, default: str) -> Any:
        """Return the value of a field that determines which other fields exist."""
        return (self.data.get(name) if self.is_bound else self.initial.get(name)) or default

    def _require_only_what_is_shown(self) -> None:
        for name in self.conditions:
            self.fields[name].required &= self[name].applies
        unasked = [] if self.net_asked else ["net-name", *self._names("net", NET_CONFIGS[self.net])]
        if not self.by_gradient:
            unasked += ["ensemble", *self._names("train", TrainConfig)]
        for name in unasked:
            self.fields[name].required = False

    @property
    def net_asked(self) -> bool:
        return True

    @property
    def by_gradient(self) -> bool:
        return NET_CONFIGS[self.net].trained_by_gradient

    @property
    def training_shown_when(self) -> str:
        """The networks that have training settings: those trained by gradient."""
        return "net-name=" + " ".join(name for name, net in NET_CONFIGS.items() if net.trained_by_gradient)

    def networks(self) -> Iterator[tuple[str, list[Setting], bool]]:
        """Yield the name of each network, the fields of its settings, and whether it is chosen."""
        for name, config in NET_CONFIGS.items():
            form = self if name == self.net else NetForm(name)
            yield name, [form[field] for field in self._names("net", config)], name == self.net

    def network(self) -> Setting:
        return self["net-name"]

    def databases(self) -> list[Setting]:
        """The fields that choose the version's databases for training and for testing."""
        return [self["train_on"], self["test_on"]]

    def databases_outdated(self) -> bool:
        """Return whether the page offers the databases of a version that is no longer chosen."""
        return self.chosen_version is not None and self.data.get("databases_of") != str(
            self.chosen_version.pk
        )

    def essentials(self) -> list[Setting]:
        return [self[f"train-{name}"] for name in ESSENTIAL]

    def tested_by(self) -> list[Setting]:
        return [self[name] for name in ("protocol", "folds", "seed")]

    def evaluation(self) -> list[Setting]:
        """The fields that choose the epoch and the number of networks."""
        return [*(self[f"train-{name}"] for name in EVALUATION), self["ensemble"]]

    def groups(self) -> list[SettingsGroup]:
        """The groups of the other training settings."""
        named = {*ESSENTIAL, *EVALUATION, *(name for _, names in GROUPS.values() for name in names)}
        rest = [name for name in TrainConfig.model_fields if name not in named]
        last = list(GROUPS)[-1]
        groups = []
        for key, (title, names) in GROUPS.items():
            fields = [self[f"train-{name}"] for name in (*names, *(rest if key == last else ()))]
            groups.append(SettingsGroup(key, title, fields))
        return groups

    def features(self) -> SettingsGroup:
        return SettingsGroup(
            "features", "Motion features", [self[n] for n in self._names("features", FeatureConfig)]
        )

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        try:
            self._conclude(cleaned)
        except ValidationError as error:
            self._add_errors(error.message_dict)
        return cleaned

    def _conclude(self, cleaned: dict[str, Any]) -> None:
        """Make ``config`` of the fields. Raises ValidationError by field of the configuration."""
        self.config = parse_config(self._data(cleaned))

    def _add_errors(self, by_place: dict[str, list[str]]) -> None:
        """Add the configuration's errors to those fields that have none of their own."""
        wrong = set(self.errors)
        for place, messages in by_place.items():
            parts = place.split(".")
            names = ("-".join(parts[:2]), parts[0])
            name = next((name for name in names if name in self.fields), None)
            if name not in wrong:
                self.add_error(name, messages)

    def _data(self, cleaned: dict[str, Any]) -> dict[str, Any]:
        """Return the configuration as JSON. Settings that the form did not ask for are left out and get their defaults.

        A setting with an error is None, which no setting accepts, so nothing that depends on it is checked.
        """
        sections: dict[str, type[BaseModel]] = {"features": FeatureConfig}
        if self.by_gradient:
            sections["train"] = TrainConfig
        if self.net_asked:
            sections["net"] = NET_CONFIGS[self.net]
        whole = (
            "protocol",
            "folds",
            "train_on",
            "test_on",
            "seed",
            *(("ensemble",) if self.by_gradient else ()),
        )
        data: dict[str, Any] = {name: cleaned.get(name) for name in whole if self[name].applies}
        for section, model in sections.items():
            names = [name for name in self._names(section, model) if self[name].applies]
            data[section] = {name.removeprefix(f"{section}-"): cleaned.get(name) for name in names}
        if self.net_asked:
            data["net"]["name"] = self.net
        return data

    @staticmethod
    def _names(section: str, model: type[BaseModel]) -> list[str]:
        return list(_settings(section, model))


def initial_of(data: dict[str, Any]) -> dict[str, Any]:
    """Return the form's initial values for a configuration, or a part of one, as JSON."""
    if data.get("net", {}).get("name", DEFAULT_NET) not in NET_CONFIGS:  # its package is not installed
        data = {**data, "net": {}}
    net = {"name": DEFAULT_NET, **data.get("net", {})}
    model = NET_CONFIGS[net["name"]]
    usual = RunConfig(net=model()).model_dump(mode="json")
    data = {
        **usual,
        **data,
        **{name: {**usual[name], **data.get(name, {})} for name in ("net", "train", "features")},
    }
    values = {name: value for name, value in data.items() if not isinstance(value, dict)}
    for section in ("net", "train", "features"):
        values |= {f"{section}-{name}": field_value(value) for name, value in data[section].items()}
    return values


def _settings(section: str, model: type[BaseModel]) -> dict[str, forms.Field]:
    return {
        f"{section}-{name}": field_of(info)
        for name, info in model.model_fields.items()
        if (section, name) != ("net", "name")
    }


def _titled(net: str) -> str:
    config = NET_CONFIGS[net]
    return f"{config.title} ({config.paper})" if config.paper else config.title


def databases_field(name: str, version: CompositeVersion | None) -> forms.MultipleChoiceField:
    """Return the field ``train_on`` or ``test_on``, which offers the version's databases."""
    info = RunConfig.model_fields[name]
    known = (
        version.samples.order_by("database").values_list("database", flat=True).distinct() if version else ()
    )
    return forms.MultipleChoiceField(
        label=info.title,
        help_text=info.description or "",
        choices=[(database, database) for database in known],
        widget=forms.CheckboxSelectMultiple,
        required=False,
        error_messages={"invalid_choice": "This version has no samples of the database “%(value)s”."},
    )
