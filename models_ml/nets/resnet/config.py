"""Settings of a small residual network."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal

from pydantic import Field

from models_ml.nets.base import CHANNELS, BaseNet, dropout_field, norm_field
from models_ml.nets.shapes import Layer, Shapes

STAGES = 3


class Resnet(BaseNet):
    """Residual network in the form for small images: three stages of residual blocks."""

    title: ClassVar[str] = "ResNet"
    paper: ClassVar[str] = "He et al., CVPR 2016"
    position: ClassVar[int] = 9
    small: ClassVar[Mapping[str, Any]] = {"width": 4}

    name: Literal["resnet"] = Field("resnet", title="Network", description="Network to train.")
    blocks: int = Field(
        1,
        ge=1,
        le=9,
        title="Blocks",
        description="Residual blocks per stage; n blocks make a network of 6n + 2 layers.",
    )
    width: int = Field(
        16,
        ge=1,
        le=256,
        title="Width",
        description="Channels of the first stage; each further stage doubles them.",
    )
    norm: Literal["batch", "none"] = norm_field("batch")
    dropout: float = dropout_field(0)

    def layers_for(self, size: int, classes: int = 3) -> Sequence[Layer]:
        shapes, batch = Shapes(CHANNELS, size), self.norm == "batch"
        shapes.conv("layer 1", self.width, 3, padding=1, batch_norm=batch, bias=not batch)
        for stage in range(STAGES):
            for block in range(self.blocks):
                self._block(shapes, f"stage {stage + 1}, block {block + 1}", stage, first=block == 0)
        shapes.side = 1
        shapes.linear("classifier", classes)
        return shapes.layers

    def _block(self, shapes: Shapes, name: str, stage: int, first: bool) -> None:
        batch, incoming, before = self.norm == "batch", shapes.channels, shapes.side
        channels, stride = self.width * 2**stage, 2 if first and stage else 1
        shapes.conv(f"{name}, layer 1", channels, 3, stride, 1, batch_norm=batch, bias=not batch)
        shapes.conv(f"{name}, layer 2", channels, 3, 1, 1, batch_norm=batch, bias=not batch)
        if stride == 2:
            per_channel = 2 if batch else 1
            weights = incoming * channels
            shapes.other(
                f"{name}, shortcut", weights + per_channel * channels, weights * ((before + 1) // 2) ** 2
            )

    def describe(self) -> str:
        return f"{self.title}-{2 * STAGES * self.blocks + 2}, width {self.width}"
