"""Settings of a small vision transformer."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal

from pydantic import Field, ValidationInfo, field_validator

from models_ml.nets.base import CHANNELS, BaseNet, dropout_field
from models_ml.nets.patches import check_heads, patch_field, patches_per_side
from models_ml.nets.shapes import Layer, Shapes


class Vit(BaseNet):
    """Vision transformer on patches of the flow image."""

    title: ClassVar[str] = "ViT"
    paper: ClassVar[str] = "Dosovitskiy et al., ICLR 2021"
    position: ClassVar[int] = 10
    small: ClassVar[Mapping[str, Any]] = {"width": 8, "heads": 2, "layers": 2}

    name: Literal["vit"] = Field("vit", title="Network", description="Network to train.")
    patch: int = patch_field(4)
    width: int = Field(64, ge=1, le=512, title="Width", description="Channels per patch.")
    heads: int = Field(
        4, ge=1, le=16, title="Heads", description="Attention heads per layer; must divide the width."
    )
    layers: int = Field(4, ge=1, le=12, title="Layers", description="Transformer layers.")
    dropout: float = dropout_field(0.1, "of the output of each part of a transformer layer")

    @field_validator("heads")
    @classmethod
    def _check_heads(cls, heads: int, info: ValidationInfo) -> int:
        return check_heads(info.data.get("width"), heads)

    def layers_for(self, size: int, classes: int = 3) -> Sequence[Layer]:
        shapes = Shapes(CHANNELS, size)
        side = patches_per_side(size, self.patch)
        shapes.conv("patches", self.width, self.patch, self.patch)
        shapes.other("positions", self.width * side**2, 0)
        shapes.transformer(f"transformer, {self.layers} layers", self.layers)
        shapes.other("normalisation", 2 * self.width, 0)
        shapes.side = 1
        shapes.linear("classifier", classes)
        return shapes.layers

    def describe(self) -> str:
        return f"{self.title}, {self.layers} layers, patch {self.patch}"
