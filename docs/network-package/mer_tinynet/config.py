"""Settings of TinyNet. Web processes import this module, so it imports no PyTorch."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal

from pydantic import Field

from models_ml.nets.base import CHANNELS, BaseNet, dropout_field
from models_ml.nets.shapes import Layer, Shapes


class TinyNet(BaseNet):
    """One convolution and a classifier."""

    title: ClassVar[str] = "TinyNet"
    paper: ClassVar[str] = "our lab, unpublished"
    small: ClassVar[Mapping[str, Any]] = {"width": 12}

    name: Literal["tinynet"] = Field("tinynet", title="Network", description="Network to train.")
    width: int = Field(16, ge=1, le=256, title="Width", description="Channels of the convolution.")
    dropout: float = dropout_field(0.2, "of the numbers before the classifier")

    def layers_for(self, size: int, classes: int = 3) -> Sequence[Layer]:
        shapes = Shapes(CHANNELS, size)
        shapes.conv("layer 1", self.width, kernel=5, pool=(3, 3, 0))
        shapes.linear("classifier", classes)
        return shapes.layers
