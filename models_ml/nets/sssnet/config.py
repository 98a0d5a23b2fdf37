"""Settings of SSSNet: one shallow stream."""

from collections.abc import Sequence
from typing import ClassVar, Literal

from pydantic import Field

from models_ml.nets.base import CHANNELS, BaseNet, dropout_field, norm_field
from models_ml.nets.shapes import Layer, Shapes

WIDTHS = (32, 64)  # channels of the two convolutions
HIDDEN = 256


class Sssnet(BaseNet):
    """Shallow single stream network: two convolutions and a hidden layer."""

    title: ClassVar[str] = "SSSNet"
    paper: ClassVar[str] = "Varanka et al., Electronic Imaging 2021"
    position: ClassVar[int] = 5

    name: Literal["sssnet"] = Field("sssnet", title="Network", description="Network to train.")
    norm: Literal["batch", "none"] = norm_field("batch")
    dropout: float = dropout_field(what="of the maps after each convolution, and of the hidden units")

    def layers_for(self, size: int, classes: int = 3) -> Sequence[Layer]:
        shapes, batch_norm = Shapes(CHANNELS, size), self.norm == "batch"
        shapes.conv("layer 1", WIDTHS[0], 5, pool=(3, 3, 0), batch_norm=batch_norm)
        shapes.conv("layer 2", WIDTHS[1], 3, pool=(2, 2, 0), batch_norm=batch_norm)
        shapes.linear("hidden layer", HIDDEN)
        shapes.linear("classifier", classes)
        return shapes.layers
