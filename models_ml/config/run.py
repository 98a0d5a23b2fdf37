"""The configuration of one run."""

import hashlib
import json
from functools import cache
from typing import Any, Literal, Self

from pydantic import (
    Field,
    SerializationInfo,
    SerializerFunctionWrapHandler,
    ValidationInfo,
    field_serializer,
    field_validator,
)

from models_ml.config.features import FeatureConfig
from models_ml.config.training import TrainConfig
from models_ml.config_base import Config, ShapeError, located
from models_ml.nets.base import BaseNet, MissingNet
from models_ml.nets.registry import DEFAULT_NET, NET_CONFIGS, AnyNet
from models_ml.nets.vgg_m.config import VggMSpp

MOST_DATABASES = 100  # for each side of cross


class RunConfig(Config):
    """The configuration of one run: with a composite version, all that its predictions depend on.

    >>> RunConfig().net.kernels
    (2, 3, 4, 5, 6)
    >>> RunConfig.model_validate({"net": {"kernels": [2, 9]}})
    Traceback (most recent call last):
    ...
    pydantic_core._pydantic_core.ValidationError: 1 validation error for RunConfig
    net.kernels.1
      Kernel 9 is larger than the 6×6 map after layer 2 (input 28×28). ...
    """

    features: FeatureConfig = Field(FeatureConfig(), title="Features")
    net: AnyNet = Field(VggMSpp(), title="Network")
    train: TrainConfig = Field(TrainConfig(), title="Training")
    protocol: Literal["loso", "lodo", "kfold", "cross"] = Field(
        "loso",
        title="Protocol",
        description="loso: leave one subject out, each in turn; lodo: leave one database out; kfold: distribute the "
        "subjects over k folds; cross: train on some databases, test on others.",
    )
    folds: int = Field(5, ge=2, le=50, title="Folds", description="Number of folds; kfold only.")
    train_on: tuple[str, ...] = Field(
        (), max_length=MOST_DATABASES, title="Train on", description="Databases to train on; cross only."
    )
    test_on: tuple[str, ...] = Field(
        (), max_length=MOST_DATABASES, title="Test on", description="Databases to test on; cross only."
    )
    ensemble: int = Field(
        1,
        ge=1,
        le=20,
        title="Networks per fold",
        description="Each fold trains this many networks from different initial weights and averages their probabilities.",
    )
    seed: int = Field(
        0,
        ge=0,
        le=2**31 - 1,
        title="Seed",
        description="Start of every random stream: the same seed gives the same result.",
    )

    @field_validator("net")
    @classmethod
    def _check_shapes(cls, net: AnyNet, info: ValidationInfo) -> AnyNet:
        if "features" in info.data:
            try:
                net.layers_for(info.data["features"].size)
            except ShapeError as error:
                raise located(error.field, None, str(error)) from None
        return net

    @field_validator("train_on", "test_on")
    @classmethod
    def _check_databases(cls, databases: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        if info.data.get("protocol") != "cross":
            return databases
        if not databases:
            what = str(info.field_name).replace("_", " ")
            raise located((), [], f"Name the databases to {what}: the protocol cross needs them.")
        both = sorted(set(info.data.get("train_on", ())) & set(databases))
        if both:
            raise located(
                (), both, f"{both[0]} is in both lists: a database is either trained on or tested on."
            )
        return databases

    @field_serializer("net", mode="wrap")
    def _dump_net(
        self, net: AnyNet, usual: SerializerFunctionWrapHandler, info: SerializationInfo
    ) -> dict[str, Any]:
        """Return the network's settings; those of a missing one are of no class that pydantic knows."""
        return net.model_dump(mode=info.mode) if isinstance(net, MissingNet) else usual(net)

    @classmethod
    def from_stored(cls, value: Any) -> Self:
        """Return a stored configuration, also if its network's package is no longer installed.

        >>> RunConfig.from_stored({"net": {"name": "mynet", "width": 8}}).net.title
        'mynet (not installed)'
        """
        net = value.get("net", {}) if isinstance(value, dict) else {}
        if not isinstance(net, dict) or net.get("name", DEFAULT_NET) in NET_CONFIGS:
            return cls.model_validate(value)
        # Any network that fits every input size stands in while the rest is validated.
        config = cls.model_validate({**value, "net": {"name": "majority"}})
        return config.model_copy(update={"net": MissingNet.model_validate(net)})

    def unused(self) -> frozenset[str]:
        """Return the paths of the settings that change nothing with the values of the others.

        >>> sorted(RunConfig().unused())
        ['folds', 'test_on', 'train.focal_gamma', 'train.validation_share', 'train_on']
        """
        return unused_settings(self.protocol, self.train.loss, self.train.epoch_choice, type(self.net))

    def content_hash(self) -> str:
        """Return the SHA-256 (hex) of the whole configuration, with defaults for the settings that change nothing.

        Spelling, order and omitted defaults make no difference.
        """
        content = self.model_dump(mode="json")
        for path in self.unused():
            section, _, name = path.rpartition(".")
            place, usual = (content[section], _usual()[section]) if section else (content, _usual())
            place[name] = usual[name]
        text = json.dumps(content, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()


@cache
def unused_settings(protocol: str, loss: str, epoch_choice: str, net: type[BaseNet]) -> frozenset[str]:
    """Return the paths of the settings that change nothing, as ``RunConfig.unused``, from the values that decide it."""
    unused = set()
    if protocol != "kfold":
        unused.add("folds")
    if protocol != "cross":
        unused |= {"train_on", "test_on"}
    if loss != "focal":
        unused.add("train.focal_gamma")
    if epoch_choice != "validation":
        unused.add("train.validation_share")
    if not net.trained_by_gradient:  # fitted at once, and every network of an ensemble is the same
        unused |= {"ensemble", *(f"train.{name}" for name in TrainConfig.model_fields)}
        if net.weighs_classes:
            unused.remove("train.class_weights")
    return frozenset(unused)


@cache
def _usual() -> dict[str, Any]:
    return RunConfig().model_dump(mode="json")


def field_path(loc: tuple[str | int, ...]) -> str:
    """Return the path of a setting as users write it, without the name of the network that pydantic adds.

    >>> field_path(("net", "vgg_m_spp", "kernels", 1))
    'net.kernels.1'
    """
    parts = [str(part) for part in loc]
    if len(parts) > 1 and parts[0] == "net" and parts[1] in NET_CONFIGS:
        del parts[1]
    return ".".join(parts) or "config"
