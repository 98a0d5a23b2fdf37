"""Settings of OFF-ApexNet: two streams, for horizontal and for vertical motion."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal

from pydantic import Field

from models_ml.nets.base import BaseNet, dropout_field, norm_field
from models_ml.nets.shapes import Layer, Shapes

CHANNELS = (6, 16)  # of each stream's first and second layer


class OffApexnet(BaseNet):
    """Optical flow features from apex frame network: one convolutional stream for u and one for v."""

    title: ClassVar[str] = "OFF-ApexNet"
    paper: ClassVar[str] = "Gan et al., Signal Processing: Image Communication 74, 2019"
    position: ClassVar[int] = 4
    small: ClassVar[Mapping[str, Any]] = {"hidden": 24}

    name: Literal["off_apexnet"] = Field("off_apexnet", title="Network", description="Network to train.")
    hidden: int = Field(
        1024, ge=1, le=4096, title="Hidden units", description="Units of each of the two hidden layers."
    )
    norm: Literal["batch", "none"] = norm_field("none")
    dropout: float = dropout_field()

    def layers_for(self, size: int, classes: int = 3) -> Sequence[Layer]:
        shapes = Shapes(2, size)
        for number, channels in enumerate(CHANNELS, start=1):
            shapes.conv(
                f"layer {number} of u and v",
                2 * channels,
                5,
                padding=2,
                pool=(2, 2, 0),
                batch_norm=self.norm == "batch",
                groups=2,
            )
        shapes.linear("hidden layer 1", self.hidden)
        shapes.linear("hidden layer 2", self.hidden)
        shapes.linear("classifier", classes)
        return shapes.layers
