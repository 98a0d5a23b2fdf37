"""Settings of HTNet: a hierarchy of transformers, first within parts of the face, then across them."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal

from pydantic import Field, ValidationInfo, field_validator

from models_ml.config_base import ShapeError
from models_ml.nets.base import CHANNELS, BaseNet, dropout_field
from models_ml.nets.patches import check_heads, patch_field, patches_per_side
from models_ml.nets.shapes import Layer, Shapes


class Htnet(BaseNet):
    """Hierarchical transformer network: attention within blocks of the image, which become larger with each level."""

    title: ClassVar[str] = "HTNet"
    paper: ClassVar[str] = "Wang et al., Neurocomputing 602, 2024"
    position: ClassVar[int] = 8
    small: ClassVar[Mapping[str, Any]] = {"patch": 4, "width": 8, "layers": 1}

    name: Literal["htnet"] = Field("htnet", title="Network", description="Network to train.")
    patch: int = patch_field(7)
    levels: int = Field(
        2,
        ge=1,
        le=4,
        title="Levels",
        description="Levels of the hierarchy. The last one sees the whole image; each earlier one divides it into twice as "
        "many blocks per side.",
    )
    width: int = Field(
        64,
        ge=1,
        le=512,
        title="Width",
        description="Channels per patch at the first level; each further level doubles them.",
    )
    heads: int = Field(
        2,
        ge=1,
        le=16,
        title="Heads",
        description="Attention heads at the first level; each further level doubles them.",
    )
    layers: int = Field(2, ge=1, le=12, title="Layers", description="Transformer layers per level.")
    dropout: float = dropout_field(0.1, "of the output of each part of a transformer layer")

    @field_validator("heads")
    @classmethod
    def _check_heads(cls, heads: int, info: ValidationInfo) -> int:
        return check_heads(info.data.get("width"), heads)

    def layers_for(self, size: int, classes: int = 3) -> Sequence[Layer]:
        shapes = Shapes(CHANNELS, size)
        side = patches_per_side(size, self.patch)
        self._check_blocks(size, side)
        shapes.conv("patches", self.width, self.patch, self.patch)
        for level in range(1, self.levels + 1):
            cuts = 2 ** (self.levels - level)
            width, block = shapes.channels, shapes.side // cuts
            shapes.other(f"level {level}, positions", width * block**2, 0)
            shapes.transformer(
                f"level {level}, {self.layers} layers in {cuts}×{cuts} blocks", self.layers, cuts
            )
            if level < self.levels:
                shapes.conv(f"level {level}, aggregation", 2 * width, 3, padding=1, pool=(3, 2, 1))
                shapes.other(f"level {level}, normalisation", 4 * width, 0)
        shapes.other("normalisation", 2 * shapes.channels, 0)
        shapes.side = 1
        shapes.linear("classifier", classes)
        return shapes.layers

    def _check_blocks(self, size: int, side: int) -> None:
        cuts = 2 ** (self.levels - 1)
        if side % cuts:
            raise ShapeError(
                f"{self.levels} levels need {cuts}×{cuts} equal blocks, and the {side}×{side} patches of "
                f"{self.patch}×{self.patch} pixels (input {size}×{size}) do not divide into them. Choose fewer levels, "
                "another patch or another feature size.",
                "levels",
            )

    def describe(self) -> str:
        return f"{self.title}, {self.levels} level{'s' if self.levels > 1 else ''}, patch {self.patch}"
