"""The base of all networks' configurations. Imports no torch."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from pydantic import ConfigDict, Field

from models_ml.config_base import Config
from models_ml.errors import InputError
from models_ml.nets.shapes import Layer

CHANNELS = 3  # of the input: u, v, optical strain


def norm_field(default: str) -> Any:
    """Return the setting for batch normalisation; ``default`` is the paper's choice."""
    return Field(
        default,
        title="Normalisation layers",
        description="batch: batch normalisation after each convolution; none: no normalisation.",
    )


def dropout_field(default: float = 0.5, what: str = "of the units before each classifier layer") -> Any:
    """Return the setting for dropout; ``default`` is the paper's choice."""
    return Field(
        default, ge=0, le=0.95, title="Dropout", description=f"In training, drops this share {what}."
    )


class BaseNet(Config):
    """Configuration of one network: a subclass in ``config.py`` of the network's folder, or in an installed package.

    Attributes
    ----------
    name
        Names the network in configurations; each subclass allows one value.
    title
        Name that pages show.
    paper
        Authors, venue and year of the source.
    position
        Place in lists of networks, lowest first. The default comes after the others and before the baselines.
    trained_by_gradient
        False for a baseline that is fitted: its network derives from ``FittedNetwork``.
    weighs_classes
        Whether the class weights in the training settings change it.
    fused
        Whether it is trained on CPUs by the compiled loops of ``models_ml/nets/fused.py``.
    module
        Name of the module with the class ``Network``; empty: the module ``network`` next to the one of this class.
    small
        Settings of a small form of the network, with which its checks are fast.
    """

    title: ClassVar[str]
    paper: ClassVar[str] = ""
    position: ClassVar[int] = 100
    trained_by_gradient: ClassVar[bool] = True
    weighs_classes: ClassVar[bool] = True
    fused: ClassVar[bool] = False
    module: ClassVar[str] = ""
    small: ClassVar[Mapping[str, Any]] = {}

    name: str = ""

    def layers_for(self, size: int, classes: int = 3) -> Sequence[Layer]:
        """Return the layers for an input of ``size`` × ``size`` pixels.

        Raises
        ------
        ShapeError
            The network does not fit the input. The message states the sizes concerned and what to change.
        """
        raise NotImplementedError

    def describe(self) -> str:
        """Return a few words for the name of a run."""
        return self.title


class MissingNet(BaseNet):
    """The stored settings of a network whose package is not installed. Such a run can be read, but not trained.

    >>> MissingNet(name="mynet", width=8).describe()
    'mynet (not installed)'
    """

    model_config = ConfigDict(extra="allow")

    name: str = Field("", title="Network")

    @property
    def title(self) -> str:  # type: ignore[override]
        return f"{self.name} (not installed)"

    @property
    def missing(self) -> str:
        """A sentence on what is missing."""
        return (
            f"The package that defines the network “{self.name}” is not installed. Install it, and restart the platform and "
            "its workers."
        )

    def layers_for(self, size: int, classes: int = 3) -> Sequence[Layer]:
        raise InputError(self.missing)


def parameter_count(net: BaseNet, size: int) -> int:
    """Return the number of trained weights."""
    return sum(layer.parameters for layer in net.layers_for(size))


def multiply_adds(net: BaseNet, size: int) -> int:
    """Return the multiply-adds for one sample: of the convolutions, linear layers and attention."""
    return sum(layer.multiply_adds for layer in net.layers_for(size))
