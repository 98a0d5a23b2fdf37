"""Settings of a baseline: histograms of oriented optical flow and a linear support vector machine."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal

from pydantic import Field

from models_ml.config_base import ShapeError
from models_ml.nets.base import BaseNet
from models_ml.nets.shapes import Layer, Shapes


class HoofSvm(BaseNet):
    """Histograms of oriented optical flow on a grid, and a linear support vector machine.

    Of the training settings, it uses only the class weights.
    """

    title: ClassVar[str] = "HOOF + SVM"
    paper: ClassVar[str] = "Chaudhry et al., CVPR 2009; Liu et al., IEEE TAC 7(4), 2016"
    position: ClassVar[int] = 101
    trained_by_gradient: ClassVar[bool] = False
    small: ClassVar[Mapping[str, Any]] = {"grid": 2, "bins": 4}

    name: Literal["hoof_svm"] = Field("hoof_svm", title="Network", description="Network to train.")
    grid: int = Field(
        5,
        ge=1,
        le=16,
        title="Grid",
        description="Cells per side of the image; each cell has its own histogram.",
    )
    bins: int = Field(8, ge=2, le=32, title="Bins", description="Directions of motion per histogram.")
    cost: float = Field(
        0.01,
        ge=1e-6,
        le=1e4,
        title="Cost",
        description="Penalty C of a training sample on the wrong side.",
    )

    def layers_for(self, size: int, classes: int = 3) -> Sequence[Layer]:
        if self.grid > size:
            raise ShapeError(
                f"A grid of {self.grid}×{self.grid} cells is finer than the {size}×{size} image. Choose a grid of at most "
                f"{size} or a larger feature size.",
                "grid",
            )
        shapes = Shapes(self.bins, self.grid)
        shapes.linear("linear support vector machine", classes)
        return shapes.layers

    def describe(self) -> str:
        return f"{self.title}, {self.grid}×{self.grid} cells, {self.bins} bins"
