"""The most frequent class: what anything has to beat."""

from collections.abc import Sequence
from typing import ClassVar, Literal

from pydantic import Field

from models_ml.nets.base import BaseNet
from models_ml.nets.shapes import Layer


class Majority(BaseNet):
    """Always the most frequent class of the training samples. None of the training settings concerns it."""

    title: ClassVar[str] = "Majority class"
    position: ClassVar[int] = 102
    trained_by_gradient: ClassVar[bool] = False

    name: Literal["majority"] = Field("majority", title="Network", description="Family of networks.")

    def layers_for(self, size: int, classes: int = 3) -> Sequence[Layer]:
        return [Layer("class shares", classes, 1, classes, 0)]
