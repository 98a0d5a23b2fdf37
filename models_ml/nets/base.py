"""What every network's configuration can say of itself."""

from collections.abc import Sequence
from typing import Any, ClassVar

from pydantic import Field

from models_ml.config_base import Config
from models_ml.nets.shapes import Layer

CHANNELS = 3  # u, v, optical strain


def norm_field(default: str) -> Any:
    """Whether there is batch normalisation; the default is the paper's."""
    return Field(
        default,
        title="Normalisation layers",
        description="batch: batch normalisation after each convolution; none.",
    )


def dropout_field(default: float = 0.5, what: str = "of the units before each classifier layer") -> Any:
    """The share that is dropped; the default is the paper's."""
    return Field(
        default, ge=0, le=0.95, title="Dropout", description=f"Share {what} that is dropped in training."
    )


class BaseNet(Config):
    """A network by name. Each subclass has a ``name`` field of one value."""

    title: ClassVar[str]
    paper: ClassVar[str] = ""
    position: ClassVar[int] = 100  # in lists of networks, lowest first: before the baselines
    trained_by_gradient: ClassVar[bool] = True
    fused: ClassVar[bool] = False  # trained on a CPU by compiled loops (models_ml/nets/fused.py)

    name: str = ""

    def layers_for(self, size: int, classes: int = 3) -> Sequence[Layer]:
        """Its layers for a ``size`` × ``size`` input. Raises ShapeError with the numbers in question if it does not fit."""
        raise NotImplementedError

    def in_words(self) -> str:
        """Return the network and all its settings, for a message: "ResNet (blocks 1, width 4, …)"."""
        settings = {
            field.title or name: getattr(self, name)
            for name, field in type(self).model_fields.items()
            if name != "name"
        }
        listed = ", ".join(f"{title.lower()} {_written(value)}" for title, value in settings.items())
        return f"{self.title} ({listed})" if listed else self.title

    def describe(self) -> str:
        """The network in a few words, for a run's name."""
        return self.title


def _written(value: Any) -> str:
    return str(list(value)) if isinstance(value, tuple) else str(value)


def parameter_count(net: BaseNet, size: int) -> int:
    """Number of trained weights."""
    return sum(layer.parameters for layer in net.layers_for(size))


def multiply_adds(net: BaseNet, size: int) -> int:
    """Multiply-adds of the convolutions, linear layers and attention for one sample."""
    return sum(layer.multiply_adds for layer in net.layers_for(size))
