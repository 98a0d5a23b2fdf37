"""Settings of RCN-A: a recurrent convolutional network with attention."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal

from pydantic import Field

from models_ml.config_base import ShapeError
from models_ml.nets.base import CHANNELS, BaseNet, dropout_field, norm_field
from models_ml.nets.shapes import Layer, Shapes

STEPS = 2  # times the recurrent convolution is applied


class RcnA(BaseNet):
    """Recurrent convolutional network with an attention unit."""

    title: ClassVar[str] = "RCN-A"
    paper: ClassVar[str] = "Xia et al., IEEE TIP 29, 2020"
    position: ClassVar[int] = 7
    small: ClassVar[Mapping[str, Any]] = {"width": 6, "grid": 3}

    name: Literal["rcn_a"] = Field("rcn_a", title="Network", description="Network to train.")
    width: int = Field(64, ge=1, le=512, title="Width", description="Channels of each map.")
    layers: int = Field(1, ge=1, le=4, title="Layers", description="Recurrent convolution layers.")
    grid: int = Field(
        5,
        ge=1,
        le=32,
        title="Grid",
        description="Positions per side to which the last map is averaged before attention; at most the map's side.",
    )
    norm: Literal["batch", "none"] = norm_field("batch")
    dropout: float = dropout_field(what="of the values of a map after each pooling")

    def layers_for(self, size: int, classes: int = 3) -> Sequence[Layer]:
        shapes = Shapes(CHANNELS, size)
        batch = self.norm == "batch"
        shapes.conv("layer 1", self.width, 5, pool=(2, 2, 0), batch_norm=batch, bias=not batch)
        for number in range(1, self.layers + 1):
            self._recurrent(shapes, f"recurrent layer {number}")
        self._check_grid(shapes)
        shapes.side = self.grid
        shapes.other("attention", 0, classes * self.width * self.grid**2)
        shapes.linear("classifier", classes)
        return shapes.layers

    def _recurrent(self, shapes: Shapes, name: str) -> None:
        positions, width = shapes.side**2, self.width
        per_channel = 2 if self.norm == "batch" else 1
        shapes.pool(name, 2, 2, field="layers")
        weights, recurrent = width**2, 3**2 * width**2
        shapes.other(
            name, weights + recurrent + 2 * per_channel * width, (weights + STEPS * recurrent) * positions
        )

    def _check_grid(self, shapes: Shapes) -> None:
        side, size = shapes.side, shapes.input_side
        if self.grid > side:
            raise ShapeError(
                f"A grid of {self.grid}×{self.grid} is finer than the {side}×{side} map after recurrent layer "
                f"{self.layers} (input {size}×{size}). Choose a grid of at most {side}, fewer layers or a larger "
                "feature size.",
                "grid",
            )

    def describe(self) -> str:
        return f"{self.title}, {self.width} channels"
