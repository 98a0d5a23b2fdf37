"""Settings of Dual-Inception: two streams of inception blocks, for horizontal and for vertical motion."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal

from pydantic import Field

from models_ml.nets.base import BaseNet, dropout_field, norm_field
from models_ml.nets.shapes import Layer, Shapes

WIDTHS = (6, 16)  # channels of each branch in the first and second block
BRANCHES = 4


class DualInception(BaseNet):
    """Dual-Inception network: one stream of inception blocks for u and one for v."""

    title: ClassVar[str] = "Dual-Inception"
    paper: ClassVar[str] = "Zhou et al., FG 2019"
    position: ClassVar[int] = 6
    small: ClassVar[Mapping[str, Any]] = {"hidden": 24}

    name: Literal["dual_inception"] = Field(
        "dual_inception", title="Network", description="Network to train."
    )
    hidden: int = Field(1024, ge=1, le=4096, title="Hidden units", description="Units of the hidden layer.")
    norm: Literal["batch", "none"] = norm_field("none")
    dropout: float = dropout_field(0)

    def layers_for(self, size: int, classes: int = 3) -> Sequence[Layer]:
        shapes = Shapes(2, size)
        for number, width in enumerate(WIDTHS, start=1):
            self._block(shapes, f"inception block {number} of u and v", width)
        shapes.linear("hidden layer", self.hidden)
        shapes.linear("classifier", classes)
        return shapes.layers

    def _block(self, shapes: Shapes, name: str, width: int) -> None:
        incoming, positions = shapes.channels // 2, shapes.side**2
        weights = BRANCHES * incoming * width + (3**2 + 5**2) * width**2
        convolutions = BRANCHES + 2
        others = convolutions * width * (3 if self.norm == "batch" else 1)
        shapes.pool(name, 2, 2)
        shapes.channels = 2 * BRANCHES * width
        shapes.other(name, 2 * (weights + others), 2 * weights * positions)
