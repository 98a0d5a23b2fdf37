"""Settings of STSTNet: three shallow streams."""

from collections.abc import Sequence
from typing import ClassVar, Literal

from pydantic import Field

from models_ml.nets.base import CHANNELS, BaseNet, dropout_field, norm_field
from models_ml.nets.shapes import Layer, Shapes

STREAMS = (3, 5, 8)  # channels of each stream


class Ststnet(BaseNet):
    """Shallow triple stream network: three streams of one convolution each."""

    title: ClassVar[str] = "STSTNet"
    paper: ClassVar[str] = "Liong et al., FG 2019"
    position: ClassVar[int] = 3
    fused: ClassVar[bool] = True

    name: Literal["ststnet"] = Field("ststnet", title="Network", description="Network to train.")
    norm: Literal["batch", "none"] = norm_field("batch")
    dropout: float = dropout_field()

    def layers_for(self, size: int, classes: int = 3) -> Sequence[Layer]:
        shapes = Shapes(CHANNELS, size)
        shapes.conv("streams", sum(STREAMS), 3, padding=2, pool=(3, 3, 1), batch_norm=self.norm == "batch")
        shapes.pool("average pooling", 2, 2)
        shapes.linear("classifier", classes)
        return shapes.layers
